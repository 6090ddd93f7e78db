//! Taking the alpha band out of decoded samples.

use crate::{SampleType, Scene, SceneError, Shape};

/// How many pixels are fully transparent: `alpha`, a band counted from 0, is exactly 0.
pub(super) fn count_transparent(shape: Shape, samples: &[u8], alpha: usize) -> u64 {
    let size = shape.sample.size_bytes();
    samples
        .chunks_exact(shape.pixel_bytes())
        .filter(|pixel| is_zero(shape.sample, &pixel[alpha * size..(alpha + 1) * size]))
        .count() as u64
}

/// The shape without alpha; with transparent pixels, of floats that hold every value exactly, and NaN.
pub(super) fn shape_without(shape: Shape, transparent: bool) -> Shape {
    Shape {
        bands: shape.bands - 1,
        sample: match shape.sample {
            SampleType::U8 | SampleType::U16 if transparent => SampleType::F32,
            sample => sample,
        },
        ..shape
    }
}

/// Leaves the band `alpha` out of interleaved little-endian samples.
///
/// When there are no transparent pixels, the samples are moved together in place. Else all bands of a transparent pixel are NaN.
pub(super) fn leave_out(
    shape: Shape,
    mut samples: Vec<u8>,
    alpha: usize,
    transparent: bool,
) -> Result<Scene, SceneError> {
    let pixel = shape.pixel_bytes();
    let size = shape.sample.size_bytes();
    let place = alpha * size..(alpha + 1) * size;
    let kept = shape_without(shape, transparent);
    if !transparent {
        let mut end = 0;
        for start in (0..samples.len()).step_by(pixel) {
            samples.copy_within(start..start + place.start, end);
            end += place.start;
            samples.copy_within(start + place.end..start + pixel, end);
            end += pixel - place.end;
        }
        samples.truncate(end);
        samples.shrink_to_fit();
        return Scene::new(kept, samples);
    }
    let mut floats = Vec::with_capacity(samples.len() / size * kept.sample.size_bytes());
    for pixel in samples.chunks_exact(pixel) {
        let opaque = !is_zero(shape.sample, &pixel[place.clone()]);
        for (band, sample) in pixel.chunks_exact(size).enumerate() {
            if band != alpha {
                push_float(shape.sample, sample, opaque, &mut floats);
            }
        }
    }
    Scene::new(kept, floats)
}

fn is_zero(sample: SampleType, bytes: &[u8]) -> bool {
    match sample {
        SampleType::U8 | SampleType::U16 => bytes.iter().all(|&byte| byte == 0),
        // Of a float, the sign may be set: -0 is 0.
        SampleType::F32 | SampleType::F64 => match bytes.split_last() {
            Some((&sign, rest)) => sign & 0x7f == 0 && rest.iter().all(|&byte| byte == 0),
            None => false,
        },
    }
}

fn push_float(sample: SampleType, bytes: &[u8], opaque: bool, floats: &mut Vec<u8>) {
    match (sample, bytes) {
        (SampleType::F64, _) if !opaque => floats.extend(f64::NAN.to_le_bytes()),
        _ if !opaque => floats.extend(f32::NAN.to_le_bytes()),
        (SampleType::U8, &[value]) => floats.extend(f32::from(value).to_le_bytes()),
        (SampleType::U16, &[low, high]) => {
            floats.extend(f32::from(u16::from_le_bytes([low, high])).to_le_bytes());
        }
        _ => floats.extend(bytes),
    }
}
