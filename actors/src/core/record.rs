//! What outlives a leader: where its job stood when it was last heard of.

use serde::{Deserialize, Serialize};

use crate::core::allotment::Share;
use crate::core::msvpu::Stage;
use crate::core::ranks::Ranks;
use crate::core::suspects::{Former, Suspects};
use crate::id::{Origin, Round};
use crate::job::NodeReport;
use crate::payload::Payload;

/// A checkpoint. The task is all the leader's memory, so a new leader goes on from it; who had
/// which ranks and which of them are suspected is kept so that a tile that kills its nodes is found
/// even when they take the leader with them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Counts the records of one leader; each replaces the one before.
    pub(crate) sequence: u64,
    pub(crate) round: Round,
    pub(crate) task: Payload,
    pub(crate) shares: Vec<Share>,
    pub(crate) suspects: Suspects,
    /// What the nodes have done in the rounds before this one, for the report.
    pub(crate) done: Vec<NodeReport>,
}

impl Record {
    /// The leader was lost, and with it what it knew of these nodes, its own among them.
    pub(crate) fn lost(&mut self, is_lost: impl Fn(Origin) -> bool) {
        // The next round may have begun, though the record of that has not come.
        let stage = Stage::Round(self.round.next());
        self.suspects.leave(std::mem::take(&mut self.shares), stage);
        let all = |former: &Former| former.ranks.clone();
        self.suspects.lost_former(is_lost, all, &Ranks::default());
    }
}

#[cfg(test)]
mod tests;
