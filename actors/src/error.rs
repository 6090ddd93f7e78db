//! What can go wrong, by who has to know.

use std::any::type_name;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::id::{Rank, Round};

/// A value could not be written for, or read from, its travelling form.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("cannot {action} a `{type_name}`: {reason}")]
pub struct CodecError {
    action: &'static str,
    type_name: &'static str,
    reason: String,
}

impl CodecError {
    pub(crate) fn encode<T>(reason: impl ToString) -> Self {
        Self {
            action: "encode",
            type_name: type_name::<T>(),
            reason: reason.to_string(),
        }
    }

    pub(crate) fn decode<T>(reason: impl ToString) -> Self {
        Self {
            action: "decode",
            type_name: type_name::<T>(),
            reason: reason.to_string(),
        }
    }

    /// The bytes were read, but the value is not one that a `T` can have.
    #[must_use]
    pub fn invalid<T>(reason: impl ToString) -> Self {
        Self::decode::<T>(reason)
    }

    pub(crate) fn trailing<T>(extra_bytes: usize) -> Self {
        Self::decode::<T>(format!("{extra_bytes} bytes too many"))
    }
}

/// What a program's own functions return when they cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProgramError {
    /// The input or the parameters do not fit; whoever submitted the job can mend it.
    #[error("{0}")]
    InvalidInput(String),
    /// The program failed on input that should have worked.
    #[error("{0}")]
    Failed(String),
    /// [`Context::check`](crate::Context::check) saw that the job was cancelled.
    #[error("cancelled")]
    Cancelled,
    /// What arrived is not what this program sends.
    #[error(transparent)]
    Codec(#[from] CodecError),
}

impl ProgramError {
    /// The input or the parameters do not fit: say what is wrong, where, and what would be right.
    #[must_use]
    pub fn invalid_input(message: impl Into<String>) -> Self {
        Self::InvalidInput(message.into())
    }

    /// The program failed: say at what.
    #[must_use]
    pub fn failed(message: impl Into<String>) -> Self {
        Self::Failed(message.into())
    }
}

/// The function of a program in which a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Site {
    /// `split`, by the leader.
    Split,
    /// `load`, by an MsVPU.
    Load(Rank),
    /// `local_step`, by an MsVPU.
    LocalStep(Round, Rank),
    /// `global_step`, by the leader.
    GlobalStep(Round),
    /// `collect`, by an MsVPU.
    Collect(Rank),
    /// Putting the tile outputs together, by whoever awaited the job.
    Assemble,
    /// No job's: the performance test of a node.
    PerformanceTest,
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Split => write!(f, "splitting the input"),
            Self::Load(rank) => write!(f, "loading tile {rank}"),
            Self::LocalStep(round, rank) => write!(f, "round {round}, tile {rank}"),
            Self::GlobalStep(round) => write!(f, "the global step of round {round}"),
            Self::Collect(rank) => write!(f, "collecting tile {rank}"),
            Self::Assemble => write!(f, "assembling the result"),
            Self::PerformanceTest => write!(f, "the performance test"),
        }
    }
}

/// Why a job ended without a result, or was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
pub enum JobError {
    /// Nothing of that name is in the machine's catalog.
    #[error(
        "no program `{name}` is registered here; registered: {}",
        listed(known)
    )]
    UnknownProgram {
        /// What was asked for.
        name: String,
        /// What could have been asked for.
        known: Vec<String>,
    },
    /// The parameters are not those of the program.
    #[error("parameters of `{program}`: {reason}")]
    InvalidParameters {
        /// The program's name.
        program: String,
        /// What is wrong with them.
        reason: String,
    },
    /// The program refused its input.
    #[error("{reason}")]
    InvalidInput {
        /// Where it was refused.
        site: Site,
        /// What is wrong with it.
        reason: String,
    },
    /// A function of the program returned an error.
    #[error("{site}: {reason}")]
    Failed {
        /// Where.
        site: Site,
        /// What the program said.
        reason: String,
    },
    /// A function of the program panicked; the machine and its other jobs go on.
    #[error("{site}: the program panicked: {reason}")]
    Panicked {
        /// Where.
        site: Site,
        /// The panic's message.
        reason: String,
    },
    /// `split` returned no tile.
    #[error("the program split its input into no tile; at least one is needed")]
    NoTiles,
    /// `split` returned more tiles than the machine takes.
    #[error("the program split its input into {tiles} tiles; this machine takes {limit} a job")]
    TooManyTiles {
        /// How many.
        tiles: usize,
        /// [`Limits::max_tiles_per_job`](crate::Limits::max_tiles_per_job).
        limit: usize,
    },
    /// The program asked for more rounds than the machine takes.
    #[error("the job is not done after {limit} rounds, the most this machine takes")]
    TooManyRounds {
        /// [`Limits::max_rounds_per_job`](crate::Limits::max_rounds_per_job).
        limit: u32,
    },
    /// The tasks of the rounds, which the journal keeps for late watchers, take more than may be.
    #[error(
        "the job's journal would take more than {limit} bytes: tell MsVPUs less each round, \
         or raise max_journal_bytes_per_job"
    )]
    JournalFull {
        /// [`Limits::max_journal_bytes_per_job`](crate::Limits::max_journal_bytes_per_job).
        limit: usize,
    },
    /// As many jobs wait as may.
    #[error("{limit} jobs wait already, and no more may; try again when some have ended")]
    QueueFull {
        /// [`Limits::max_queued_jobs`](crate::Limits::max_queued_jobs).
        limit: usize,
    },
    /// As many jobs of the owner wait as may.
    #[error(
        "{limit} jobs of owner `{owner}` wait already, and no more may; try again when some have ended"
    )]
    OwnerQueueFull {
        /// Whose.
        owner: String,
        /// [`Limits::max_queued_jobs_per_owner`](crate::Limits::max_queued_jobs_per_owner).
        limit: usize,
    },
    /// The same message came twice with different content: the program is not deterministic.
    #[error("{site}: two answers differ; a program must give the same bits for the same tile")]
    Nondeterministic {
        /// Where.
        site: Site,
    },
    /// A tile has gone down with several nodes, in the end alone: it kills the process that runs it.
    #[error("poison tile {rank}: {losses} nodes were lost while it ran there")]
    PoisonTile {
        /// Which.
        rank: Rank,
        /// How many nodes it went down with.
        losses: u8,
    },
    /// Leaders of the job were lost one after the other, and it got no further.
    #[error("{losses} leaders of the job were lost before it got past round {round}")]
    LeadersLost {
        /// How many.
        losses: u8,
        /// Where the job stands.
        round: Round,
    },
    /// There was no node to run it, for longer than it was to wait.
    #[error("there was no node to run it for {}", seconds(timeout))]
    NoNode {
        /// How long it was to wait.
        timeout: Duration,
    },
    /// The machine has ended, because there will be no connection to its nodes any more.
    #[error("the machine lost its nodes for good: {reason}")]
    BrokerLost {
        /// Why there will be none.
        reason: String,
    },
    /// Someone asked for it.
    #[error("cancelled")]
    Cancelled,
    /// The machine was shut down before the job ended.
    #[error("the machine was shut down before the job ended")]
    Stopped,
    /// What arrived cannot be read.
    #[error("{reason}")]
    Codec {
        /// What is wrong with it.
        reason: String,
    },
}

impl JobError {
    /// A program's own error, with the place where it arose.
    #[must_use]
    pub fn at(site: Site, error: ProgramError) -> Self {
        match error {
            ProgramError::InvalidInput(reason) => Self::InvalidInput { site, reason },
            ProgramError::Failed(reason) => Self::Failed { site, reason },
            ProgramError::Cancelled => Self::Cancelled,
            ProgramError::Codec(error) => Self::Failed {
                site,
                reason: error.to_string(),
            },
        }
    }

    /// Whether whoever submitted the job can mend it by submitting something else.
    #[must_use]
    pub const fn is_invalid_request(&self) -> bool {
        matches!(
            self,
            Self::UnknownProgram { .. }
                | Self::InvalidParameters { .. }
                | Self::InvalidInput { .. }
                | Self::NoTiles
                | Self::TooManyTiles { .. }
        )
    }
}

impl From<CodecError> for JobError {
    fn from(error: CodecError) -> Self {
        Self::Codec {
            reason: error.to_string(),
        }
    }
}

fn seconds(time: &Duration) -> String {
    format!("{} s", time.as_secs_f64())
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}
