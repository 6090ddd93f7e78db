//! What the actors of one node are made from.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::sync::watch;

use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::job::{Limits, NodeStatus};
use crate::link::Link;
use crate::work::Processors;

/// A node as its actors see it. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Host {
    pub(crate) link: Link,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) processors: Arc<dyn Processors>,
    /// What the node is called, for people.
    pub(crate) name: Arc<str>,
    /// Of its processors, how many compute the steps of MsVPUs.
    pub(crate) cpus: u32,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) limits: Limits,
    pub(crate) timing: Option<Timing>,
    pub(crate) census: Arc<watch::Sender<Census>>,
    /// What the balancer knows of the nodes; written at the head only.
    pub(crate) nodes: Arc<watch::Sender<Vec<NodeStatus>>>,
}

/// How long the parts of a machine of several nodes wait for each other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timing {
    /// A node that was not heard of for so long is lost.
    pub(crate) lease: Duration,
    /// A job that has waited for a node for so long fails.
    pub(crate) node_timeout: Option<Duration>,
}

impl Timing {
    /// After so long without an answer one asks again.
    pub(crate) fn retry(self) -> Duration {
        self.lease / 4
    }

    /// So long it is remembered what was lost, or not heard of any more: far longer than anything is
    /// under way.
    pub(crate) fn memory(self) -> Duration {
        self.lease * 100
    }
}

impl Host {
    /// Whether nodes and messages can get lost, so that what could be needed again is kept.
    pub(crate) const fn is_recoverable(&self) -> bool {
        self.timing.is_some()
    }
}

#[cfg(test)]
impl Host {
    /// One whose processors do nothing, for tests of actors that need none.
    pub(crate) fn idle(link: Link, catalog: Catalog) -> Self {
        Self {
            link,
            clock: Arc::new(crate::clock::SystemClock::new()),
            processors: Arc::new(crate::work::Nowhere),
            name: "here".into(),
            cpus: 1,
            catalog: Arc::new(catalog),
            limits: Limits::default(),
            timing: None,
            census: Arc::default(),
            nodes: Arc::default(),
        }
    }
}

/// How many actors of the teams are alive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Census {
    /// Team leaders, one per running job.
    pub leaders: usize,
    /// MsVPUs.
    pub msvpus: usize,
}

/// Counts an actor for as long as it lives.
pub(crate) struct Counted {
    census: Arc<watch::Sender<Census>>,
    role: fn(&mut Census) -> &mut usize,
}

impl Counted {
    pub(crate) fn new(
        census: &Arc<watch::Sender<Census>>,
        role: fn(&mut Census) -> &mut usize,
    ) -> Self {
        census.send_modify(|census| *role(census) += 1);
        Self {
            census: Arc::clone(census),
            role,
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.census.send_modify(|census| *(self.role)(census) -= 1);
    }
}
