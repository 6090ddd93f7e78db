//! Sums that do not lose what is small.

use pulp::Simd;

/// A compensated sum (Neumaier 1974): the rounding error of every addition is kept and added at
/// the end. The sum of `n` terms is off by about one unit in the last place, whatever `n`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CompensatedSum {
    sum: f64,
    lost: f64,
}

impl CompensatedSum {
    #[inline]
    pub(crate) fn add(&mut self, value: f64) {
        let sum = self.sum + value;
        self.lost += if self.sum.abs() >= value.abs() {
            (self.sum - sum) + value
        } else {
            (value - sum) + self.sum
        };
        self.sum = sum;
    }

    pub(crate) fn value(self) -> f64 {
        let total = self.sum + self.lost;
        // An overflow leaves inf − inf in `lost`; report the overflow, not the NaN.
        if total.is_nan() { self.sum } else { total }
    }
}

impl FromIterator<f64> for CompensatedSum {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        let mut sum = Self::default();
        for value in values {
            sum.add(value);
        }
        sum
    }
}

/// How many partial sums a reduction keeps side by side: four of the widest vectors, so that none
/// waits for its last addition. It is fixed in the source, so the order of the additions does not
/// depend on how wide the vectors of the machine are.
const LANES: usize = 32;

/// Σ a · b over two slices of the same length, in lanes that are added pairwise at the end.
#[inline(always)]
pub(crate) fn dot<S: Simd>(simd: S, a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0; LANES];
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    let (sums, _) = S::as_mut_simd_f64s(&mut lanes);
    for (a, b) in a.iter().zip(b) {
        let (a, b) = (S::as_simd_f64s(a).0, S::as_simd_f64s(b).0);
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum = simd.add_f64s(*sum, simd.mul_f64s(*a, *b));
        }
    }
    for (lane, (a, b)) in lanes.iter_mut().zip(a_rest.iter().zip(b_rest)) {
        *lane += a * b;
    }
    sum_lanes(simd, lanes)
}

/// Σ a over a slice, in lanes that are added pairwise at the end.
#[inline(always)]
pub(crate) fn total<S: Simd>(simd: S, a: &[f64]) -> f64 {
    let mut lanes = [0.0; LANES];
    let (a, rest) = a.as_chunks::<LANES>();
    let (sums, _) = S::as_mut_simd_f64s(&mut lanes);
    for a in a {
        for (sum, a) in sums.iter_mut().zip(S::as_simd_f64s(a).0) {
            *sum = simd.add_f64s(*sum, *a);
        }
    }
    for (lane, a) in lanes.iter_mut().zip(rest) {
        *lane += a;
    }
    sum_lanes(simd, lanes)
}

/// The sum of the lanes: each half onto the other, until one is left.
#[inline(always)]
fn sum_lanes<S: Simd>(simd: S, mut lanes: [f64; LANES]) -> f64 {
    let (vectors, _) = S::as_mut_simd_f64s(&mut lanes);
    let mut half = vectors.len() / 2;
    // As whole vectors while the widest have halves.
    while half * S::F64_LANES >= 8 {
        for lane in 0..half {
            vectors[lane] = simd.add_f64s(vectors[lane], vectors[lane + half]);
        }
        half /= 2;
    }
    let [a, b, c, d, e, f, g, h, ..] = lanes;
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_terms_survive_beside_large_ones() {
        let terms = [1.0, 1e100, 1.0, -1e100];
        assert_eq!(terms.into_iter().collect::<CompensatedSum>().value(), 2.0);
    }

    #[test]
    fn an_overflow_shows_as_infinity() {
        let sum: CompensatedSum = [f64::MAX, f64::MAX, 1.0].into_iter().collect();
        assert_eq!(sum.value(), f64::INFINITY);
    }
}
