//! How much memory reading may take.

use crate::{Shape, raster::error::ReadProblem};

/// What reading may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadLimits {
    /// The most bytes that the decoded samples may take, with what a decoder has to keep beside them; checked before
    /// they are allocated.
    pub max_decoded_bytes: u64,
}

impl ReadLimits {
    /// The default of [`max_decoded_bytes`](Self::max_decoded_bytes): 2 GiB.
    pub const DEFAULT_MAX_DECODED_BYTES: u64 = 2 << 30;

    /// The size of samples of this shape, if it is within the limit.
    pub(super) fn check(&self, shape: Shape) -> Result<usize, ReadProblem> {
        self.check_beside(shape, 0)
    }

    /// The same where other bytes are in memory at the same time.
    pub(super) fn check_beside(&self, shape: Shape, others: u64) -> Result<usize, ReadProblem> {
        let bytes = u128::from(shape.pixels()) * shape.pixel_bytes() as u128;
        let needed_bytes = bytes + u128::from(others);
        match usize::try_from(bytes) {
            Ok(bytes) if needed_bytes <= u128::from(self.max_decoded_bytes) => Ok(bytes),
            _ => Err(ReadProblem::TooLarge {
                width: shape.width,
                height: shape.height,
                bands: shape.bands,
                needed_bytes,
                limit_bytes: self.max_decoded_bytes,
            }),
        }
    }
}

impl Default for ReadLimits {
    fn default() -> Self {
        Self {
            max_decoded_bytes: Self::DEFAULT_MAX_DECODED_BYTES,
        }
    }
}
