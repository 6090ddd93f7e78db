//! TIFF, BigTIFF and GeoTIFF.

use std::fmt::Debug;

use tiff::{
    Directory, TiffError, TiffFormatError,
    decoder::{ChunkType, Decoder},
    tags::{CompressionMethod, ExtraSamples, IfdPointer, PlanarConfiguration, SampleFormat, Tag},
};

use super::{
    Format, Found, Picture, Source,
    geotags::{self, GeoTags},
    png::MAX_DEFLATE_RATIO,
    tiff_chunks::{self, Grid, Stored},
    tiff_directory::{AsStored, Photometric},
};
use crate::{SampleType, Shape, raster::error::ReadProblem};

const FORMAT: Format = Format::Tiff;

pub(super) fn probe(source: &Source<'_>) -> Result<Found, ReadProblem> {
    read_head(source).map(|head| head.found)
}

/// What the first directory says, and that the file can hold it.
struct FirstDirectory<'a> {
    found: Found,
    decoder: Decoder<AsStored<'a>>,
    photometric: Photometric,
    grid: Grid,
    /// Of each chunk.
    sparse: Vec<bool>,
}

fn read_head<'a>(source: &Source<'a>) -> Result<FirstDirectory<'a>, ReadProblem> {
    let photometric = Photometric::find(source.path)
        .map_err(|error| ReadProblem::from_io(FORMAT, error))?
        .ok_or_else(|| unsupported("no photometric interpretation", WANTED_COLORS))?;
    check_photometric(photometric.value)?;
    let mut decoder = open(source, photometric)?;
    let (width, height) = decoder.dimensions().map_err(problem)?;
    let header = Header::read(&mut decoder)?;
    let shape = Shape {
        width,
        height,
        bands: header.bands,
        sample: header.stored.sample_type(),
    };
    source.limits.check(shape)?;
    let grid = header.grid(&decoder, width, height);
    // The decoder has buffers of a row, and walks over what a tile holds beyond the picture.
    source.limits.check(Shape {
        width: grid.chunk_width,
        height: grid.chunk_height,
        ..shape
    })?;
    let sparse = check_chunks(source, &mut decoder, &header, &grid)?;
    let found = Found {
        bits: header.bits,
        shape,
        alpha_band: header.alpha_band,
        beside: grid.scratch_bytes(),
    };
    Ok(FirstDirectory {
        found,
        decoder,
        photometric,
        grid,
        sparse,
    })
}

pub(super) fn decode(source: &Source<'_>) -> Result<Picture, ReadProblem> {
    let FirstDirectory {
        found,
        mut decoder,
        photometric,
        grid,
        sparse,
    } = read_head(source)?;
    let shape = found.shape;
    let size = source.limits.check(shape)?;
    let nodata =
        geotags::read_nodata(&mut decoder, source.file_bytes).map(|value| match shape.sample {
            SampleType::F32 => f64::from(value as f32),
            _ => value,
        });
    let georeference = GeoTags::read(&mut decoder, source.file_bytes);
    let more_pictures = has_more_pictures(&mut decoder);
    drop(decoder);

    let mut samples = vec![0; size];
    if let Some(fill) = nodata.filter(|_| sparse.contains(&true)) {
        tiff_chunks::fill(&mut samples, shape.sample, fill);
    }
    tiff_chunks::decode(&grid, &sparse, &mut samples, || open(source, photometric))?;
    let mut picture = Picture::from_samples(FORMAT, &found, samples, source.limits)?;
    picture.nodata = nodata;
    picture.georeference = georeference;
    picture.more_pictures = more_pictures;
    Ok(picture)
}

fn open<'a>(
    source: &Source<'a>,
    photometric: Photometric,
) -> Result<Decoder<AsStored<'a>>, ReadProblem> {
    let file = AsStored::open(source.path, photometric, source.stop).map_err(ReadProblem::Io)?;
    Decoder::new(file).map_err(problem)
}

/// More directories than any picture has overviews and masks; what comes behind is not looked at.
const DIRECTORIES_SEEN: usize = 64;

/// Whether another picture follows the first. A directory that cannot be read is none.
fn has_more_pictures(decoder: &mut Decoder<AsStored<'_>>) -> bool {
    let read_next = |decoder: &mut Decoder<AsStored<'_>>, at: Option<IfdPointer>| {
        at.and_then(|at| decoder.read_directory(at).ok())
    };
    let first = decoder.ifd_pointer();
    let mut directory = read_next(decoder, first);
    for _ in 0..DIRECTORIES_SEEN {
        directory = read_next(decoder, directory.and_then(|directory| directory.next()));
        match &directory {
            None => return false,
            Some(directory) if !is_of_another(decoder, directory) => return true,
            Some(_) => {}
        }
    }
    false
}

/// Whether a directory is an overview (bit 0) or the mask (bit 2) of another picture (TIFF 6.0, section 8, NewSubfileType).
fn is_of_another(decoder: &mut Decoder<AsStored<'_>>, directory: &Directory) -> bool {
    let is_single = directory
        .get(Tag::NewSubfileType)
        .is_some_and(|entry| entry.count() == 1);
    is_single
        && decoder
            .read_directory_tags(directory)
            .find_tag_unsigned::<u32>(Tag::NewSubfileType)
            .is_ok_and(|kind| kind.unwrap_or(0) & 0b101 != 0)
}

const WANTED_COLORS: &str = "gray and RGB, with any number of bands beside,";
const WANTED_COMPRESSION: &str =
    "no compression, LZW, Deflate and PackBits (`gdal_translate -co COMPRESS=DEFLATE` makes one)";
const WANTED_SAMPLES: &str = "unsigned samples of 1, 2, 4, 8, 16 and 32 bits, signed ones of 8, 16 and 32, and floats of 32 and 64";

/// TIFF 6.0, tag 262. What needs more than the samples to be seen is refused.
fn check_photometric(value: u16) -> Result<(), ReadProblem> {
    let found = match value {
        0..=2 | 4 => return Ok(()),
        3 => "a palette",
        5 => "separated (CMYK) colours",
        6 => "YCbCr colours",
        8..=10 => "L*a*b* colours",
        _ => {
            return Err(unsupported(
                &format!("photometric interpretation {value}"),
                WANTED_COLORS,
            ));
        }
    };
    Err(unsupported(found, WANTED_COLORS))
}

/// What the first directory says about samples.
struct Header {
    bands: u16,
    bits: u8,
    stored: Stored,
    planar: bool,
    compression: CompressionMethod,
    alpha_band: Option<usize>,
}

impl Header {
    /// The decoder has checked already that all bands have the same depth and format.
    fn read(decoder: &mut Decoder<AsStored<'_>>) -> Result<Self, ReadProblem> {
        let number = |decoder: &mut Decoder<AsStored<'_>>, tag, default| {
            decoder
                .find_tag_unsigned::<u16>(tag)
                .map(|value| value.unwrap_or(default))
                .map_err(problem)
        };
        let first = |decoder: &mut Decoder<AsStored<'_>>, tag, default| {
            decoder
                .find_tag_unsigned_vec::<u16>(tag)
                .map(|values| values.and_then(|v| v.first().copied()).unwrap_or(default))
                .map_err(problem)
        };
        let bands = number(decoder, Tag::SamplesPerPixel, 1)?;
        let bits = first(decoder, Tag::BitsPerSample, 1)?;
        let format = SampleFormat::from_u16_exhaustive(first(decoder, Tag::SampleFormat, 1)?);
        let stored = Stored::of(&format, bits)
            .ok_or_else(|| unsupported(&sample_name(&format, bits), WANTED_SAMPLES))?;
        let compression =
            CompressionMethod::from_u16_exhaustive(number(decoder, Tag::Compression, 1)?);
        if ratio(compression).is_none() {
            return Err(unsupported(
                &format!("compression {}", debug_name(&compression)),
                WANTED_COMPRESSION,
            ));
        }
        let planar =
            number(decoder, Tag::PlanarConfiguration, 1)? == PlanarConfiguration::Planar.to_u16();
        let extra = decoder
            .find_tag_unsigned_vec::<u16>(Tag::ExtraSamples)
            .map_err(problem)?
            .unwrap_or_default();
        let alpha_band = extra
            .iter()
            .position(|&kind| {
                kind == ExtraSamples::AssociatedAlpha.to_u16()
                    || kind == ExtraSamples::UnassociatedAlpha.to_u16()
            })
            .and_then(|place| (usize::from(bands) + place).checked_sub(extra.len()));
        Ok(Self {
            bands,
            bits: bits as u8,
            stored,
            planar,
            compression,
            alpha_band,
        })
    }

    fn grid(&self, decoder: &Decoder<AsStored<'_>>, width: u32, height: u32) -> Grid {
        let (chunk_width, chunk_height) = decoder.chunk_dimensions();
        let tiled = decoder.get_chunk_type() == ChunkType::Tile;
        Grid {
            width,
            height,
            bands: self.bands,
            stored: self.stored,
            planar: self.planar,
            tiled,
            chunk_width,
            // "All rows in one strip" is often written as 2³² − 1.
            chunk_height: if tiled {
                chunk_height
            } else {
                chunk_height.min(height)
            },
        }
    }
}

/// Refuses, before anything large is allocated, a file that cannot hold what it promises.
///
/// Returns of each chunk whether it is sparse: GDAL writes neither place nor bytes of a chunk without data.
fn check_chunks(
    source: &Source<'_>,
    decoder: &mut Decoder<AsStored<'_>>,
    header: &Header,
    grid: &Grid,
) -> Result<Vec<bool>, ReadProblem> {
    let (offsets, counts) = if grid.tiled {
        (Tag::TileOffsets, Tag::TileByteCounts)
    } else {
        (Tag::StripOffsets, Tag::StripByteCounts)
    };
    let offsets = decoder.get_tag_u64_vec(offsets).map_err(problem)?;
    let counts = decoder.get_tag_u64_vec(counts).map_err(problem)?;
    if offsets.len() != counts.len() || offsets.len() as u64 != grid.chunks() {
        return Err(ReadProblem::Malformed {
            format: FORMAT,
            detail: format!(
                "it names {} chunks, where {} make its picture",
                offsets.len(),
                grid.chunks()
            ),
        });
    }
    let ratio = ratio(header.compression).unwrap_or(1);
    let mut sparse = Vec::with_capacity(offsets.len());
    for (chunk, (&offset, &count)) in offsets.iter().zip(&counts).enumerate() {
        if offset == 0 && count == 0 {
            sparse.push(true);
            continue;
        }
        let needed = grid.chunk_bytes(chunk as u64);
        let is_within = offset
            .checked_add(count)
            .is_some_and(|end| end <= source.file_bytes);
        if !is_within || needed > count.saturating_mul(ratio) {
            let place = format!("chunk {} of {}", chunk + 1, offsets.len());
            return Err(ReadProblem::Truncated {
                format: FORMAT,
                detail: if is_within {
                    format!(
                        "{place} has size {count}, too small for the {needed} bytes of its pixels"
                    )
                } else {
                    format!(
                        "{place} is {count} bytes from byte {offset} on, and the file has {} bytes",
                        source.file_bytes
                    )
                },
            });
        }
        sparse.push(false);
    }
    Ok(sparse)
}

/// The most that one byte may become; `None` for a compression that is not read.
fn ratio(compression: CompressionMethod) -> Option<u64> {
    match compression {
        CompressionMethod::None => Some(1),
        // 2 bytes for up to 128.
        CompressionMethod::PackBits => Some(64),
        // 12 bits for the longest entry of a table of 4096.
        CompressionMethod::LZW => Some(4096),
        CompressionMethod::Deflate | CompressionMethod::OldDeflate => Some(MAX_DEFLATE_RATIO),
        _ => None,
    }
}

fn sample_name(format: &SampleFormat, bits: u16) -> String {
    match format {
        SampleFormat::Uint => format!("unsigned samples of {bits} bits"),
        SampleFormat::Int => format!("signed samples of {bits} bits"),
        SampleFormat::IEEEFP => format!("float samples of {bits} bits"),
        other => format!("samples of the format {}", debug_name(other)),
    }
}

fn debug_name(value: &impl Debug) -> String {
    format!("{value:?}")
}

fn unsupported(found: &str, wanted: &'static str) -> ReadProblem {
    ReadProblem::Unsupported {
        format: FORMAT,
        found: found.to_owned(),
        wanted,
    }
}

pub(super) fn problem(error: TiffError) -> ReadProblem {
    match error {
        TiffError::IoError(error) => ReadProblem::from_io(FORMAT, error),
        TiffError::FormatError(TiffFormatError::InvalidDimensions(width, height)) => {
            ReadProblem::NoPixels {
                format: FORMAT,
                width,
                height,
            }
        }
        TiffError::UnsupportedError(what) => {
            unsupported(&what.to_string(), "plain gray, RGB and multi-band pictures")
        }
        other => ReadProblem::Malformed {
            format: FORMAT,
            detail: other.to_string(),
        },
    }
}
