//! What has ended since the engine was opened.

use std::sync::{Mutex, PoisonError};

use crate::model::{Job, State};

/// Upper bounds of how long jobs took, in seconds: 10 ms to 11 minutes.
const BOUNDS: [f64; 17] = bounds();

const fn bounds() -> [f64; 17] {
    let mut bounds = [0.01; 17];
    let mut place = 1;
    while place < bounds.len() {
        bounds[place] = bounds[place - 1] * 2.0;
        place += 1;
    }
    bounds
}

/// How many jobs have ended since the engine was opened, and how long they took from their last begin to their end.
#[derive(Clone, Debug, PartialEq)]
pub struct Totals {
    /// Those that have a result.
    pub succeeded: u64,
    /// Those that have an error.
    pub failed: u64,
    /// Those that someone asked to end.
    pub cancelled: u64,
    /// All that had begun, in seconds together.
    pub seconds: f64,
    /// Upper bounds in seconds, the last infinite, and how many of them took at most so long and longer than the
    /// bound before.
    pub durations: Vec<(f64, u64)>,
}

impl Default for Totals {
    fn default() -> Self {
        let bounds = BOUNDS.into_iter().chain([f64::INFINITY]);
        Self {
            succeeded: 0,
            failed: 0,
            cancelled: 0,
            seconds: 0.0,
            durations: bounds.map(|bound| (bound, 0)).collect(),
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Tally(Mutex<Totals>);

impl Tally {
    /// A job has ended.
    pub(super) fn ended(&self, job: &Job) {
        let mut totals = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match job.state {
            State::Succeeded => totals.succeeded += 1,
            State::Failed => totals.failed += 1,
            State::Cancelled => totals.cancelled += 1,
            State::Pending | State::Running => return,
        }
        let (Some(started), Some(ended)) = (job.started_at, job.ended_at) else {
            return;
        };
        // The clock may have been set back.
        let seconds = (ended - started).as_seconds_f64().max(0.0);
        totals.seconds += seconds;
        let mut durations = totals.durations.iter_mut();
        if let Some((_, number)) = durations.find(|(bound, _)| seconds <= *bound) {
            *number += 1;
        }
    }

    pub(super) fn totals(&self) -> Totals {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
