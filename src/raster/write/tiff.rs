//! Labels as GeoTIFF.

use std::{
    fs::File,
    io::{BufWriter, Seek, Write},
    path::Path,
};

use rayon::prelude::*;
use tiff::{
    Directory,
    encoder::{DirectoryEncoder, TiffEncoder, TiffKind, TiffKindBig, TiffKindStandard},
    tags::{CompressionMethod, PhotometricInterpretation, Predictor, SampleFormat, Tag, Type},
};

use super::{GeoTags, LabelImage, Labels, file, palette};
use crate::raster::error::{WriteError, WriteProblem};

/// The size of a strip before compression: enough for the compressor, little enough to keep several in memory.
const STRIP_BYTES: usize = 512 << 10;

/// Above this a classic TIFF, whose offsets have 32 bits, might not do.
const MAX_CLASSIC_BYTES: u64 = 3 << 30;

/// Writes the labels as a palette TIFF of 8 bits, or as 16-bit gray above 255 classes, with the georeference given and 0 as
/// GDAL's no-data value. The colours are those of `labels.png`: [`label_colors`](super::label_colors).
///
/// Strips are compressed (Deflate over horizontal differences) in parallel on the current rayon pool.
///
/// # Errors
/// [`WriteError`] when the file cannot be written.
pub fn write_labels_tiff(
    path: &Path,
    image: &LabelImage<'_>,
    georeference: Option<&GeoTags>,
) -> Result<(), WriteError> {
    file::replace(path, |out| {
        let pixels = u64::from(image.width) * u64::from(image.height);
        if pixels * u64::from(sample_bits(image) / 8) > MAX_CLASSIC_BYTES {
            write::<TiffKindBig>(out, image, georeference, |offsets| offsets.to_vec())
        } else {
            // No offset can be larger, by the size of the picture.
            write::<TiffKindStandard>(out, image, georeference, |offsets| {
                offsets.iter().map(|&offset| offset as u32).collect()
            })
        }
    })
}

fn sample_bits(image: &LabelImage<'_>) -> u16 {
    if image.classes > 255 { 16 } else { 8 }
}

fn write<K: TiffKind>(
    out: &mut BufWriter<&File>,
    image: &LabelImage<'_>,
    georeference: Option<&GeoTags>,
    narrow: impl Fn(&[u64]) -> Vec<K::OffsetType>,
) -> Result<(), WriteProblem> {
    let mut encoder = TiffEncoder::<_, K>::new_generic(out)?;
    let mut directory = encoder.image_directory()?;
    let row_bytes = image.width as usize * usize::from(sample_bits(image) / 8);
    let rows_per_strip = (STRIP_BYTES / row_bytes).clamp(1, image.height as usize);
    let (offsets, counts) = write_strips(&mut directory, image, rows_per_strip)?;

    directory.write_tag(Tag::ImageWidth, image.width)?;
    directory.write_tag(Tag::ImageLength, image.height)?;
    directory.write_tag(Tag::BitsPerSample, sample_bits(image))?;
    directory.write_tag(Tag::SamplesPerPixel, 1u16)?;
    directory.write_tag(Tag::SampleFormat, SampleFormat::Uint.to_u16())?;
    let photometric = match u8::try_from(image.classes) {
        Ok(classes) => {
            directory.write_tag(Tag::ColorMap, &color_map(classes)[..])?;
            PhotometricInterpretation::RGBPalette
        }
        Err(_) => PhotometricInterpretation::BlackIsZero,
    };
    directory.write_tag(Tag::PhotometricInterpretation, photometric.to_u16())?;
    directory.write_tag(Tag::Compression, CompressionMethod::Deflate.to_u16())?;
    directory.write_tag(Tag::Predictor, Predictor::Horizontal.to_u16())?;
    directory.write_tag(Tag::RowsPerStrip, rows_per_strip as u32)?;
    directory.write_tag(Tag::StripOffsets, K::convert_slice(&narrow(&offsets)))?;
    directory.write_tag(Tag::StripByteCounts, K::convert_slice(&narrow(&counts)))?;
    directory.write_tag(Tag::GdalNodata, "0")?;
    for tag in georeference.iter().flat_map(|tags| &tags.0) {
        let Some(field_type) = Type::from_u16(tag.field_type) else {
            continue;
        };
        let entry = directory.write_entry_bytes(field_type, &tag.bytes)?;
        let tag = Tag::from_u16_exhaustive(tag.tag);
        directory.extend_from(&Directory::from_iter([(tag, entry)]));
    }
    Ok(directory.finish()?)
}

/// All reds, then all greens, then all blues, of 16 bits each, for every value of 8 bits (TIFF 6.0, section 5).
fn color_map(classes: u8) -> Vec<u16> {
    let mut colors = palette::label_colors(classes).to_vec();
    colors.resize(256, [0; 3]);
    (0..3)
        .flat_map(|channel| {
            colors
                .iter()
                .map(move |color| u16::from(color[channel]) * 257)
        })
        .collect()
}

/// The offset and the number of bytes of each strip.
fn write_strips<W: Write + Seek, K: TiffKind>(
    directory: &mut DirectoryEncoder<'_, W, K>,
    image: &LabelImage<'_>,
    rows_per_strip: usize,
) -> Result<(Vec<u64>, Vec<u64>), WriteProblem> {
    let height = image.height as usize;
    let strips = height.div_ceil(rows_per_strip);
    let batch = rayon::current_num_threads() * 4;
    let (mut offsets, mut counts) = (Vec::new(), Vec::new());
    // A batch at a time: what waits to be written is a few strips.
    for first in (0..strips).step_by(batch) {
        image.go_on()?;
        let compressed = (first..strips.min(first + batch))
            .into_par_iter()
            .map(|strip| {
                let row = strip * rows_per_strip;
                compress(image, row, rows_per_strip.min(height - row))
            })
            .collect::<Result<Vec<_>, _>>()?;
        for strip in &compressed {
            offsets.push(directory.write_data(strip.as_slice())?);
            counts.push(strip.len() as u64);
        }
    }
    Ok((offsets, counts))
}

/// A zlib stream of the differences from the pixel before (TIFF 6.0, section 14).
fn compress(image: &LabelImage<'_>, first: usize, rows: usize) -> std::io::Result<Vec<u8>> {
    let mut compressor = fdeflate::Compressor::new(Vec::new())?;
    let mut differences = Vec::new();
    for row in first..first + rows {
        differences.clear();
        match (image.row(row), sample_bits(image)) {
            (Labels::Bytes(labels), 8) => {
                differences.extend_from_slice(labels);
                for (difference, pair) in differences[1..].iter_mut().zip(labels.windows(2)) {
                    *difference = pair[1].wrapping_sub(pair[0]);
                }
            }
            (Labels::Bytes(labels), _) => {
                push_words(labels.iter().map(|&label| label.into()), &mut differences)
            }
            (Labels::Words(labels), bits) => {
                let words = labels.iter().copied().map(u16::from_le_bytes);
                if bits == 8 {
                    let mut before = 0u8;
                    differences.extend(words.map(|label| {
                        let label = label as u8;
                        label.wrapping_sub(std::mem::replace(&mut before, label))
                    }));
                } else {
                    push_words(words, &mut differences);
                }
            }
        }
        compressor.write_data(&differences)?;
    }
    compressor.finish()
}

/// In the byte order of this machine, in which the encoder writes its files.
fn push_words(labels: impl Iterator<Item = u16>, differences: &mut Vec<u8>) {
    let mut before = 0u16;
    for label in labels {
        let difference = label.wrapping_sub(std::mem::replace(&mut before, label));
        differences.extend(difference.to_ne_bytes());
    }
}
