//! From a file to a [`Scene`].

mod alpha;
mod geotags;
mod jpeg;
mod limits;
mod png;
mod pnm;
mod stoppable;
mod tiff;
mod tiff_chunks;
mod tiff_directory;

use std::{
    fmt,
    fs::{File, Metadata},
    io::{self, BufReader, Read},
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use serde::{Deserialize, Serialize};

use super::error::{ReadError, ReadProblem};
use crate::{Scene, SceneError, Shape};

use stoppable::Stoppable;

pub use geotags::{GeoTag, GeoTags};
pub use limits::ReadLimits;

/// The format of a picture file, found by its first bytes, whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Portable Network Graphics.
    Png,
    /// JPEG.
    Jpeg,
    /// TIFF or BigTIFF, with or without GeoTIFF's tags.
    Tiff,
    /// Netpbm: PBM, PGM, PPM, PAM.
    Pnm,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Png => "PNG",
            Self::Jpeg => "JPEG",
            Self::Tiff => "TIFF",
            Self::Pnm => "PNM",
        })
    }
}

impl Format {
    fn of(start: &[u8]) -> Option<Self> {
        match start {
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Self::Png),
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Some(Self::Tiff),
            [b'P', b'1'..=b'7', space, ..] if space.is_ascii_whitespace() || *space == b'#' => {
                Some(Self::Pnm)
            }
            _ => None,
        }
    }
}

/// An alpha band that was in the file and is not in the scene.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alpha {
    /// How many pixels are fully transparent. When there is any, the scene is of floats, and NaN there.
    pub transparent_pixels: u64,
}

/// A picture as it was found in a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// The samples, without alpha.
    pub scene: Scene,
    /// Bits per sample in the file: 1, 2, 4, 8, 16, 32 or 64; for PNM, what its maximum needs.
    pub bits: u8,
    /// The format of the file.
    pub format: Format,
    /// The sample value that stands for no data: GDAL's tag of a TIFF, the transparent gray of a PNG. Never NaN, which is no
    /// data without saying. In a float32 scene it is rounded to that type, so that it can be compared.
    pub nodata: Option<f64>,
    /// GeoTIFF's tags, to be written back to results.
    pub georeference: Option<GeoTags>,
    /// Whether an alpha band was left out.
    pub alpha: Option<Alpha>,
    /// Whether the file, a TIFF, has further pictures, which were not read. Overviews and masks of the first are none.
    pub more_pictures: bool,
}

impl Picture {
    fn new(format: Format, bits: u8, scene: Scene) -> Self {
        Self {
            scene,
            bits,
            format,
            nodata: None,
            georeference: None,
            alpha: None,
            more_pictures: false,
        }
    }

    /// The picture of decoded samples, one of whose bands may be alpha.
    fn from_samples(
        format: Format,
        found: &Found,
        samples: Vec<u8>,
        limits: &ReadLimits,
    ) -> Result<Self, ReadProblem> {
        let broken = |error: SceneError| ReadProblem::Malformed {
            format,
            detail: error.to_string(),
        };
        let Found {
            bits,
            shape,
            alpha_band,
            ..
        } = *found;
        let Some(alpha_band) = alpha_band else {
            return Ok(Self::new(
                format,
                bits,
                Scene::new(shape, samples).map_err(broken)?,
            ));
        };
        found.check_alpha(format)?;
        let transparent_pixels = alpha::count_transparent(shape, &samples, alpha_band);
        let transparent = transparent_pixels > 0;
        if transparent {
            let floats = alpha::shape_without(shape, true);
            limits.check_beside(floats, samples.len() as u64)?;
        }
        let scene = alpha::leave_out(shape, samples, alpha_band, transparent).map_err(broken)?;
        Ok(Self {
            alpha: Some(Alpha { transparent_pixels }),
            ..Self::new(format, bits, scene)
        })
    }
}

/// What a file holds, as far as its head tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The format of the file.
    pub format: Format,
    /// Bits per sample in the file.
    pub bits: u8,
    /// The shape of the scene, without alpha. Where a pixel turns out to be transparent, integers become floats.
    pub shape: Shape,
    /// Whether there is an alpha band, which is left out.
    pub has_alpha: bool,
    /// What the picture takes in memory at most while it is decoded, in bytes: its samples, what the decoder keeps
    /// beside them, and, where pixels may turn out to be transparent, the floats that they become.
    pub decoded_bytes: u64,
}

/// What the decoder of a format finds in the head of a file.
#[derive(Clone, Copy, Debug)]
struct Found {
    bits: u8,
    /// Alpha is one of the bands.
    shape: Shape,
    /// Counted from 0.
    alpha_band: Option<usize>,
    /// What is in memory beside the samples while they are decoded, in bytes.
    beside: u64,
}

impl Found {
    fn check_alpha(&self, format: Format) -> Result<(), ReadProblem> {
        if self.alpha_band.is_none() || self.shape.bands > 1 {
            return Ok(());
        }
        Err(ReadProblem::Unsupported {
            format,
            found: "an alpha band alone".to_owned(),
            wanted: "one or more bands beside it",
        })
    }

    fn head(&self, format: Format) -> Result<Head, ReadProblem> {
        self.check_alpha(format)?;
        let has_alpha = self.alpha_band.is_some();
        let scene = |transparent| {
            if has_alpha {
                alpha::shape_without(self.shape, transparent)
            } else {
                self.shape
            }
        };
        let bytes = |shape: Shape| shape.pixels().saturating_mul(shape.pixel_bytes() as u64);
        Ok(Head {
            format,
            bits: self.bits,
            shape: scene(false),
            has_alpha,
            // The floats are made of the samples, when the decoder is done.
            decoded_bytes: bytes(self.shape).saturating_add(self.beside.max(if has_alpha {
                bytes(scene(true))
            } else {
                0
            })),
        })
    }
}

/// Reads a picture file: PNG, JPEG, PNM, TIFF or GeoTIFF.
///
/// TIFF: strips and tiles; no compression, LZW, Deflate, PackBits; unsigned samples of 1, 2, 4, 8, 16 and 32 bits, signed ones
/// of 8, 16 and 32, floats of 32 and 64; any number of bands, together or in planes. Signed and 32-bit integers become the
/// smallest float type that holds them exactly. Its chunks are decoded in parallel.
///
/// # Errors
/// [`ReadError`] when the file is missing, is no picture, is damaged, passes the limits, or is of a kind that is not read.
/// Memory is bounded before it is taken: a small file cannot ask for much.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("tiny.pgm");
/// std::fs::write(&path, b"P5 2 1 255\n\x07\x09")?;
/// let picture = msvpu::raster::read(&path, &msvpu::raster::ReadLimits::default())?;
/// assert_eq!(picture.scene.samples().as_ref(), [7, 9]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read(path: &Path, limits: &ReadLimits) -> Result<Picture, ReadError> {
    read_stoppable(path, limits, &AtomicBool::new(false))
}

/// [`read`] for whoever may lose interest: ends with [`ReadProblem::Stopped`] soon after `stop` is set. A JPEG whose
/// bytes are in memory is decoded to its end.
///
/// # Errors
/// Those of [`read`].
pub fn read_stoppable(
    path: &Path,
    limits: &ReadLimits,
    stop: &AtomicBool,
) -> Result<Picture, ReadError> {
    let read = with_source(path, limits, stop, |format, source| match format {
        Format::Png => png::decode(source),
        Format::Jpeg => jpeg::decode(source),
        Format::Pnm => pnm::decode(source),
        Format::Tiff => tiff::decode(source),
    });
    match read {
        // The decoders take it for a damage.
        Err(error) if stop.load(Ordering::Relaxed) => Err(ReadError {
            problem: ReadProblem::Stopped,
            ..error
        }),
        read => read,
    }
}

/// Tells what a picture file holds without decoding its samples: what [`read`] checks before it does, but that a JPEG is
/// whole. Little memory is taken, however large the picture or the file.
///
/// # Errors
/// [`ReadError`] when the file is missing, is no picture, is of a kind that is not read, passes the limits, or cannot hold
/// what its head promises.
pub fn probe(path: &Path, limits: &ReadLimits) -> Result<Head, ReadError> {
    with_source(path, limits, &AtomicBool::new(false), |format, source| {
        let found = match format {
            Format::Png => png::probe(source),
            Format::Jpeg => jpeg::probe(source),
            Format::Pnm => pnm::probe(source),
            Format::Tiff => tiff::probe(source),
        }?;
        found.head(format)
    })
}

/// Opens a file, finds its format, and hands it to the decoder of that.
fn with_source<T>(
    path: &Path,
    limits: &ReadLimits,
    stop: &AtomicBool,
    decode: impl FnOnce(Format, &Source<'_>) -> Result<T, ReadProblem>,
) -> Result<T, ReadError> {
    let decoded = find_format(path).and_then(|(format, file_bytes)| {
        let source = Source {
            path,
            file_bytes,
            limits,
            stop,
        };
        // The decoders are other people's and known to panic on hostile bytes; nothing of theirs outlives the call.
        catch_unwind(AssertUnwindSafe(|| decode(format, &source)))
            .unwrap_or(Err(ReadProblem::DecoderPanicked { format }))
    });
    decoded.map_err(|problem| ReadError {
        path: path.to_owned(),
        problem,
    })
}

/// The format of a file, and its length in bytes.
fn find_format(path: &Path) -> Result<(Format, u64), ReadProblem> {
    // Asked before the file is opened: opening a pipe would wait for its writer.
    let metadata = std::fs::metadata(path).map_err(not_opened)?;
    if !metadata.is_file() {
        return Err(ReadProblem::NotAFile {
            found: kind_of(&metadata),
        });
    }
    let mut start = Vec::with_capacity(8);
    File::open(path)
        .map_err(not_opened)?
        .take(8)
        .read_to_end(&mut start)
        .map_err(ReadProblem::Io)?;
    if start.is_empty() {
        return Err(ReadProblem::Empty);
    }
    let format = Format::of(&start).ok_or(ReadProblem::UnknownFormat)?;
    Ok((format, metadata.len()))
}

/// Large enough that system calls do not count, small enough to stay in a processor's second cache.
const BUFFER_BYTES: usize = 256 << 10;

/// The file that is being decoded.
struct Source<'a> {
    path: &'a Path,
    file_bytes: u64,
    limits: &'a ReadLimits,
    stop: &'a AtomicBool,
}

impl Source<'_> {
    fn open(&self) -> Result<BufReader<Stoppable<'_>>, ReadProblem> {
        let file = File::open(self.path).map_err(not_opened)?;
        let stop = self.stop;
        let bytes = self.file_bytes.min(BUFFER_BYTES as u64) as usize;
        Ok(BufReader::with_capacity(bytes, Stoppable { file, stop }))
    }
}

fn not_opened(error: io::Error) -> ReadProblem {
    match error.kind() {
        io::ErrorKind::NotFound => ReadProblem::Missing,
        _ => ReadProblem::Io(error),
    }
}

fn kind_of(metadata: &Metadata) -> &'static str {
    if metadata.is_dir() {
        "a directory"
    } else {
        "a pipe, socket or device"
    }
}
