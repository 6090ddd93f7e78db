//! A job of a classification, followed from its submission to its end.

use std::time::Duration;

use futures_util::StreamExt;
use msvpu_actors::{Job, JobError, JobState, Phase, Progress};

use crate::services::classification::{Classifier, FitTask, Iteration};

/// The times that the progress of a job told, since its submission.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// When each row of the iteration table was complete.
    pub rows: Vec<Duration>,
    /// When the final centers were there.
    pub fit: Duration,
}

/// What the progress of a job has told, up to its end.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Followed {
    /// The rows of the iteration table but for the last, which is the output.
    pub iterations: Vec<Iteration>,
    /// When what was there.
    pub times: Times,
}

/// Follows a job until it ends, however it does; `tell` hears of all that happens.
///
/// # Errors
/// When what the job tells cannot be read.
pub async fn follow<P: Classifier>(
    job: &Job<P>,
    mut tell: impl FnMut(&Progress<FitTask>),
) -> Result<Followed, JobError> {
    let (mut iterations, mut times) = (Vec::new(), Times::default());
    let mut progress = job.progress();
    while let Some(event) = progress.next().await {
        let event = event?;
        tell(&event);
        match event {
            Progress::State { state, elapsed } => {
                if state == JobState::Running(Phase::Assembling) {
                    // The last row is the output, which no further round carries.
                    times.rows.push(elapsed);
                    times.fit = elapsed;
                }
            }
            Progress::Round { task, elapsed, .. } => {
                if let Some(row) = task.last {
                    iterations.push(row);
                    times.rows.push(elapsed);
                }
            }
            Progress::Tiles { .. } => {}
        }
    }
    Ok(Followed { iterations, times })
}
