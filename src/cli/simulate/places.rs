//! Which job of the spec was refused, and where it stands.

use msvpu::{Spec, SpecPlaces};

use crate::cli::failure::Failure;

/// The text of the spec, for who holds its jobs to more than the parser does.
pub(crate) struct Places<'a> {
    pub(crate) path: &'a std::path::Path,
    pub(crate) spec: &'a Spec,
    pub(crate) jobs: &'a SpecPlaces,
}

impl Places<'_> {
    /// Names the job and its line.
    pub(crate) fn refused(&self, index: usize, failure: Failure) -> Failure {
        let Failure::Input(reason) = failure else {
            return failure;
        };
        let name = self.spec.jobs.get(index).map_or("", |job| &job.name);
        let (line, column) = self.jobs.job(index).unwrap_or((1, 1));
        Failure::input(format_args!(
            "{}:{line}:{column}: the job `{name}`: {reason}",
            self.path.display()
        ))
    }
}
