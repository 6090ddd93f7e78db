//! What jobs are at, as their leaders say it.

use super::Proxy;
use crate::id::JobId;
use crate::job::{JobState, What};

impl Proxy {
    /// The leader says what the job is at.
    pub(super) fn stands(&mut self, id: JobId, number: u64, state: JobState) {
        if let Some(job) = self.jobs.get_mut(&id)
            && number > job.told
        {
            job.told = number;
            self.write_state(id, state);
        }
    }

    /// Unless it is known.
    pub(super) fn write_state(&mut self, id: JobId, state: JobState) {
        if self.journals.get(id).is_some_and(|j| j.state() != state) {
            self.write(id, What::State(state));
        }
    }
}
