//! Taking the alpha band out of decoded samples.

use crate::{SampleType, Scene, SceneError, Shape};

/// Leaves the band `alpha` (counted from 0) out of interleaved little-endian samples.
///
/// Returns the scene and the number of fully transparent pixels (alpha exactly 0). Without any, the samples keep their
/// type and are moved together in place. With some, they become floats, wide enough to hold every value exactly, and
/// all bands of a transparent pixel are NaN.
pub(crate) fn leave_out(
    shape: Shape,
    mut samples: Vec<u8>,
    alpha: usize,
) -> Result<(Scene, u64), SceneError> {
    let pixel = shape.pixel_bytes();
    let size = shape.sample.size_bytes();
    let place = alpha * size..(alpha + 1) * size;
    let transparent = samples
        .chunks_exact(pixel)
        .filter(|pixel| is_zero(shape.sample, &pixel[place.clone()]))
        .count() as u64;
    let kept = Shape {
        bands: shape.bands - 1,
        sample: if transparent > 0 {
            with_nan(shape.sample)
        } else {
            shape.sample
        },
        ..shape
    };
    if transparent == 0 {
        let mut end = 0;
        for start in (0..samples.len()).step_by(pixel) {
            samples.copy_within(start..start + place.start, end);
            end += place.start;
            samples.copy_within(start + place.end..start + pixel, end);
            end += pixel - place.end;
        }
        samples.truncate(end);
        samples.shrink_to_fit();
        return Ok((Scene::new(kept, samples)?, 0));
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
    Ok((Scene::new(kept, floats)?, transparent))
}

/// The sample type that [`leave_out`] needs for transparent pixels: all values of `sample`, and NaN.
pub(crate) const fn with_nan(sample: SampleType) -> SampleType {
    match sample {
        SampleType::U8 | SampleType::U16 | SampleType::F32 => SampleType::F32,
        SampleType::F64 => SampleType::F64,
    }
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
