//! How a step gets to a CPU.

use crate::caught::caught;
use crate::error::{JobError, ProgramError, Site};
use crate::id::JobId;

/// What is known of a piece of work before it runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Label {
    pub(crate) job: JobId,
    pub(crate) site: Site,
    /// In elementary operations; what a simulated CPU goes by.
    pub(crate) cost: f64,
}

/// Work on its way to a CPU. It runs the function, or, given a reason, fails instead as if the
/// function had panicked with it; then it hands the result to whoever asked.
pub(crate) type Work = Box<dyn FnOnce(Option<String>) + Send>;

/// The CPUs of a node.
pub(crate) trait Processors: Send + Sync {
    /// How many pieces of work run at once.
    fn cpus(&self) -> u32;

    /// Runs the work when a CPU is free.
    fn submit(&self, label: Label, work: Work);
}

/// Runs a function of a program and hands what it returns, or why it did not, to `done` there.
pub(crate) fn run<T>(
    processors: &dyn Processors,
    label: Label,
    work: impl FnOnce() -> Result<T, ProgramError> + Send + 'static,
    done: impl FnOnce(Result<T, JobError>) + Send + 'static,
) {
    let site = label.site;
    let work = move |fault: Option<String>| {
        let result = match fault.map_or_else(|| caught(work), Err) {
            Ok(result) => result.map_err(|error| JobError::at(site, error)),
            Err(reason) => Err(JobError::Panicked { site, reason }),
        };
        done(result);
    };
    processors.submit(label, Box::new(work));
}
