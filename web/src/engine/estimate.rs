//! How far a job is, told from its iterations.

use std::collections::VecDeque;

use crate::model::{IterationRow, Progress};

/// From so many of the last iterations.
const WINDOW: usize = 8;
/// From fewer the decline of the error is not told.
const MIN_DECLINE: usize = 3;

/// What is known of a job's convergence.
#[derive(Clone, Debug, Default)]
pub(super) struct Estimate {
    rows: VecDeque<Row>,
    /// Below this error the job ends.
    bound: Option<f64>,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    iteration: u32,
    elapsed_ms: f64,
    error: Option<f64>,
}

impl Estimate {
    pub(super) fn add(&mut self, row: &IterationRow) {
        if self.rows.len() == WINDOW {
            self.rows.pop_front();
        }
        self.rows.push_back(Row {
            iteration: row.iteration,
            elapsed_ms: row.elapsed_ms,
            error: row.error.filter(|error| *error > 0.0),
        });
    }

    /// The error below which the job ends.
    pub(super) fn bound(&mut self, bound: f64) {
        self.bound = Some(bound).filter(|bound| *bound > 0.0 && bound.is_finite());
    }

    /// Puts what can be told into `progress`, and nothing where there is nothing to tell it from.
    pub(super) fn tell(&self, progress: &mut Progress) {
        let by_count = progress
            .max_iterations
            .map(|max| f64::from(max.saturating_sub(progress.iteration)));
        let by_error = self.iterations_to_bound();
        let left = match (by_error, by_count) {
            (Some(error), Some(count)) => Some(error.min(count)),
            (error, count) => error.or(count),
        };
        let done = f64::from(progress.iteration);
        progress.fraction = left
            .filter(|left| done + left > 0.0)
            .map(|left| done / (done + left));
        progress.eta_ms = left
            .zip(self.pace_ms())
            .map(|(left, pace)| (left * pace).round() as u64);
    }

    /// Milliseconds an iteration; `None` before there are two.
    fn pace_ms(&self) -> Option<f64> {
        let (first, last) = (self.rows.front()?, self.rows.back()?);
        let iterations = last.iteration.checked_sub(first.iteration)?;
        let pace = (last.elapsed_ms - first.elapsed_ms) / f64::from(iterations);
        (pace.is_finite() && pace >= 0.0).then_some(pace)
    }

    /// How many iterations more take the error to its bound, if it goes on falling by the same factor.
    fn iterations_to_bound(&self) -> Option<f64> {
        let bound = self.bound?;
        if self.rows.len() < MIN_DECLINE {
            return None;
        }
        let (first, last) = (self.rows.front()?, self.rows.back()?);
        let (begun, now) = (first.error?, last.error?);
        let iterations = last.iteration.checked_sub(first.iteration)?;
        let decline = (begun / now).ln() / f64::from(iterations);
        let left = (now / bound).ln().max(0.0) / decline;
        (decline > 0.0 && left.is_finite()).then_some(left)
    }
}

#[cfg(test)]
mod tests;
