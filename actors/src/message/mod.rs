//! All that may cross a process.
//!
//! Requests and replies alike are one-way messages: whoever asks does not wait, it is told. Bulk
//! data sits in [`Payload`]s, so that passing a message on in one process copies nothing.

use std::ops::Range;

use bytes::Bytes;

use crate::core::allotment::Share;
use crate::core::membership::Member;
use crate::error::JobError;
use crate::id::{Epoch, JobId, NodeId, Rank, Round};
use crate::job::{Finished, What};
use crate::payload::Payload;

/// Where a mailbox is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Address {
    Proxy,
    Balancer,
    Directory,
    Supervisor(NodeId),
    Leader(TeamId),
}

/// A job's team under one leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TeamId {
    pub(crate) job: JobId,
    pub(crate) epoch: Epoch,
}

/// Which program, with which parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Invocation {
    pub(crate) program: String,
    /// JSON.
    pub(crate) parameters: Bytes,
}

/// A message, by the actor it is for.
#[derive(Debug)]
pub(crate) enum Message {
    Proxy(ProxyMessage),
    Balancer(BalancerMessage),
    Directory(DirectoryMessage),
    Supervisor(SupervisorMessage),
    Leader(LeaderMessage),
    Msvpu(MsvpuMessage),
}

#[derive(Debug)]
pub(crate) enum ProxyMessage {
    /// Balancer: the leader of the job goes there.
    LeaderPlaced { job: JobId, node: NodeId },
    /// Directory: the leader of the job speaks under this epoch.
    EpochGranted { job: JobId, epoch: Epoch },
    /// Leader: this happened to the job.
    Progressed { team: TeamId, what: What },
    /// Leader: the job is over.
    Ended {
        team: TeamId,
        result: Result<Finished, JobError>,
    },
}

#[derive(Debug)]
pub(crate) enum BalancerMessage {
    /// Directory: these are the nodes now.
    Members(Vec<Member>),
    /// Proxy: where does the leader of this job go?
    PlaceLeader { job: JobId },
    /// Leader: where do so many MsVPUs go?
    Allot { team: TeamId, team_size: u32 },
}

#[derive(Debug)]
pub(crate) enum DirectoryMessage {
    /// Supervisor: this node is there.
    Join(Member),
    /// Proxy: an epoch for a new leader of this job.
    Grant { job: JobId },
    /// Proxy: the job is over.
    Release { job: JobId },
}

#[derive(Debug)]
pub(crate) enum SupervisorMessage {
    /// Proxy: start the job's leader, and give it the input.
    StartLeader {
        team: TeamId,
        invocation: Invocation,
        input: Payload,
    },
    /// Leader: start these MsVPUs.
    StartMsvpus {
        team: TeamId,
        invocation: Invocation,
        ranks: Range<u32>,
        team_size: u32,
    },
    /// Proxy: someone asked for the job's end.
    CancelLeader { team: TeamId },
    /// Leader: stop the team's actors.
    Stop { team: TeamId },
}

#[derive(Debug)]
pub(crate) enum LeaderMessage {
    /// Balancer: which node runs which ranks.
    Allotted(Vec<Share>),
    /// Supervisor: the node's MsVPUs are there.
    Started(NodeId),
    /// MsVPUs of one node: their answers (`results_queue`).
    Answers(Vec<Answer>),
    /// MsVPU or supervisor: cannot go on.
    Failed(JobError),
    /// Supervisor: someone asked for the job's end.
    Cancel,
}

/// What an MsVPU answers.
#[derive(Debug)]
pub(crate) enum Answer {
    /// To the task of a round.
    Partial {
        rank: Rank,
        round: Round,
        partial: Payload,
    },
    /// To the end of the rounds: its part of the result.
    Collected { rank: Rank, tile: Option<Payload> },
}

#[derive(Clone, Debug)]
pub(crate) enum MsvpuMessage {
    /// The tile (`data_queue`).
    Tile(Payload),
    /// The task of a round (`tasks_queue`).
    Task { round: Round, task: Payload },
    /// The rounds are over: hand over the tile's part of the result.
    Collect { output: Payload },
}

macro_rules! wrapped {
    ($($variant:ident($inner:ty)),* $(,)?) => {$(
        impl From<$inner> for Message {
            fn from(message: $inner) -> Self {
                Self::$variant(message)
            }
        }
    )*};
}

wrapped!(
    Proxy(ProxyMessage),
    Balancer(BalancerMessage),
    Directory(DirectoryMessage),
    Supervisor(SupervisorMessage),
    Leader(LeaderMessage),
    Msvpu(MsvpuMessage),
);
