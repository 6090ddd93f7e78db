//! A tile of one band of integers as the values that occur in it: exact, and as small as can be.

use bytes::Bytes;
use msvpu_actors::{Context, Result};

use super::centers::Centers;
use super::histogram::{count_u8, count_u16};
use super::planes::Sample;
use super::results::ClassSums;
use super::sum::CompensatedSum;
use super::tile::TileHead;
use crate::scene::SampleType;

/// Bytes looked up between two looks at the cancellation flag.
const CHUNK_BYTES: usize = 1 << 20;

/// The distinct values of a tile, ascending, with the number of pixels of each.
#[derive(Debug)]
pub(crate) struct Levels {
    /// As stored; an index into a table of labels.
    pub(crate) values: Vec<u16>,
    /// The same, for the arithmetic.
    pub(crate) reals: Vec<f64>,
    /// The pixels of each value.
    pub(crate) counts: Vec<u64>,
    /// The same, for the arithmetic.
    pub(crate) weights: Vec<f64>,
    /// Pixels of the nodata value.
    pub(crate) nodata: Option<u16>,
    /// Whether a sample has two bytes.
    pub(crate) wide: bool,
    /// The samples, which the labels are looked up for in the end.
    pub(crate) samples: Bytes,
}

impl Levels {
    /// Counts the samples of a tile, as many as its shape says.
    pub(crate) fn load(
        head: &TileHead,
        samples: Bytes,
        nodata: Option<f64>,
        context: &Context,
    ) -> Result<Self> {
        let (counts, nodata) = if head.shape.sample == SampleType::U8 {
            let nodata = nodata.and_then(u8::rounded).map(u16::from);
            (count_u8(&samples, context)?, nodata)
        } else {
            (count_u16(&samples, context)?, nodata.and_then(u16::rounded))
        };
        let (values, counts): (Vec<u16>, Vec<u64>) = (0..=u16::MAX)
            .zip(counts)
            .filter(|&(value, count)| count > 0 && Some(value) != nodata)
            .unzip();
        Ok(Self {
            reals: values.iter().copied().map(f64::from).collect(),
            weights: counts.iter().map(|&count| count as f64).collect(),
            values,
            counts,
            nodata,
            wide: head.shape.sample != SampleType::U8,
            samples,
        })
    }

    /// The sample at this index of the tile.
    pub(crate) fn stored(&self, index: usize) -> u16 {
        if self.wide {
            u16::read(&self.samples[2 * index..][..2])
        } else {
            u16::from(self.samples[index])
        }
    }

    /// Pixels with data.
    pub(crate) fn pixels(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// ER1 to ER3 of c-means.
    pub(crate) fn hard(&self, centers: &Centers) -> (f64, ClassSums) {
        let mut weighted_sum = vec![0; centers.classes()];
        let mut weight = vec![0; centers.classes()];
        let mut distance = CompensatedSum::default();
        for ((class, &value), &count) in self
            .nearest(centers)
            .into_iter()
            .zip(&self.values)
            .zip(&self.counts)
        {
            weighted_sum[class] += u64::from(value) * count;
            weight[class] += count;
            distance.add((f64::from(value) - centers.values()[class]).abs() * count as f64);
        }
        (
            distance.value(),
            ClassSums::Integer {
                weighted_sum,
                weight,
            },
        )
    }

    /// The index of the nearest center of each value; of several at the same distance the least.
    ///
    /// One walk over values and sorted centers, O(levels + K log K): along sorted centers the
    /// distance to a value never rises before the nearest and never falls behind it.
    pub(crate) fn nearest(&self, centers: &Centers) -> Vec<usize> {
        let mut sorted: Vec<(f64, usize)> = centers.values().iter().copied().zip(0..).collect();
        sorted.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let mut at = 0;
        self.reals
            .iter()
            .map(|value| {
                let distance = |index: usize| (value - sorted[index].0).abs();
                while at + 1 < sorted.len() && distance(at + 1) <= distance(at) {
                    at += 1;
                }
                // Only centers beyond 2⁵³, whose distances round to ties, are ever behind.
                while at > 0 && distance(at - 1) < distance(at) {
                    at -= 1;
                }
                let least = distance(at);
                // Those that are as near stand right before.
                sorted[..=at]
                    .iter()
                    .rev()
                    .take_while(|center| (value - center.0).abs() == least)
                    .map(|center| center.1)
                    .min()
                    .unwrap_or(0)
            })
            .collect()
    }

    /// A table for [`look_up`](Self::look_up), of an entry for each value that can be stored.
    pub(crate) fn table<const N: usize>(&self) -> Vec<[u8; N]> {
        vec![[0; N]; if self.wide { 1 << 16 } else { 1 << 8 }]
    }

    /// Appends for each sample of the tile the entry of its value, zeros for nodata. `entries`
    /// come in the order of [`values`](Self::values); `table` may have been used before.
    pub(crate) fn look_up<const N: usize>(
        &self,
        table: &mut [[u8; N]],
        entries: impl Iterator<Item = [u8; N]>,
        bytes: &mut Vec<u8>,
        context: &Context,
    ) -> Result<()> {
        for (&value, entry) in self.values.iter().zip(entries) {
            table[usize::from(value)] = entry;
        }
        for chunk in self.samples.chunks(CHUNK_BYTES) {
            context.check()?;
            if self.wide {
                let (samples, _) = chunk.as_chunks::<2>();
                let found = samples
                    .iter()
                    .map(|&s| table[usize::from(u16::from_le_bytes(s))]);
                append(bytes, found);
            } else {
                append(bytes, chunk.iter().map(|&s| table[usize::from(s)]));
            }
        }
        Ok(())
    }
}

fn append<const N: usize>(bytes: &mut Vec<u8>, values: impl ExactSizeIterator<Item = [u8; N]>) {
    let start = bytes.len();
    bytes.resize(start + N * values.len(), 0);
    let (places, _) = bytes[start..].as_chunks_mut::<N>();
    for (place, value) in places.iter_mut().zip(values) {
        *place = value;
    }
}
