//! The head of a cluster: where jobs are submitted.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{oneshot, watch};

use super::{Access, Joining, Member, Part, Starting, close, connected, given_up};
use crate::actor::bridge::{BrokerError, Disturbance, Tls};
use crate::catalog::Catalog;
use crate::deployment::{start_head, start_node};
use crate::error::JobError;
use crate::event_loop::{self, Alive};
use crate::job::Limits;
use crate::journal::Journals;
use crate::local::{StartError, start_compute};
use crate::machine::{Running, VirtualMachine};
use crate::program::Program;

/// Where the leaders of jobs go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Leaders {
    /// To the head: there the input of a job is, so that its tiles travel once, and rounds begin
    /// and end there.
    #[default]
    Head,
    /// To the nodes: the head only passes jobs on, and outlives whatever a program's `split` and
    /// `global_step` do. The input travels to the leader's node first.
    Nodes,
}

/// This process's part in a cluster, as its head.
pub(crate) struct Head {
    pub(crate) member: Member,
    /// What came of the wait for the first connection. Its sender ends with the event loop.
    first: watch::Receiver<Option<Result<(), BrokerError>>>,
}

impl Head {
    /// Waits for the first connection.
    pub(crate) async fn connected(&self) -> Result<(), StartError> {
        let mut first = self.first.clone();
        let result = first.wait_for(Option::is_some).await;
        let result = result.map_err(|_| StartError::Ended)?.clone();
        Ok(result.ok_or(StartError::Ended)??)
    }
}

/// Configures a cluster and this process as its head; made by [`VirtualMachine::cluster`].
#[must_use = "call `start`"]
pub struct ClusterBuilder {
    access: Access,
    workers: Option<usize>,
    limits: Limits,
    catalog: Catalog,
    strategy: String,
    leaders: Leaders,
    node_timeout: Option<Duration>,
}

impl ClusterBuilder {
    pub(crate) fn new(url: String) -> Self {
        Self {
            access: Access::new(url),
            workers: None,
            limits: Limits::default(),
            catalog: Catalog::default(),
            strategy: VirtualMachine::strategies()[0].to_owned(),
            leaders: Leaders::default(),
            node_timeout: None,
        }
    }

    /// The machine's name: one broker may serve several. 1 to 64 letters, digits, `-`, `_`.
    pub fn vm(mut self, name: impl Into<String>) -> Self {
        self.access.vm = name.into();
        self
    }

    /// Registers a program: only registered programs can be run. The nodes must know it too.
    pub fn service<P: Program>(mut self) -> Self {
        self.catalog.register::<P>();
        self
    }

    /// Replaces the default bounds.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// How many threads split inputs and fold results here. Default: the CPUs that this process
    /// may use.
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = Some(workers);
        self
    }

    /// Which balancing strategy places teams; `performance-index` by default.
    pub fn strategy(mut self, name: impl Into<String>) -> Self {
        self.strategy = name.into();
        self
    }

    /// Where leaders go; to the head by default.
    pub const fn leaders(mut self, leaders: Leaders) -> Self {
        self.leaders = leaders;
        self
    }

    /// A node that is silent for so long is lost. 2 s by default.
    pub const fn lease(mut self, lease: Duration) -> Self {
        self.access.lease = lease;
        self
    }

    /// A job that has waited so long for a node fails. By default it waits as long as it takes.
    pub const fn node_timeout(mut self, timeout: Duration) -> Self {
        self.node_timeout = Some(timeout);
        self
    }

    /// How long [`start`](Self::start) and [`VirtualMachine::connected`] wait for the broker. By default as long as it
    /// takes.
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

    /// Connects to the broker and becomes the head of the machine. Nodes may be there already.
    ///
    /// # Errors
    /// When the machine has a head already, the broker refuses us or is not reached in time, no or too
    /// many workers are asked for, or the operating system refuses threads.
    pub async fn start(self) -> Result<VirtualMachine, StartError> {
        let machine = self.begin().await?;
        machine.connected().await?;
        Ok(machine)
    }

    /// The same without waiting for the broker, which is looked for meanwhile: jobs can be submitted, and wait for
    /// nodes. [`VirtualMachine::connected`] tells what comes of it.
    ///
    /// # Errors
    /// When the URL or a name will not do, no or too many workers are asked for, or the operating
    /// system refuses threads.
    pub async fn begin(self) -> Result<VirtualMachine, StartError> {
        let joining = self.access.join(Part::Head)?;
        let threads = Arc::new(watch::Sender::new(0));
        let (compute, workers) = start_compute(self.workers, &threads)?;
        let mut host = joining.host(compute, "head", 0, self.catalog);
        host.limits = self.limits;
        if let Some(timing) = &mut host.timing {
            timing.node_timeout = self.node_timeout;
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
        let (link, clock) = (host.link.clone(), Arc::clone(&host.clock));
        let journals = Journals::default();
        let stop = watch::Sender::new(false);
        let (mut stopped, vital) = (stop.subscribe(), stop.clone());
        let (ready, started) = oneshot::channel();
        let (connect, first) = watch::channel(None);
        let alive = Alive::new(&threads, &journals);
        let orphans = Arc::clone(&journals);
        let (census, nodes) = (Arc::clone(&host.census), Arc::clone(&host.nodes));
        let placed_by = self.strategy.clone();
        let (states, strategy, leaders) = (Arc::clone(&connectivity), self.strategy, self.leaders);
        event_loop::spawn(alive, None, move || async move {
            let proxy = start_head(&host, &strategy, journals, &vital)
                .map_err(|unknown| StartError::Strategy(unknown.to_string()));
            if leaders == Leaders::Head {
                start_node(&host, Some(&vital));
            }
            let bridge = mouth.start(host.link.clone(), Arc::clone(&host.clock));
            drop(host);
            let started = proxy.is_ok();
            if ready.send(proxy).is_ok() && started {
                // An error means that the last handle is gone, which is the other reason.
                let stopping = async { drop(stopped.wait_for(|stop| *stop).await) };
                tokio::pin!(stopping);
                let result = tokio::select! {
                    result = connected(&states, &broker, &patience) => Some(result),
                    () = &mut stopping => None,
                };
                if let Some(result) = result {
                    // Whoever waits is told of it, and ends the machine.
                    let is_refused = result.as_ref().is_err_and(BrokerError::is_final);
                    connect.send_replace(Some(result));
                    tokio::select! {
                        () = &mut stopping => {}
                        error = given_up(&states), if !is_refused => {
                            log::error!("{error}; the machine ends");
                            let reason = error.to_string();
                            orphans.end_all(&JobError::BrokerLost { reason });
                        }
                    }
                }
            }
            vital.send_replace(true);
            close(bridge, connections).await;
        })?;
        let starting = Starting::new(&stop);
        let proxy = started.await.map_err(|_| StartError::Ended)??;
        starting.done();
        Ok(VirtualMachine::new(Running {
            proxy,
            link,
            clock,
            workers,
            strategy: placed_by,
            census,
            threads,
            stop,
            nodes,
            cluster: Some(Head {
                member: Member {
                    tally,
                    connectivity,
                },
                first,
            }),
        }))
    }
}
