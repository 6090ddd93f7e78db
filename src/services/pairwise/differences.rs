//! |a − b| summed over all pairs, pair by pair.

use msvpu_actors::{Context, Result};
use pulp::{Arch, Simd, WithSimd};

use crate::services::sum::CompensatedSum;

/// Values of a block: two blocks stay in the first-level cache, and their 2²⁴ pairs (a few
/// milliseconds) are what a cancelled step still computes.
const BLOCK: usize = 1 << 12;

/// Partial sums of a row of floating-point differences that are kept side by side. Fixed in the
/// source, so that the order of the additions does not depend on how wide a vector is.
const LANES: usize = 16;

/// A value that is compared with others.
pub(crate) trait Comparable: Copy {
    /// The sum over all pairs of one or two blocks.
    type BlockSum: Send;
    /// The sum over all pairs.
    type Total: Default;

    /// Σ |value − other| over at most [`BLOCK`] others for each of the values, which come with
    /// what they are compared with.
    fn block_sum<'a>(rows: impl Iterator<Item = (Self, &'a [Self])>) -> Self::BlockSum
    where
        Self: 'a;

    fn add(total: &mut Self::Total, block: Self::BlockSum);
}

macro_rules! integer {
    ($value:ty, rows in $row:ty) => {
        impl Comparable for $value {
            type BlockSum = u64;
            type Total = u128;

            #[inline(always)]
            fn block_sum<'a>(rows: impl Iterator<Item = (Self, &'a [Self])>) -> u64 {
                rows.map(|(value, others)| {
                    // No sum wraps; a check for it would keep a build with checks from vectors.
                    let row = others.iter().fold(0, |sum: $row, &other| {
                        sum.wrapping_add(<$row>::from(value.abs_diff(other)))
                    });
                    u64::from(row)
                })
                .sum()
            }

            fn add(total: &mut u128, block: u64) {
                *total += u128::from(block);
            }
        }
    };
}

// 2¹² differences below 2¹⁶ fit into 32 bits, 2²⁴ below 2³² into 64.
integer!(u16, rows in u32);
integer!(u32, rows in u64);

impl Comparable for f64 {
    type BlockSum = f64;
    type Total = CompensatedSum;

    #[inline(always)]
    fn block_sum<'a>(rows: impl Iterator<Item = (Self, &'a [Self])>) -> f64 {
        let mut total = CompensatedSum::default();
        for (value, others) in rows {
            let mut lanes = [0.0; LANES];
            let (groups, rest) = others.as_chunks::<LANES>();
            for group in groups {
                for (lane, other) in lanes.iter_mut().zip(group) {
                    *lane += (value - other).abs();
                }
            }
            for (lane, other) in lanes.iter_mut().zip(rest) {
                *lane += (value - other).abs();
            }
            let mut half = LANES / 2;
            while half > 0 {
                for lane in 0..half {
                    lanes[lane] += lanes[lane + half];
                }
                half /= 2;
            }
            total.add(lanes[0]);
        }
        total.value()
    }

    fn add(total: &mut CompensatedSum, block: f64) {
        total.add(block);
    }
}

/// The sum over all pairs of values, x(x − 1)/2 of them. The same bits on every machine.
pub(crate) fn over_all_pairs<T: Comparable>(values: &[T], context: &Context) -> Result<T::Total> {
    over_all_pairs_on(Arch::new(), values, context)
}

fn over_all_pairs_on<T: Comparable>(
    arch: Arch,
    values: &[T],
    context: &Context,
) -> Result<T::Total> {
    let mut total = T::Total::default();
    let mut blocks = values.chunks(BLOCK);
    while let Some(block) = blocks.next() {
        context.check()?;
        T::add(&mut total, arch.dispatch(Within(block)));
        for other in blocks.clone() {
            context.check()?;
            T::add(&mut total, arch.dispatch(Between(block, other)));
        }
    }
    Ok(total)
}

/// The pairs of a block.
struct Within<'a, T>(&'a [T]);

impl<T: Comparable> WithSimd for Within<'_, T> {
    type Output = T::BlockSum;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) -> T::BlockSum {
        let rows = self.0.iter().zip(1..);
        T::block_sum(rows.map(|(&value, next)| (value, &self.0[next..])))
    }
}

/// The pairs with one value in each of two blocks.
struct Between<'a, T>(&'a [T], &'a [T]);

impl<T: Comparable> WithSimd for Between<'_, T> {
    type Output = T::BlockSum;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) -> T::BlockSum {
        T::block_sum(self.0.iter().map(|&value| (value, self.1)))
    }
}

#[cfg(test)]
mod tests {
    use msvpu_actors::{Cancellation, Rank};

    use super::*;

    fn context() -> Context {
        Context::new(Rank(0), 1, Cancellation::default())
    }

    /// Numbers that fill all the bits of a `u32`.
    fn numbers(count: usize) -> impl Iterator<Item = u32> {
        let mut state = 1_u64;
        (0..count).map(move |_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 32) as u32
        })
    }

    /// By the places of the values in order: the sum that needs no pair.
    fn by_sorting(mut values: Vec<u32>) -> u128 {
        values.sort_unstable();
        let last = values.len() as i128 - 1;
        let sum: i128 = (0_i128..)
            .zip(&values)
            .map(|(place, &value)| i128::from(value) * (2 * place - last))
            .sum();
        sum as u128
    }

    #[test]
    fn every_pair_counts_once_across_blocks() {
        for count in [0, 1, 2, 3, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 17] {
            let wide: Vec<u32> = numbers(count).collect();
            let expected = by_sorting(wide.clone());
            assert_eq!(over_all_pairs(&wide, &context()), Ok(expected), "{count}");

            let narrow: Vec<u16> = wide.iter().map(|&value| (value >> 16) as u16).collect();
            let expected = by_sorting(narrow.iter().map(|&value| value.into()).collect());
            assert_eq!(over_all_pairs(&narrow, &context()), Ok(expected), "{count}");

            // Integers below 2¹⁶, fewer than 2²⁷ pairs: every sum is exact in `f64` too.
            let real: Vec<f64> = narrow.iter().map(|&value| f64::from(value)).collect();
            let sum = over_all_pairs(&real, &context()).unwrap().value();
            assert_eq!(sum, expected as f64, "{count}");
        }
    }

    #[test]
    fn the_largest_differences_fit() {
        let count = 2 * BLOCK;
        let ends = |index: usize, end: u32| if index < count / 2 { 0 } else { end };
        let pairs = (count / 2 * count / 2) as u128;
        let wide: Vec<u32> = (0..count).map(|index| ends(index, u32::MAX)).collect();
        assert_eq!(
            over_all_pairs(&wide, &context()),
            Ok(pairs * u128::from(u32::MAX))
        );
        let narrow: Vec<u16> = (0..count)
            .map(|index| ends(index, u16::MAX.into()) as u16)
            .collect();
        assert_eq!(
            over_all_pairs(&narrow, &context()),
            Ok(pairs * u128::from(u16::MAX))
        );
    }

    #[test]
    fn vectors_change_no_bit() {
        let values: Vec<f64> = numbers(2 * BLOCK + 77)
            .map(|number| f64::from(number).sqrt() - 3e4)
            .collect();
        let [scalar, fastest] = [Arch::Scalar, Arch::new()].map(|arch| {
            let sum = over_all_pairs_on(arch, &values, &context()).unwrap();
            sum.value().to_bits()
        });
        assert_eq!(scalar, fastest);
    }
}
