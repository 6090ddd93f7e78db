//! A simulated cluster as a machine: the same handle, in virtual time.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use actix::{Addr, System};
use thiserror::Error;
use tokio::sync::{Notify, oneshot, watch};
use tokio::time::sleep;
use tokio::{runtime, select};

use crate::actor::proxy::Proxy;
use crate::catalog::Catalog;
use crate::error::JobError;
use crate::event_loop::Alive;
use crate::handle::Job;
use crate::host::{Census, Host};
use crate::job::{JobOptions, Limits, NodeStatus};
use crate::journal::Journal;
use crate::local::StartError;
use crate::machine::{Running, VirtualMachine, submission};
use crate::program::Program;
use crate::simulation::cluster::Cluster;
use crate::simulation::outcome::Outcome;
use crate::simulation::spec::{ComputeMode, Spec};
use crate::simulation::synthetic::Synthetic;
use crate::simulation::timeline::Action;

/// Configures a simulated machine; made by [`VirtualMachine::simulated`].
#[must_use = "call `start`"]
pub struct SimulatedBuilder {
    spec: Spec,
    limits: Limits,
    catalog: Catalog,
}

/// A simulated cluster. Its [`machine`](Self::machine) runs programs like any other; virtual time
/// passes only while there are jobs, so that what is submitted meanwhile finds it standing still.
#[derive(Debug)]
pub struct Simulation {
    machine: VirtualMachine,
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) cluster: Arc<Cluster>,
    /// Whether virtual time may pass at all.
    released: AtomicBool,
    go: Notify,
    /// Virtual time does not pass beyond this.
    limit: watch::Sender<Option<Duration>>,
    /// How often time was asked to pass.
    asked: AtomicU64,
    /// How many jobs were planned.
    plans: AtomicUsize,
    /// How often it had been asked when it last came to a stand.
    stands: watch::Sender<u64>,
    /// Whether nobody drives it any more.
    ended: AtomicBool,
    proxy: std::sync::OnceLock<Addr<Proxy>>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

/// Lives as long as the thread of the simulation; when it ends, in whichever way, nobody waits for
/// what virtual time would have brought.
struct Driven(Arc<Shared>);

impl Drop for Driven {
    fn drop(&mut self) {
        self.0.ended.store(true, Ordering::SeqCst);
        self.0.cluster.timeline.clear();
        self.0.stands.send_replace(u64::MAX);
    }
}

/// The jobs of a spec cannot be planned.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum SubmitSpecError {
    /// They are to run kernels, which a spec does not hold.
    #[error(
        "the spec has compute = \"real\", and what stands for its jobs runs no kernel; submit their programs with `submit_at`, or set it to \"cost\""
    )]
    Real,
    /// One of them was refused.
    #[error(transparent)]
    Job(#[from] JobError),
}

type Planned<P> = Pin<Box<dyn Future<Output = Result<Job<P>, JobError>> + Send>>;

impl SimulatedBuilder {
    pub(crate) fn new(spec: Spec) -> Self {
        let defaults = Limits::default();
        let limits = Limits {
            // The cluster is what is simulated, not the door before it.
            max_running_jobs: defaults.max_running_jobs.max(spec.jobs.len()),
            max_tiles_per_job: 16_000_000,
            ..defaults
        };
        Self {
            spec,
            limits,
            catalog: Catalog::default(),
        }
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

    /// Starts the cluster and lets its nodes join. Virtual time then stands at zero until
    /// [`Simulation::run`], or until a job is submitted after [`Simulation::release`].
    ///
    /// # Errors
    /// When the spec is wrong ([`Spec::validate`]), or the operating system refuses the simulation's
    /// thread.
    pub async fn start(self) -> Result<Simulation, StartError> {
        self.spec.validate()?;
        let runtime = runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()?;
        let workers = self.spec.nodes.iter().map(|node| node.cpus as usize).sum();
        let cluster = Cluster::new(self.spec, self.catalog, self.limits);
        let threads = Arc::new(watch::Sender::new(0));
        let alive = Alive::new(&threads, &cluster.journals);
        let stop = watch::Sender::new(false);
        let stop_actors = stop.clone();
        let (ready, started) = oneshot::channel();
        let shared = Arc::new(Shared {
            cluster,
            released: AtomicBool::new(false),
            go: Notify::new(),
            asked: AtomicU64::new(0),
            plans: AtomicUsize::new(0),
            limit: watch::Sender::new(None),
            stands: watch::Sender::new(0),
            ended: AtomicBool::new(false),
            proxy: std::sync::OnceLock::new(),
        });
        let driven = Arc::clone(&shared);
        std::thread::Builder::new()
            .name("msvpu-simulation".to_owned())
            .spawn(move || {
                // Dropped in reverse: the jobs have ended before anybody hears of it.
                let _driven = Driven(Arc::clone(&driven));
                let _alive = alive;
                System::with_tokio_rt(|| runtime).block_on(drive(driven, ready, stop_actors));
            })?;
        let (proxy, host) = started.await.map_err(|_| StartError::Ended)??;
        let _ = shared.proxy.set(proxy.clone());
        let machine = VirtualMachine::new(Running {
            proxy,
            link: host.link,
            clock: host.clock,
            workers,
            strategy: shared.cluster.spec.strategy.clone(),
            census: Arc::clone(&shared.cluster.census),
            threads,
            stop,
            nodes: host.nodes,
            #[cfg(feature = "amqp")]
            cluster: None,
        });
        Ok(Simulation { machine, shared })
    }
}

impl Simulation {
    /// The machine that the cluster is.
    #[must_use]
    pub const fn machine(&self) -> &VirtualMachine {
        &self.machine
    }

    /// From now on virtual time passes by itself whenever there is a job.
    pub fn release(&self) {
        self.shared.released.store(true, Ordering::SeqCst);
        self.shared.go.notify_one();
    }

    /// Plans a job: it is submitted when virtual time comes to `at`. Faults that speak of jobs mean
    /// them in the order of their planning. Await what is returned after [`run`](Self::run): it is
    /// [`JobError::Stopped`] where the simulation has ended before.
    ///
    /// # Errors
    /// When the input or the program cannot be encoded.
    pub fn submit_at<P: Program>(
        &self,
        at: Duration,
        program: &P,
        input: P::Input,
        options: JobOptions,
    ) -> Result<Planned<P>, JobError> {
        let submitted = self.shared.cluster.timeline.origin() + at;
        let submit = submission(program, input, options, submitted)?;
        let index = self.shared.plans.fetch_add(1, Ordering::SeqCst);
        let (tell, told) = oneshot::channel::<Result<Arc<Journal>, JobError>>();
        let cluster = Arc::clone(&self.shared.cluster);
        let Some(proxy) = self.shared.proxy.get().cloned() else {
            return Err(JobError::Stopped);
        };
        cluster.planned.fetch_add(1, Ordering::SeqCst);
        let timeline = Arc::clone(&cluster.timeline);
        let due = move || {
            cluster.submitted.fetch_add(1, Ordering::SeqCst);
            actix::spawn(async move {
                let journal = proxy.send(submit).await.unwrap_or(Err(JobError::Stopped));
                if let Ok(journal) = &journal {
                    cluster.name_job(Arc::clone(journal), index);
                }
                cluster.planned.fetch_sub(1, Ordering::SeqCst);
                // Nobody waits for it when the future was dropped; the job runs all the same.
                let _ = tell.send(journal);
            });
        };
        timeline.schedule(submitted, None, Action::Once(Box::new(due)));
        if self.shared.ended.load(Ordering::SeqCst) {
            // It may have been cleared just before.
            timeline.clear();
        }
        let running = self.machine.running();
        Ok(Box::pin(async move {
            let journal = told.await.map_err(|_| JobError::Stopped)??;
            Ok(Job::new(running, journal))
        }))
    }

    /// Plans the jobs of the spec as they stand there: each as a [`Synthetic`] of its costs, which
    /// must be registered.
    ///
    /// # Errors
    /// When the spec asks for real kernels, and as [`submit_at`](Self::submit_at).
    pub fn submit_spec(&self) -> Result<(), SubmitSpecError> {
        if self.shared.cluster.spec.compute == ComputeMode::Real {
            return Err(SubmitSpecError::Real);
        }
        for job in &self.shared.cluster.spec.jobs {
            let options = JobOptions {
                owner: job.owner.clone(),
                priority: job.priority,
            };
            let planned = self.submit_at(job.at, &Synthetic::of(job), (), options)?;
            // The outcome tells what becomes of it.
            drop(planned);
        }
        Ok(())
    }

    /// Lets virtual time pass until all jobs have ended and their teams are gone, or until it
    /// comes to `limit`; then tells what happened. A simulation that has ended, because its machine
    /// was shut down or something in it panicked, moves no more and is [not
    /// finished](Outcome::finished).
    pub async fn run(&self, limit: Duration) -> Outcome {
        let mut stands = self.shared.stands.subscribe();
        self.shared.limit.send_replace(Some(limit));
        // A stand that time came to before it knew of this is none.
        let asked = self.shared.asked.fetch_add(1, Ordering::SeqCst) + 1;
        self.release();
        // The sender lives as long as `self`.
        let _ = stands.wait_for(|stands| *stands >= asked).await;
        let ended = self.shared.ended.load(Ordering::SeqCst);
        let outcome = Outcome::of(&self.shared.cluster);
        Outcome {
            finished: outcome.finished && !ended,
            ..outcome
        }
    }
}

/// Runs the cluster: waits until nothing can run at the present moment, then moves on to the next
/// event.
async fn drive(
    shared: Arc<Shared>,
    ready: oneshot::Sender<Result<(Addr<Proxy>, Host), StartError>>,
    stop: watch::Sender<bool>,
) {
    let cluster = &shared.cluster;
    let mut stopped = stop.subscribe();
    let (proxy, host) = match cluster.start_head(&stop) {
        Ok(head) => head,
        // Whoever waits for it is told why; that nobody waits is no loss.
        Err(error) => return drop(ready.send(Err(error))),
    };
    for node in cluster.first_nodes() {
        cluster.start(node);
    }
    let expected = cluster.first_nodes().len();
    let nodes = host.nodes.subscribe();
    let deadline = 4 * cluster.spec.lease;
    loop {
        settle().await;
        let tested = |node: &NodeStatus| node.performance_index.is_some();
        let ready = nodes.borrow().iter().filter(|node| tested(node)).count();
        if ready >= expected || cluster.timeline.now() >= deadline {
            break;
        }
        if !advance(cluster) {
            break;
        }
    }
    cluster.rebase();
    cluster.schedule_faults();
    if ready.send(Ok((proxy, host))).is_err() {
        return;
    }
    let mut quiet_since = None;
    loop {
        settle().await;
        if *stopped.borrow_and_update() {
            return;
        }
        let asked = shared.asked.load(Ordering::SeqCst);
        let now = cluster.timeline.now() - cluster.timeline.origin();
        let done = cluster.is_done();
        let gone = *cluster.census.borrow() == Census::default();
        let limit = *shared.limit.borrow();
        if done {
            quiet_since = quiet_since.or(Some(now));
        } else {
            quiet_since = None;
        }
        // Teams that were stopped by no message are stopped with a renewal of their node's lease.
        let long = |since| limit.is_none() && now - since > deadline;
        let settled = quiet_since.is_some_and(|since| gone || long(since));
        let flows = shared.released.load(Ordering::SeqCst)
            && !settled
            && limit.is_none_or(|limit| now < limit);
        if flows && advance(cluster) {
            continue;
        }
        shared.stands.send_replace(asked);
        select! {
            () = shared.go.notified() => {}
            () = cluster.journals.opened() => {}
            _ = stopped.wait_for(|stop| *stop) => return,
        }
    }
}

/// Lets everything run that can run at the present moment.
async fn settle() {
    // The paused clock of the runtime moves only when nothing is runnable: that, and nothing else,
    // is what it is for. Virtual time is the timeline's.
    sleep(Duration::from_millis(1)).await;
}

/// Lets happen what happens next; `false` when nothing is to happen any more.
fn advance(cluster: &Cluster) -> bool {
    let stirred = cluster.stirred();
    while let Some(action) = cluster.timeline.next() {
        action.happen();
        // As long as an event wakes no actor, the next can follow at once.
        if cluster.stirred() != stirred || cluster.is_done() {
            return true;
        }
    }
    false
}
