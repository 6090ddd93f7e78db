//! What can go wrong with a file, said so that its owner can act on it.

use std::{io, path::PathBuf};

use thiserror::Error;

use super::read::Format;

/// A picture could not be read.
#[derive(Debug, Error)]
#[error("{}: {problem}", path.display())]
pub struct ReadError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    #[source]
    pub problem: ReadProblem,
}

/// Why a picture could not be read.
#[derive(Debug, Error)]
pub enum ReadProblem {
    /// The flag of [`read_stoppable`](super::read_stoppable) was set.
    #[error("not read: its reader was asked to stop")]
    Stopped,
    /// There is no such file.
    #[error("no such file")]
    Missing,
    /// Not a file: a directory, a pipe, a device.
    #[error("{found}, where a picture file is needed")]
    NotAFile {
        /// What it is.
        found: &'static str,
    },
    /// The file has no byte.
    #[error("the file is empty, where a picture is needed")]
    Empty,
    /// The operating system refused or failed.
    #[error("cannot be read: {0}")]
    Io(#[source] io::Error),
    /// No known format begins so.
    #[error("not a picture of a known format: PNG, JPEG, TIFF and PNM can be read")]
    UnknownFormat,
    /// The file ends before its picture does.
    #[error("this {format} is truncated: {detail}")]
    Truncated {
        /// The format found.
        format: Format,
        /// Where it ended.
        detail: String,
    },
    /// The file breaks the rules of its format.
    #[error("this {format} is damaged: {detail}")]
    Malformed {
        /// The format found.
        format: Format,
        /// What is broken.
        detail: String,
    },
    /// A sound file of a kind that is not read.
    #[error("this {format} has {found}; {wanted} can be read")]
    Unsupported {
        /// The format found.
        format: Format,
        /// What the file has.
        found: String,
        /// What it might have instead.
        wanted: &'static str,
    },
    /// A side is 0.
    #[error("this {format} is {width} x {height} pixels: it has no pixel")]
    NoPixels {
        /// The format found.
        format: Format,
        /// Columns.
        width: u32,
        /// Rows.
        height: u32,
    },
    /// The decoded picture would pass [`ReadLimits::max_decoded_bytes`](super::ReadLimits::max_decoded_bytes).
    #[error(
        "{width} x {height} pixels of {bands} band{} need {needed_bytes} bytes decoded, which passes the limit of {limit_bytes} bytes; raise the limit if the file can be trusted",
        if *bands == 1 { "" } else { "s" }
    )]
    TooLarge {
        /// Columns.
        width: u32,
        /// Rows.
        height: u32,
        /// Samples per pixel.
        bands: u16,
        /// What the picture would take, in bytes.
        needed_bytes: u128,
        /// The limit, in bytes.
        limit_bytes: u64,
    },
    /// The decoder of the format gave up on this file without an error of its own.
    #[error("this {format} is damaged: its decoder stopped on an impossible state")]
    DecoderPanicked {
        /// The format found.
        format: Format,
    },
}

impl ReadProblem {
    /// A decoder's input or output error: the end of the file is a truncated picture.
    pub(crate) fn from_io(format: Format, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Truncated {
                format,
                detail: "the file ends before the last pixel".to_owned(),
            },
            // How decoders of compressed streams report a broken stream.
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::Other => {
                Self::Malformed {
                    format,
                    detail: error.to_string(),
                }
            }
            _ => Self::Io(error),
        }
    }
}

/// A result could not be written.
#[derive(Debug, Error)]
#[error("{}: {problem}", path.display())]
pub struct WriteError {
    /// The file that was to be written.
    pub path: PathBuf,
    /// Why it was not.
    #[source]
    pub problem: WriteProblem,
}

/// Why a result could not be written.
#[derive(Debug, Error)]
pub enum WriteProblem {
    /// The flag of [`LabelImage::stopped_by`](super::LabelImage::stopped_by) was set.
    #[error("not written: its writer was asked to stop")]
    Stopped,
    /// The operating system refused or failed.
    #[error("cannot be written: {0}")]
    Io(#[from] io::Error),
    /// The PNG encoder refused.
    #[error("cannot be encoded as PNG: {0}")]
    Png(#[source] png::EncodingError),
    /// The TIFF encoder refused.
    #[error("cannot be encoded as TIFF: {0}")]
    Tiff(#[source] tiff::TiffError),
    /// A side is 0.
    #[error("an image of {width} x {height} pixels has no pixel")]
    NoPixels {
        /// Columns.
        width: u32,
        /// Rows.
        height: u32,
    },
    /// The bytes are not one or two, as the label needs, per pixel.
    #[error("{found} bytes, where {width} x {height} pixels make {expected}")]
    Length {
        /// Columns.
        width: u32,
        /// Rows.
        height: u32,
        /// Bytes given.
        found: usize,
        /// Bytes needed.
        expected: u128,
    },
    /// A label is beyond the last class.
    #[error("label {found}, where 0 (no data) to {classes} are possible")]
    Label {
        /// The largest label found.
        found: u16,
        /// The number of classes.
        classes: u16,
    },
}

impl From<png::EncodingError> for WriteProblem {
    fn from(error: png::EncodingError) -> Self {
        match error {
            png::EncodingError::IoError(error) => Self::Io(error),
            other => Self::Png(other),
        }
    }
}

impl From<tiff::TiffError> for WriteProblem {
    fn from(error: tiff::TiffError) -> Self {
        match error {
            tiff::TiffError::IoError(error) => Self::Io(error),
            other => Self::Tiff(other),
        }
    }
}
