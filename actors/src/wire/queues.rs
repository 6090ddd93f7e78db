//! The queues of a virtual machine on a broker, and which message goes through which.

use std::fmt;

use crate::id::NodeId;
use crate::message::{LeaderMessage, Message, MonitorMessage, ProxyMessage, SupervisorMessage};

/// The head, where proxy, balancer and directory are.
pub(crate) const HEAD: NodeId = NodeId(0);

/// The kinds of queues that each process has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Queue {
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
    /// As it is called on the broker. Each connection has queues of its own: those of one that was
    /// lost may live on for a while, and belong to it.
    pub(crate) fn name(self, vm: &str, node: NodeId, generation: u64) -> String {
        format!("msvpu.{vm}.{self}.{node}.{generation}")
    }

    /// Under which key the exchange of the machine knows the queue of a node.
    pub(crate) fn routing_key(self, node: NodeId) -> String {
        format!("{self}.{node}")
    }

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
            | Message::Proxy(ProxyMessage::Ended { .. }) => Self::Data,
            Message::Supervisor(_) => Self::Tasks,
            Message::Leader(_) => Self::Results,
        }
    }
}

impl fmt::Display for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Control => "control",
            Self::Data => "data_queue",
            Self::Tasks => "tasks_queue",
            Self::Results => "results_queue",
        })
    }
}

/// The exchange that knows the queues of all nodes of a machine.
pub(crate) fn exchange(vm: &str) -> String {
    format!("msvpu.{vm}")
}

/// The queue whose owner is the head: there is one at a time.
pub(crate) fn directory(vm: &str) -> String {
    format!("msvpu.{vm}.directory")
}

/// Where messages go that nobody can read: a queue, and the exchange before it.
pub(crate) fn dead(vm: &str) -> String {
    format!("msvpu.{vm}.dead")
}

/// Whether queues can be named after a virtual machine.
pub(crate) fn is_name(vm: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    (1..=64).contains(&vm.len()) && vm.chars().all(fits)
}
