//! Pictures for the eye as PNG.

use std::{io::Write, path::Path};

use png::{BitDepth, ColorType, Compression, Encoder};

use super::file;
use crate::raster::error::{WriteError, WriteProblem};

/// Writes a PNG of 8 bits a sample: gray, gray and alpha, RGB, or RGB and alpha, as many samples as `samples` has for
/// each pixel.
///
/// # Errors
/// [`WriteError`] when there is no pixel, the samples are not one to four per pixel, or the file cannot be written.
pub fn write_color_png(
    path: &Path,
    width: u32,
    height: u32,
    samples: &[u8],
) -> Result<(), WriteError> {
    file::replace(path, |out| {
        let pixels = u128::from(width) * u128::from(height);
        if pixels == 0 {
            return Err(WriteProblem::NoPixels { width, height });
        }
        let found = samples.len();
        let color = [
            ColorType::Grayscale,
            ColorType::GrayscaleAlpha,
            ColorType::Rgb,
            ColorType::Rgba,
        ];
        let color = (1..)
            .zip(color)
            .find(|(per_pixel, _)| pixels * per_pixel == found as u128);
        let Some((_, color)) = color else {
            return Err(WriteProblem::Length {
                width,
                height,
                found,
                expected: pixels,
            });
        };
        let mut encoder = Encoder::new(out, width, height);
        encoder.set_color(color);
        encoder.set_depth(BitDepth::Eight);
        encoder.set_compression(Compression::Fast);
        let mut writer = encoder.write_header()?;
        let mut stream = writer.stream_writer()?;
        stream.write_all(samples)?;
        stream.finish()?;
        Ok(writer.finish()?)
    })
}
