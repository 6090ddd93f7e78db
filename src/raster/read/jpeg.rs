//! JPEG.

use std::{
    fs::File,
    io::{Cursor, Read},
};

use image::{ColorType, ImageDecoder, ImageError, codecs::jpeg::JpegDecoder};

use super::{Format, Picture, Source};
use crate::{SampleType, Shape, raster::error::ReadProblem};

const FORMAT: Format = Format::Jpeg;

/// A block of 8 × 8 pixels takes at least one bit (ITU-T T.81, F.1.2: a Huffman code has one or more).
const MAX_PIXELS_PER_BYTE: u64 = 8 * 64;

pub(super) fn decode(source: &Source<'_>, mut file: File) -> Result<Picture, ReadProblem> {
    // The decoder wants the whole file. What a limit on decoded bytes allows is more than any sound file of it has.
    let mut bytes = Vec::new();
    (&mut file)
        .take(source.limits.max_decoded_bytes.saturating_add(1 << 20))
        .read_to_end(&mut bytes)
        .map_err(ReadProblem::Io)?;
    // The decoder fills what is missing with gray and says nothing.
    check_complete(&bytes)?;
    let decoder = JpegDecoder::new(Cursor::new(bytes)).map_err(problem)?;
    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 {
        return Err(ReadProblem::NoPixels {
            format: FORMAT,
            width,
            height,
        });
    }
    let bands = match decoder.color_type() {
        ColorType::L8 => 1,
        ColorType::Rgb8 => 3,
        other => {
            return Err(ReadProblem::Unsupported {
                format: FORMAT,
                found: format!("samples of the kind {other:?}"),
                wanted: "8-bit gray and RGB",
            });
        }
    };
    let shape = Shape {
        width,
        height,
        bands,
        sample: SampleType::U8,
    };
    let size = source.limits.check(shape)?;
    if shape.pixels() > source.file_bytes.saturating_mul(MAX_PIXELS_PER_BYTE) {
        return Err(ReadProblem::Truncated {
            format: FORMAT,
            detail: format!(
                "{} bytes cannot hold {width} x {height} pixels",
                source.file_bytes
            ),
        });
    }
    let mut samples = vec![0; size];
    decoder.read_image(&mut samples).map_err(problem)?;
    Picture::from_samples(FORMAT, 8, shape, samples, None, source.limits)
}

/// Walks over the segments (T.81, B.1) to the end-of-image marker.
fn check_complete(bytes: &[u8]) -> Result<(), ReadProblem> {
    let truncated = |detail: &str| ReadProblem::Truncated {
        format: FORMAT,
        detail: detail.to_owned(),
    };
    let no_end = || truncated("the file ends before the end-of-image marker");
    let mut at = 2;
    let mut scanned = false;
    loop {
        // A marker is 0xFF and a code; before the first scan nothing else may stand between segments, and within a scan
        // 0xFF 0x00 is a data byte and 0xFF 0xD0 to 0xD7 are restarts.
        let found = bytes
            .get(at..)
            .and_then(|rest| rest.iter().position(|&byte| byte == 0xff))
            .ok_or_else(no_end)?;
        at += found + 1;
        let code = *bytes.get(at).ok_or_else(no_end)?;
        match code {
            0xff => continue,
            0x00 | 0x01 | 0xd0..=0xd8 => at += 1,
            0xd9 if scanned => return Ok(()),
            0xd9 => return Err(truncated("it ends before its first pixel")),
            _ => {
                let length = match bytes.get(at + 1..at + 3) {
                    Some(&[high, low]) => usize::from(u16::from_be_bytes([high, low])),
                    _ => return Err(no_end()),
                };
                scanned |= code == 0xda;
                at += 1 + length;
            }
        }
    }
}

fn problem(error: ImageError) -> ReadProblem {
    match error {
        ImageError::IoError(error) => ReadProblem::from_io(FORMAT, error),
        ImageError::Unsupported(what) => ReadProblem::Unsupported {
            format: FORMAT,
            found: what.to_string(),
            wanted: "baseline and progressive JPEG of 8 bits",
        },
        other => ReadProblem::Malformed {
            format: FORMAT,
            detail: other.to_string(),
        },
    }
}
