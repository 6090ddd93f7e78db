//! The local deployment: one process, no broker.

use std::io;
use std::num::NonZero;
use std::sync::Arc;
use std::thread;

use thiserror::Error;
use tokio::sync::{oneshot, watch};

#[cfg(feature = "amqp")]
use crate::actor::bridge::BrokerError;
use crate::catalog::Catalog;
use crate::clock::SystemClock;
use crate::compute::Compute;
use crate::deployment::{start_head, start_node};
use crate::event_loop::{self, Alive};
use crate::host::Host;
use crate::id::{Incarnation, NodeId, Origin};
use crate::job::Limits;
use crate::journal::Journals;
use crate::link::Link;
use crate::machine::{Running, VirtualMachine};
use crate::program::Program;
use crate::simulation::InvalidSpec;

/// The one node of a local machine.
const ORIGIN: Origin = Origin {
    node: NodeId(0),
    incarnation: Incarnation(1),
};

/// Where there is one node there is nothing to choose.
const STRATEGY: &str = "performance-index";

/// Configures a local machine; made by [`VirtualMachine::local`].
#[derive(Default)]
#[must_use = "call `start`"]
pub struct LocalBuilder {
    workers: Option<usize>,
    limits: Limits,
    catalog: Catalog,
}

/// The machine could not be started.
#[derive(Debug, Error)]
pub enum StartError {
    /// No worker was asked for.
    #[error("0 workers asked for; a machine needs at least 1")]
    NoWorkers,
    /// More workers than [`LocalBuilder::MAX_WORKERS`] were asked for.
    #[error(
        "{workers} workers asked for; a machine takes at most {limit}, one for each CPU is enough"
    )]
    TooManyWorkers {
        /// How many were asked for.
        workers: usize,
        /// How many there may be.
        limit: usize,
    },
    /// There is no such balancing strategy.
    #[error("{0}")]
    Strategy(String),
    /// There is no connection to the broker.
    #[cfg(feature = "amqp")]
    #[error(transparent)]
    Broker(#[from] BrokerError),
    /// The spec of a simulated machine is wrong.
    #[error("the spec cannot be simulated: {0}")]
    Spec(#[from] InvalidSpec),
    /// The operating system refused a thread.
    #[error("cannot start a thread of the machine: {0}")]
    Thread(#[from] io::Error),
    /// The operating system refused a compute thread.
    #[error("cannot start {workers} compute threads: {reason}")]
    Compute {
        /// How many were asked for.
        workers: usize,
        /// What the system said.
        reason: String,
    },
    /// The thread of the actors ended before they were there.
    #[error("the machine's event loop ended while starting")]
    Ended,
}

impl LocalBuilder {
    /// The most workers of a machine. Each is a thread: more than a host has CPUs is a slip of the
    /// hand.
    pub const MAX_WORKERS: usize = MAX_WORKERS;

    /// How many steps are computed at once, from 1 to [`MAX_WORKERS`](Self::MAX_WORKERS). Default:
    /// the CPUs that this process may use, looked up at the start. On Linux those of its affinity
    /// mask, and no more than the quota of its cgroup allows (`cpu.max`, or `cpu.cfs_quota_us` of
    /// version 1, of every group above it too), in whole CPUs, rounded down, at least 1: see
    /// [`std::thread::available_parallelism`]. So many CPUs a node also states to the balancer.
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = Some(workers);
        self
    }

    /// Registers a program: only registered programs can be run.
    pub fn service<P: Program>(mut self) -> Self {
        self.catalog.register::<P>();
        self
    }

    /// Replaces the default bounds.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Starts the machine: one thread for the actors, one for each worker, and one less to help
    /// when a step uses rayon. Works on every runtime, because the machine brings its own.
    ///
    /// # Errors
    /// When no or too many workers are asked for, or the operating system refuses a thread.
    pub async fn start(self) -> Result<VirtualMachine, StartError> {
        let threads = Arc::new(watch::Sender::new(0));
        let (compute, workers) = start_compute(self.workers, &threads)?;
        let link = Link::local(ORIGIN);
        let host = Host {
            link,
            clock: Arc::new(SystemClock::new()),
            processors: Arc::new(compute),
            name: "local".into(),
            cpus: workers as u32,
            catalog: Arc::new(self.catalog),
            limits: self.limits,
            timing: None,
            census: Arc::default(),
            nodes: Arc::default(),
        };
        let journals = Journals::default();
        let (stop, mut stopped) = watch::channel(false);
        let stop_actors = stop.clone();
        let (ready, started) = oneshot::channel();
        let alive = Alive::new(&threads, &journals);
        let (link, census) = (host.link.clone(), Arc::clone(&host.census));
        let nodes = Arc::clone(&host.nodes);
        let clock = Arc::clone(&host.clock);
        event_loop::spawn(alive, Some(host.link.clone()), move || async move {
            let vital = stop_actors.clone();
            // Nobody waits any more when the starter was dropped: then stop at once.
            let proxy = start_head(&host, STRATEGY, journals, &vital);
            start_node(&host, Some(&vital));
            // Until the node has joined, a job would find none.
            let mut nodes = host.nodes.subscribe();
            let joined = nodes.wait_for(|nodes| !nodes.is_empty()).await;
            // The sender lives in `host`.
            drop(joined);
            drop(host);
            if ready.send(proxy).is_ok() {
                // An error means that the last handle is gone, which is the other reason.
                let _ = stopped.wait_for(|stop| *stop).await;
            }
            vital.send_replace(true);
        })?;
        let proxy = started.await.map_err(|_| StartError::Ended)?;
        let proxy = proxy.map_err(|unknown| StartError::Strategy(unknown.to_string()))?;
        Ok(VirtualMachine::new(Running {
            proxy,
            link,
            clock,
            workers,
            strategy: STRATEGY.to_owned(),
            census,
            threads,
            stop,
            nodes,
            #[cfg(feature = "amqp")]
            cluster: None,
        }))
    }
}

/// See [`LocalBuilder::MAX_WORKERS`].
const MAX_WORKERS: usize = 1024;

/// Starts the compute threads of a node: as many as asked for, or as this process may use CPUs.
///
/// # Errors
/// When no or too many are asked for, or the operating system refuses one.
pub(crate) fn start_compute(
    asked: Option<usize>,
    threads: &Arc<watch::Sender<usize>>,
) -> Result<(Compute, usize), StartError> {
    let limit = MAX_WORKERS;
    let workers = match asked {
        Some(0) => return Err(StartError::NoWorkers),
        Some(workers) if workers > limit => {
            return Err(StartError::TooManyWorkers { workers, limit });
        }
        Some(workers) => workers,
        None => thread::available_parallelism()
            .map_or(1, NonZero::get)
            .min(limit),
    };
    let compute =
        Compute::start(workers, Arc::clone(threads)).map_err(|error| StartError::Compute {
            workers,
            reason: error.to_string(),
        })?;
    Ok((compute, workers))
}
