//! Which jobs run and which wait.

use std::collections::{HashSet, VecDeque};

use crate::id::JobId;

/// A bounded queue before a bounded number of running jobs; first come, first run.
#[derive(Debug)]
pub(crate) struct Admission {
    max_running: usize,
    max_queued: usize,
    running: HashSet<JobId>,
    queued: VecDeque<JobId>,
}

/// What to do with a job that was just submitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admitted {
    /// Start it.
    Run,
    /// It starts when its turn comes.
    Wait,
    /// The queue is full.
    Refused,
}

impl Admission {
    pub(crate) fn new(max_running: usize, max_queued: usize) -> Self {
        Self {
            max_running: max_running.max(1),
            max_queued,
            running: HashSet::new(),
            queued: VecDeque::new(),
        }
    }

    pub(crate) fn submit(&mut self, job: JobId) -> Admitted {
        if self.running.len() < self.max_running {
            self.running.insert(job);
            Admitted::Run
        } else if self.queued.len() < self.max_queued {
            self.queued.push_back(job);
            Admitted::Wait
        } else {
            Admitted::Refused
        }
    }

    /// Takes an ended or cancelled job out; returns the one that may start in its place.
    pub(crate) fn end(&mut self, job: JobId) -> Option<JobId> {
        if !self.running.remove(&job) {
            self.queued.retain(|queued| *queued != job);
            return None;
        }
        let next = self.queued.pop_front()?;
        self.running.insert(next);
        Some(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn jobs_run_in_order_and_no_more_at_once_than_allowed() {
        let job = |n| JobId::new(Uuid::from_u128(n));
        let mut admission = Admission::new(2, 2);
        assert_eq!(admission.submit(job(1)), Admitted::Run);
        assert_eq!(admission.submit(job(2)), Admitted::Run);
        assert_eq!(admission.submit(job(3)), Admitted::Wait);
        assert_eq!(admission.submit(job(4)), Admitted::Wait);
        assert_eq!(admission.submit(job(5)), Admitted::Refused);
        // A job that is cancelled while it waits frees no place to run.
        assert_eq!(admission.end(job(3)), None);
        assert_eq!(admission.end(job(1)), Some(job(4)));
        // Ending it a second time changes nothing.
        assert_eq!(admission.end(job(1)), None);
        assert_eq!(admission.end(job(2)), None);
        assert_eq!(admission.submit(job(6)), Admitted::Run);
    }
}
