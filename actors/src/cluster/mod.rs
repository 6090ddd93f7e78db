//! The cluster deployment: processes that share nothing but a broker.

mod head;
mod list;
mod node;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use actix::Addr;
use tokio::runtime::{self, Runtime};
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};
use uuid::Uuid;

pub(crate) use head::Head;
pub use head::{ClusterBuilder, Leaders};
pub use list::{Members, NodeList};
pub use node::{Node, NodeBuilder};

use crate::actor::bridge::{
    Bridge, BridgeTally, Broker, BrokerCounters, BrokerError, CLOSING, Close, Connectivity,
    Disturbance, Mouth, Plan, Tls,
};
use crate::catalog::Catalog;
use crate::clock::SystemClock;
use crate::compute::Compute;
use crate::host::{Host, Timing};
use crate::id::{Incarnation, NodeId, Origin};
use crate::job::Limits;
use crate::link::Link;
use crate::local::StartError;
use crate::wire::queues::{HEAD, is_name};

/// The machine that is meant where none is named.
const DEFAULT_VM: &str = "default";

/// A node that is silent for so long is lost.
const DEFAULT_LEASE: Duration = Duration::from_secs(2);

/// Threads for connections: heartbeats must not wait for each other.
const CONNECTION_THREADS: usize = 2;

/// Is told why there is no connection yet.
type Waiting = Arc<dyn Fn(&BrokerError) + Send + Sync>;

/// What every process of a cluster is told. Not to be printed: a password is in the URL.
#[derive(Clone)]
struct Access {
    url: String,
    vm: String,
    tls: Tls,
    connect_timeout: Option<Duration>,
    waiting: Option<Waiting>,
    disturbance: Option<Disturbance>,
    lease: Duration,
}

/// As what a process comes to a cluster.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Head,
    Node,
    /// Who only wants to know the nodes.
    Observer,
}

/// This process's part in a cluster.
pub(crate) struct Member {
    tally: BridgeTally,
    connectivity: Arc<watch::Sender<Connectivity>>,
}

impl Member {
    pub(crate) fn counters(&self) -> BrokerCounters {
        self.tally.counters()
    }

    pub(crate) fn connectivity(&self) -> Connectivity {
        self.connectivity.borrow().clone()
    }

    /// Waits until the connectivity fits; tells what it is then.
    pub(crate) async fn connectivity_is(
        &self,
        mut fits: impl FnMut(&Connectivity) -> bool,
    ) -> Connectivity {
        let mut states = self.connectivity.subscribe();
        // The sender lives as long as `self`.
        let _ = states.wait_for(|state| fits(state)).await;
        self.connectivity()
    }
}

/// How the first connection is waited for.
#[derive(Clone)]
struct Patience {
    /// For how long; by default as long as it takes.
    limit: Option<Duration>,
    waiting: Option<Waiting>,
}

/// Where connections live. May be dropped anywhere, unlike a runtime, which panics where nobody may
/// wait: its threads end by themselves.
struct ConnectionThreads(Option<Runtime>);

impl Drop for ConnectionThreads {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Connections that are about to be made.
struct Joining {
    broker: String,
    threads: ConnectionThreads,
    tally: BridgeTally,
    connectivity: Arc<watch::Sender<Connectivity>>,
    mouth: Mouth,
    origin: Origin,
    patience: Patience,
    lease: Duration,
}

impl Access {
    fn new(url: String) -> Self {
        Self {
            url,
            vm: DEFAULT_VM.to_owned(),
            tls: Tls::default(),
            connect_timeout: None,
            waiting: None,
            disturbance: None,
            lease: DEFAULT_LEASE,
        }
    }

    /// # Errors
    /// When the URL or the name will not do, or the operating system refuses threads.
    fn join(self, part: Part) -> Result<Joining, StartError> {
        if !is_name(&self.vm) {
            let is_url = self.vm.contains("://");
            let name = if is_url { "a URL".to_owned() } else { self.vm };
            return Err(BrokerError::Name(name).into());
        }
        let broker = Broker::new(&self.url, &self.tls, self.lease)?;
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(CONNECTION_THREADS)
            .thread_name("msvpu-amqp")
            .enable_all()
            .build()?;
        let random = Uuid::new_v4().as_u128();
        let node = match part {
            Part::Head => HEAD,
            // The head is 0.
            Part::Node | Part::Observer => NodeId((random as u32).max(1)),
        };
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
        // A later process of the same id is a later incarnation.
        let incarnation = since_epoch.unwrap_or_default().as_millis() as u64;
        let (tally, connectivity) = (
            BridgeTally::default(),
            Arc::new(watch::Sender::new(Connectivity::Connecting(None))),
        );
        let name = broker.to_string();
        let mouth = Mouth::new(Plan {
            broker,
            vm: self.vm,
            node,
            overhears: part == Part::Observer,
            disturbance: self.disturbance,
            runtime: runtime.handle().clone(),
            tally: tally.clone(),
            connectivity: Arc::clone(&connectivity),
            seed: (random >> 64) as u64,
        });
        Ok(Joining {
            broker: name,
            threads: ConnectionThreads(Some(runtime)),
            tally,
            connectivity,
            mouth,
            origin: Origin {
                node,
                incarnation: Incarnation(incarnation),
            },
            patience: Patience {
                limit: self.connect_timeout,
                waiting: self.waiting,
            },
            lease: self.lease,
        })
    }
}

impl Joining {
    /// What the actors of this process are made from.
    fn host(&self, compute: Compute, name: &str, cpus: usize, catalog: Catalog) -> Host {
        Host {
            link: Link::new(
                self.origin,
                HEAD,
                Some(self.mouth.transport()),
                Arc::default(),
            ),
            clock: Arc::new(SystemClock::new()),
            processors: Arc::new(compute),
            name: name.into(),
            cpus: cpus as u32,
            catalog: Arc::new(catalog),
            limits: Limits::default(),
            timing: Some(Timing {
                lease: self.lease,
                node_timeout: None,
            }),
            census: Arc::default(),
            nodes: Arc::default(),
        }
    }
}

/// Ends what is being started when nobody waits for it any more.
struct Starting<'a> {
    stop: Option<&'a watch::Sender<bool>>,
}

impl<'a> Starting<'a> {
    const fn new(stop: &'a watch::Sender<bool>) -> Self {
        Self { stop: Some(stop) }
    }

    /// It has started.
    fn done(mut self) {
        self.stop = None;
    }
}

impl Drop for Starting<'_> {
    fn drop(&mut self) {
        if let Some(stop) = self.stop {
            stop.send_replace(true);
        }
    }
}

/// Waits for the first connection.
///
/// # Errors
/// When there will be none, or none has come in time.
async fn connected(
    connectivity: &watch::Sender<Connectivity>,
    broker: &str,
    patience: &Patience,
) -> Result<(), BrokerError> {
    let mut states = connectivity.subscribe();
    let until = patience.limit.map(|limit| Instant::now() + limit);
    let mut reason = None;
    loop {
        let state = states.borrow_and_update().clone();
        match state {
            Connectivity::Connected => return Ok(()),
            Connectivity::Failed(error) => return Err(error),
            Connectivity::Connecting(Some(error)) => {
                if reason.as_ref() != Some(&error) {
                    log::warn!("{error}; trying again");
                    if let Some(waiting) = &patience.waiting {
                        waiting(&error);
                    }
                }
                reason = Some(error);
            }
            Connectivity::Connecting(None) => {}
        }
        let late = || {
            reason.clone().unwrap_or_else(|| BrokerError::Unreachable {
                broker: broker.to_owned(),
                reason: "no answer".to_owned(),
            })
        };
        // The sender lives as long as `connectivity`.
        match until {
            Some(until) => match timeout_at(until, states.changed()).await {
                Ok(_) => {}
                Err(_) => return Err(late()),
            },
            None => drop(states.changed().await),
        }
    }
}

/// Waits until there will be no connection any more, and tells why.
async fn given_up(connectivity: &watch::Sender<Connectivity>) -> BrokerError {
    let mut states = connectivity.subscribe();
    loop {
        if let Connectivity::Failed(error) = &*states.borrow_and_update() {
            return error.clone();
        }
        // The sender lives as long as `connectivity`.
        let _ = states.changed().await;
    }
}

/// Ends connections and the threads under them.
async fn close(bridge: Addr<Bridge>, threads: ConnectionThreads) {
    // A bridge that is gone has nothing to close.
    let _ = timeout(CLOSING, bridge.send(Close)).await;
    drop(threads);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::VirtualMachine;

    /// Nobody gets as far as to look for it.
    const URL: &str = "amqp://user:password@nowhere.invalid/%2f";

    #[tokio::test]
    async fn a_start_that_is_refused_after_its_connections_were_prepared_says_why() {
        let head = VirtualMachine::cluster(URL).workers(0).start().await;
        assert!(matches!(head, Err(StartError::NoWorkers)), "{head:?}");
        let head = VirtualMachine::cluster(URL).workers(2000).begin().await;
        let many = matches!(head, Err(StartError::TooManyWorkers { workers: 2000, .. }));
        assert!(many, "{head:?}");
        let node = Node::join(URL).cpus(2000).start().await;
        let many = matches!(node, Err(StartError::TooManyWorkers { workers: 2000, .. }));
        assert!(many, "{node:?}");
    }
}
