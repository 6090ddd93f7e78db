//! Labels, masks and memberships as PNG.

use std::{
    io::{BufWriter, Write},
    path::Path,
};

use png::{BitDepth, ColorType, DeflateCompression, Encoder, Filter};

use super::{LabelImage, Labels, file, palette};
use crate::raster::error::{WriteError, WriteProblem};

/// Bytes of compressed data in one chunk of the file.
const IDAT_BYTES: usize = 256 << 10;

/// Writes the labels as a palette PNG of the fewest bits (1, 2, 4 or 8) that hold 0 to K, or as 16-bit gray above 255.
///
/// A reader of the samples (not of the colours) gets the labels. Label 0 is black and transparent; the other colours
/// can be told apart by colour-blind readers, up to seven of them.
///
/// # Errors
/// [`WriteError`] when the file cannot be written.
pub fn write_labels_png(path: &Path, image: &LabelImage<'_>) -> Result<(), WriteError> {
    let depth = match image.classes {
        0..=1 => BitDepth::One,
        2..=3 => BitDepth::Two,
        4..=15 => BitDepth::Four,
        16..=255 => BitDepth::Eight,
        _ => BitDepth::Sixteen,
    };
    file::replace(path, |out| {
        let mut encoder = encoder(out, image.width, image.height, depth);
        if let Ok(classes) = u8::try_from(image.classes) {
            encoder.set_color(ColorType::Indexed);
            encoder.set_palette(palette::label_colors(classes).concat());
            encoder.set_trns(&[0][..]);
        }
        encode_rows(encoder, image, depth, |labels, row| {
            pack_labels(labels, depth, row);
        })
    })
}

/// Writes a 1-bit gray PNG: white where the label is `class`.
///
/// # Errors
/// [`WriteError`] when the file cannot be written.
pub fn write_mask_png(path: &Path, image: &LabelImage<'_>, class: u16) -> Result<(), WriteError> {
    file::replace(path, |out| {
        let encoder = encoder(out, image.width, image.height, BitDepth::One);
        let mut flags = Vec::with_capacity(image.width as usize);
        encode_rows(encoder, image, BitDepth::One, |labels, row| {
            pack_mask(labels, class, &mut flags, row);
        })
    })
}

/// Writes an 8-bit gray PNG of `width * height` samples: memberships, 0 to 255 for 0 to 1.
///
/// # Errors
/// [`WriteError`] when there is no pixel, the samples are not one per pixel, or the file cannot be written.
pub fn write_membership_png(
    path: &Path,
    width: u32,
    height: u32,
    memberships: &[u8],
) -> Result<(), WriteError> {
    file::replace(path, |out| {
        let expected = u128::from(width) * u128::from(height);
        if expected == 0 {
            return Err(WriteProblem::NoPixels { width, height });
        }
        if memberships.len() as u128 != expected {
            return Err(WriteProblem::Length {
                width,
                height,
                found: memberships.len(),
                expected,
            });
        }
        let mut writer = encoder(out, width, height, BitDepth::Eight).write_header()?;
        let mut stream = writer.stream_writer_with_size(IDAT_BYTES)?;
        stream.write_all(memberships)?;
        stream.finish()?;
        Ok(writer.finish()?)
    })
}

fn encoder<W: Write>(out: W, width: u32, height: u32, depth: BitDepth) -> Encoder<'static, W> {
    let mut encoder = Encoder::new(out, width, height);
    encoder.set_color(ColorType::Grayscale);
    encoder.set_depth(depth);
    // Labels come in areas: what is equal to the row above becomes 0, and runs of 0 are what this compressor is made for.
    encoder.set_deflate_compression(DeflateCompression::FdeflateUltraFast);
    encoder.set_filter(Filter::Up);
    encoder
}

/// Packs and encodes row by row.
fn encode_rows(
    encoder: Encoder<'_, &mut BufWriter<&std::fs::File>>,
    image: &LabelImage<'_>,
    depth: BitDepth,
    mut pack: impl FnMut(Labels<'_>, &mut [u8]),
) -> Result<(), WriteProblem> {
    let mut writer = encoder.write_header()?;
    let mut stream = writer.stream_writer_with_size(IDAT_BYTES)?;
    let mut row = vec![0; (image.width as usize * depth as usize).div_ceil(8)];
    for y in 0..image.height as usize {
        image.go_on()?;
        pack(image.row(y), &mut row);
        stream.write_all(&row)?;
    }
    stream.finish()?;
    Ok(writer.finish()?)
}

/// A row of the mask of one class.
///
/// In two passes over a row that stays in the first cache: each is a plain loop of vector instructions, which one pass that
/// does both was measured not to be (5 ms instead of 16 to 30 ms for 56 million labels).
fn pack_mask(labels: Labels<'_>, class: u16, flags: &mut Vec<u8>, row: &mut [u8]) {
    flags.clear();
    match (labels, u8::try_from(class)) {
        (Labels::Bytes(labels), Ok(class)) => {
            flags.extend(labels.iter().map(|&label| u8::from(label == class)));
        }
        // No byte can be so large.
        (Labels::Bytes(labels), Err(_)) => flags.resize(labels.len(), 0),
        (Labels::Words(labels), _) => {
            let class = class.to_le_bytes();
            flags.extend(labels.iter().map(|&label| u8::from(label == class)));
        }
    }
    pack_labels(Labels::Bytes(flags), BitDepth::One, row);
}

fn pack_labels(labels: Labels<'_>, depth: BitDepth, row: &mut [u8]) {
    match labels {
        Labels::Bytes(labels) => match depth {
            // Each shift brings half as many neighbours again beside each byte's own bits; the last byte has them all.
            BitDepth::One => pack(labels, row, |eight| {
                let bits = u64::from_le_bytes(*eight);
                let bits = bits | bits << 9;
                let bits = bits | bits << 18;
                ((bits | bits << 36) >> 56) as u8
            }),
            BitDepth::Two => pack(labels, row, |four| {
                let bits = u32::from_le_bytes(*four);
                let bits = bits | bits << 10;
                ((bits | bits << 20) >> 24) as u8
            }),
            BitDepth::Four => pack(labels, row, |&[first, second]| first << 4 | second),
            BitDepth::Eight => row.copy_from_slice(labels),
            BitDepth::Sixteen => pack_words(labels.iter().map(|&label| label.into()), row),
        },
        Labels::Words(labels) => {
            let words = labels.iter().copied().map(u16::from_le_bytes);
            match depth {
                BitDepth::Sixteen => pack_words(words, row),
                // Two bytes for few classes are allowed and rare.
                _ => {
                    let narrow: Vec<u8> = words.map(|label| label as u8).collect();
                    pack_labels(Labels::Bytes(&narrow), depth, row);
                }
            }
        }
    }
}

/// Big-endian, as PNG has it.
fn pack_words(labels: impl Iterator<Item = u16>, row: &mut [u8]) {
    for (label, target) in labels.zip(row.as_chunks_mut().0) {
        *target = label.to_be_bytes();
    }
}

/// One byte from each `N` labels; label 0 fills up the last.
fn pack<const N: usize>(labels: &[u8], row: &mut [u8], byte: impl Fn(&[u8; N]) -> u8) {
    let (whole, rest) = labels.as_chunks::<N>();
    for (labels, target) in whole.iter().zip(&mut *row) {
        *target = byte(labels);
    }
    if let (false, Some(last)) = (rest.is_empty(), row.get_mut(whole.len())) {
        let mut filled = [0; N];
        filled[..rest.len()].copy_from_slice(rest);
        *last = byte(&filled);
    }
}
