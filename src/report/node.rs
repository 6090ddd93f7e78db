//! What each node did for a job: a list of the report.

use msvpu_actors::{NodeId, NodeReport};
use serde::Serialize;

use super::milliseconds;

/// What one node did for the job, and what was expected of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Node {
    /// Its number; 0 where there is but this process.
    pub node: NodeId,
    /// In (0, 1]; 1 is the fastest node for this job (eq. 4). `null` where no node was tested, as
    /// in one process, which has nothing to compare with.
    pub performance_index: Option<f64>,
    /// How many MsVPUs it deserves (eq. 8), before rounding; `null` likewise.
    pub load_index: Option<f64>,
    /// How many MsVPUs it ran in the last round.
    pub msvpus: u32,
    /// How long its MsVPUs were expected to take, over all rounds; `null` likewise.
    pub predicted_ms: Option<f64>,
    /// `T_i`: how long they took, from the task to the last answer, over all rounds.
    pub actual_ms: f64,
    /// `ε_i = |T_i − mean T| / mean T`; 0 where there is one node.
    pub deviation: f64,
}

impl From<NodeReport> for Node {
    fn from(of: NodeReport) -> Self {
        Self {
            node: of.node,
            performance_index: of.performance_index,
            load_index: of.load_index,
            msvpus: of.msvpus,
            predicted_ms: of.predicted.map(milliseconds),
            actual_ms: milliseconds(of.actual),
            deviation: of.deviation,
        }
    }
}
