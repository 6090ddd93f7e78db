//! What the leader's decisions start from, and what comes of them.

use std::time::Duration;

use crate::core::allotment::Share;
use crate::core::answer::Answer;
use crate::core::crew::Lap;
use crate::core::fate::Finding;
use crate::core::msvpu::Stage;
use crate::core::ranks::Ranks;
use crate::core::record::Record;
use crate::core::reservation::ReservationId;
use crate::error::JobError;
use crate::id::{Origin, Rank, Round};
use crate::job::{Finished, Phase};
use crate::payload::Payload;
use crate::program::Step;

/// What the leader learns.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// The program has split its input: tiles and the first task.
    Split(Result<(Vec<Payload>, Payload), JobError>),
    /// The balancer has said who gets which ranks.
    Allotted(Vec<Share>),
    /// The balancer moves MsVPUs to other nodes.
    Moved(Vec<Share>),
    /// MsVPUs are there.
    Started(Origin, Ranks),
    /// MsVPUs of one node have computed their part of a round, or handed over their part of the result.
    Answered {
        origin: Origin,
        /// When they were sent, by the node's clock.
        sent: Duration,
        answers: Vec<Answer>,
    },
    /// A node takes in tiles.
    Loading(Origin),
    /// MsVPUs were asked for answers, and these have no tile, or a tile and no order.
    Lacks {
        origin: Origin,
        tiles: Ranks,
        orders: Ranks,
    },
    /// A node was asked about MsVPUs that it does not run, or was to stop them.
    Absent(Origin, Ranks),
    /// The program has folded the partial results.
    Folded(Result<Step<Payload, Payload>, JobError>),
    /// The proxy has the record of that sequence number.
    Committed(u64),
    /// A node works for nobody now but for this team.
    Reserved(Origin, ReservationId),
    /// A node works for others again.
    Released(Origin, ReservationId),
    /// Nothing of earlier leaders is at work on a node any more.
    Settled(Origin),
    /// There is no node that could run MsVPUs.
    NoNode,
    /// These nodes are lost.
    Lost(Vec<Origin>),
    /// This became of nodes that were lost.
    Fates(Vec<Finding>),
    /// MsVPUs of this node cannot go on.
    Failed(Origin, JobError),
    /// The program failed at the leader, or someone asked for the job's end.
    End(JobError),
    /// Time has passed: whatever got no answer is asked for again.
    Tick,
}

/// What the leader does about it.
#[derive(Debug, PartialEq)]
pub(crate) enum Effect {
    /// Tell watchers what the job is at.
    Enter(Phase),
    /// Tell watchers that there is no node.
    Wait,
    /// Ask the balancer where these go.
    Allot(Ranks),
    /// Ask a node to start these.
    Start(Origin, Ranks),
    /// Ask a node to stop these, because they have moved.
    Retire(Origin, Ranks),
    /// Send a tile to its MsVPU.
    SendTile(Origin, Rank, Payload),
    /// Send the task of a round to these.
    SendTask(Origin, Ranks, Round, Payload),
    /// Send the output to these, and ask for what each tile contributes.
    SendOutput(Origin, Ranks, Payload),
    /// Ask these what has become of their answers.
    Inquire(Origin, Ranks, Stage),
    /// Ask the balancer which of the nodes that run the team are lost, and what became of those
    /// that tiles are suspected to have brought down.
    Survey {
        origins: Vec<Origin>,
        accused: Vec<Origin>,
    },
    /// Ask a node to finish what it works on, and then to work for this rank alone.
    Reserve(Origin, Rank, ReservationId),
    /// Let a node work for others again.
    Release(Origin, ReservationId),
    /// Ask a node to say when nothing of earlier leaders is at work there any more.
    Settle(Origin),
    /// Put the record where it outlives the leader, with what the nodes have done.
    Commit(Box<Record>),
    /// Let the program fold the partial results of a round.
    Fold(Round, Payload, Vec<Payload>),
    /// Tell the balancer how long each node took for the round, and for which MsVPUs.
    Measured(Round, Vec<Lap>),
    /// An answer came twice, late, or from no rank of this team: dropped, counted. One for each.
    Drop(Dropped),
    /// The job is over; stop the team.
    Finish(Result<Finished, JobError>),
}

/// Why an answer was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dropped {
    /// It had come before, or its round is over.
    Duplicate,
    /// No such rank in this team.
    Stranger,
    /// Of a node that is given up, or of what is not asked for any more.
    Stale,
    /// Of a rank that is placed elsewhere now, because its node is given up or it has moved.
    StaleAnswer,
}
