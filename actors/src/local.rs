//! The local deployment: one process, no broker.

use std::collections::HashMap;
use std::io;
use std::num::NonZero;
use std::sync::Arc;
use std::thread;

use actix::{Actor, Addr, System};
use thiserror::Error;
use tokio::runtime;
use tokio::sync::{oneshot, watch};

use crate::actor::balancer::LoadBalancer;
use crate::actor::directory::Directory;
use crate::actor::proxy::{Journals, Proxy};
use crate::actor::supervisor::Supervisor;
use crate::actor::{Census, Vital};
use crate::catalog::Catalog;
use crate::compute::Compute;
use crate::core::membership::Member;
use crate::error::JobError;
use crate::id::{Incarnation, NodeId};
use crate::job::Limits;
use crate::link::Link;
use crate::machine::{Running, VirtualMachine};
use crate::message::Address;
use crate::program::Program;

/// The one node of a local machine.
const NODE: NodeId = NodeId(0);

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
        // No I/O driver: its poll is a dearer way to wait than a condition variable.
        let runtime = runtime::Builder::new_current_thread()
            .enable_time()
            .build()?;
        let (stop, mut stopped) = watch::channel(false);
        let node = Node {
            link: Link::default(),
            compute,
            catalog: Arc::new(self.catalog),
            limits: self.limits,
            census: Arc::default(),
            journals: Journals::default(),
            stop: stop.clone(),
        };
        let (ready, started) = oneshot::channel();
        let (link, census) = (node.link.clone(), Arc::clone(&node.census));
        let alive = Alive::new(&threads, &node.journals);
        thread::Builder::new()
            .name("msvpu-actors".to_owned())
            .spawn(move || {
                let _alive = alive;
                let stop = node.stop.clone();
                System::with_tokio_rt(|| runtime).block_on(async move {
                    // Nobody waits any more when the starter was dropped: then stop at once.
                    if ready.send(node.start()).is_ok() {
                        // An error means that the last handle is gone, which is the other reason.
                        let _ = stopped.wait_for(|stop| *stop).await;
                    }
                    stop.send_replace(true);
                });
            })?;
        let proxy = started.await.map_err(|_| StartError::Ended)?;
        Ok(VirtualMachine::new(Running {
            proxy,
            link,
            workers,
            census,
            threads,
            stop,
        }))
    }
}

/// What the actors of the one node are made from.
struct Node {
    link: Link,
    compute: Compute,
    catalog: Arc<Catalog>,
    limits: Limits,
    census: Arc<watch::Sender<Census>>,
    journals: Journals,
    stop: watch::Sender<bool>,
}

impl Node {
    /// Starts the actors of the node on the current event loop. What they register lives as long
    /// as the loop.
    fn start(self) -> Addr<Proxy> {
        let link = self.link;
        let vital = || Vital {
            stop: self.stop.clone(),
        };
        let directory = Directory::new(link.clone(), vital()).start();
        let balancer = LoadBalancer::new(link.clone(), vital()).start();
        let proxy = Proxy::new(
            link.clone(),
            vital(),
            Arc::clone(&self.catalog),
            self.limits,
            self.journals,
        )
        .start();
        link.register_forever(Address::Directory, directory.recipient());
        link.register_forever(Address::Balancer, balancer.recipient());
        link.register_forever(Address::Proxy, proxy.clone().recipient());
        let member = Member {
            node: NODE,
            incarnation: Incarnation(1),
            cpus: u32::try_from(self.compute.workers()).unwrap_or(u32::MAX),
        };
        let supervisor = Supervisor {
            link: link.clone(),
            _vital: vital(),
            compute: self.compute,
            catalog: self.catalog,
            limits: self.limits,
            member,
            census: self.census,
            hosted: HashMap::new(),
        };
        link.register_forever(Address::Supervisor(NODE), supervisor.start().recipient());
        proxy
    }
}

/// Lives as long as the thread of the actors; when it ends, in whichever way, no job is left
/// without an end.
struct Alive {
    threads: Arc<watch::Sender<usize>>,
    journals: Journals,
}

impl Alive {
    fn new(threads: &Arc<watch::Sender<usize>>, journals: &Journals) -> Self {
        threads.send_modify(|threads| *threads += 1);
        Self {
            threads: Arc::clone(threads),
            journals: Arc::clone(journals),
        }
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        for journal in self.journals.iter() {
            journal.end(Err(JobError::Stopped));
        }
        self.journals.clear();
        self.threads.send_modify(|threads| *threads -= 1);
    }
}
