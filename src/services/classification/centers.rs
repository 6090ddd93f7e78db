//! Class centers.

use msvpu_actors::{Cancellation, ProgramError};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The centers of `K` classes in as many dimensions as the scene has bands.
///
/// Serialized as a list of `K` lists of one value per band, in the units of the samples.
///
/// ```
/// use msvpu::Centers;
///
/// let centers = Centers::new(vec![vec![10.0, 20.0, 30.0], vec![40.0, 50.0, 60.0]])?;
/// assert_eq!((centers.classes(), centers.bands()), (2, 3));
/// assert_eq!(centers.of(1), [40.0, 50.0, 60.0]);
/// assert_eq!(centers.sum(), 210.0);
/// # Ok::<(), msvpu::CentersError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Vec<f64>>", into = "Vec<Vec<f64>>")]
pub struct Centers {
    bands: usize,
    values: Vec<f64>,
}

/// The lists do not make centers.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CentersError {
    /// There is no class, or a center without a value.
    #[error("no centers: give one list of one value per band for every class")]
    Empty,
    /// Two centers have different numbers of bands.
    #[error("center {center} has {found} values, where center 1 has {expected}")]
    Ragged {
        /// Which center, counted from 1.
        center: usize,
        /// Its number of values.
        found: usize,
        /// That of the first center.
        expected: usize,
    },
}

impl Centers {
    /// `K` centers, each a list of one value per band.
    ///
    /// # Errors
    /// When there is no value, or the lists differ in length.
    pub fn new(centers: Vec<Vec<f64>>) -> Result<Self, CentersError> {
        let bands = centers.first().map_or(0, Vec::len);
        if bands == 0 {
            return Err(CentersError::Empty);
        }
        if let Some((index, ragged)) = centers
            .iter()
            .enumerate()
            .find(|(_, center)| center.len() != bands)
        {
            return Err(CentersError::Ragged {
                center: index + 1,
                found: ragged.len(),
                expected: bands,
            });
        }
        Ok(Self {
            bands,
            values: centers.concat(),
        })
    }

    /// Centers of one band.
    ///
    /// # Errors
    /// When there is no value.
    pub fn gray(values: impl Into<Vec<f64>>) -> Result<Self, CentersError> {
        let values = values.into();
        if values.is_empty() {
            return Err(CentersError::Empty);
        }
        Ok(Self { bands: 1, values })
    }

    /// Centers from values that stand class by class; `values` is a multiple of `bands`, both
    /// at least 1.
    pub(crate) const fn from_flat(bands: usize, values: Vec<f64>) -> Self {
        Self { bands, values }
    }

    /// The number of classes, `K`.
    #[must_use]
    pub const fn classes(&self) -> usize {
        self.values.len() / self.bands
    }

    /// Values per center.
    #[must_use]
    pub const fn bands(&self) -> usize {
        self.bands
    }

    /// The center of the class at `index`, `0..K` (which is labelled `index + 1`).
    ///
    /// # Panics
    /// When there is no such class.
    #[must_use]
    pub fn of(&self, index: usize) -> &[f64] {
        &self.values[index * self.bands..][..self.bands]
    }

    /// The centers in the order of the classes.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[f64]> {
        self.values.chunks_exact(self.bands)
    }

    /// All values, class by class.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The sum of all values, in order: what the error column of the paper's Table I compares.
    #[must_use]
    pub fn sum(&self) -> f64 {
        self.values.iter().sum()
    }

    /// The greatest Euclidean distance that a center has moved since `earlier`.
    #[must_use]
    pub fn shift_from(&self, earlier: &Self) -> f64 {
        self.iter()
            .zip(earlier.iter())
            .map(|(now, before)| distance(now, before))
            .fold(0.0, f64::max)
    }

    /// The sum of how much each value has changed since `earlier`, with its sign: of sums so large
    /// that they swallow a change, the difference would say nothing.
    pub(crate) fn sum_change_from(&self, earlier: &Self) -> f64 {
        (self.values.iter().zip(&earlier.values))
            .map(|(now, before)| now - before)
            .sum()
    }

    /// The least squared distance between two of them; `None` when there is only one.
    pub(crate) fn separation(
        &self,
        cancellation: &Cancellation,
    ) -> Result<Option<f64>, ProgramError> {
        let mut least = f64::INFINITY;
        for class in 1..self.classes() {
            cancellation.check()?;
            least = (0..class)
                .map(|other| squared_distance(self.of(class), self.of(other)))
                .fold(least, f64::min);
        }
        Ok((self.classes() > 1).then_some(least))
    }
}

/// The Euclidean distance, also where squares leave the range of `f64`.
fn distance(a: &[f64], b: &[f64]) -> f64 {
    /// A sum of squares in here has lost nothing to an overflow, nor that shows to an underflow.
    const SAFE_SQUARES: std::ops::Range<f64> = 1e-280..1e300;

    if let (&[a], &[b]) = (a, b) {
        return (a - b).abs();
    }
    let square = squared_distance(a, b);
    if SAFE_SQUARES.contains(&square) {
        return square.sqrt();
    }
    let differences = || a.iter().zip(b).map(|(a, b)| a - b);
    let largest = differences().fold(0.0, |largest, d| f64::max(largest, d.abs()));
    if largest == 0.0 {
        return 0.0;
    }
    let scaled: f64 = differences().map(|d| (d / largest) * (d / largest)).sum();
    largest * scaled.sqrt()
}

/// Σ (a − b)² over the bands, in the order of the bands: what "nearest" means everywhere here.
pub(crate) fn squared_distance(a: &[f64], b: &[f64]) -> f64 {
    let mut sum = 0.0;
    for (a, b) in a.iter().zip(b) {
        let difference = a - b;
        sum += difference * difference;
    }
    sum
}

impl TryFrom<Vec<Vec<f64>>> for Centers {
    type Error = CentersError;

    fn try_from(centers: Vec<Vec<f64>>) -> Result<Self, CentersError> {
        Self::new(centers)
    }
}

impl From<Centers> for Vec<Vec<f64>> {
    fn from(centers: Centers) -> Self {
        centers.iter().map(<[f64]>::to_vec).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shift_is_seen_whatever_its_size() {
        for size in [1e-300, 1e-170, 1e-140, 1e-3, 1.0, 1e150, 1e200, 1e300] {
            let gray = |value: f64| Centers::gray([0.5 * size, value]).unwrap();
            assert_eq!(gray(3.0 * size).shift_from(&gray(size)), 3.0 * size - size);
            let rgb = |x: f64, y: f64, z: f64| {
                Centers::new(vec![vec![x * size, y * size, z * size]]).unwrap()
            };
            let shift = rgb(3.0, 7.0, 13.0).shift_from(&rgb(1.0, 4.0, 7.0));
            assert!((shift - 7.0 * size).abs() <= 4.0 * f64::EPSILON * 7.0 * size);
            assert_eq!(rgb(1.0, 2.0, 3.0).shift_from(&rgb(1.0, 2.0, 3.0)), 0.0);
        }
    }
}
