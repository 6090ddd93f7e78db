//! How far a job is, told from its iterations.

use std::collections::VecDeque;

use crate::model::{IterationRow, Progress};

/// From so many of the last iterations.
const WINDOW: usize = 8;

/// What is known of a job's convergence.
#[derive(Clone, Debug, Default)]
pub(super) struct Estimate {
    /// Iteration, elapsed milliseconds, of the last ones.
    rows: VecDeque<(u32, f64)>,
}

impl Estimate {
    pub(super) fn add(&mut self, row: &IterationRow) {
        if self.rows.len() == WINDOW {
            self.rows.pop_front();
        }
        self.rows.push_back((row.iteration, row.elapsed_ms));
    }

    /// Milliseconds an iteration; `None` before there are two.
    fn pace(&self) -> Option<f64> {
        let (first, begun) = self.rows.front()?;
        let (last, now) = self.rows.back()?;
        let iterations = last.checked_sub(*first).filter(|span| *span > 0)?;
        let pace = (now - begun) / f64::from(iterations);
        (pace.is_finite() && pace >= 0.0).then_some(pace)
    }

    /// Puts what can be told into `progress`. The most iterations there can be bound what is left; without them
    /// nothing is told.
    pub(super) fn tell(&self, progress: &mut Progress) {
        let Some(max) = progress.max_iterations.filter(|max| *max > 0) else {
            return;
        };
        let done = progress.iteration.min(max);
        progress.fraction = Some(f64::from(done) / f64::from(max));
        progress.eta_ms = self
            .pace()
            .map(|pace| (pace * f64::from(max - done)).ceil() as u64);
    }
}
