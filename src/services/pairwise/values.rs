//! The values of a tile that are compared.

use msvpu_actors::{Context, Result};

use crate::scene::SampleType;
use crate::services::sample::Sample;
use crate::services::tile::{Tile, check};

/// Pixels between two looks at the cancellation flag.
const CHECK_PIXELS: usize = 1 << 16;

/// One value for each pixel that is compared, in row-major order.
#[derive(Debug)]
pub(crate) enum Values {
    /// The samples of one band of integers.
    Narrow(Vec<u16>),
    /// The sums over several bands of integers: at most 65,535 of them below 2¹⁶.
    Wide(Vec<u32>),
    /// The means over the bands of floating-point samples.
    Real(Vec<f64>),
}

impl Values {
    pub(crate) const fn len(&self) -> usize {
        match self {
            Self::Narrow(values) => values.len(),
            Self::Wide(values) => values.len(),
            Self::Real(values) => values.len(),
        }
    }
}

/// Runs a generic function for the type of the samples of a tile.
macro_rules! of_type {
    ($tile:expr, $function:ident($($argument:expr),*)) => {
        match $tile.head.shape.sample {
            SampleType::U8 => $function::<u8>($($argument),*),
            SampleType::U16 => $function::<u16>($($argument),*),
            SampleType::F32 => $function::<f32>($($argument),*),
            SampleType::F64 => $function::<f64>($($argument),*),
        }
    };
}

/// Reads every `sampling`-th pixel of a tile, and keeps those with data.
pub(crate) fn read(
    tile: &Tile,
    sampling: usize,
    nodata: Option<f64>,
    context: &Context,
) -> Result<Values> {
    check(tile)?;
    of_type!(tile, read_as(tile, sampling, nodata, context))
}

/// How many values [`read`] gives.
pub(crate) fn count(tile: &Tile, sampling: usize, nodata: Option<f64>) -> u64 {
    if check(tile).is_err() {
        return 0;
    }
    of_type!(tile, count_as(tile, sampling, nodata))
}

fn read_as<T: Sample>(
    tile: &Tile,
    sampling: usize,
    nodata: Option<f64>,
    context: &Context,
) -> Result<Values> {
    let bands = usize::from(tile.head.shape.bands);
    let integers = |pixel: &[u8]| samples::<T>(pixel).map(T::to_integer).sum::<u64>();
    // The sums fit: see `Values`.
    Ok(if !T::IS_INTEGER {
        let mean = |pixel: &[u8]| samples::<T>(pixel).map(T::value).sum::<f64>() / bands as f64;
        Values::Real(each::<T, _>(tile, sampling, nodata, context, mean)?)
    } else if bands == 1 {
        let value = |pixel: &[u8]| integers(pixel) as u16;
        Values::Narrow(each::<T, _>(tile, sampling, nodata, context, value)?)
    } else {
        let value = |pixel: &[u8]| integers(pixel) as u32;
        Values::Wide(each::<T, _>(tile, sampling, nodata, context, value)?)
    })
}

fn each<T: Sample, V>(
    tile: &Tile,
    sampling: usize,
    nodata: Option<f64>,
    context: &Context,
    value: impl Fn(&[u8]) -> V,
) -> Result<Vec<V>> {
    let nodata = nodata.and_then(T::rounded);
    let mut values = Vec::with_capacity(steps(tile, sampling).len());
    for (index, pixel) in steps(tile, sampling).enumerate() {
        if index % CHECK_PIXELS == 0 {
            context.check()?;
        }
        if has_data(pixel, nodata) {
            values.push(value(pixel));
        }
    }
    Ok(values)
}

fn count_as<T: Sample>(tile: &Tile, sampling: usize, nodata: Option<f64>) -> u64 {
    let nodata = nodata.and_then(T::rounded);
    let pixels = steps(tile, sampling);
    (if T::IS_INTEGER && nodata.is_none() {
        pixels.len()
    } else {
        pixels.filter(|pixel| has_data(pixel, nodata)).count()
    }) as u64
}

/// Every `sampling`-th pixel in row-major order, from the first on.
fn steps(tile: &Tile, sampling: usize) -> impl ExactSizeIterator<Item = &[u8]> {
    tile.body
        .chunks_exact(tile.head.shape.pixel_bytes())
        .step_by(sampling)
}

fn samples<T: Sample>(pixel: &[u8]) -> impl Iterator<Item = T> {
    pixel.chunks_exact(T::BYTES).map(T::read)
}

/// Whether all bands are finite and not all have the nodata value.
fn has_data<T: Sample>(pixel: &[u8], nodata: Option<T>) -> bool {
    let finite = T::IS_INTEGER || samples::<T>(pixel).all(|sample| sample.value().is_finite());
    finite && nodata.is_none_or(|nodata| samples::<T>(pixel).any(|sample| sample != nodata))
}
