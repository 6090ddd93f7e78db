//! How well a fuzzy classification separates its classes.

use pulp::{Arch, Simd, WithSimd};
use serde::{Deserialize, Serialize};

use super::fuzzy::{Fuzzy, weigh};
use super::sum::{CompensatedSum, dot, total};

/// Sums over the pixels and classes of a tile that the validity indices are made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Fuzziness {
    /// Σ u².
    pub squares: f64,
    /// −Σ u · ln u.
    pub entropy: f64,
    /// Σ uᵐ · |x − c|².
    pub scatter: f64,
}

/// Validity indices of a fuzzy classification of `n` pixels into `K` classes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Validity {
    /// `Σ u² / n` (Bezdek 1974): from `1 / K`, wholly fuzzy, to 1, not fuzzy at all.
    pub partition_coefficient: f64,
    /// `−Σ u · ln u / n` (Bezdek 1975): from 0, not fuzzy at all, to `ln K`.
    pub partition_entropy: f64,
    /// `Σ uᵐ · |x − c|² / (n · min |c_i − c_k|²)` (Xie and Beni 1991; with `m` for their 2 by Pal
    /// and Bezdek 1995): the less, the more compact and apart the classes. `None` with one class
    /// only, or with two classes at the same place.
    pub xie_beni: Option<f64>,
}

impl Validity {
    /// The indices from the sums of all tiles, in rank order, and the least squared distance
    /// between two centers, if there are two.
    pub(crate) fn new(tiles: &[Fuzziness], pixels: u64, separation: Option<f64>) -> Self {
        let over_pixels = |part: fn(&Fuzziness) -> f64| {
            tiles.iter().map(part).collect::<CompensatedSum>().value() / pixels as f64
        };
        let scatter = over_pixels(|tile| tile.scatter);
        Self {
            partition_coefficient: over_pixels(|tile| tile.squares),
            partition_entropy: over_pixels(|tile| tile.entropy),
            xie_beni: (separation.map(|separation| scatter / separation))
                .filter(|xie_beni| xie_beni.is_finite()),
        }
    }
}

/// [`Fuzziness`] while the blocks of a tile are being added.
#[derive(Default)]
pub(crate) struct FuzzinessSums {
    squares: CompensatedSum,
    entropy: CompensatedSum,
    scatter: CompensatedSum,
    terms: Vec<f64>,
}

impl FuzzinessSums {
    /// Adds the block of `pixels` that `fuzzy` holds; each pixel counts `weights` times, or once.
    pub(crate) fn add(&mut self, fuzzy: &Fuzzy<'_>, pixels: usize, weights: Option<&[f64]>) {
        self.terms.resize(pixels, 0.0);
        Arch::new().dispatch(AddBlock {
            sums: self,
            fuzzy,
            pixels,
            weights,
        });
    }

    pub(crate) fn finish(self) -> Fuzziness {
        Fuzziness {
            squares: self.squares.value(),
            entropy: self.entropy.value(),
            scatter: self.scatter.value(),
        }
    }
}

struct AddBlock<'a, 'b> {
    sums: &'a mut FuzzinessSums,
    fuzzy: &'a Fuzzy<'b>,
    pixels: usize,
    weights: Option<&'a [f64]>,
}

impl WithSimd for AddBlock<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self {
            sums,
            fuzzy,
            pixels,
            weights,
        } = self;
        let terms = &mut sums.terms[..pixels];
        for class in 0..fuzzy.classes() {
            let memberships = fuzzy.memberships(class, pixels);
            for (term, u) in terms.iter_mut().zip(memberships) {
                *term = u * u;
            }
            weigh(terms, weights);
            sums.squares.add(total(simd, terms));
            for (term, &u) in terms.iter_mut().zip(memberships) {
                *term = -u * logarithm(u);
            }
            weigh(terms, weights);
            sums.entropy.add(total(simd, terms));
            fuzzy.strength(class, weights, terms);
            let distances = fuzzy.distances(class, pixels);
            for (term, distance) in terms.iter_mut().zip(distances) {
                *term *= distance;
            }
            sums.scatter.add(dot(simd, terms, distances));
        }
    }
}

/// `ln x` for `x` from 0 to 1, to a few units in the last place; 0 and subnormal numbers count as
/// the least normal one, whose product with them is 0 all the same.
///
/// `x = 2ᵏ · m` with `m` from √½ to √2, and `ln m = 2 artanh s = 2s (1 + s²/3 + s⁴/5 + …)` with
/// `s = (m − 1) / (m + 1)`, below 0.172: after eleven terms the rest is below 10⁻¹⁷.
#[inline(always)]
fn logarithm(x: f64) -> f64 {
    const ROOT_HALF: u64 = std::f64::consts::FRAC_1_SQRT_2.to_bits();
    const MANTISSA: u64 = (1 << 52) - 1;
    let x = if x < f64::MIN_POSITIVE {
        f64::MIN_POSITIVE
    } else {
        x
    };
    // Counted from √½ on, the exponent is that of the binade which begins there.
    let shifted = x.to_bits() + (1.0_f64.to_bits() - ROOT_HALF);
    let k = (shifted >> 52) as i32 - 1023;
    let m = f64::from_bits((shifted & MANTISSA) + ROOT_HALF);
    let s = (m - 1.0) / (m + 1.0);
    let z = s * s;
    let mut series = 1.0 / 21.0;
    for odd in [19.0, 17.0, 15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0, 1.0] {
        series = series * z + 1.0 / odd;
    }
    f64::from(k) * std::f64::consts::LN_2 + 2.0 * s * series
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_logarithm_is_that_of_the_library() {
        let values = (1..=10_000).map(|i| f64::from(i) / 10_000.0);
        let small = (0..1000)
            .map(|i| 0.73_f64.powi(i))
            .chain([f64::MIN_POSITIVE]);
        for x in values.chain(small) {
            let (found, expected) = (logarithm(x), libm::log(x));
            assert!(
                (found - expected).abs() <= 4.0 * f64::EPSILON * expected.abs(),
                "ln {x}: {found} and {expected}"
            );
        }
        assert_eq!(logarithm(1.0), 0.0);
        assert_eq!(0.0 * logarithm(0.0), 0.0);
    }
}
