//! What a team is asked for: the answers of one round, or what the tiles contribute.

use crate::core::msvpu::Stage;
use crate::core::ranks::Ranks;
use crate::core::team::Effect;
use crate::id::{Origin, Round};
use crate::payload::Payload;

/// What every MsVPU is asked for.
#[derive(Clone, Debug)]
pub(super) enum Demand {
    Task(Round, Payload),
    Output(Payload),
}

impl Demand {
    pub(super) const fn stage(&self) -> Stage {
        match self {
            Self::Task(round, _) => Stage::Round(*round),
            Self::Output(_) => Stage::Collecting,
        }
    }

    pub(super) fn order(&self, origin: Origin, ranks: Ranks) -> Effect {
        match self {
            Self::Task(round, task) => Effect::SendTask(origin, ranks, *round, task.clone()),
            Self::Output(output) => Effect::SendOutput(origin, ranks, output.clone()),
        }
    }
}
