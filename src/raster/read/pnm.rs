//! Netpbm's formats.
//!
//! The headers are `image`'s work. The samples are taken as they are: `image` would stretch a maximum of, say, 4095 to 65535.

use std::io::{BufRead, Read, Take};

use image::{
    ImageError,
    codecs::pnm::{ArbitraryTuplType, PnmDecoder, PnmHeader, PnmSubtype, SampleEncoding},
};

use super::{Format, Found, Picture, Source, png::unpack};
use crate::{SampleType, Shape, raster::error::ReadProblem};

const FORMAT: Format = Format::Pnm;

/// More than the head of any sound file.
const MAX_HEAD_BYTES: u64 = 1 << 20;

pub(super) fn probe(source: &Source<'_>) -> Result<Found, ReadProblem> {
    open(source, source.open()?).map(|(_, opened)| opened.found)
}

/// What the head says.
struct Opened {
    found: Found,
    encoding: Raster,
    /// What the samples take in the file, or more.
    raster_bytes: u64,
    maximum: u32,
}

/// Reads the head; the input is then at the samples.
fn open<R: BufRead>(source: &Source<'_>, input: R) -> Result<(Take<R>, Opened), ReadProblem> {
    // Bounded: a header line without end ends here.
    let decoder =
        PnmDecoder::new(input.take(source.file_bytes.min(MAX_HEAD_BYTES))).map_err(problem)?;
    let (mut input, header) = decoder.into_inner();
    input.set_limit(source.file_bytes);
    let (width, height) = (header.width(), header.height());
    if width == 0 || height == 0 {
        return Err(ReadProblem::NoPixels {
            format: FORMAT,
            width,
            height,
        });
    }
    let (bands, alpha_band) = bands(&header)?;
    let maximum = header.maximal_sample();
    let shape = Shape {
        width,
        height,
        bands,
        sample: if maximum > 255 {
            SampleType::U16
        } else {
            SampleType::U8
        },
    };
    let size = source.limits.check(shape)?;
    let (raster_bytes, encoding) = match header.subtype() {
        PnmSubtype::Bitmap(SampleEncoding::Binary) => (
            u64::from(width.div_ceil(8)) * u64::from(height),
            Raster::Bits,
        ),
        PnmSubtype::Bitmap(SampleEncoding::Ascii) => (shape.pixels(), Raster::BitDigits),
        // At least one digit and, but for the last, one space each.
        PnmSubtype::Graymap(SampleEncoding::Ascii) | PnmSubtype::Pixmap(SampleEncoding::Ascii) => (
            (shape.pixels() * u64::from(bands)).saturating_mul(2) - 1,
            Raster::Numbers,
        ),
        _ => (size as u64, Raster::Bytes),
    };
    if raster_bytes > source.file_bytes {
        return Err(ReadProblem::Truncated {
            format: FORMAT,
            detail: format!(
                "{width} x {height} pixels take {raster_bytes} bytes or more, the file has {}",
                source.file_bytes
            ),
        });
    }
    let found = Found {
        bits: (u32::BITS - maximum.leading_zeros()) as u8,
        shape,
        alpha_band,
        beside: 0,
    };
    let opened = Opened {
        found,
        encoding,
        raster_bytes,
        maximum,
    };
    Ok((input, opened))
}

pub(super) fn decode(source: &Source<'_>) -> Result<Picture, ReadProblem> {
    let (mut input, opened) = open(source, source.open()?)?;
    let Opened {
        found,
        encoding,
        raster_bytes,
        maximum,
    } = opened;
    let shape = found.shape;
    let size = source.limits.check(shape)?;
    let read_exactly = |input: &mut dyn Read, bytes: usize| {
        let mut buffer = vec![0; bytes];
        input
            .read_exact(&mut buffer)
            .map_err(|error| ReadProblem::from_io(FORMAT, error))?;
        Ok(buffer)
    };
    let samples = match encoding {
        Raster::Bytes => {
            let mut samples = read_exactly(&mut input, size)?;
            if shape.sample == SampleType::U16 {
                for sample in samples.chunks_exact_mut(2) {
                    sample.swap(0, 1);
                }
            }
            samples
        }
        Raster::Bits => {
            let packed = read_exactly(&mut input, raster_bytes as usize)?;
            let mut samples = unpack(&packed, shape.width as usize, 1);
            // In a PBM, 1 is black.
            samples.iter_mut().for_each(|sample| *sample ^= 1);
            samples
        }
        Raster::BitDigits => bit_digits(&mut input, size)?,
        Raster::Numbers => numbers(&mut input, shape, size)?,
    };
    check_maximum(&samples, shape.sample, maximum)?;
    Picture::from_samples(FORMAT, &found, samples, source.limits)
}

enum Raster {
    Bytes,
    Bits,
    BitDigits,
    Numbers,
}

/// The number of bands, and which of them is alpha.
fn bands(header: &PnmHeader) -> Result<(u16, Option<usize>), ReadProblem> {
    let Some(pam) = header.as_arbitrary() else {
        let bands = if header.as_pixmap().is_some() { 3 } else { 1 };
        return Ok((bands, None));
    };
    let unsupported = |found: String| ReadProblem::Unsupported {
        format: FORMAT,
        found,
        wanted: "a PAM of 1 to 4 bands with a maximum of 1 to 65535",
    };
    let bands = u16::try_from(pam.depth)
        .ok()
        .filter(|&bands| bands > 0)
        .ok_or_else(|| unsupported(format!("{} bands", pam.depth)))?;
    if pam.maxval > 65535 {
        return Err(unsupported(format!("a maximum of {}", pam.maxval)));
    }
    // `image` has checked that the number of bands suits the kind.
    let has_alpha = matches!(
        pam.tupltype,
        Some(
            ArbitraryTuplType::RGBAlpha
                | ArbitraryTuplType::GrayscaleAlpha
                | ArbitraryTuplType::BlackAndWhiteAlpha
        )
    );
    Ok((bands, has_alpha.then_some(usize::from(bands) - 1)))
}

fn bit_digits(input: &mut impl BufRead, count: usize) -> Result<Vec<u8>, ReadProblem> {
    let mut samples = Vec::with_capacity(count);
    for byte in input.bytes() {
        match byte.map_err(ReadProblem::Io)? {
            b'0' => samples.push(1),
            b'1' => samples.push(0),
            space if space.is_ascii_whitespace() => {}
            other => return Err(no_number(other)),
        }
        if samples.len() == count {
            return Ok(samples);
        }
    }
    Err(ReadProblem::from_io(
        FORMAT,
        std::io::ErrorKind::UnexpectedEof.into(),
    ))
}

fn numbers(input: &mut impl BufRead, shape: Shape, size: usize) -> Result<Vec<u8>, ReadProblem> {
    let sample_bytes = shape.sample.size_bytes();
    let mut samples = Vec::with_capacity(size);
    let mut number = None;
    // The space at the end makes the last number complete.
    for byte in input.bytes().chain(std::iter::once(Ok(b'\n'))) {
        match (byte.map_err(ReadProblem::Io)?, number) {
            (digit @ b'0'..=b'9', before) => {
                // More digits than 65535 has are too much anyhow, and must not overflow.
                number = Some(before.unwrap_or(0u32).min(65536) * 10 + u32::from(digit - b'0'));
            }
            (space, before) if space.is_ascii_whitespace() => {
                let Some(value) = before else { continue };
                let value = u16::try_from(value).map_err(|_| above(value, 65535))?;
                if sample_bytes == 1 && value > 255 {
                    return Err(above(value.into(), 255));
                }
                samples.extend(&value.to_le_bytes()[..sample_bytes]);
                number = None;
                if samples.len() == size {
                    return Ok(samples);
                }
            }
            (other, _) => return Err(no_number(other)),
        }
    }
    Err(ReadProblem::from_io(
        FORMAT,
        std::io::ErrorKind::UnexpectedEof.into(),
    ))
}

fn check_maximum(samples: &[u8], sample: SampleType, maximum: u32) -> Result<(), ReadProblem> {
    if maximum == 255 || maximum == 65535 {
        return Ok(());
    }
    let largest = match sample {
        SampleType::U16 => samples
            .chunks_exact(2)
            .map(|sample| u16::from_le_bytes([sample[0], sample[1]]))
            .max(),
        _ => samples.iter().copied().max().map(u16::from),
    };
    match largest.map(u32::from) {
        Some(largest) if largest > maximum => Err(above(largest, maximum)),
        _ => Ok(()),
    }
}

fn above(value: u32, maximum: u32) -> ReadProblem {
    ReadProblem::Malformed {
        format: FORMAT,
        detail: format!("a sample is {value}, above the maximum of {maximum}"),
    }
}

fn no_number(byte: u8) -> ReadProblem {
    ReadProblem::Malformed {
        format: FORMAT,
        detail: format!("byte {byte:#04x} among the samples, where digits belong"),
    }
}

fn problem(error: ImageError) -> ReadProblem {
    match error {
        ImageError::IoError(error) => ReadProblem::from_io(FORMAT, error),
        other => ReadProblem::Malformed {
            format: FORMAT,
            detail: other.to_string(),
        },
    }
}
