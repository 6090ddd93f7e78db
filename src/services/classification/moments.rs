//! Mean and standard deviation of the pixels of each class.

use serde::{Deserialize, Serialize};

use super::sum::CompensatedSum;

/// Pixels, sums and squares of each class of a tile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassMoments {
    /// The pixels of each class.
    pub pixels: Vec<u64>,
    /// The sums of each class and band, class by class.
    pub sums: Moments,
}

/// Sums and squares: exact where the samples are integers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Moments {
    /// Of integer samples.
    Integer {
        /// Σ x.
        sum: Vec<u64>,
        /// Σ x².
        squares: Vec<u128>,
    },
    /// Of floating-point samples.
    Real {
        /// `o`, the first value of the tile's pixels of the class; 0 where there is none.
        origin: Vec<f64>,
        /// Σ (x − o).
        sum: Vec<f64>,
        /// Σ (x − x̄)² about the mean x̄ of the tile's pixels of the class.
        squares: Vec<f64>,
    },
}

impl Moments {
    /// How many sums there are, classes × bands, if as many of every kind.
    pub(crate) fn len(&self) -> Option<usize> {
        let lengths = match self {
            Self::Integer { sum, squares } => [sum.len(), squares.len(), sum.len()],
            Self::Real {
                origin,
                sum,
                squares,
            } => [sum.len(), squares.len(), origin.len()],
        };
        (lengths == [lengths[0]; 3]).then_some(lengths[0])
    }
}

/// Mean and standard deviation (of the population) of one class and band, `at` in the sums, from
/// the moments of all tiles. `None` where there is no pixel, or the number is not finite.
pub(crate) fn mean_and_sd(
    tiles: &[&ClassMoments],
    class: usize,
    at: usize,
) -> (Option<f64>, Option<f64>) {
    let mut n = 0.0;
    let (mut whole_pixels, mut whole, mut whole_squares) = (0_u64, 0_u128, 0_u128);
    // Of each tile: pixels, and the mean as a way from the first tile's origin.
    let mut first_origin = 0.0;
    let mut means = Vec::new();
    let (mut sum, mut spread) = (CompensatedSum::default(), CompensatedSum::default());
    for tile in tiles.iter().filter(|tile| tile.pixels[class] > 0) {
        let own = tile.pixels[class] as f64;
        match &tile.sums {
            Moments::Integer { sum, squares } => {
                whole += u128::from(sum[at]);
                whole_squares += squares[at];
            }
            Moments::Real {
                origin,
                sum: sums,
                squares,
            } => {
                if means.is_empty() {
                    first_origin = origin[at];
                }
                let way = origin[at] - first_origin;
                means.push((own, way + sums[at] / own));
                sum.add(sums[at]);
                sum.add(own * way);
                spread.add(squares[at]);
            }
        }
        whole_pixels += tile.pixels[class];
        n += own;
    }
    let (mean, sd) = if means.is_empty() {
        // n · Σx² − (Σx)² in integers: no cancellation. Without a pixel these are no numbers.
        let spread = (u128::from(whole_pixels) * whole_squares).saturating_sub(whole * whole);
        (whole as f64 / n, (spread as f64).sqrt() / n)
    } else {
        // What the pixels of a tile lie apart, and what the tiles do (Chan, Golub, LeVeque 1979).
        let mean = sum.value() / n;
        for (own, tile_mean) in means {
            let apart = tile_mean - mean;
            spread.add(own * apart * apart);
        }
        (first_origin + mean, (spread.value() / n).sqrt())
    };
    let finite = |value: f64| value.is_finite().then_some(value);
    (finite(mean), finite(sd))
}

/// The moments of a tile while its blocks are being added.
pub(crate) struct MomentSums {
    pixels: Vec<u64>,
    totals: Totals,
    /// Pixels, and two sums for each class and band, of one block.
    block_pixels: Vec<u32>,
    block: Vec<[f64; 2]>,
}

enum Totals {
    Integer(Vec<(u64, u128)>),
    Real(Vec<RealTotal>),
}

#[derive(Clone, Default)]
struct RealTotal {
    origin: f64,
    sum: CompensatedSum,
    squares: CompensatedSum,
}

impl MomentSums {
    pub(crate) fn new(classes: usize, bands: usize, integer: bool) -> Self {
        let values = classes * bands;
        Self {
            pixels: vec![0; classes],
            totals: if integer {
                Totals::Integer(vec![(0, 0); values])
            } else {
                Totals::Real(vec![RealTotal::default(); values])
            },
            block_pixels: vec![0; classes],
            block: vec![[0.0; 2]; values],
        }
    }

    /// Adds a block of at most 2¹⁶ pixels: their classes and, band by band, their values.
    pub(crate) fn add(&mut self, classes: &[u16], bands: &[&[f64]]) {
        let width = bands.len();
        for (pixel, &class) in classes.iter().enumerate() {
            let class = usize::from(class);
            if let Totals::Real(totals) = &mut self.totals
                && self.pixels[class] == 0
                && self.block_pixels[class] == 0
            {
                for (total, values) in totals[class * width..].iter_mut().zip(bands) {
                    total.origin = values[pixel];
                }
            }
            self.block_pixels[class] += 1;
        }
        match &self.totals {
            Totals::Integer(_) => sum_integers(&mut self.block, classes, bands),
            Totals::Real(totals) => {
                sum_reals(&mut self.block, &self.block_pixels, totals, classes, bands);
            }
        }
        for &class in classes {
            let class = usize::from(class);
            let own = f64::from(std::mem::take(&mut self.block_pixels[class]));
            if own == 0.0 {
                continue;
            }
            let before = self.pixels[class] as f64;
            for at in class * width..(class + 1) * width {
                let [first, second] = std::mem::take(&mut self.block[at]);
                match &mut self.totals {
                    Totals::Integer(totals) => {
                        totals[at].0 += first as u64;
                        totals[at].1 += second as u128;
                    }
                    Totals::Real(totals) => {
                        let total = &mut totals[at];
                        if before > 0.0 {
                            let apart = first / own - total.sum.value() / before;
                            (total.squares).add(apart * apart * (before * own / (before + own)));
                        }
                        total.sum.add(first);
                        total.squares.add(second);
                    }
                }
            }
            self.pixels[class] += own as u64;
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
                    let (origin, (sum, squares)) = totals
                        .into_iter()
                        .map(|total| (total.origin, (total.sum.value(), total.squares.value())))
                        .unzip();
                    Moments::Real {
                        origin,
                        sum,
                        squares,
                    }
                }
            },
        }
    }
}

/// Σ x and Σ x² of a block: below 2⁴⁸, so they are exact.
fn sum_integers(block: &mut [[f64; 2]], classes: &[u16], bands: &[&[f64]]) {
    for (band, values) in bands.iter().enumerate() {
        for (&class, value) in classes.iter().zip(*values) {
            let [sum, squares] = &mut block[usize::from(class) * bands.len() + band];
            *sum += value;
            *squares += value * value;
        }
    }
}

/// Σ (x − o) and Σ (x − x̄)² of a block.
fn sum_reals(
    block: &mut [[f64; 2]],
    block_pixels: &[u32],
    totals: &[RealTotal],
    classes: &[u16],
    bands: &[&[f64]],
) {
    for (band, values) in bands.iter().enumerate() {
        let at = |class: u16| usize::from(class) * bands.len() + band;
        for (&class, value) in classes.iter().zip(*values) {
            block[at(class)][0] += value - totals[at(class)].origin;
        }
        for (&class, value) in classes.iter().zip(*values) {
            let [sum, squares] = &mut block[at(class)];
            let mean = *sum / f64::from(block_pixels[usize::from(class)]);
            let apart = value - totals[at(class)].origin - mean;
            *squares += apart * apart;
        }
    }
}
