//! A job of a classification, followed from its submission to its end.

use std::time::Duration;

use futures_util::StreamExt;
use msvpu_actors::{Job, JobError, JobState, Phase, Progress};

use crate::services::classification::{Classifier, FitTask};

/// The times that the progress of a job told, since its submission.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// When each row of the iteration table was complete.
    pub rows: Vec<Duration>,
    /// When the final centers were there.
    pub fit: Duration,
}

/// Follows a job until it ends, however it does; `tell` hears of all that happens.
///
/// # Errors
/// When what the job tells cannot be read.
pub async fn follow<P: Classifier>(
    job: &Job<P>,
    mut tell: impl FnMut(&Progress<FitTask>),
) -> Result<Times, JobError> {
    let mut times = Times::default();
    let mut progress = job.progress();
    while let Some(event) = progress.next().await {
        let event = event?;
        match &event {
            Progress::State { state, elapsed } => {
                if *state == JobState::Running(Phase::Assembling) {
                    // The last row is the output, which no further round carries.
                    times.rows.push(*elapsed);
                    times.fit = *elapsed;
                }
            }
            Progress::Round { task, elapsed, .. } => {
                if task.last.is_some() {
                    times.rows.push(*elapsed);
                }
            }
            Progress::Tiles { .. } => {}
        }
        tell(&event);
    }
    Ok(times)
}
