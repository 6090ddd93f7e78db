//! Mean and standard deviation of the pixels of each class.

use serde::{Deserialize, Serialize};

use super::centers::Centers;
use super::sum::CompensatedSum;

/// Pixels, sums and sums of squares of each class of a tile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassMoments {
    /// The pixels of each class.
    pub pixels: Vec<u64>,
    /// The sums of each class and band, class by class.
    pub sums: Moments,
}

/// Sums and sums of squares: exact where the samples are integers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Moments {
    /// Of integer samples.
    Integer {
        /// Σ x.
        sum: Vec<u64>,
        /// Σ x².
        squares: Vec<u128>,
    },
    /// Of floating-point samples, about the center of their class.
    Real {
        /// Σ (x − c).
        sum: Vec<f64>,
        /// Σ (x − c)².
        squares: Vec<f64>,
    },
}

impl Moments {
    /// How many sums there are, classes × bands, if as many of either kind.
    pub(crate) fn len(&self) -> Option<usize> {
        let (sums, squares) = match self {
            Self::Integer { sum, squares } => (sum.len(), squares.len()),
            Self::Real { sum, squares } => (sum.len(), squares.len()),
        };
        (sums == squares).then_some(sums)
    }
}

/// The moments of a tile while its blocks are being added.
pub(crate) struct MomentSums<'a> {
    centers: &'a Centers,
    pixels: Vec<u64>,
    totals: Totals,
    /// Pixels, Σ and Σ² over one block.
    block_pixels: Vec<u32>,
    block: Vec<[f64; 2]>,
}

enum Totals {
    Integer(Vec<(u64, u128)>),
    Real(Vec<[CompensatedSum; 2]>),
}

impl<'a> MomentSums<'a> {
    pub(crate) fn new(centers: &'a Centers, integer: bool) -> Self {
        let values = centers.values().len();
        Self {
            centers,
            pixels: vec![0; centers.classes()],
            totals: if integer {
                Totals::Integer(vec![(0, 0); values])
            } else {
                Totals::Real(vec![[CompensatedSum::default(); 2]; values])
            },
            block_pixels: vec![0; centers.classes()],
            block: vec![[0.0; 2]; values],
        }
    }

    /// Adds a block of at most 2¹⁶ pixels: their classes and, band by band, their values.
    pub(crate) fn add(&mut self, classes: &[u16], bands: &[&[f64]]) {
        let width = bands.len();
        let integer = matches!(self.totals, Totals::Integer(_));
        for (pixel, &class) in classes.iter().enumerate() {
            let class = usize::from(class);
            self.block_pixels[class] += 1;
            for (band, values) in bands.iter().enumerate() {
                let at = class * width + band;
                // Sums of integers stay below 2⁴⁸ here, so they are exact.
                let origin = if integer {
                    0.0
                } else {
                    self.centers.values()[at]
                };
                let value = values[pixel] - origin;
                self.block[at][0] += value;
                self.block[at][1] += value * value;
            }
        }
        for &class in classes {
            let class = usize::from(class);
            if self.block_pixels[class] == 0 {
                continue;
            }
            self.pixels[class] += u64::from(std::mem::take(&mut self.block_pixels[class]));
            for at in class * width..(class + 1) * width {
                let [sum, squares] = std::mem::take(&mut self.block[at]);
                match &mut self.totals {
                    Totals::Integer(totals) => {
                        totals[at].0 += sum as u64;
                        totals[at].1 += squares as u128;
                    }
                    Totals::Real(totals) => {
                        totals[at][0].add(sum);
                        totals[at][1].add(squares);
                    }
                }
            }
        }
    }

    pub(crate) fn finish(self) -> ClassMoments {
        ClassMoments {
            pixels: self.pixels,
            sums: match self.totals {
                Totals::Integer(totals) => {
                    let (sum, squares) = totals.into_iter().unzip();
                    Moments::Integer { sum, squares }
                }
                Totals::Real(totals) => {
                    let (sum, squares) = totals
                        .into_iter()
                        .map(|[sum, squares]| (sum.value(), squares.value()))
                        .unzip();
                    Moments::Real { sum, squares }
                }
            },
        }
    }
}
