//! What an MsVPU tells its leader.

use crate::core::msvpu::Stage;
use crate::core::stopwatch::Effort;
use crate::id::Rank;
use crate::payload::Payload;

/// What an MsVPU answers: to the task of a round its partial result, to the end of the rounds
/// what its tile contributes.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) rank: Rank,
    pub(crate) stage: Stage,
    pub(crate) payload: Option<Payload>,
    /// Of those MsVPUs whose times are kept: of large teams few, so that it takes no place in the answers
    /// of the others.
    pub(crate) effort: Option<Box<Effort>>,
}
