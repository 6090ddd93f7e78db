//! Fuzzy c-means over blocks of pixels.

use pulp::{Arch, Simd, WithSimd};

use super::centers::Centers;
use super::results::ClassSums;
use super::sum::{CompensatedSum, dot, total};

/// Memberships that a block holds, pixels × classes, about: two arrays of them fill half of a
/// first-level cache.
const BLOCK_VALUES: usize = 1 << 11;

/// Pixels of a block at least and at most, whatever the number of classes.
const BLOCK_PIXELS: std::ops::RangeInclusive<usize> = 16..=512;

/// The fuzzifier of the paper, whose powers are products.
const PAPER_FUZZIFIER: f64 = 2.0;

/// Memberships and distances of a block of pixels to all classes.
pub(crate) struct Fuzzy<'a> {
    centers: &'a Centers,
    fuzzifier: f64,
    arch: Arch,
    capacity: usize,
    /// `u_jk`, class by class, `capacity` apart.
    memberships: Vec<f64>,
    /// `|x_j − c_k|`, likewise.
    distances: Vec<f64>,
    /// One value per pixel of the block, for what is being worked out.
    scratch: Vec<f64>,
}

impl<'a> Fuzzy<'a> {
    pub(crate) fn new(centers: &'a Centers, fuzzifier: f64) -> Self {
        let capacity = (BLOCK_VALUES / centers.classes())
            .clamp(*BLOCK_PIXELS.start(), *BLOCK_PIXELS.end())
            / 16
            * 16;
        Self {
            centers,
            fuzzifier,
            arch: Arch::new(),
            capacity,
            memberships: vec![0.0; centers.classes() * capacity],
            distances: vec![0.0; centers.classes() * capacity],
            scratch: vec![0.0; capacity],
        }
    }

    /// The most pixels of a block. It depends on the number of classes alone.
    pub(crate) const fn capacity(&self) -> usize {
        self.capacity
    }

    /// Works out `u_jk = 1 / Σ_i (|x_j − c_k| / |x_j − c_i|)^(2 / (m − 1))` (eq. 14 of the paper)
    /// of a block, given band by band. A pixel on a center belongs to it wholly; on several equal
    /// centers, to each in equal shares.
    pub(crate) fn block(&mut self, bands: &[&[f64]]) {
        self.arch.dispatch(Block { fuzzy: self, bands });
    }

    pub(crate) const fn classes(&self) -> usize {
        self.centers.classes()
    }

    pub(crate) fn memberships(&self, class: usize, pixels: usize) -> &[f64] {
        &self.memberships[class * self.capacity..][..pixels]
    }

    pub(crate) fn distances(&self, class: usize, pixels: usize) -> &[f64] {
        &self.distances[class * self.capacity..][..pixels]
    }

    /// `uᵐ` of each pixel of the block, `weights` times or once.
    #[inline(always)]
    pub(crate) fn strength(&self, class: usize, weights: Option<&[f64]>, strength: &mut [f64]) {
        let memberships = self.memberships(class, strength.len());
        if self.fuzzifier == PAPER_FUZZIFIER {
            for (strength, u) in strength.iter_mut().zip(memberships) {
                *strength = u * u;
            }
        } else {
            for (strength, &u) in strength.iter_mut().zip(memberships) {
                *strength = libm::pow(u, self.fuzzifier);
            }
        }
        weigh(strength, weights);
    }
}

struct Block<'a, 'b> {
    fuzzy: &'a mut Fuzzy<'b>,
    bands: &'a [&'a [f64]],
}

impl WithSimd for Block<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let Self { fuzzy, bands } = self;
        let pixels = bands.first().map_or(0, |band| band.len());
        let sum = &mut fuzzy.scratch[..pixels];
        sum.fill(0.0);
        let rows = fuzzy
            .memberships
            .chunks_exact_mut(fuzzy.capacity)
            .zip(fuzzy.distances.chunks_exact_mut(fuzzy.capacity))
            .zip(fuzzy.centers.iter());
        for ((closeness, distance), center) in rows {
            let (closeness, distance) = (&mut closeness[..pixels], &mut distance[..pixels]);
            squared_distances(bands, center, closeness);
            if fuzzy.fuzzifier == PAPER_FUZZIFIER {
                for i in 0..pixels {
                    let inverse = inverse_root(closeness[i]);
                    distance[i] = closeness[i] * inverse;
                    closeness[i] = inverse * inverse;
                    sum[i] += closeness[i];
                }
            } else {
                for i in 0..pixels {
                    distance[i] = closeness[i].sqrt();
                }
            }
            if let (&[x], &[c]) = (bands, center) {
                let x = &x[..pixels];
                for i in 0..pixels {
                    distance[i] = (x[i] - c).abs();
                }
            }
        }
        if fuzzy.fuzzifier == PAPER_FUZZIFIER {
            if !sum.iter().all(|sum| sum.is_finite()) {
                settle_coincidences(&mut fuzzy.memberships, fuzzy.capacity, sum);
            }
        } else {
            general_closeness(&mut fuzzy.memberships, fuzzy.capacity, fuzzy.fuzzifier, sum);
        }
        for sum in sum.iter_mut() {
            *sum = 1.0 / *sum;
        }
        for row in fuzzy.memberships.chunks_exact_mut(fuzzy.capacity) {
            for (membership, inverse) in row.iter_mut().zip(sum.iter()) {
                *membership *= inverse;
            }
        }
    }
}

/// `1 / √x`, to a few units in the last place: Newton's iteration from a first guess that halves the
/// exponent (Blinn 1997). Roots and quotients occupy one unit of a CPU for long; these products
/// occupy all. 0 gives a number whose square is infinite.
#[inline(always)]
fn inverse_root(x: f64) -> f64 {
    let half = 0.5 * x;
    let mut root = f64::from_bits(0x5fe6_eb50_c7b5_37a9_u64.wrapping_sub(x.to_bits() >> 1));
    // Relative errors: 3·10⁻², 2·10⁻³, 5·10⁻⁶, 3·10⁻¹¹, then rounding alone.
    for _ in 0..4 {
        root *= 1.5 - half * root * root;
    }
    root
}

/// Σ (x − c)² over the bands, in the order of the bands.
#[inline(always)]
fn squared_distances(bands: &[&[f64]], center: &[f64], squares: &mut [f64]) {
    let pixels = squares.len();
    match (bands, center) {
        (&[x], &[c]) => {
            let x = &x[..pixels];
            for i in 0..pixels {
                let d = x[i] - c;
                squares[i] = d * d;
            }
        }
        (&[x, y, z], &[a, b, c]) => {
            let (x, y, z) = (&x[..pixels], &y[..pixels], &z[..pixels]);
            for i in 0..pixels {
                let (d, e, f) = (x[i] - a, y[i] - b, z[i] - c);
                squares[i] = d * d + e * e + f * f;
            }
        }
        _ => {
            squares.fill(0.0);
            for (x, &c) in bands.iter().zip(center) {
                let x = &x[..pixels];
                for i in 0..pixels {
                    let d = x[i] - c;
                    squares[i] += d * d;
                }
            }
        }
    }
}

/// Where a distance is 0 (or so small that its square has no inverse), the sum of the inverses is
/// infinite: only the classes of the largest inverse share such a pixel.
#[cold]
#[inline(never)]
fn settle_coincidences(closeness: &mut [f64], capacity: usize, sum: &mut [f64]) {
    for (pixel, sum) in sum.iter_mut().enumerate() {
        if sum.is_finite() {
            continue;
        }
        let of_pixel = |row: &[f64]| row[pixel];
        let largest = closeness
            .chunks_exact(capacity)
            .map(of_pixel)
            .fold(0.0, f64::max);
        *sum = 0.0;
        for row in closeness.chunks_exact_mut(capacity) {
            row[pixel] = f64::from(row[pixel] == largest);
            *sum += row[pixel];
        }
    }
}

/// `(d²_min / d²)^(1 / (m − 1))` in place of `d²`, and the sum of it over the classes. `libm`'s
/// power is the same on every machine, which that of the system's library is not.
fn general_closeness(squares: &mut [f64], capacity: usize, fuzzifier: f64, sum: &mut [f64]) {
    let exponent = 1.0 / (fuzzifier - 1.0);
    for (pixel, sum) in sum.iter_mut().enumerate() {
        let least = squares
            .chunks_exact(capacity)
            .map(|row| row[pixel])
            .fold(f64::INFINITY, f64::min);
        *sum = 0.0;
        for row in squares.chunks_exact_mut(capacity) {
            row[pixel] = if row[pixel] == least {
                1.0
            } else {
                libm::pow(least / row[pixel], exponent)
            };
            *sum += row[pixel];
        }
    }
}

/// The sums of a tile for fuzzy c-means.
pub(crate) struct FuzzySums {
    distance: CompensatedSum,
    weighted: Vec<CompensatedSum>,
    weight: Vec<CompensatedSum>,
    strength: Vec<f64>,
}

impl FuzzySums {
    pub(crate) fn new(fuzzy: &Fuzzy<'_>) -> Self {
        Self {
            distance: CompensatedSum::default(),
            weighted: vec![CompensatedSum::default(); fuzzy.centers.values().len()],
            weight: vec![CompensatedSum::default(); fuzzy.centers.classes()],
            strength: vec![0.0; fuzzy.capacity()],
        }
    }

    /// Adds the block that `fuzzy` holds; each pixel counts `weights` times, or once.
    pub(crate) fn add(&mut self, fuzzy: &Fuzzy<'_>, bands: &[&[f64]], weights: Option<&[f64]>) {
        fuzzy.arch.dispatch(AddBlock {
            sums: self,
            fuzzy,
            bands,
            weights,
        });
    }

    /// ER1 to ER3.
    pub(crate) fn finish(self) -> (f64, ClassSums) {
        let values = |sums: Vec<CompensatedSum>| {
            sums.into_iter()
                .map(CompensatedSum::value)
                .collect::<Vec<_>>()
        };
        (
            self.distance.value(),
            ClassSums::Real {
                weighted_sum: values(self.weighted),
                weight: values(self.weight),
            },
        )
    }
}

struct AddBlock<'a, 'b> {
    sums: &'a mut FuzzySums,
    fuzzy: &'a Fuzzy<'b>,
    bands: &'a [&'a [f64]],
    weights: Option<&'a [f64]>,
}

impl WithSimd for AddBlock<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self {
            sums,
            fuzzy,
            bands,
            weights,
        } = self;
        let pixels = bands.first().map_or(0, |band| band.len());
        let strength = &mut sums.strength[..pixels];
        for class in 0..fuzzy.centers.classes() {
            fuzzy.strength(class, weights, strength);
            sums.weight[class].add(total(simd, strength));
            let distances = fuzzy.distances(class, pixels);
            sums.distance.add(dot(simd, strength, distances));
            let weighted = &mut sums.weighted[class * bands.len()..][..bands.len()];
            for (sum, band) in weighted.iter_mut().zip(bands) {
                sum.add(dot(simd, strength, band));
            }
        }
    }
}

/// Counts each pixel as often as `weights` say, or once.
#[inline(always)]
pub(crate) fn weigh(terms: &mut [f64], weights: Option<&[f64]>) {
    if let Some(weights) = weights {
        for (term, weight) in terms.iter_mut().zip(weights) {
            *term *= weight;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::classification::random::SplitMix64;

    #[test]
    fn the_inverse_root_is_right_to_the_last_digits() {
        for exponent in -300..=300 {
            for mantissa in [1.0, 1.3, 1.999, 2.5, 3.999] {
                let x = mantissa * 10_f64.powi(exponent);
                let expected = 1.0 / x.sqrt();
                assert!((inverse_root(x) - expected).abs() <= 4.0 * f64::EPSILON * expected);
            }
        }
        assert_eq!(inverse_root(0.0) * inverse_root(0.0), f64::INFINITY);
    }

    #[test]
    fn every_instruction_set_gives_the_same_bits() {
        let band = |seed| {
            let mut random = SplitMix64::new(seed);
            std::iter::repeat_with(move || (random.unit() * 300.0).floor())
        };
        for bands in [1, 2, 3, 5] {
            for (fuzzifier, weighted) in [(2.0, false), (2.0, true), (1.6, false)] {
                let values = band(1).take(4 * bands).collect();
                let centers = Centers::from_flat(bands, values);
                let results: Vec<_> = [Arch::Scalar, Arch::new()]
                    .into_iter()
                    .map(|arch| {
                        let mut fuzzy = Fuzzy::new(&centers, fuzzifier);
                        fuzzy.arch = arch;
                        let pixels = fuzzy.capacity() - 5;
                        let values: Vec<Vec<f64>> = (0..bands as u64)
                            .map(|seed| band(seed + 9).take(pixels).collect())
                            .collect();
                        let values: Vec<&[f64]> = values.iter().map(Vec::as_slice).collect();
                        let weights: Vec<f64> = band(5).take(pixels).collect();
                        fuzzy.block(&values);
                        let mut sums = FuzzySums::new(&fuzzy);
                        sums.add(&fuzzy, &values, weighted.then_some(&weights));
                        let memberships: Vec<u64> = (0..4)
                            .flat_map(|class| fuzzy.memberships(class, pixels).to_vec())
                            .map(f64::to_bits)
                            .collect();
                        (memberships, sums.finish())
                    })
                    .collect();
                assert_eq!(results[0], results[1]);
            }
        }
    }
}
