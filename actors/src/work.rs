//! How a step gets to a CPU.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use crate::caught::caught;
use crate::core::fair::Flow;
use crate::error::{JobError, ProgramError, Site};
use crate::id::JobId;

/// What is known of a piece of work before it runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Label {
    /// Whose it is.
    pub(crate) flow: Flow,
    pub(crate) site: Site,
    /// In elementary operations; what a simulated CPU goes by, and a fair queue.
    pub(crate) cost: f64,
}

/// How a simulation has work run; otherwise the default.
#[derive(Debug, Default)]
pub(crate) struct Run {
    /// Instead of running, fail as if the function had panicked with this.
    pub(crate) fault: Option<String>,
    /// How long it has taken, where that is not what a clock shows.
    pub(crate) took: Option<Duration>,
    /// What the node's clock shows at the end, where that is known.
    pub(crate) now: Option<Duration>,
}

/// Work on its way to a CPU.
pub(crate) enum Work {
    /// Runs a function and hands the result to whoever asked.
    Once(Box<dyn FnOnce(Run) + Send>),
    /// Of one that has work again and again, and keeps it until then: nothing is allocated for it.
    Due(Arc<dyn Worker>),
}

impl Work {
    pub(crate) fn run(self, run: Run) {
        match self {
            Self::Once(work) => work(run),
            Self::Due(worker) => worker.work(run),
        }
    }
}

/// One that has at most one piece of work at a time on its way to a CPU.
pub(crate) trait Worker: Send + Sync {
    /// Does the piece that is due.
    fn work(self: Arc<Self>, run: Run);
}

/// Is called when a reservation is granted.
pub(crate) type Ready = Box<dyn FnOnce() + Send>;

/// Who is to be called when the reservation of a job is granted.
#[derive(Default)]
pub(crate) struct Readies(Vec<(JobId, Ready)>);

impl Readies {
    /// Takes the place of an earlier one of the job, which is returned.
    #[must_use]
    pub(crate) fn add(&mut self, job: JobId, ready: Ready) -> Vec<Ready> {
        let before = self.take(Some(job));
        self.0.push((job, ready));
        before
    }

    /// That of a job.
    #[must_use]
    pub(crate) fn take(&mut self, job: Option<JobId>) -> Vec<Ready> {
        let its = self.0.extract_if(.., |(of, _)| Some(*of) == job);
        its.map(|(_, ready)| ready).collect()
    }
}

/// The CPUs of a node.
pub(crate) trait Processors: Send + Sync {
    /// Whether the cost of work passes as virtual time, so that work that serves for nothing but to take
    /// time need not be done.
    fn are_simulated(&self) -> bool {
        false
    }

    /// What part of the time they may run, all of them at once: less than 1 where a quota holds them
    /// up. A piece of work that is shorter than the period of the quota does not show it.
    fn share(&self) -> f64 {
        1.0
    }

    /// How many pieces run or wait.
    fn load(&self) -> usize;

    /// Runs the work when a CPU is free and its flow's turn has come.
    fn submit(&self, label: Label, work: Work);

    /// Drops a value of a program's: that may take long, and even panic.
    fn discard(&self, value: Box<dyn Any + Send>);

    /// Drops what waits of a job that is over, and its reservation.
    fn forget(&self, job: JobId);

    /// Asks that only work of this job runs that is submitted from then on. Until then nothing of
    /// others starts; when what runs and what the job has submitted before has ended, and
    /// reservations asked for before are released, `ready` is called: by whoever made the CPUs free, so it must be quick, and at once where they are.
    /// Asking twice is asking once, and the later `ready` is called in the place of the earlier. It is
    /// dropped if the job releases or is forgotten first; at the same time as that, it may still be
    /// called.
    fn reserve(&self, job: JobId, ready: Ready);

    /// Takes back a reservation, whether it was granted or only asked for: what waits goes on.
    fn release(&self, job: JobId);

    /// Takes back all reservations: nobody is left to do it.
    fn close(&self) {}
}

/// Runs a function of a program and hands what it returns, or why it did not, to `done` there,
/// with the time that it took where that is virtual.
pub(crate) fn run_timed<T>(
    processors: &dyn Processors,
    label: Label,
    work: impl FnOnce() -> Result<T, ProgramError> + Send + 'static,
    done: impl FnOnce(Result<T, JobError>, Option<Duration>) + Send + 'static,
) {
    let site = label.site;
    let work = move |run: Run| done(outcome(site, run.fault, work), run.took);
    processors.submit(label, Work::Once(Box::new(work)));
}

/// What a function of a program returns, or why it does not.
pub(crate) fn outcome<T>(
    site: Site,
    fault: Option<String>,
    work: impl FnOnce() -> Result<T, ProgramError>,
) -> Result<T, JobError> {
    match fault.map_or_else(|| caught(work), Err) {
        Ok(result) => result.map_err(|error| JobError::at(site, error)),
        Err(reason) => Err(JobError::Panicked { site, reason }),
    }
}

/// [`run_timed`], for whom the time does not matter.
pub(crate) fn run<T>(
    processors: &dyn Processors,
    label: Label,
    work: impl FnOnce() -> Result<T, ProgramError> + Send + 'static,
    done: impl FnOnce(Result<T, JobError>) + Send + 'static,
) {
    run_timed(processors, label, work, |result, _| done(result));
}

/// CPUs that do nothing, for tests of actors that need none.
#[cfg(test)]
pub(crate) struct Nowhere;

#[cfg(test)]
impl Processors for Nowhere {
    fn load(&self) -> usize {
        0
    }

    fn submit(&self, _: Label, _: Work) {}

    fn discard(&self, _: Box<dyn Any + Send>) {}

    fn forget(&self, _: JobId) {}

    fn reserve(&self, _: JobId, _: Ready) {}

    fn release(&self, _: JobId) {}
}
