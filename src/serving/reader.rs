//! What a picture file holds.

use std::path::Path;

use msvpu_web::model::InputInfo;
use msvpu_web::service::{InputReader, ProbeError};

use crate::raster::{Format, ReadLimits, ReadProblem, probe};

/// Looks at the heads of picture files.
#[derive(Clone, Copy, Debug)]
pub struct PictureReader {
    limits: ReadLimits,
}

impl PictureReader {
    /// A reader that refuses what would pass `limits` when it is decoded.
    #[must_use]
    pub const fn new(limits: ReadLimits) -> Self {
        Self { limits }
    }
}

impl InputReader for PictureReader {
    fn probe(&self, path: &Path) -> Result<InputInfo, ProbeError> {
        let head = probe(path, &self.limits).map_err(|error| refused(&error.problem))?;
        Ok(InputInfo {
            format: name(head.format).to_owned(),
            width: head.shape.width,
            height: head.shape.height,
            bands: head.shape.bands,
            decoded_bytes: head.decoded_bytes,
        })
    }
}

const fn name(format: Format) -> &'static str {
    match format {
        Format::Png => "png",
        Format::Jpeg => "jpeg",
        Format::Tiff => "tiff",
        Format::Pnm => "pnm",
    }
}

/// The problem alone: where the server keeps the file is nobody's business.
fn refused(problem: &ReadProblem) -> ProbeError {
    let message = problem.to_string();
    match problem {
        ReadProblem::UnknownFormat
        | ReadProblem::Unsupported { .. }
        | ReadProblem::NotAFile { .. } => ProbeError::Unsupported(message),
        ReadProblem::Empty
        | ReadProblem::Truncated { .. }
        | ReadProblem::Malformed { .. }
        | ReadProblem::NoPixels { .. }
        | ReadProblem::TooLarge { .. }
        | ReadProblem::DecoderPanicked { .. } => ProbeError::Invalid(message),
        ReadProblem::Missing | ReadProblem::Io(_) | ReadProblem::Stopped => ProbeError::Io(message),
    }
}
