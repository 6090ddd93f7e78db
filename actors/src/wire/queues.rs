//! The queues of a virtual machine on a broker, by name.

use std::fmt;

use crate::id::NodeId;
pub(crate) use crate::message::queue::Queue;

/// The head, where proxy, balancer and directory are.
pub(crate) const HEAD: NodeId = NodeId(0);

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
