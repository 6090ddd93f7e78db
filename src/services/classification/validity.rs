//! How well a fuzzy classification separates its classes.

use serde::{Deserialize, Serialize};

use super::centers::{Centers, squared_distance};
use super::fuzzy::{Fuzzy, powers};
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
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
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
    /// The indices from the sums of all tiles, in rank order.
    pub(crate) fn new(tiles: &[Fuzziness], pixels: u64, centers: &Centers) -> Self {
        let over_pixels = |part: fn(&Fuzziness) -> f64| {
            tiles.iter().map(part).collect::<CompensatedSum>().value() / pixels as f64
        };
        let separation = (1..centers.classes())
            .flat_map(|class| (0..class).map(move |other| (class, other)))
            .map(|(class, other)| squared_distance(centers.of(class), centers.of(other)))
            .fold(f64::INFINITY, f64::min);
        let xie_beni = over_pixels(|tile| tile.scatter) / separation;
        Self {
            partition_coefficient: over_pixels(|tile| tile.squares),
            partition_entropy: over_pixels(|tile| tile.entropy),
            xie_beni: (centers.classes() > 1 && xie_beni.is_finite()).then_some(xie_beni),
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
        let terms = &mut self.terms[..pixels];
        let weigh = |terms: &mut [f64]| {
            for (term, weight) in terms.iter_mut().zip(weights.into_iter().flatten()) {
                *term *= weight;
            }
        };
        for class in 0..fuzzy.classes() {
            let memberships = fuzzy.memberships(class, pixels);
            for (term, u) in terms.iter_mut().zip(memberships) {
                *term = u * u;
            }
            weigh(terms);
            self.squares.add(total(terms));
            for (term, &u) in terms.iter_mut().zip(memberships) {
                *term = if u > 0.0 { -u * libm::log(u) } else { 0.0 };
            }
            weigh(terms);
            self.entropy.add(total(terms));
            powers(memberships, fuzzy.fuzzifier(), terms);
            weigh(terms);
            let distances = fuzzy.distances(class, pixels);
            for (term, distance) in terms.iter_mut().zip(distances) {
                *term *= distance;
            }
            self.scatter.add(dot(terms, distances));
        }
    }

    pub(crate) fn finish(self) -> Fuzziness {
        Fuzziness {
            squares: self.squares.value(),
            entropy: self.entropy.value(),
            scatter: self.scatter.value(),
        }
    }
}
