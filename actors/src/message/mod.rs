//! All that may cross a process.
//!
//! Requests and replies alike are one-way messages: whoever asks does not wait, it is told, and
//! asks again when it is not. Every message may therefore come twice, late, or not at all. Bulk
//! data sits in [`Payload`]s, so that passing a message on in one process copies nothing.

mod answers;
#[cfg(feature = "amqp")]
mod bulk;
#[cfg(feature = "amqp")]
mod kind;
pub(crate) mod queue;

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::core::answer::Answer;
use crate::core::balance::Plan;
use crate::core::crew::Lap;
use crate::core::examination::Capacity;
use crate::core::fate::Finding;
use crate::core::lease::Member;
use crate::core::msvpu::Stage;
use crate::core::ranks::Ranks;
use crate::core::record::Record;
use crate::core::reservation::ReservationId;
use crate::core::timesheet::Timesheet;
use crate::error::JobError;
use crate::id::{Epoch, Incarnation, JobId, NodeId, Origin, Rank, Round, TeamId};
use crate::job::{Cost, Finished, JobOptions, JobState, NodeReport, NodeStatus};
use crate::payload::Payload;

/// Where a mailbox is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Address {
    Proxy,
    Balancer,
    Directory,
    Supervisor(NodeId),
    Monitor(NodeId),
    Leader(TeamId, NodeId),
    /// Who looks on without being a node.
    Observer(NodeId),
}

/// A message between two nodes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Envelope {
    pub(crate) from: Origin,
    /// Counts what this incarnation has sent to this queue of this node.
    pub(crate) sequence: u64,
    pub(crate) to: Address,
    /// The only incarnation of the receiver that it is for; `None`: whichever is there.
    pub(crate) incarnation: Option<Incarnation>,
    pub(crate) message: Message,
}

/// Which program, with which parameters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Invocation {
    pub(crate) program: String,
    /// JSON.
    pub(crate) parameters: Bytes,
    pub(crate) options: JobOptions,
}

/// A message, by the actor it is for. What is rare and large is boxed: a team has a tile for each of
/// its MsVPUs, and all of them may wait in one mailbox.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Message {
    Proxy(ProxyMessage),
    Balancer(BalancerMessage),
    Directory(DirectoryMessage),
    Supervisor(SupervisorMessage),
    Monitor(MonitorMessage),
    Leader(LeaderMessage),
    Observer(ObserverMessage),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum ObserverMessage {
    /// Balancer: these are the nodes.
    Nodes(Vec<NodeStatus>),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum ProxyMessage {
    /// Balancer: the leader of the job goes there; nowhere, as long as there is no node.
    LeaderPlaced { job: JobId, origin: Option<Origin> },
    /// Directory: the leader of the job speaks under this epoch.
    EpochGranted { job: JobId, epoch: Epoch },
    /// Directory: this node is lost.
    Lost(Origin),
    /// Supervisor: the leader is there.
    LeaderStarted { team: TeamId },
    /// Leader: the job is at this, and was at so many things before. Repeated as long as the leader
    /// lives: who misses it would take a job that runs for one that waits.
    Stands {
        team: TeamId,
        number: u64,
        state: JobState,
    },
    /// Leader: so many of the tiles have answered in the round.
    Progressed {
        team: TeamId,
        round: Round,
        answered: u32,
        team_size: u32,
    },
    /// Leader: what the MsVPUs did since it last told.
    Times { team: TeamId, news: Timesheet },
    /// Leader: where it stands, to outlive it.
    Commit { team: TeamId, record: Box<Record> },
    /// Leader: the job is over.
    Ended {
        team: TeamId,
        result: Box<Result<Finished, JobError>>,
        nodes: Vec<NodeReport>,
        times: Timesheet,
    },
}

impl ProxyMessage {
    /// The team whose leader says so, if one does.
    pub(crate) const fn leader(&self) -> Option<TeamId> {
        match self {
            Self::LeaderStarted { team }
            | Self::Stands { team, .. }
            | Self::Progressed { team, .. }
            | Self::Times { team, .. }
            | Self::Commit { team, .. }
            | Self::Ended { team, .. } => Some(*team),
            Self::LeaderPlaced { .. } | Self::EpochGranted { .. } | Self::Lost(_) => None,
        }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum BalancerMessage {
    /// Directory: these are the nodes now.
    Members(Vec<Member>),
    /// Proxy: where does the leader of this job go?
    PlaceLeader { job: JobId },
    /// Leader: where do these MsVPUs go?
    Allot {
        team: TeamId,
        leader: NodeId,
        ranks: Ranks,
        program: String,
        cost: Cost,
    },
    /// Leader: which of these nodes are lost, and what became of those that are?
    Survey {
        team: TeamId,
        leader: NodeId,
        origins: Vec<Origin>,
        accused: Vec<Origin>,
    },
    /// Leader: how long each node took for a round, and for which MsVPUs.
    Measured {
        team: TeamId,
        leader: NodeId,
        round: Round,
        laps: Vec<Lap>,
    },
    /// Monitor: how long the performance test took there.
    Tested {
        origin: Origin,
        test: u64,
        capacity: Capacity,
        compute: Duration,
        /// How long the test waited for a CPU; no part of what the way takes.
        waited: Duration,
    },
    /// Proxy: the job is over, or is led anew.
    Forget { job: JobId },
    /// Directory: this observer wants to know the nodes, of which each was heard of so long ago.
    List {
        observer: NodeId,
        ages: Vec<(NodeId, Duration)>,
    },
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum DirectoryMessage {
    /// Supervisor: this node is there, and runs something for these teams.
    Renew {
        member: Member,
        /// The latest grant that it has seen: of which head, and its time, as the directory gave it.
        seen: Option<(Incarnation, Duration)>,
        hosted: Vec<TeamId>,
    },
    /// Proxy: an epoch for a new leader of this job.
    Grant { job: JobId },
    /// Proxy: the job is over.
    Release { job: JobId },
    /// Supervisor: this incarnation leaves.
    Leave { origin: Origin },
    /// Observer: which nodes are there?
    List { observer: NodeId },
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum SupervisorMessage {
    /// Directory: the node's lease is renewed; these teams are over.
    Granted {
        /// By the clock of this head.
        at: Duration,
        head: Incarnation,
        over: Vec<TeamId>,
    },
    /// Directory: this incarnation was given up.
    Expelled { incarnation: Incarnation },
    /// Proxy: start the job's leader, and give it the input.
    StartLeader {
        team: TeamId,
        invocation: Box<Invocation>,
        input: Payload,
        resumed: Option<Box<Record>>,
    },
    /// Proxy: someone asked for the job's end.
    CancelLeader { team: TeamId },
    /// Leader: start these MsVPUs.
    StartMsvpus {
        team: TeamId,
        leader: NodeId,
        invocation: Box<Invocation>,
        ranks: Ranks,
        team_size: u32,
    },
    /// Leader: a tile (`data_queue`) and the work of a step on it.
    Tile {
        team: TeamId,
        rank: Rank,
        tile: Payload,
        complexity: f64,
    },
    /// Leader: the task of a round (`tasks_queue`).
    Task {
        team: TeamId,
        ranks: Ranks,
        round: Round,
        task: Payload,
    },
    /// Leader: the rounds are over, hand over the tiles' part of the result.
    Collect {
        team: TeamId,
        ranks: Ranks,
        output: Payload,
    },
    /// Leader: what has become of these answers?
    Inquire {
        team: TeamId,
        leader: NodeId,
        ranks: Ranks,
        stage: Stage,
    },
    /// Leader: work for this rank alone, as soon as nothing else is at work.
    Reserve {
        team: TeamId,
        leader: NodeId,
        rank: Rank,
        id: ReservationId,
    },
    /// Leader: work for others again.
    Release {
        team: TeamId,
        leader: NodeId,
        id: ReservationId,
    },
    /// Leader: stop what earlier leaders of the job have here, and say so when nothing of it is at
    /// work any more.
    Settle { team: TeamId, leader: NodeId },
    /// Leader: these have moved to another node.
    Retire { team: TeamId, ranks: Ranks },
    /// Leader or proxy: stop all that runs for the team.
    Stop { team: TeamId },
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum MonitorMessage {
    /// Balancer: do this much work and tell how long it took; the ballast is for the way.
    Test {
        test: u64,
        work: f64,
        ballast: Bytes,
    },
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum LeaderMessage {
    /// Balancer: which node runs which ranks.
    Allotted(Plan),
    /// Balancer: MsVPUs that do better elsewhere, and where.
    Move(Plan),
    /// Balancer: there is no node that could run MsVPUs.
    NoNode,
    /// Balancer: these nodes are lost.
    Lost(Vec<Origin>),
    /// Balancer: this is known of nodes that were lost.
    Fates(Vec<Finding>),
    /// Supervisor: MsVPUs are there.
    Started { origin: Origin, ranks: Ranks },
    /// MsVPUs of one node: their answers (`results_queue`).
    Answers {
        origin: Origin,
        /// By the node's clock.
        sent: Duration,
        #[serde(with = "answers")]
        answers: Vec<Answer>,
    },
    /// Supervisor: tiles are coming, so that there is nothing to ask about.
    Loading { origin: Origin },
    /// MsVPUs of one node: were asked for answers, and these have no tile, or a tile and no order.
    Lacks {
        origin: Origin,
        tiles: Ranks,
        orders: Ranks,
    },
    /// Supervisor: was asked about MsVPUs that are not there, or was told to stop them.
    Absent { origin: Origin, ranks: Ranks },
    /// MsVPU or supervisor: cannot go on.
    Failed { origin: Origin, error: JobError },
    /// Proxy: the record of that sequence number is safe.
    Committed { sequence: u64 },
    /// Supervisor: the node works for one rank of this team alone.
    Reserved { origin: Origin, id: ReservationId },
    /// Supervisor: the node works for others again.
    Released { origin: Origin, id: ReservationId },
    /// Supervisor: nothing of earlier leaders of the job is at work here any more, or will be.
    Settled { origin: Origin },
    /// Supervisor: someone asked for the job's end.
    Cancel,
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
    Monitor(MonitorMessage),
    Leader(LeaderMessage),
    Observer(ObserverMessage),
);
