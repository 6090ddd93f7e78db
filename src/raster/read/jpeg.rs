//! JPEG.

use std::io::{self, BufRead, Cursor, Read};

use image::{ColorType, ImageDecoder, ImageError, codecs::jpeg::JpegDecoder};

use super::{Format, Found, Picture, Source};
use crate::{SampleType, Shape, raster::error::ReadProblem};

const FORMAT: Format = Format::Jpeg;

/// A block of 8 × 8 pixels takes at least one bit (ITU-T T.81, F.1.2: a Huffman code has one or more).
const MAX_PIXELS_PER_BYTE: u64 = 8 * 64;

pub(super) fn probe(source: &Source<'_>) -> Result<Found, ReadProblem> {
    let head = head(source)?;
    let frame = Frame::of(&head);
    let decoder = JpegDecoder::new(Cursor::new(head)).map_err(problem)?;
    found(source, &decoder, frame)
}

pub(super) fn decode(source: &Source<'_>) -> Result<Picture, ReadProblem> {
    // The decoder wants the whole file. What a limit on decoded bytes allows is more than any sound file of it has.
    let mut bytes = Vec::new();
    source
        .open()?
        .take(source.limits.max_decoded_bytes.saturating_add(1 << 20))
        .read_to_end(&mut bytes)
        .map_err(ReadProblem::Io)?;
    // The decoder fills what is missing with gray and says nothing.
    check_complete(&bytes)?;
    // By the same segments as when it was let in.
    let frame = Frame::of(&head(source)?);
    let decoder = JpegDecoder::new(Cursor::new(bytes)).map_err(problem)?;
    let found = found(source, &decoder, frame)?;
    let mut samples = vec![0; source.limits.check_beside(found.shape, found.beside)?];
    decoder.read_image(&mut samples).map_err(problem)?;
    Picture::from_samples(FORMAT, &found, samples, source.limits)
}

fn found(
    source: &Source<'_>,
    decoder: &JpegDecoder<Cursor<Vec<u8>>>,
    frame: Frame,
) -> Result<Found, ReadProblem> {
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
    // The decoder makes its copy of the file while there is another.
    let coefficients = frame.coefficient_bytes(width, height);
    let beside = coefficients.saturating_add(source.file_bytes.saturating_mul(2));
    source.limits.check_beside(shape, beside)?;
    if shape.pixels() > source.file_bytes.saturating_mul(MAX_PIXELS_PER_BYTE) {
        return Err(ReadProblem::Truncated {
            format: FORMAT,
            detail: format!(
                "{} bytes cannot hold {width} x {height} pixels",
                source.file_bytes
            ),
        });
    }
    Ok(Found {
        bits: 8,
        shape,
        alpha_band: None,
        beside,
    })
}

/// What the frame and its first scan say of how the picture is coded (T.81, B.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Frame {
    is_progressive: bool,
    components: u8,
    /// Of them, those that the first scan has.
    scanned: u8,
}

impl Frame {
    /// Of the segments up to the first scan; whether they are sound the decoder says.
    fn of(bytes: &[u8]) -> Self {
        let mut frame = Self::default();
        let mut at = 2;
        while let Some(found) = bytes
            .get(at..)
            .and_then(|rest| rest.iter().position(|&byte| byte == 0xff))
        {
            at += found + 1;
            let Some(&code) = bytes.get(at) else {
                break;
            };
            if code == 0xff {
                continue;
            }
            if matches!(code, 0x00 | 0x01 | 0xd0..=0xd9) {
                at += 1;
                continue;
            }
            let Some(&[high, low]) = bytes.get(at + 1..at + 3) else {
                break;
            };
            match code {
                0xda => {
                    frame.scanned = bytes.get(at + 3).copied().unwrap_or(0);
                    break;
                }
                // Any frame but a table of Huffman codes, of arithmetic ones, or an extension.
                0xc0..=0xcf if !matches!(code, 0xc4 | 0xc8 | 0xcc) => {
                    frame.is_progressive = !matches!(code, 0xc0 | 0xc1);
                    frame.components = bytes.get(at + 8).copied().unwrap_or(0);
                }
                _ => {}
            }
            at += 1 + usize::from(u16::from_be_bytes([high, low]));
        }
        frame
    }

    /// What the decoder keeps of a picture until its last scan: all coefficients, of 16 bits, of whole blocks. Where
    /// the first scan is the only one it keeps none.
    fn coefficient_bytes(self, width: u32, height: u32) -> u64 {
        /// The largest unit of blocks is of 4 × 4 (T.81, A.1.1).
        const UNIT: u32 = 4 * 8;

        if !self.is_progressive && self.scanned == self.components {
            return 0;
        }
        let padded = |pixels: u32| u64::from(pixels.next_multiple_of(UNIT));
        let samples = padded(width) * padded(height) * u64::from(self.components.max(1));
        samples.saturating_mul(2)
    }
}

/// More than all tables and frame headers of any sound file.
const MAX_HEAD_BYTES: usize = 1 << 20;

/// The segments before the first scan and its header (T.81, B.1), without those that say nothing of the samples.
fn head(source: &Source<'_>) -> Result<Vec<u8>, ReadProblem> {
    let mut file = source.open()?;
    let mut head = vec![0xff, 0xd8];
    let failed = |error| ReadProblem::from_io(FORMAT, error);
    file.seek_relative(2).map_err(failed)?;
    loop {
        let code = marker(&mut file).map_err(failed)?;
        if matches!(code, 0x00 | 0x01 | 0xd0..=0xd8) {
            continue;
        }
        if code == 0xd9 {
            return Err(no_pixel());
        }
        let mut length = [0; 2];
        file.read_exact(&mut length).map_err(failed)?;
        let bytes = usize::from(u16::from_be_bytes(length)).saturating_sub(2);
        // Of applications' data, JFIF's and Adobe's tell of colours.
        if matches!(code, 0xe1..=0xed | 0xef | 0xfe) {
            file.seek_relative(bytes as i64).map_err(failed)?;
            continue;
        }
        head.extend([0xff, code]);
        head.extend(length);
        let start = head.len();
        head.resize(start + bytes, 0);
        file.read_exact(&mut head[start..]).map_err(failed)?;
        if code == 0xda {
            return Ok(head);
        }
        if head.len() > MAX_HEAD_BYTES {
            return Err(ReadProblem::Malformed {
                format: FORMAT,
                detail: format!("its tables take more than {MAX_HEAD_BYTES} bytes"),
            });
        }
    }
}

/// The code of the next marker: 0xFF, any number of times, then another byte.
fn marker(file: &mut impl BufRead) -> io::Result<u8> {
    let mut byte = [0];
    while byte[0] != 0xff {
        file.read_exact(&mut byte)?;
    }
    while byte[0] == 0xff {
        file.read_exact(&mut byte)?;
    }
    Ok(byte[0])
}

fn no_pixel() -> ReadProblem {
    ReadProblem::Truncated {
        format: FORMAT,
        detail: "it ends before its first pixel".to_owned(),
    }
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
            0xd9 => return Err(no_pixel()),
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
