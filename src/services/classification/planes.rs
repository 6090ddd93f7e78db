//! The pixels of a tile band by band, for scenes whose every pixel is visited each round.

use bytes::Bytes;
use msvpu_actors::{Context, ProgramError, Result};
use pulp::{Arch, Simd, WithSimd};

use super::nearest::GROUP_PIXELS;
use super::settings::MAX_VALUE;
use super::tile::TileHead;
pub(crate) use crate::services::sample::Sample;

/// Pixels read between two looks at the cancellation flag.
const CHUNK_PIXELS: usize = 1 << 16;

/// The pixels with data of a tile: one contiguous plane per band, in row-major order.
///
/// Pixels without data are left out, so that no round has to ask for them. Planes are filled up with
/// zeros to whole groups of pixels.
#[derive(Debug)]
pub(crate) struct Planes<T> {
    bands: Vec<Vec<T>>,
    pixels: usize,
    /// Pixels of the tile, with data or without.
    pub(crate) tile_pixels: usize,
    /// Which pixels of the tile have data, a bit each; `None` when all have.
    valid: Option<Vec<u64>>,
    /// Pixels left out because a band is not finite.
    pub(crate) non_finite: u64,
    /// A bound on the size of the samples, at most [`MAX_VALUE`].
    pub(crate) reach: f64,
}

impl<T: Sample> Planes<T> {
    /// Reads the samples of a tile, as many as its shape says, of type `T`.
    ///
    /// # Errors
    /// When a sample is greater than [`MAX_VALUE`], or the job is cancelled.
    pub(crate) fn load(
        head: &TileHead,
        samples: &Bytes,
        nodata: Option<f64>,
        context: &Context,
    ) -> Result<Self> {
        let bands = usize::from(head.shape.bands);
        let pixel_bytes = head.shape.pixel_bytes();
        let pixels = samples.len() / pixel_bytes;
        let nodata = nodata.and_then(T::rounded);
        let (valid, non_finite) = if T::IS_INTEGER && nodata.is_none() {
            (None, 0)
        } else {
            validity::<T>(samples, pixel_bytes, nodata, context)?
        };
        let kept = valid.as_ref().map_or(pixels, |mask| {
            mask.iter().map(|word| word.count_ones() as usize).sum()
        });
        let mut planes = Vec::with_capacity(bands);
        for band in 0..bands {
            let mut plane = Vec::with_capacity(kept.next_multiple_of(GROUP_PIXELS));
            for (index, chunk) in samples.chunks(CHUNK_PIXELS * pixel_bytes).enumerate() {
                context.check()?;
                let values = chunk
                    .chunks_exact(pixel_bytes)
                    .map(|pixel| T::read(&pixel[band * T::BYTES..][..T::BYTES]));
                match &valid {
                    None => plane.extend(values),
                    Some(mask) => plane.extend(
                        values
                            .enumerate()
                            .filter(|&(offset, _)| is_set(mask, index * CHUNK_PIXELS + offset))
                            .map(|(_, value)| value),
                    ),
                }
            }
            plane.resize(kept.next_multiple_of(GROUP_PIXELS), T::default());
            planes.push(plane);
        }
        let mut planes = Self {
            bands: planes,
            pixels: kept,
            tile_pixels: pixels,
            valid,
            non_finite,
            reach: 0.0,
        };
        planes.reach = planes.checked_reach()?;
        Ok(planes)
    }

    /// Pixels with data.
    pub(crate) const fn pixels(&self) -> usize {
        self.pixels
    }

    pub(crate) const fn bands(&self) -> usize {
        self.bands.len()
    }

    /// The samples of a band, filled up to a whole group.
    pub(crate) fn plane(&self, band: usize) -> &[T] {
        &self.bands[band]
    }

    /// Copies values of a band, from index `start` on.
    pub(crate) fn read_values(&self, band: usize, start: usize, values: &mut [f64]) {
        Arch::new().dispatch(Widen {
            samples: &self.bands[band][start..],
            values,
        });
    }

    /// Whether the pixel at this index of the tile has data.
    pub(crate) fn is_valid(&self, tile_index: usize) -> bool {
        self.valid
            .as_ref()
            .is_none_or(|mask| is_set(mask, tile_index))
    }

    /// Spreads what stands in `values` from `start` on, `size` bytes for each pixel with data, over
    /// all pixels of the tile; those without data get zeros.
    pub(crate) fn spread(&self, values: &mut Vec<u8>, start: usize, size: usize) {
        let Some(mask) = &self.valid else {
            return;
        };
        values.resize(start + self.tile_pixels * size, 0);
        let values = &mut values[start..];
        // From the end on: a value never moves to the front, so none is overwritten unread.
        let mut from = self.pixels;
        for index in (0..self.tile_pixels).rev() {
            if is_set(mask, index) {
                from -= 1;
                values.copy_within(from * size..(from + 1) * size, index * size);
            } else {
                values[index * size..][..size].fill(0);
            }
        }
    }

    /// The values of some pixels, given by their indices in the tile: pixel by pixel, band by band.
    pub(crate) fn pick(&self, tile_indices: &[usize]) -> Vec<f64> {
        // How many pixels with data stand before each word of the mask.
        let before: Option<Vec<usize>> = self.valid.as_ref().map(|mask| {
            mask.iter()
                .scan(0, |count, word| {
                    let before = *count;
                    *count += word.count_ones() as usize;
                    Some(before)
                })
                .collect()
        });
        let place = |index: usize| match (&self.valid, &before) {
            (Some(mask), Some(before)) => {
                let (word, bit) = (index / 64, index % 64);
                before[word] + (mask[word] & ((1 << bit) - 1)).count_ones() as usize
            }
            _ => index,
        };
        tile_indices
            .iter()
            .flat_map(|&index| {
                let at = place(index);
                self.bands.iter().map(move |plane| plane[at].value())
            })
            .collect()
    }

    /// A bound on the size of the samples, if it is none that passes the range of the arithmetic.
    fn checked_reach(&self) -> Result<f64> {
        if let Some(largest) = T::LARGEST {
            return Ok(largest);
        }
        let ends = (0..self.bands()).flat_map(|band| <[f64; 2]>::from(self.range(band)));
        let farthest = ends
            .filter(|value| value.is_finite())
            .fold(0.0, |farthest: f64, value| {
                if value.abs() > farthest.abs() {
                    value
                } else {
                    farthest
                }
            });
        if farthest.abs() <= MAX_VALUE {
            return Ok(farthest.abs());
        }
        Err(ProgramError::invalid_input(format!(
            "the scene holds a sample of {farthest:e}: none may be greater in size than {MAX_VALUE:e}; scale the samples, or name this value as nodata"
        )))
    }

    /// The least and the greatest value of a band; infinities where there is no pixel.
    pub(crate) fn range(&self, band: usize) -> (f64, f64) {
        let start = (f64::INFINITY, f64::NEG_INFINITY);
        self.bands[band][..self.pixels]
            .iter()
            .fold(start, |(min, max), sample| {
                let value = sample.value();
                (
                    if value < min { value } else { min },
                    if value > max { value } else { max },
                )
            })
    }
}

struct Widen<'a, T> {
    samples: &'a [T],
    values: &'a mut [f64],
}

impl<T: Sample> WithSimd for Widen<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        for (value, sample) in self.values.iter_mut().zip(self.samples) {
            *value = sample.value();
        }
    }
}

/// Which pixels have data, and how many have a band that is not finite.
fn validity<T: Sample>(
    samples: &[u8],
    pixel_bytes: usize,
    nodata: Option<T>,
    context: &Context,
) -> Result<(Option<Vec<u64>>, u64)> {
    let pixels = samples.len() / pixel_bytes;
    let mut mask = Vec::with_capacity(pixels.div_ceil(64));
    let mut non_finite = 0;
    let mut all_valid = true;
    for chunk in samples.chunks(CHUNK_PIXELS * pixel_bytes) {
        context.check()?;
        for group in chunk.chunks(64 * pixel_bytes) {
            let mut word = 0_u64;
            for (bit, pixel) in group.chunks_exact(pixel_bytes).enumerate() {
                let mut finite = true;
                let mut marked = nodata.is_some();
                for sample in pixel.chunks_exact(T::BYTES) {
                    let sample = T::read(sample);
                    finite &= sample.value().is_finite();
                    marked &= nodata == Some(sample);
                }
                non_finite += u64::from(!finite);
                word |= u64::from(finite && !marked) << bit;
            }
            let whole = u64::MAX >> (64 - group.len() / pixel_bytes);
            all_valid &= word == whole;
            mask.push(word);
        }
    }
    Ok(((!all_valid).then_some(mask), non_finite))
}

fn is_set(mask: &[u64], index: usize) -> bool {
    mask.get(index / 64)
        .is_some_and(|word| word >> (index % 64) & 1 == 1)
}
