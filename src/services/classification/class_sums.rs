//! ER2 and ER3 of c-means: the sums of the samples and the numbers of pixels of each class.

use super::centers::Centers;
use super::hard::BLOCK_PIXELS;
use super::planes::Sample;
use super::results::ClassSums;
use super::sum::CompensatedSum;

/// Tables of sums that take turns, so that equal neighbouring pixels do not wait for each other.
/// Fixed in the source, and with it the order of the additions.
const TABLES: usize = 4;

/// Sums of integer samples, which are kept up to date as pixels change their class.
///
/// One table alone may fall below 0; modulo 2⁶⁴ the tables add up to the right sum all the same.
#[derive(Debug, Default)]
pub(crate) struct IntegerSums {
    classes: usize,
    /// Σ x, band by band: `TABLES` tables, class by class.
    weighted: Vec<Vec<u64>>,
    /// Pixels, likewise.
    weight: Vec<u64>,
}

/// A pixel that changes its class.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Change {
    /// Its place in the block.
    pub(crate) pixel: u16,
    pub(crate) from: u16,
    pub(crate) to: u16,
}

impl IntegerSums {
    pub(crate) fn new(centers: &Centers) -> Self {
        let classes = centers.classes();
        Self {
            classes,
            weighted: vec![vec![0; TABLES * classes]; centers.bands()],
            weight: vec![0; TABLES * classes],
        }
    }

    /// Counts a block of pixels that had no class before.
    #[inline(always)]
    pub(crate) fn add<T: Sample>(&mut self, classes: &[u16], bands: &[&[T]]) {
        let table = self.classes;
        for (sums, samples) in self.weighted.iter_mut().zip(bands) {
            let sums = sums.as_mut_slice();
            for (pixel, (&class, sample)) in classes.iter().zip(*samples).enumerate() {
                let sum = &mut sums[pixel % TABLES * table + usize::from(class)];
                *sum = sum.wrapping_add(sample.to_integer());
            }
        }
        let weight = self.weight.as_mut_slice();
        for (pixel, &class) in classes.iter().enumerate() {
            weight[pixel % TABLES * table + usize::from(class)] += 1;
        }
    }

    /// Takes pixels of a block from one class to another.
    #[inline(always)]
    pub(crate) fn apply<T: Sample>(&mut self, changes: &[Change], bands: &[&[T]]) {
        for (sums, samples) in self.weighted.iter_mut().zip(bands) {
            for change in changes {
                let sample = samples[usize::from(change.pixel)].to_integer();
                change.apply(sums, sample);
            }
        }
        for change in changes {
            change.apply(&mut self.weight, 1);
        }
    }

    pub(crate) fn to_class_sums(&self) -> ClassSums {
        let total = |tables: &[u64], class: usize| {
            let of_class = tables.iter().skip(class).step_by(self.classes);
            of_class.fold(0, |sum: u64, part| sum.wrapping_add(*part))
        };
        ClassSums::Integer {
            weighted_sum: (0..self.classes)
                .flat_map(|class| self.weighted.iter().map(move |band| total(band, class)))
                .collect(),
            weight: (0..self.classes)
                .map(|class| total(&self.weight, class))
                .collect(),
        }
    }
}

impl Change {
    #[inline(always)]
    fn apply(self, sums: &mut [u64], value: u64) {
        let (from, to) = (usize::from(self.from), usize::from(self.to));
        sums[from] = sums[from].wrapping_sub(value);
        sums[to] = sums[to].wrapping_add(value);
    }
}

/// Sums of samples that are no integers, taken anew each round in the order of the pixels.
pub(crate) struct RealSums {
    weighted: Vec<CompensatedSum>,
    weight: Vec<u64>,
    bands: usize,
    /// Sums over one block: band by band, `TABLES` tables, class by class.
    partial: Vec<f64>,
    /// Pixels in one block, likewise.
    counts: Vec<u32>,
}

impl RealSums {
    pub(crate) fn new(centers: &Centers) -> Self {
        let (values, classes) = (centers.values().len(), centers.classes());
        Self {
            weighted: vec![CompensatedSum::default(); values],
            weight: vec![0; classes],
            bands: centers.bands(),
            partial: vec![0.0; TABLES * values],
            counts: vec![0; TABLES * classes],
        }
    }

    /// Adds a block of at most `BLOCK_PIXELS`.
    pub(crate) fn add<T: Sample>(&mut self, classes: &[u16], bands: &[&[T]]) {
        let table = self.weight.len();
        // A block is short enough for plain sums; those of the tile are compensated.
        debug_assert!(classes.len() <= BLOCK_PIXELS);
        for (partial, samples) in self.partial.chunks_exact_mut(TABLES * table).zip(bands) {
            for (pixel, (&class, sample)) in classes.iter().zip(*samples).enumerate() {
                partial[pixel % TABLES * table + usize::from(class)] += sample.value();
            }
        }
        for (pixel, &class) in classes.iter().enumerate() {
            self.counts[pixel % TABLES * table + usize::from(class)] += 1;
        }
        if table <= classes.len() / TABLES {
            for class in 0..table {
                self.empty(class);
            }
        } else {
            // Most classes have no pixel here: go to those that have.
            for &class in classes {
                self.empty(class.into());
            }
        }
    }

    /// Moves the sums of a block to those of the tile.
    #[inline(always)]
    fn empty(&mut self, class: usize) {
        let table = self.weight.len();
        for row in (0..TABLES).map(|turn| turn * table + class) {
            if self.counts[row] > 0 {
                self.weight[class] += u64::from(std::mem::take(&mut self.counts[row]));
                for band in 0..self.bands {
                    let partial = &mut self.partial[band * TABLES * table + row];
                    self.weighted[class * self.bands + band].add(std::mem::take(partial));
                }
            }
        }
    }

    pub(crate) fn into_class_sums(self) -> ClassSums {
        ClassSums::Real {
            weighted_sum: (self.weighted.into_iter())
                .map(CompensatedSum::value)
                .collect(),
            weight: (self.weight.into_iter())
                .map(|pixels| pixels as f64)
                .collect(),
        }
    }
}
