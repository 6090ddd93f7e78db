//! A node of a cluster: a process that runs MsVPUs.

use std::sync::Arc;
use std::time::Duration;

use actix::Addr;
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use super::{Access, Joining, Member, Part, Starting, close, connected};
use crate::actor::bridge::{BrokerCounters, BrokerError, Connectivity, Disturbance, Tls};
use crate::actor::supervisor::{Drain, Supervisor};
use crate::catalog::Catalog;
use crate::deployment::start_node;
use crate::event_loop::{self, Alive};
use crate::host::Census;
use crate::id::Origin;
use crate::journal::Journals;
use crate::link::{Counters, Link};
use crate::local::{StartError, start_compute};
use crate::program::Program;

/// Configures a node of a cluster; made by [`Node::join`].
#[must_use = "call `start`"]
pub struct NodeBuilder {
    access: Access,
    name: Option<String>,
    cpus: Option<usize>,
    max_tiles_per_job: Option<usize>,
    catalog: Catalog,
}

/// A running node of a cluster. When it is dropped it stops without leaving: the head notices when
/// its lease has run out. [`drain`](Self::drain) leaves properly.
pub struct Node {
    name: String,
    cpus: usize,
    supervisor: Addr<Supervisor>,
    link: Link,
    census: Arc<watch::Sender<Census>>,
    threads: Arc<watch::Sender<usize>>,
    stop: watch::Sender<bool>,
    member: Member,
}

impl NodeBuilder {
    /// The machine's name, as its head gives it.
    pub fn vm(mut self, name: impl Into<String>) -> Self {
        self.access.vm = name.into();
        self
    }

    /// What people call the node. Default: the name of the host and the number of the process.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// How many steps are computed at once. Default: the CPUs that this process may use.
    pub fn cpus(mut self, cpus: usize) -> Self {
        self.cpus = Some(cpus);
        self
    }

    /// Of how many tiles a job may be that takes part of this node: of no fewer than the head takes.
    /// By default as many as that does by default, [`Limits::max_tiles_per_job`](crate::Limits::max_tiles_per_job).
    pub const fn max_tiles_per_job(mut self, tiles: usize) -> Self {
        self.max_tiles_per_job = Some(tiles);
        self
    }

    /// Registers a program: a node runs only what it knows.
    pub fn service<P: Program>(mut self) -> Self {
        self.catalog.register::<P>();
        self
    }

    /// How often the node shows that it is there: four times this. 2 s by default; no longer than
    /// that of the head.
    pub const fn lease(mut self, lease: Duration) -> Self {
        self.access.lease = lease;
        self
    }

    /// How long [`start`](Self::start) waits for the broker. By default as long as it takes.
    pub const fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.access.connect_timeout = Some(timeout);
        self
    }

    /// Tells, while [`start`](Self::start) waits for the broker, why there is no connection yet: each
    /// time that there is another reason. Without the password.
    pub fn while_waiting(mut self, tell: impl Fn(&BrokerError) + Send + Sync + 'static) -> Self {
        self.access.waiting = Some(Arc::new(tell));
        self
    }

    /// Certificates for `amqps://`.
    pub fn tls(mut self, tls: Tls) -> Self {
        self.access.tls = tls;
        self
    }

    /// Disturbs what this process sends. For tests.
    pub const fn disturb(mut self, disturbance: Disturbance) -> Self {
        self.access.disturbance = Some(disturbance);
        self
    }

    /// Connects to the broker. The head may come later.
    ///
    /// # Errors
    /// When the broker refuses us or is not reached in time, no or too many CPUs are asked for, or the
    /// operating system refuses threads.
    pub async fn start(self) -> Result<Node, StartError> {
        let joining = self.access.join(Part::Node)?;
        let threads = Arc::new(watch::Sender::new(0));
        let (compute, cpus) = start_compute(self.cpus, &threads)?;
        let name = self.name.unwrap_or_else(default_name);
        let mut host = joining.host(compute, &name, cpus, self.catalog);
        if let Some(tiles) = self.max_tiles_per_job {
            host.limits.max_tiles_per_job = tiles;
        }
        let Joining {
            broker,
            threads: connections,
            tally,
            connectivity,
            mouth,
            patience,
            ..
        } = joining;
        let link = host.link.clone();
        let stop = watch::Sender::new(false);
        let (mut stopped, vital) = (stop.subscribe(), stop.clone());
        let (ready, started) = oneshot::channel();
        let alive = Alive::new(&threads, &Journals::default());
        let census = Arc::clone(&host.census);
        let states = Arc::clone(&connectivity);
        event_loop::spawn(alive, None, move || async move {
            let bridge = mouth.start(host.link.clone(), Arc::clone(&host.clock));
            let joined = tokio::select! {
                connected = connected(&states, &broker, &patience) => connected.map_err(Into::into),
                _ = stopped.wait_for(|stop| *stop) => Err(StartError::Ended),
            };
            let joined = joined.map(|()| start_node(&host, Some(&vital)));
            drop(host);
            let started = joined.is_ok();
            if ready.send(joined).is_ok() && started {
                // An error means that the handle is gone, which is the other reason.
                let _ = stopped.wait_for(|stop| *stop).await;
            }
            vital.send_replace(true);
            close(bridge, connections).await;
        })?;
        let starting = Starting::new(&stop);
        let supervisor = started.await.map_err(|_| StartError::Ended)??;
        starting.done();
        Ok(Node {
            name,
            cpus,
            supervisor,
            link,
            census,
            threads,
            stop,
            member: Member {
                tally,
                connectivity,
            },
        })
    }
}

/// How long a node that was not done in time waits for its threads.
const PARTING: Duration = Duration::from_secs(1);

fn default_name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname");
    let host = host.map(|host| host.trim().to_owned()).unwrap_or_default();
    let process = std::process::id();
    if host.is_empty() {
        format!("node-{process}")
    } else {
        format!("{host}-{process}")
    }
}

impl Node {
    /// A node of the machine at that broker, such as `amqp://user:password@host:5672/vhost`.
    pub fn join(url: impl Into<String>) -> NodeBuilder {
        NodeBuilder {
            access: Access::new(url.into()),
            name: None,
            cpus: None,
            max_tiles_per_job: None,
            catalog: Catalog::default(),
        }
    }

    /// The node and the incarnation under which it speaks now.
    #[must_use]
    pub fn origin(&self) -> Origin {
        self.link.origin()
    }

    /// What people call it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many steps it computes at once.
    #[must_use]
    pub const fn cpus(&self) -> usize {
        self.cpus
    }

    /// How many team leaders and MsVPUs are alive here.
    #[must_use]
    pub fn census(&self) -> Census {
        *self.census.borrow()
    }

    /// Waits until a number of team leaders and MsVPUs are alive here.
    pub async fn census_is(&self, mut fits: impl FnMut(Census) -> bool) {
        let mut census = self.census.subscribe();
        // The sender lives as long as `self`.
        let _ = census.wait_for(|census| fits(*census)).await;
    }

    /// What its mailboxes have seen so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.link.counters()
    }

    /// What went through the broker so far.
    #[must_use]
    pub fn broker_counters(&self) -> BrokerCounters {
        self.member.counters()
    }

    /// Whether there is a connection to the broker.
    #[must_use]
    pub fn connectivity(&self) -> Connectivity {
        self.member.connectivity()
    }

    /// Waits until the connection to the broker is in a state that fits, and tells it.
    pub async fn connectivity_is(&self, fits: impl FnMut(&Connectivity) -> bool) -> Connectivity {
        self.member.connectivity_is(fits).await
    }

    /// Takes nothing more, hands back its tiles where there are other nodes, finishes the rest, and
    /// leaves; after `limit` it leaves with what it has, which others then compute again, and waits
    /// for no step that has begun. Tells whether it could finish.
    pub async fn drain(self, limit: Duration) -> bool {
        let left = watch::Sender::new(false);
        let mut has_left = left.subscribe();
        self.link.tell(&self.supervisor, Drain { left });
        // Nothing of the channel is held on to: the future can move between threads.
        let finished = matches!(
            timeout(limit, has_left.wait_for(|left| *left)).await,
            Ok(Ok(_))
        );
        if finished {
            self.shutdown().await;
        } else {
            // A step may take as long as it likes, and answers nobody any more.
            let _ = timeout(PARTING, self.shutdown()).await;
        }
        finished
    }

    /// Stops at once, and waits until the node's threads have ended.
    pub async fn shutdown(self) {
        self.stop.send_replace(true);
        let mut threads = self.threads.subscribe();
        // The sender lives as long as `self`.
        let _ = threads.wait_for(|threads| *threads == 0).await;
    }

    /// Waits until the node has ended by itself, because an actor that it cannot do without has.
    pub async fn ended(&self) {
        let mut stop = self.stop.subscribe();
        // The sender lives as long as `self`.
        let _ = stop.wait_for(|stop| *stop).await;
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Node")
            .field("name", &self.name)
            .field("origin", &self.origin())
            .finish_non_exhaustive()
    }
}
