//! What a simulation has shown.

use std::time::Duration;

use serde::Serialize;

use crate::host::Census;
use crate::job::{JobState, NodeReport};
use crate::link::Counters;
use crate::simulation::cluster::{Cluster, HEAD};

/// What has happened since virtual time began.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Outcome {
    /// A hash over all that happened: equal seeds give equal traces.
    pub trace: u64,
    /// How much virtual time has passed.
    pub elapsed: Duration,
    /// Whether every job has ended, and the simulation has not.
    pub finished: bool,
    /// Leaders and MsVPUs that were still there at the end; none, unless time was cut short.
    pub left_over: Census,
    /// The planned jobs that were submitted, in the order of their planning.
    pub jobs: Vec<JobOutcome>,
    /// The nodes, in the order of the spec.
    pub nodes: Vec<NodeOutcome>,
    /// What went over the line of the head, where proxy, balancer and directory are.
    pub head: HeadOutcome,
    /// What the mailboxes have seen.
    pub counters: Counters,
    /// Messages that the simulated links have lost.
    pub messages_lost: u64,
    /// Messages that the simulated links have delivered once more.
    pub messages_repeated: u64,
    /// Messages that the simulated links have delayed.
    pub messages_overtaken: u64,
    /// How often a node's process was ended.
    pub kills: u64,
    /// How much was taken of those who may say nothing any more: answers of a node that the leader
    /// had been told is lost, words of a leader that was replaced, orders for an earlier incarnation
    /// of a node, or of an earlier leader than one that the node works for. None, whatever goes wrong.
    pub taken_stale: u64,
}

/// What became of one job.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct JobOutcome {
    /// The number it was planned under; in a run of a spec its place there.
    pub index: usize,
    /// Where it stands.
    pub state: JobState,
    /// From its submission to its end, or to now.
    pub took: Duration,
    /// How many rounds it has begun.
    pub rounds: u32,
    /// What each node did for it, and what was expected; empty unless it has ended.
    pub nodes: Vec<NodeReport>,
    /// How often it got another leader.
    pub leaders_lost: u32,
    /// How many processes its tiles have ended, by faults of the spec.
    pub killed: u64,
}

/// What one node has done.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct NodeOutcome {
    /// Its name in the spec.
    pub name: String,
    /// Its CPUs.
    pub cpus: u32,
    /// CPU time spent on steps.
    pub busy: Duration,
    /// How many steps on tiles it computed.
    pub steps: u64,
    /// How often its process was started.
    pub starts: u64,
    /// Messages it sent to other nodes.
    pub messages_sent: u64,
    /// With envelopes, as the communication model weighs them.
    pub bytes_sent: f64,
    /// Likewise.
    pub bytes_received: f64,
}

/// What the head has exchanged with the nodes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct HeadOutcome {
    /// Messages it sent to nodes.
    pub messages_sent: u64,
    /// With envelopes, as the communication model weighs them.
    pub bytes_sent: f64,
    /// Likewise.
    pub bytes_received: f64,
}

impl Outcome {
    pub(crate) fn of(cluster: &Cluster) -> Self {
        let mishaps = cluster.network.mishaps();
        let nodes = cluster.spec.nodes.iter().zip(1..).map(|(spec, node)| {
            let (busy, steps, starts) = cluster.spent(node);
            let traffic = cluster.network.traffic(node);
            NodeOutcome {
                name: spec.name.clone(),
                cpus: spec.cpus,
                busy,
                steps,
                starts,
                messages_sent: traffic.messages_sent,
                bytes_sent: traffic.bytes_sent,
                bytes_received: traffic.bytes_received,
            }
        });
        let head = cluster.network.traffic(HEAD);
        Self {
            trace: cluster.timeline.trace(),
            elapsed: cluster.timeline.now() - cluster.timeline.origin(),
            finished: cluster.is_done(),
            left_over: *cluster.census.borrow(),
            jobs: cluster.jobs(),
            nodes: nodes.collect(),
            head: HeadOutcome {
                messages_sent: head.messages_sent,
                bytes_sent: head.bytes_sent,
                bytes_received: head.bytes_received,
            },
            counters: cluster.counters(),
            messages_lost: mishaps.lost,
            messages_repeated: mishaps.repeated,
            messages_overtaken: mishaps.overtaken,
            kills: cluster.kills(),
            taken_stale: cluster.taken_stale(),
        }
    }
}
