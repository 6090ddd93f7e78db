//! What is known of a job from outside.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::JobError;
use crate::id::Round;
use crate::payload::Payload;

/// What a running job is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// The balancer chooses the leader's node.
    Placing,
    /// The leader cuts the input into tiles.
    Splitting,
    /// The MsVPUs load their tiles and compute the rounds.
    Iterating,
    /// The leader takes in what each tile contributes to the result.
    Assembling,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Placing => "placing",
            Self::Splitting => "splitting",
            Self::Iterating => "iterating",
            Self::Assembling => "assembling",
        })
    }
}

/// Where a job stands. The last three are terminal, and every job reaches one of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum JobState {
    /// Admitted; as many jobs run already as may.
    Pending,
    /// Under way.
    Running(Phase),
    /// Ended with a result.
    Succeeded,
    /// Ended without one, for this reason.
    Failed(JobError),
    /// Ended because someone asked for it.
    Cancelled,
}

impl JobState {
    /// Whether the job has ended.
    #[must_use]
    pub const fn is_terminal(&self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed(_) | Self::Cancelled)
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pending => f.write_str("pending"),
            Self::Running(phase) => write!(f, "running, {phase}"),
            Self::Succeeded => f.write_str("succeeded"),
            Self::Failed(error) => write!(f, "failed: {error}"),
            Self::Cancelled => f.write_str("cancelled"),
        }
    }
}

/// Something that happened to a job.
#[derive(Clone, Debug)]
pub(crate) enum What {
    /// It stands elsewhere than before.
    State(JobState),
    /// A round has begun.
    Round { round: Round, task: Payload },
    /// In a long round: so many of the tiles have answered.
    Tiles {
        round: Round,
        answered: u32,
        team_size: u32,
    },
}

/// The result of a job as it travels: the program's output and that of each tile, in rank order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finished {
    pub(crate) output: Payload,
    pub(crate) tiles: Vec<Option<Payload>>,
}

/// Bounds of a machine; each has a default that suits one host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Jobs that run at once; others wait. Default 32.
    pub max_running_jobs: usize,
    /// Jobs that wait; one more is refused. Default 1024.
    pub max_queued_jobs: usize,
    /// Tiles, and so MsVPUs, of one job. Default 65,536.
    pub max_tiles_per_job: usize,
    /// Rounds of one job. Default 100,000.
    pub max_rounds_per_job: u32,
    /// What the journal of one job, above all the tasks of its rounds, may take. Default 256 MiB.
    pub max_journal_bytes_per_job: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_running_jobs: 32,
            max_queued_jobs: 1024,
            max_tiles_per_job: 65_536,
            max_rounds_per_job: 100_000,
            max_journal_bytes_per_job: 256 << 20,
        }
    }
}
