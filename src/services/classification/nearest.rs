//! The nearest centers of a group of pixels: quickly in `f32` with a proof, or else in `f64`.
//!
//! # Why the quick answer is the right one
//!
//! Let `u` be 2⁻²⁴, half of what `f32` can tell apart, and `B` the number of bands. A difference
//! `x − c` in `f32` is off by at most `2u (|x| + |c|)`: one `u` for each rounded operand and one for
//! the difference. As a vector over the bands it is off by at most `2u √B M`, where `M` bounds
//! `|x| + |c|` in every band, and by the triangle inequality so is its length. Squares, sum and
//! root add a relative error of less than `(B + 2) u`. So a gap `d₂ − d₁` between the two least
//! distances is off by at most `4u √B M + 2 (B + 2) u d₂`; [`Doubt`] takes twice that. Where the gap
//! of a group is still positive after that, each pixel's nearest center is the one that `f32`
//! names. Elsewhere, and where squares could overflow, [`exact`] decides.

use pulp::Simd;

use super::centers::Centers;

/// Pixels whose labels are looked at together: one vector of the widest instruction set.
pub(crate) const GROUP_PIXELS: usize = 16;

/// Room for the rounding of `f64` distances, relative.
pub(crate) const ROUNDING: f64 = 1e-9;

/// The classes of a group, and what tells how sure they are.
pub(crate) struct Group {
    /// The index of the nearest center of each pixel; of several at the same distance the first.
    pub(crate) classes: [u16; GROUP_PIXELS],
    /// The least difference between the two least measures of a pixel. A measure is a squared
    /// distance, but with one band a distance.
    pub(crate) gap: f64,
    /// The greatest second least measure.
    pub(crate) far: f64,
}

/// How much the computed distances may be off.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Doubt {
    relative: f64,
    absolute: f64,
}

impl Doubt {
    /// Of distances in `f64`: a few operations on at most 2¹⁶ bands, each off by 2⁻⁵³.
    pub(crate) const EXACT: Self = Self {
        relative: ROUNDING,
        absolute: 0.0,
    };

    /// How much nearer, at least, each pixel of the group is to its center than to the next: by
    /// `d₂ − d₁ = (d₂² − d₁²) / (d₂ + d₁)`, which is no less than the least gap over twice the
    /// greatest `d₂`. What is not positive says nothing.
    #[inline(always)]
    pub(crate) fn slack(self, gap: f64, far: f64, bands: usize) -> f64 {
        let (gap, far) = if bands == 1 {
            (gap, far)
        } else {
            let far = far.sqrt();
            (gap / (far + far), far)
        };
        gap - self.relative * far - self.absolute
    }
}

/// Centers in `f32`.
pub(crate) struct Screen {
    centers: Vec<f32>,
    pub(crate) doubt: Doubt,
}

impl Screen {
    /// A screen for pixels of which no sample is greater than `reach`; `None` where squares could
    /// overflow.
    pub(crate) fn new(centers: &Centers, reach: f64) -> Option<Self> {
        let unit = f64::from(f32::EPSILON) / 2.0;
        let bands = centers.bands() as f64;
        let largest = (centers.values().iter()).fold(0.0, |max, value| f64::max(max, value.abs()));
        let bound = reach + largest;
        // Below this, 2¹⁶ squares add up to less than 2¹²⁷.
        (bound < 2.0_f64.powi(54)).then(|| Self {
            centers: centers.values().iter().map(|&value| value as f32).collect(),
            doubt: Doubt {
                relative: 4.0 * (bands + 2.0) * unit,
                // Beside, what squares lose when they underflow.
                absolute: bands.sqrt() * (8.0 * unit * bound + f64::from(f32::MIN_POSITIVE).sqrt()),
            },
        })
    }

    /// The classes of a group as `f32` has them. `values` are those of the group, `stride` from
    /// band to band.
    #[inline(always)]
    pub(crate) fn group<S: Simd>(
        &self,
        simd: S,
        values: &[f32],
        stride: usize,
        bands: usize,
    ) -> Group {
        nearest_f32(simd, values, stride, &self.centers, bands)
    }
}

/// The classes of a group by distances in `f64`.
#[inline(always)]
pub(crate) fn exact<S: Simd>(
    simd: S,
    values: &[f64],
    stride: usize,
    centers: &[f64],
    bands: usize,
) -> Group {
    nearest_f64(simd, values, stride, centers, bands)
}

/// Walks over the centers; `$float` and `$whole` are as wide as each other.
macro_rules! nearest {
    ($name:ident, $float:ty, $whole:ty,
        $load:ident, $splat:ident, $sub:ident, $mul:ident, $add:ident, $abs:ident, $less:ident,
        $min:ident, $max:ident, $reduce_min:ident, $reduce_max:ident,
        $store:ident, $splat_whole:ident, $select_whole:ident) => {
        #[inline(always)]
        fn $name<S: Simd>(
            simd: S,
            values: &[$float],
            stride: usize,
            centers: &[$float],
            bands: usize,
        ) -> Group {
            let mut labels: [$whole; GROUP_PIXELS] = [0; GROUP_PIXELS];
            let mut gap = simd.$splat(<$float>::INFINITY);
            let mut far = simd.$splat(0.0);
            for (vector, labels) in S::$store(&mut labels).0.iter_mut().enumerate() {
                let mut least = simd.$splat(<$float>::INFINITY);
                let mut second = least;
                let mut label = simd.$splat_whole(0);
                for (class, center) in (0..).zip(centers.chunks_exact(bands)) {
                    let mut measure = simd.$splat(0.0);
                    for (band, &center) in center.iter().enumerate() {
                        let x = S::$load(&values[band * stride..][..GROUP_PIXELS]).0[vector];
                        let difference = simd.$sub(x, simd.$splat(center));
                        let square = simd.$mul(difference, difference);
                        measure = match (bands, band) {
                            (1, _) => simd.$abs(difference),
                            (_, 0) => square,
                            _ => simd.$add(measure, square),
                        };
                    }
                    let nearer = simd.$less(measure, least);
                    second = simd.$min(second, simd.$max(least, measure));
                    least = simd.$min(least, measure);
                    label = simd.$select_whole(nearer, simd.$splat_whole(class), label);
                }
                *labels = label;
                gap = simd.$min(gap, simd.$sub(second, least));
                far = simd.$max(far, second);
            }
            Group {
                classes: labels.map(|label| label as u16),
                gap: simd.$reduce_min(gap).into(),
                far: simd.$reduce_max(far).into(),
            }
        }
    };
}

nearest!(
    nearest_f32,
    f32,
    u32,
    as_simd_f32s,
    splat_f32s,
    sub_f32s,
    mul_f32s,
    add_f32s,
    abs_f32s,
    less_than_f32s,
    min_f32s,
    max_f32s,
    reduce_min_f32s,
    reduce_max_f32s,
    as_mut_simd_u32s,
    splat_u32s,
    select_u32s
);
nearest!(
    nearest_f64,
    f64,
    u64,
    as_simd_f64s,
    splat_f64s,
    sub_f64s,
    mul_f64s,
    add_f64s,
    abs_f64s,
    less_than_f64s,
    min_f64s,
    max_f64s,
    reduce_min_f64s,
    reduce_max_f64s,
    as_mut_simd_u64s,
    splat_u64s,
    select_u64s
);
