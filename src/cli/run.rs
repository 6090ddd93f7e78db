//! A classification as a job of the machine.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use msvpu::{
    Classification, Fit, FitTask, Iteration, Job, JobError, JobId, JobState, Phase, Program,
    Progress, Scene, TileOutput, VirtualMachine,
};

use super::failure::Failure;
use super::interrupts::Interrupts;
use super::progress::Display;

/// What came of the job.
pub(crate) struct Done {
    pub(crate) job: JobId,
    pub(crate) classification: Classification,
    /// When each row of the iteration table was complete, since the submission.
    pub(crate) row_times: Vec<Duration>,
    /// From the submission to the final centers.
    pub(crate) fit: Duration,
    /// From there to the whole result.
    pub(crate) assemble: Duration,
}

/// Submits the program and follows its job to the end; Ctrl-C cancels it.
pub(crate) async fn run_classification<P>(
    machine: &VirtualMachine,
    program: P,
    scene: Scene,
    display: &Display,
    interrupts: &mut Interrupts,
) -> Result<Done, Failure>
where
    P: Program<Input = Scene, Task = FitTask, Output = Fit, TileOutput = TileOutput>,
{
    let shape = scene.shape();
    let submitted = Instant::now();
    let job = machine.submit(program, scene).await.map_err(failure)?;
    log::info!("job {}: submitted", job.id());
    let watched = tokio::select! {
        watched = watch(&job, display) => watched?,
        () = interrupts.pressed() => {
            job.cancel();
            // Steps that have begun end at their next check.
            let _ = job.await;
            return Err(Failure::Interrupted);
        }
    };
    let id = job.id();
    let completion = job.await.map_err(failure)?;
    let tiles: Option<Vec<TileOutput>> = completion.tiles.into_iter().collect();
    let tiles = tiles.ok_or_else(|| Failure::runtime("a tile handed over no labels"))?;
    let Watched {
        rows,
        mut row_times,
        fit,
    } = watched;
    row_times.push(fit);
    let fitted = completion.output;
    let classification = interrupts
        .or_done(move || {
            Classification::assemble(shape, rows, fitted, tiles).map_err(Failure::runtime)
        })
        .await?;
    Ok(Done {
        job: id,
        classification,
        row_times,
        fit,
        assemble: submitted.elapsed().saturating_sub(fit),
    })
}

/// What the progress of a job told.
#[derive(Default)]
struct Watched {
    /// All rows but the last, which is in the output.
    rows: Vec<Iteration>,
    row_times: Vec<Duration>,
    fit: Duration,
}

async fn watch<P>(job: &Job<P>, display: &Display) -> Result<Watched, Failure>
where
    P: Program<Task = FitTask>,
{
    let mut watched = Watched::default();
    let mut progress = job.progress();
    while let Some(event) = progress.next().await {
        match event.map_err(failure)? {
            Progress::State { state, elapsed } => {
                if state == JobState::Running(Phase::Assembling) {
                    watched.fit = elapsed;
                    display.phase("assembling the labels");
                }
            }
            Progress::Round { task, elapsed, .. } => {
                if let Some(row) = task.last {
                    log::info!(
                        "job {}: iteration {}, objective changed by {}",
                        job.id(),
                        row.iteration,
                        row.objective_change
                    );
                    display.iteration(row.iteration, row.objective_change);
                    watched.rows.push(row);
                    watched.row_times.push(elapsed);
                }
            }
            Progress::Tiles {
                answered,
                team_size,
                ..
            } => display.tiles(answered, team_size),
        }
    }
    Ok(watched)
}

fn failure(error: JobError) -> Failure {
    if error.is_invalid_request() {
        Failure::input(error)
    } else {
        Failure::runtime(error)
    }
}
