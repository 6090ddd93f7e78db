//! How many MsVPUs of a team each node gets, and when some of them move.

mod adaptive;
mod fluid;
mod history;
mod plan;
mod shares;
#[cfg(test)]
mod tests;
mod waves;

use std::time::Duration;

use thiserror::Error;

use crate::core::performance::{LARGEST, NodePerformance, PerformanceError, StepCost};
use crate::id::NodeId;

use adaptive::Adaptive;
use shares::{LeastLoaded, PerformanceIndex, Uniform};

/// A node that may run MsVPUs of a team.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Candidate {
    performance: NodePerformance,
    placed: f64,
    already: u32,
    /// Pieces of work, whosever, that ran or waited there when it was last tested.
    at_work: u32,
}

impl Candidate {
    /// A node with `placed` elementary operations per round of other jobs, and `already` MsVPUs of
    /// this team.
    ///
    /// # Errors
    /// When `placed` is negative, not a number, or beyond 10³⁰.
    pub(crate) fn new(
        performance: NodePerformance,
        placed: f64,
        already: u32,
    ) -> Result<Self, PerformanceError> {
        if !(0.0..=LARGEST).contains(&placed) {
            return Err(PerformanceError::OutOfRange {
                node: performance.node(),
                what: "the work placed",
                value: placed,
                right: "a number from 0 to 1e30",
            });
        }
        Ok(Self {
            performance,
            placed,
            already,
            at_work: 0,
        })
    }

    /// The same, where so many pieces of work ran or waited, whosever.
    pub(crate) const fn at_work(self, pieces: u32) -> Self {
        Self {
            at_work: pieces,
            ..self
        }
    }
}

/// What a node did in the last round.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Observed {
    /// With as many MsVPUs of the team as it had in that round.
    pub(crate) candidate: Candidate,
    /// From the task to the last of the node's partial results, by the leader's clock; none
    /// where the node took no part in the whole round.
    pub(crate) round: Option<Duration>,
}

/// What it costs that an MsVPU moves, beside its latency. What a program does to load a tile no
/// program states; it is not counted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct MoveCost {
    /// The tile, in bytes.
    pub(crate) tile_bytes: f64,
}

/// `count` MsVPUs go from one node to another before the next round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Move {
    pub(crate) from: NodeId,
    pub(crate) to: NodeId,
    pub(crate) count: u32,
}

/// A way to place a team. One value serves one team: it may remember its rounds.
pub(crate) trait Strategy: Send {
    /// The name by which it is asked for.
    fn name(&self) -> &'static str;

    /// How many of `count` further MsVPUs each candidate gets, in the order of the candidates.
    /// The sum is `count`, unless there are no candidates.
    fn place(&self, candidates: &[Candidate], cost: StepCost, count: u32) -> Vec<u32>;

    /// Which MsVPUs move before the next round; `rounds_seen` are over. By default none.
    fn rebalance(
        &mut self,
        nodes: &[Observed],
        cost: StepCost,
        moving: MoveCost,
        rounds_seen: u32,
    ) -> Vec<Move> {
        let _ = (nodes, cost, moving, rounds_seen);
        Vec::new()
    }
}

/// The names that [`by_name`] knows, the default first.
pub(crate) const NAMES: [&str; 4] = ["performance-index", "uniform", "least-loaded", "adaptive"];

/// Nobody knows a strategy of this name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("there is no strategy `{name}`; there are {}", NAMES.join(", "))]
pub(crate) struct UnknownStrategy {
    name: String,
}

/// Makes a strategy for one team.
///
/// # Errors
/// When there is none of this name; the error lists those that there are.
pub(crate) fn by_name(name: &str) -> Result<Box<dyn Strategy>, UnknownStrategy> {
    Ok(match name {
        "performance-index" => Box::new(PerformanceIndex),
        "uniform" => Box::new(Uniform),
        "least-loaded" => Box::new(LeastLoaded),
        "adaptive" => Box::<Adaptive>::default(),
        _ => return Err(UnknownStrategy { name: name.into() }),
    })
}
