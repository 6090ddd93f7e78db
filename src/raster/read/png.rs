//! PNG.

use std::io::{BufRead, Seek};

use png::{BitDepth, ColorType, Decoder, DecodingError, Limits, Reader, Transformations};

use super::{Format, Found, Picture, Source};
use crate::{SampleType, Shape, raster::error::ReadProblem};

/// Deflate cannot shrink more (RFC 1951: 258 bytes in 2 bits): a smaller file is truncated, or was never sound.
pub(super) const MAX_DEFLATE_RATIO: u64 = 1032;

const FORMAT: Format = Format::Png;

/// What the chunks before the samples may take, where only the head is read.
const MAX_HEAD_BYTES: usize = 16 << 20;

pub(super) fn probe(source: &Source<'_>) -> Result<Found, ReadProblem> {
    open(source, source.open()?, MAX_HEAD_BYTES).map(|(_, found)| found)
}

pub(super) fn decode(source: &Source<'_>) -> Result<Picture, ReadProblem> {
    let memory = usize::try_from(source.limits.max_decoded_bytes).unwrap_or(usize::MAX);
    let (mut reader, found) = open(source, source.open()?, memory)?;
    let transparent_gray = (reader.info().color_type == ColorType::Grayscale)
        .then(|| transparent_gray(reader.info().trns.as_deref()))
        .flatten();
    let size = reader
        .output_buffer_size()
        .ok_or(DecodingError::LimitsExceeded)
        .map_err(problem)?;
    let mut samples = vec![0; size];
    reader.next_frame(&mut samples).map_err(problem)?;
    // To the last chunk: a file cut after its last pixel is still a broken copy.
    reader.finish().map_err(problem)?;
    let (_, out_depth) = reader.output_color_type();
    match out_depth {
        BitDepth::One | BitDepth::Two | BitDepth::Four => {
            samples = unpack(&samples, found.shape.width as usize, out_depth as u8);
        }
        BitDepth::Eight => {}
        BitDepth::Sixteen => {
            for sample in samples.chunks_exact_mut(2) {
                sample.swap(0, 1);
            }
        }
    }
    let mut picture = Picture::from_samples(FORMAT, &found, samples, source.limits)?;
    picture.nodata = transparent_gray;
    Ok(picture)
}

/// Reads the chunks before the samples, which may take `memory` bytes.
fn open<R: BufRead + Seek>(
    source: &Source<'_>,
    input: R,
    memory: usize,
) -> Result<(Reader<R>, Found), ReadProblem> {
    let mut decoder = Decoder::new(input);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    decoder.set_limits(Limits { bytes: memory });
    let header = decoder.read_header_info().map_err(problem)?;
    let (width, height, color, depth) = (
        header.width,
        header.height,
        header.color_type,
        header.bit_depth,
    );
    if width == 0 || height == 0 {
        return Err(ReadProblem::NoPixels {
            format: FORMAT,
            width,
            height,
        });
    }
    let packed_bytes = u128::from(header.raw_row_length() as u64) * u128::from(height);
    if packed_bytes > u128::from(source.file_bytes) * u128::from(MAX_DEFLATE_RATIO) {
        return Err(ReadProblem::Truncated {
            format: FORMAT,
            detail: format!(
                "{} bytes cannot hold {width} x {height} pixels",
                source.file_bytes
            ),
        });
    }
    let sample = match depth {
        BitDepth::Sixteen => SampleType::U16,
        _ => SampleType::U8,
    };
    // A palette, and a transparent colour of RGB, may turn out to bring alpha; the reader knows after more chunks.
    decoder.set_transformations(match color {
        ColorType::Indexed | ColorType::Rgb => Transformations::EXPAND,
        _ => Transformations::IDENTITY,
    });
    let shape_of = |color: ColorType| Shape {
        width,
        height,
        bands: match color {
            ColorType::Grayscale => 1,
            ColorType::GrayscaleAlpha => 2,
            ColorType::Rgb | ColorType::Indexed => 3,
            ColorType::Rgba => 4,
        },
        sample,
    };
    source.limits.check(shape_of(color))?;
    let reader = decoder.read_info().map_err(problem)?;
    let (out_color, _) = reader.output_color_type();
    let shape = shape_of(out_color);
    source.limits.check(shape)?;
    let alpha_band = match out_color {
        ColorType::GrayscaleAlpha => Some(1),
        ColorType::Rgba => Some(3),
        _ => None,
    };
    // Of a palette, the colours have 8 bits, however few the indices have.
    let bits = match color {
        ColorType::Indexed => 8,
        _ => depth as u8,
    };
    let found = Found {
        bits,
        shape,
        alpha_band,
        beside: 0,
    };
    Ok((reader, found))
}

/// The decoder keeps one byte of it for up to 8 bits, and two for 16.
fn transparent_gray(chunk: Option<&[u8]>) -> Option<f64> {
    match *chunk? {
        [value] => Some(f64::from(value)),
        [high, low] => Some(f64::from(u16::from_be_bytes([high, low]))),
        _ => None,
    }
}

/// One byte per sample, from rows of samples of 1, 2 or 4 bits, the first in the high bits; each row begins a byte.
pub(super) fn unpack(packed: &[u8], per_row: usize, bits: u8) -> Vec<u8> {
    let per_byte = usize::from(8 / bits);
    let row_bytes = per_row.div_ceil(per_byte);
    let mask = (1u8 << bits) - 1;
    let mut samples = Vec::with_capacity(packed.len() / row_bytes * per_row);
    for row in packed.chunks_exact(row_bytes) {
        samples.extend(
            row.iter()
                .flat_map(|&byte| (1..=per_byte).map(move |i| byte >> (8 - i as u8 * bits) & mask))
                .take(per_row),
        );
    }
    samples
}

fn problem(error: DecodingError) -> ReadProblem {
    match error {
        DecodingError::IoError(error) => ReadProblem::from_io(FORMAT, error),
        other => ReadProblem::Malformed {
            format: FORMAT,
            detail: other.to_string(),
        },
    }
}
