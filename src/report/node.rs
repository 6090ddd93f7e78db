//! What each node did for a job: a list of the report.

use msvpu_actors::{NodeId, NodeReport, NodeStatus};
use serde::Serialize;

use super::milliseconds;

/// What one node did for the job, and what was expected of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Node {
    /// Its number; 0 where there is but this process.
    pub node: NodeId,
    /// What it is called, `local` in one process; `null` of a node that has gone.
    pub name: Option<String>,
    /// How many steps it computes at once; `null` of a node that has gone.
    pub cpus: Option<u32>,
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

impl Node {
    /// What the nodes of a job did, with what is known of them now.
    #[must_use]
    pub fn all(reports: Vec<NodeReport>, known: &[NodeStatus]) -> Vec<Self> {
        let node = |of: NodeReport| {
            let status = known.iter().find(|known| known.origin.node == of.node);
            Self::of(of, status)
        };
        reports.into_iter().map(node).collect()
    }

    /// How many CPUs these nodes have together, as far as that is known; `otherwise` if it is of none.
    #[must_use]
    pub fn cpus(of: &[Self], otherwise: usize) -> usize {
        let known = of.iter().filter_map(|node| node.cpus);
        known
            .map(|cpus| cpus as usize)
            .reduce(|sum, cpus| sum + cpus)
            .unwrap_or(otherwise)
    }

    fn of(of: NodeReport, known: Option<&NodeStatus>) -> Self {
        let name = known.map(|known| known.name.clone());
        Self {
            node: of.node,
            name: name.filter(|name| !name.is_empty()),
            cpus: known.map(|known| known.cpus),
            performance_index: of.performance_index,
            load_index: of.load_index,
            msvpus: of.msvpus,
            predicted_ms: of.predicted.map(milliseconds),
            actual_ms: milliseconds(of.actual),
            deviation: of.deviation,
        }
    }
}
