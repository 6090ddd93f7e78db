//! The local deployment: one process, no broker.

use std::hint;
use std::io;
use std::num::NonZero;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use actix::System;
use thiserror::Error;
use tokio::runtime;
use tokio::sync::{oneshot, watch};

use crate::catalog::Catalog;
use crate::clock::SystemClock;
use crate::compute::Compute;
use crate::deployment::{start_head, start_node};
use crate::error::JobError;
use crate::host::Host;
use crate::id::{Incarnation, NodeId, Origin};
use crate::job::Limits;
use crate::journal::Journals;
use crate::link::Link;
use crate::machine::{Running, VirtualMachine};
use crate::program::Program;

/// The one node of a local machine.
const ORIGIN: Origin = Origin {
    node: NodeId(0),
    incarnation: Incarnation(1),
};

/// Where there is one node there is nothing to choose.
const STRATEGY: &str = "performance-index";

/// How long the event loop looks out for messages before it sleeps.
const LOOKOUT: Duration = Duration::from_micros(10);

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
    pub const MAX_WORKERS: usize = 1024;

    /// How many steps are computed at once, from 1 to [`MAX_WORKERS`](Self::MAX_WORKERS). Default:
    /// the CPUs that this process may use.
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
        let workers = match self.workers {
            Some(0) => return Err(StartError::NoWorkers),
            Some(workers) if workers > Self::MAX_WORKERS => {
                let limit = Self::MAX_WORKERS;
                return Err(StartError::TooManyWorkers { workers, limit });
            }
            Some(workers) => workers,
            None => thread::available_parallelism()
                .map_or(1, NonZero::get)
                .min(Self::MAX_WORKERS),
        };
        let threads = Arc::new(watch::Sender::new(0));
        let compute =
            Compute::start(workers, Arc::clone(&threads)).map_err(|error| StartError::Compute {
                workers,
                reason: error.to_string(),
            })?;
        let link = Link::local(ORIGIN);
        let outlook = link.clone();
        let cpus = thread::available_parallelism().map_or(1, NonZero::get);
        // No I/O driver: its poll is a dearer way to wait than a condition variable.
        let runtime = runtime::Builder::new_current_thread()
            .enable_time()
            .on_thread_park(move || {
                // On the only CPU, nobody answers meanwhile.
                if cpus > 1 {
                    look_out(&outlook);
                }
            })
            .build()?;
        let host = Host {
            link,
            clock: Arc::new(SystemClock::new()),
            processors: Arc::new(compute),
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
        let clock = Arc::clone(&host.clock);
        thread::Builder::new()
            .name("msvpu-actors".to_owned())
            .spawn(move || {
                let _alive = alive;
                let vital = stop_actors.clone();
                System::with_tokio_rt(|| runtime).block_on(async move {
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
                });
            })?;
        let proxy = started.await.map_err(|_| StartError::Ended)?;
        let proxy = proxy.map_err(|unknown| StartError::Strategy(unknown.to_string()))?;
        Ok(VirtualMachine::new(Running {
            proxy,
            link,
            clock,
            workers,
            census,
            threads,
            stop,
        }))
    }
}

/// The event loop looks out for messages for a moment before it sleeps: the threads that compute
/// answer it twice a round, and to wake it costs them and it 5 to 50 µs each time. It does not
/// yield meanwhile: on a busy host it would get its CPU back far later than from sleep.
fn look_out(link: &Link) {
    let (before, since) = (link.sent(), Instant::now());
    while link.sent() == before && since.elapsed() < LOOKOUT {
        hint::spin_loop();
    }
}

/// Lives as long as the thread of the actors; when it ends, in whichever way, no job is left
/// without an end.
pub(crate) struct Alive {
    threads: Arc<watch::Sender<usize>>,
    journals: Journals,
}

impl Alive {
    pub(crate) fn new(threads: &Arc<watch::Sender<usize>>, journals: &Journals) -> Self {
        threads.send_modify(|threads| *threads += 1);
        Self {
            threads: Arc::clone(threads),
            journals: Arc::clone(journals),
        }
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.journals.end_all(&JobError::Stopped);
        self.threads.send_modify(|threads| *threads -= 1);
    }
}
