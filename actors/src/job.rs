//! What is known of a job from outside.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::core::fair::Flow;
use crate::error::JobError;
use crate::id::{JobId, NodeId, Origin, Round};
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

/// What a job waits for that is not its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WaitReason {
    /// For a node: there is none, or none whose performance test comes to something.
    NoNode,
}

impl fmt::Display for WaitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoNode => "there is no node ready to run it: none has joined yet, or none has done its performance test; it goes on when one has",
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
    /// Held up until something changes.
    Waiting(WaitReason),
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
            Self::Waiting(reason) => write!(f, "waiting: {reason}"),
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

/// What one MsVPU costs in a round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cost {
    /// C_k, in elementary operations.
    pub(crate) complexity: f64,
    /// Z_k.
    pub(crate) bytes_exchanged: f64,
    /// What moving the tile to another node costs.
    pub(crate) tile_bytes: f64,
}

impl Cost {
    /// Of a team; zero of an empty one.
    pub(crate) fn mean(costs: &[Self]) -> Self {
        let mean =
            |of: fn(&Self) -> f64| costs.iter().map(of).sum::<f64>() / costs.len().max(1) as f64;
        Self {
            complexity: mean(|cost| cost.complexity),
            bytes_exchanged: mean(|cost| cost.bytes_exchanged),
            tile_bytes: mean(|cost| cost.tile_bytes),
        }
    }
}

/// How much of the machine a job gets beside others.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// A quarter of normal.
    Low,
    /// The default.
    #[default]
    Normal,
    /// Four times normal.
    High,
}

/// For whom a job runs, and how urgently.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobOptions {
    /// Who asks; the machine is shared fairly between owners, whatever number of jobs each has.
    pub owner: String,
    /// The weight beside the owner's other jobs, and beside those of others.
    pub priority: Priority,
}

/// What the balancer knows of a node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeStatus {
    /// The node and its incarnation.
    pub origin: Origin,
    /// What it is called.
    pub name: String,
    /// How long ago it was last heard of, as far as that was asked for.
    pub age: Option<Duration>,
    /// Whether it is about to leave, and gets nothing more.
    pub draining: bool,
    /// Steps at once.
    pub cpus: u32,
    /// In (0, 1]; 1 is the node that is fastest with all its CPUs (eq. 4, for a step of the work and
    /// the size of the performance test). `None` until it was tested.
    pub performance_index: Option<f64>,
    /// How many MsVPUs are placed there now.
    pub msvpus: u32,
    /// How many pieces of work, whosever, ran there or waited for a CPU when the node was last tested.
    /// `None` until it was.
    pub load: Option<u32>,
}

/// What the balancer expects of a node in the rounds of a job.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Forecast {
    pub(crate) node: NodeId,
    pub(crate) performance_index: f64,
    pub(crate) load_index: f64,
    /// Of one round.
    pub(crate) round: Duration,
}

/// What one node did for a job, and what was expected of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeReport {
    /// The node.
    pub node: NodeId,
    /// In (0, 1]; 1 is the fastest node for this job (eq. 4). `None` where no test was made.
    pub performance_index: Option<f64>,
    /// How many MsVPUs it deserves (eq. 8), before rounding.
    pub load_index: Option<f64>,
    /// How many MsVPUs it ran in the last round.
    pub msvpus: u32,
    /// How long its MsVPUs were expected to take, over all rounds.
    pub predicted: Option<Duration>,
    /// T_i: how long they took, from the task to the last answer, over all rounds.
    pub actual: Duration,
    /// ε_i = |T_i − mean T| / mean T.
    pub deviation: f64,
}

impl JobOptions {
    /// Before a node's CPUs. Owners are told apart by a hash of their names (FNV-1a, 64 bits).
    pub(crate) fn flow(&self, job: JobId) -> Flow {
        let hash = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        Flow {
            owner: self.owner.bytes().fold(0xcbf2_9ce4_8422_2325, hash),
            job,
            weight: self.priority,
        }
    }
}

/// The result of a job as it travels: the program's output and that of each tile, in rank order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Finished {
    pub(crate) output: Payload,
    pub(crate) tiles: Vec<Option<Payload>>,
}

/// Bounds of a machine; each has a default that suits one host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Jobs that run at once; others wait, and start by the number of their owner's running jobs
    /// and by priority. Default 32.
    pub max_running_jobs: usize,
    /// Jobs that wait; one more is refused. Default 4096.
    pub max_queued_jobs: usize,
    /// Jobs of one owner that wait; one more is refused. Default 1024.
    pub max_queued_jobs_per_owner: usize,
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
            max_queued_jobs: 4096,
            max_queued_jobs_per_owner: 1024,
            max_tiles_per_job: 65_536,
            max_rounds_per_job: 100_000,
            max_journal_bytes_per_job: 256 << 20,
        }
    }
}
