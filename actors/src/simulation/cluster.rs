//! The simulated nodes, and what goes wrong with them.

mod faults;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use actix::Addr;
use tokio::sync::watch;

use crate::actor::proxy::Proxy;
use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::deployment::{start_head, start_node};
use crate::host::{Census, Host, Timing};
use crate::id::{Incarnation, JobId, NodeId, Origin};
use crate::job::{Limits, NodeStatus};
use crate::journal::{Journal, Journals};
use crate::link::audit::Audit;
use crate::link::{Counters, Link, Tally};
use crate::local::StartError;
use crate::random::Random;
use crate::simulation::network::{Network, Port};
use crate::simulation::outcome::JobOutcome;
use crate::simulation::overlapping::Overlapping;
use crate::simulation::processors::SimulatedProcessors;
use crate::simulation::spec::Spec;
use crate::simulation::timeline::{Timeline, VirtualClock};

use faults::{StepFaults, step_faults};

/// The head, where proxy, balancer and directory are.
pub(crate) const HEAD: usize = 0;

/// What randomness is drawn for; each use has a stream of its own.
const NETWORK_STREAM: u64 = 1 << 32;
const STEP_STREAM: u64 = 2 << 32;

/// A simulated cluster; nodes are counted from 1, as in `NodeId`.
pub(crate) struct Cluster {
    pub(crate) spec: Spec,
    pub(crate) timeline: Arc<Timeline>,
    pub(crate) network: Arc<Network>,
    pub(crate) census: Arc<watch::Sender<Census>>,
    pub(crate) nodes: Arc<watch::Sender<Vec<NodeStatus>>>,
    pub(crate) journals: Journals,
    /// Jobs that are to be submitted yet.
    pub(crate) planned: AtomicUsize,
    /// Jobs that were submitted: each wakes the proxy without a message of the link.
    pub(crate) submitted: AtomicU64,
    catalog: Arc<Catalog>,
    limits: Limits,
    tally: Arc<Tally>,
    audit: Arc<Audit>,
    step_faults: StepFaults,
    state: Mutex<State>,
    this: Weak<Self>,
}

struct State {
    nodes: Vec<Node>,
    /// The planned jobs, which the spec's faults speak of.
    jobs: BTreeMap<JobId, (usize, Arc<Journal>)>,
    kills: u64,
    /// Of these, how many a tile of each planned job has caused.
    killed: BTreeMap<usize, u64>,
}

#[derive(Default)]
struct Node {
    processors: Option<Arc<SimulatedProcessors>>,
    starts: u64,
    /// Of its speed in the spec.
    factors: Overlapping<f64>,
    /// By processes that have ended.
    spent: (Duration, u64),
}

impl Cluster {
    pub(crate) fn new(spec: Spec, catalog: Catalog, limits: Limits) -> Arc<Self> {
        let timeline = Arc::new(Timeline::new(spec.nodes.len() + 1));
        let network = Network::new(
            Arc::clone(&timeline),
            spec.communication.clone(),
            spec.jitter,
            &spec.nodes,
            Random::new(spec.seed).split(NETWORK_STREAM),
        );
        let nodes = (0..=spec.nodes.len()).map(|_| Node::default()).collect();
        let step_faults = step_faults(&spec.faults);
        Arc::new_cyclic(|this| Self {
            spec,
            timeline,
            network: Arc::new(network),
            census: Arc::default(),
            nodes: Arc::default(),
            journals: Journals::default(),
            planned: AtomicUsize::new(0),
            submitted: AtomicU64::new(0),
            catalog: Arc::new(catalog),
            limits,
            tally: Arc::default(),
            audit: Arc::default(),
            step_faults,
            state: Mutex::new(State {
                nodes,
                jobs: BTreeMap::new(),
                kills: 0,
                killed: BTreeMap::new(),
            }),
            this: this.clone(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that could panic runs under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn this(&self) -> Option<Arc<Self>> {
        self.this.upgrade()
    }

    /// Starts the head on the current event loop.
    ///
    /// # Errors
    /// When there is no such strategy.
    pub(crate) fn start_head(
        &self,
        stop: &watch::Sender<bool>,
    ) -> Result<(Addr<Proxy>, Host), StartError> {
        let host = self.host(HEAD, (1, 1.0)).ok_or(StartError::Ended)?;
        let journals = Arc::clone(&self.journals);
        let proxy = start_head(&host, &self.spec.strategy, journals, stop)
            .map_err(|unknown| StartError::Strategy(unknown.to_string()))?;
        Ok((proxy, host))
    }

    /// Starts a node's process on the current event loop, unless one runs.
    pub(crate) fn start(&self, node: usize) {
        let Some(spec) = node.checked_sub(1).and_then(|i| self.spec.nodes.get(i)) else {
            return;
        };
        if self.state().nodes[node].processors.is_some() {
            return;
        }
        let factor = self.state().nodes[node].factors.now().unwrap_or(1.0);
        if let Some(host) = self.host(node, (spec.cpus, spec.speed * factor)) {
            self.timeline.note(&[2, node as u64]);
            start_node(&host, None);
        }
    }

    fn host(&self, node: usize, (cpus, speed): (u32, f64)) -> Option<Host> {
        let process = self.timeline.process(node);
        let starts = {
            let mut state = self.state();
            let slot = state.nodes.get_mut(node)?;
            slot.starts += 1;
            slot.starts
        };
        let random = Random::new(self.spec.seed).split(node as u64).split(starts);
        let processors = SimulatedProcessors::new(
            Arc::clone(&self.timeline),
            process,
            (cpus, speed),
            self.spec.jitter,
            (random, Random::new(self.spec.seed).split(STEP_STREAM)),
            self.this()?,
        );
        self.state().nodes[node].processors = Some(Arc::clone(&processors));
        let origin = Origin {
            node: NodeId(node as u32),
            // Above all that an earlier process may have taken when it was given up and joined anew.
            incarnation: Incarnation(starts << 32),
        };
        let port = Port {
            network: Arc::clone(&self.network),
            process,
        };
        let link = Link::new(
            origin,
            NodeId(HEAD as u32),
            Some(Arc::new(port)),
            Arc::clone(&self.tally),
        )
        .audited(&self.audit);
        self.network.connect(node, link.clone());
        let clock: Arc<dyn Clock> = Arc::new(VirtualClock {
            timeline: Arc::clone(&self.timeline),
            process,
        });
        let name = node
            .checked_sub(1)
            .map_or("head", |i| &self.spec.nodes[i].name);
        Some(Host {
            link,
            clock,
            processors,
            name: name.into(),
            cpus,
            catalog: Arc::clone(&self.catalog),
            limits: self.limits,
            timing: Some(Timing {
                lease: self.spec.lease,
                node_timeout: None,
            }),
            census: Arc::clone(&self.census),
            nodes: Arc::clone(&self.nodes),
        })
    }

    /// What has happened until now, joining and performance tests, counts for nothing.
    pub(crate) fn rebase(&self) {
        self.timeline.rebase();
        self.network.forget_traffic();
        for node in &mut self.state().nodes {
            node.spent = Default::default();
            if let Some(processors) = &node.processors {
                processors.forget_spent();
            }
        }
    }

    /// The job was planned under that number.
    pub(crate) fn name_job(&self, journal: Arc<Journal>, index: usize) {
        self.state().jobs.insert(journal.job(), (index, journal));
    }

    /// What became of the planned jobs.
    pub(crate) fn jobs(&self) -> Vec<JobOutcome> {
        let state = self.state();
        let outcome = |(index, journal): &(usize, Arc<Journal>)| {
            let (took, rounds) = journal.span();
            JobOutcome {
                index: *index,
                state: journal.state(),
                took,
                rounds,
                nodes: journal.nodes(),
                leaders_lost: journal.leaders_lost(),
                killed: state.killed.get(index).copied().unwrap_or(0),
            }
        };
        let mut jobs: Vec<JobOutcome> = state.jobs.values().map(outcome).collect();
        jobs.sort_by_key(|job| job.index);
        jobs
    }

    pub(crate) fn is_done(&self) -> bool {
        self.planned.load(Ordering::SeqCst) == 0 && self.journals.is_empty()
    }

    /// Grows with everything that wakes an actor.
    pub(crate) fn stirred(&self) -> u64 {
        self.tally.sent() + self.submitted.load(Ordering::SeqCst)
    }

    pub(crate) fn counters(&self) -> Counters {
        self.tally.counters()
    }

    /// What was taken of those who may say nothing any more.
    pub(crate) fn taken_stale(&self) -> u64 {
        self.audit.taken_stale()
    }

    pub(crate) fn kills(&self) -> u64 {
        self.state().kills
    }

    /// CPU time spent on a node, how many steps were computed there, and how often it was started.
    pub(crate) fn spent(&self, node: usize) -> (Duration, u64, u64) {
        let state = self.state();
        let Some(slot) = state.nodes.get(node) else {
            return Default::default();
        };
        let (busy, steps) = slot
            .processors
            .as_ref()
            .map_or_else(Default::default, |p| p.spent());
        (slot.spent.0 + busy, slot.spent.1 + steps, slot.starts)
    }
}
