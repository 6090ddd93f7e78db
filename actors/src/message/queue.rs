//! Through which queue of its receiver a message goes, and for which job.

use super::{
    Address, Envelope, LeaderMessage, Message, MonitorMessage, ProxyMessage, SupervisorMessage,
};
use crate::id::{JobId, TeamId};

macro_rules! queues {
    ($($(#[$of:meta])* $queue:ident,)*) => {
        /// The kinds of queues that each process has. Each keeps its order, and overtakes the others.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) enum Queue {
            $($(#[$of])* $queue,)*
        }

        impl Queue {
            /// How many there are.
            pub(crate) const COUNT: usize = [$(Self::$queue),*].len();
        }
    };
}

queues! {
    /// Leases, placements, performance tests: what must not wait behind data.
    Control,
    /// Tiles.
    Data,
    /// What leaders order.
    Tasks,
    /// What MsVPUs answer.
    Results,
}

impl Queue {
    /// Through which queue of its receiver a message goes.
    pub(crate) const fn of(message: &Message) -> Self {
        match message {
            Message::Balancer(_)
            | Message::Directory(_)
            | Message::Monitor(MonitorMessage::Test { .. })
            | Message::Observer(_)
            | Message::Leader(LeaderMessage::Committed { .. })
            | Message::Proxy(
                ProxyMessage::LeaderPlaced { .. }
                | ProxyMessage::EpochGranted { .. }
                | ProxyMessage::Lost(_)
                | ProxyMessage::LeaderStarted { .. }
                | ProxyMessage::Stands { .. }
                | ProxyMessage::Progressed { .. }
                | ProxyMessage::Commit { .. },
            )
            | Message::Supervisor(
                SupervisorMessage::Granted { .. } | SupervisorMessage::Expelled { .. },
            ) => Self::Control,
            Message::Supervisor(
                SupervisorMessage::StartLeader { .. } | SupervisorMessage::Tile { .. },
            )
            | Message::Proxy(ProxyMessage::Ended { .. } | ProxyMessage::Times { .. }) => Self::Data,
            Message::Supervisor(_) => Self::Tasks,
            Message::Leader(_) => Self::Results,
        }
    }
}

impl Envelope {
    /// The job with which it takes turns; none where all is short, and goes in its order.
    pub(crate) const fn job(&self) -> Option<JobId> {
        if let Queue::Control = Queue::of(&self.message) {
            return None;
        }
        let team = match (&self.message, self.to) {
            (Message::Supervisor(order), _) => order.team(),
            (Message::Proxy(word), _) => word.leader(),
            (Message::Leader(_), Address::Leader(team, _)) => Some(team),
            _ => None,
        };
        match team {
            Some(team) => Some(team.job),
            None => None,
        }
    }
}

impl SupervisorMessage {
    const fn team(&self) -> Option<TeamId> {
        match self {
            Self::Granted { .. } | Self::Expelled { .. } => None,
            Self::StartLeader { team, .. }
            | Self::CancelLeader { team }
            | Self::StartMsvpus { team, .. }
            | Self::Tile { team, .. }
            | Self::Task { team, .. }
            | Self::Collect { team, .. }
            | Self::Inquire { team, .. }
            | Self::Reserve { team, .. }
            | Self::Release { team, .. }
            | Self::Settle { team, .. }
            | Self::Retire { team, .. }
            | Self::Stop { team } => Some(*team),
        }
    }
}
