//! The public handle of a machine.

use std::sync::Arc;
use std::time::Duration;

use actix::Addr;
use bytes::Bytes;
use tokio::sync::watch;

#[cfg(feature = "amqp")]
use crate::actor::bridge::{BrokerCounters, Connectivity};
use crate::actor::proxy::{Cancel, Proxy, Submit};
use crate::clock::Clock;
#[cfg(feature = "amqp")]
use crate::cluster::{ClusterBuilder, Head};
use crate::core::strategy::NAMES;
use crate::error::JobError;
use crate::handle::{CompletionOf, Job};
use crate::host::Census;
use crate::id::JobId;
use crate::job::{JobOptions, NodeStatus};
use crate::link::{Counters, Link};
use crate::local::LocalBuilder;
#[cfg(feature = "amqp")]
use crate::local::StartError;
use crate::message::Invocation;
use crate::payload::Wire;
use crate::program::Program;
use crate::simulation::{SimulatedBuilder, Spec};

/// A running virtual machine. Cheap to clone, usable from every thread and runtime.
///
/// When the last handle of the machine and of its jobs is dropped, all its threads end; running
/// jobs end with them. [`shutdown`](Self::shutdown) does the same and waits for it.
#[derive(Clone)]
pub struct VirtualMachine {
    running: Arc<Running>,
}

/// What the handles of a machine share.
pub(crate) struct Running {
    pub(crate) proxy: Addr<Proxy>,
    pub(crate) link: Link,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) workers: usize,
    /// By which strategy teams are placed.
    pub(crate) strategy: String,
    pub(crate) census: Arc<watch::Sender<Census>>,
    /// How many threads of the machine are alive.
    pub(crate) threads: Arc<watch::Sender<usize>>,
    pub(crate) stop: watch::Sender<bool>,
    /// What the balancer knows of the nodes.
    pub(crate) nodes: Arc<watch::Sender<Vec<NodeStatus>>>,
    /// Where the machine spans processes.
    #[cfg(feature = "amqp")]
    pub(crate) cluster: Option<Head>,
}

impl Running {
    pub(crate) fn cancel(&self, job: JobId) {
        self.link.tell(&self.proxy, Cancel(job));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

impl VirtualMachine {
    pub(crate) fn new(running: Running) -> Self {
        Self {
            running: Arc::new(running),
        }
    }

    /// A machine in this process: no broker, nothing to install.
    ///
    /// ```
    /// # use msvpu_actors::VirtualMachine;
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// let machine = VirtualMachine::local().workers(2).start().await?;
    /// assert_eq!(machine.workers(), 2);
    /// machine.shutdown().await;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn local() -> LocalBuilder {
        LocalBuilder::default()
    }

    /// The names of the strategies by which teams are placed, the default first.
    #[must_use]
    pub const fn strategies() -> &'static [&'static str] {
        &NAMES
    }

    /// A cluster of many nodes, simulated in virtual time on one thread. Programs that are submitted
    /// run their kernels; [`Spec::compute`](crate::Spec::compute) is for the jobs of the spec.
    pub fn simulated(spec: Spec) -> SimulatedBuilder {
        SimulatedBuilder::new(spec)
    }

    /// A machine of many processes on a broker, with this process for its head: jobs are submitted
    /// here, and run on the nodes that [join](crate::Node::join). `url` is that of a RabbitMQ, such
    /// as `amqp://user:password@host:5672/vhost`.
    #[cfg(feature = "amqp")]
    pub fn cluster(url: impl Into<String>) -> ClusterBuilder {
        ClusterBuilder::new(url.into())
    }

    pub(crate) fn running(&self) -> Arc<Running> {
        Arc::clone(&self.running)
    }

    /// Submits a job and returns its handle as soon as the job is admitted.
    ///
    /// # Errors
    /// When the program is not registered, the queue is full, or the machine was shut down.
    pub async fn submit<P: Program>(
        &self,
        program: P,
        input: P::Input,
    ) -> Result<Job<P>, JobError> {
        self.submit_with(program, input, JobOptions::default())
            .await
    }

    /// Submits a job for an owner, with a priority.
    ///
    /// # Errors
    /// Those of [`submit`](Self::submit).
    pub async fn submit_with<P: Program>(
        &self,
        program: P,
        input: P::Input,
        options: JobOptions,
    ) -> Result<Job<P>, JobError> {
        let submitted = self.running.clock.now();
        let submit = submission(&program, input, options, submitted)?;
        let journal = self
            .running
            .proxy
            .send(submit)
            .await
            .map_err(|_| JobError::Stopped)??;
        Ok(Job::new(Arc::clone(&self.running), journal))
    }

    /// Submits a job and waits for its result.
    ///
    /// # Errors
    /// Those of [`submit`](Self::submit), and those with which the job ends.
    pub async fn run<P: Program>(
        &self,
        program: P,
        input: P::Input,
    ) -> Result<CompletionOf<P>, JobError> {
        self.submit(program, input).await?.await
    }

    /// How many steps the machine computes at once.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.running.workers
    }

    /// How many team leaders and MsVPUs are alive.
    #[must_use]
    pub fn census(&self) -> Census {
        *self.running.census.borrow()
    }

    /// The name of the strategy by which teams are placed, one of [`strategies`](Self::strategies).
    #[must_use]
    pub fn strategy(&self) -> &str {
        &self.running.strategy
    }

    /// What the machine's mailboxes have seen so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.running.link.counters()
    }

    /// What the balancer knows of the nodes.
    #[must_use]
    pub fn nodes(&self) -> Vec<NodeStatus> {
        self.running.nodes.borrow().clone()
    }

    /// Waits until the balancer knows of nodes that fit.
    pub async fn nodes_are(&self, mut fit: impl FnMut(&[NodeStatus]) -> bool) {
        let mut nodes = self.running.nodes.subscribe();
        // The sender lives as long as `self`.
        let _ = nodes.wait_for(|nodes| fit(nodes)).await;
    }

    /// What went through the broker so far; `None` where there is none.
    #[cfg(feature = "amqp")]
    #[must_use]
    pub fn broker_counters(&self) -> Option<BrokerCounters> {
        let cluster = self.running.cluster.as_ref();
        cluster.map(|head| head.member.counters())
    }

    /// Whether there is a connection to the broker; `None` where there is none to be.
    #[cfg(feature = "amqp")]
    #[must_use]
    pub fn connectivity(&self) -> Option<Connectivity> {
        let cluster = self.running.cluster.as_ref();
        cluster.map(|head| head.member.connectivity())
    }

    /// Waits until the connection to the broker is in a state that fits, and tells it; `None`, at once, where there
    /// is no broker to be.
    #[cfg(feature = "amqp")]
    pub async fn connectivity_is(
        &self,
        fits: impl FnMut(&Connectivity) -> bool,
    ) -> Option<Connectivity> {
        let head = self.running.cluster.as_ref()?;
        Some(head.member.connectivity_is(fits).await)
    }

    /// Waits for the first connection to the broker; not at all where there is no broker to be.
    ///
    /// # Errors
    /// When the broker refuses us, or was not reached within [`ClusterBuilder::connect_timeout`], or when the machine
    /// was shut down before.
    #[cfg(feature = "amqp")]
    pub async fn connected(&self) -> Result<(), StartError> {
        match &self.running.cluster {
            Some(head) => head.connected().await,
            None => Ok(()),
        }
    }

    /// Waits until no team leader and no MsVPU is alive.
    pub async fn idle(&self) {
        let mut census = self.running.census.subscribe();
        // The sender lives as long as `self`.
        let _ = census.wait_for(|census| *census == Census::default()).await;
    }

    /// Waits until the thread of the actors has ended, whatever ended it. After that no job runs any more.
    pub async fn ended(&self) {
        let mut threads = self.running.threads.subscribe();
        let proxy = &self.running.proxy;
        // The sender lives as long as `self`.
        let _ = threads.wait_for(|_| !proxy.connected()).await;
    }

    /// Stops the machine and waits until its threads have ended. Jobs that have not ended fail
    /// with [`JobError::Stopped`]; steps that have begun are waited for.
    pub async fn shutdown(self) {
        self.running.stop.send_replace(true);
        let mut threads = self.running.threads.subscribe();
        // The sender lives as long as `self`.
        let _ = threads.wait_for(|threads| *threads == 0).await;
    }
}

/// A job as the proxy takes it.
pub(crate) fn submission<P: Program>(
    program: &P,
    input: P::Input,
    options: JobOptions,
    submitted: Duration,
) -> Result<Submit, JobError> {
    let parameters = serde_json::to_vec(program).map_err(|error| JobError::InvalidParameters {
        program: P::NAME.to_owned(),
        reason: error.to_string(),
    })?;
    Ok(Submit {
        invocation: Invocation {
            program: P::NAME.to_owned(),
            parameters: Bytes::from(parameters),
            options,
        },
        input: input.into_payload()?,
        submitted,
    })
}

impl std::fmt::Debug for VirtualMachine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VirtualMachine")
            .field("workers", &self.workers())
            .field("census", &self.census())
            .finish()
    }
}

#[cfg(test)]
mod tests;
