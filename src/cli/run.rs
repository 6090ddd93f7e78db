//! A classification as a job of the machine.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use msvpu::{
    Classification, Classifier, Job, JobError, JobId, JobState, Phase, Progress, Scene, Site,
    VirtualMachine,
};
use tokio::runtime::Handle;

use super::failure::Failure;
use super::interrupts::Interrupts;
use super::nodes::Node;
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
    /// What each node did.
    pub(crate) nodes: Vec<Node>,
}

/// Submits the program and follows its job to the end; Ctrl-C cancels it.
pub(crate) async fn run_classification<P: Classifier>(
    machine: &VirtualMachine,
    program: P,
    scene: Scene,
    display: &Display,
    interrupts: &mut Interrupts,
) -> Result<Done, Failure> {
    let shape = scene.shape();
    program
        .check(shape)
        .map_err(|error| failure(JobError::at(Site::Split, error)))?;
    let submitted = Instant::now();
    let job = machine.submit(program, scene).await.map_err(failure)?;
    log::info!("job {}: submitted", job.id());
    let Watched { row_times, fit } = tokio::select! {
        watched = watch(&job, display) => watched?,
        () = interrupts.pressed() => {
            job.cancel();
            // Steps that have begun end at their next check.
            let _ = job.await;
            return Err(Failure::Interrupted);
        }
    };
    let id = job.id();
    let nodes = job.nodes().into_iter().map(Node::from).collect();
    // The last handle goes along: it would keep the tile outputs, which assembling frees one by one.
    let of_job = Classification::of_job(shape, job);
    let classification = interrupts
        .or_done(move || Handle::current().block_on(of_job).map_err(failure))
        .await?;
    Ok(Done {
        job: id,
        classification,
        row_times,
        fit,
        assemble: submitted.elapsed().saturating_sub(fit),
        nodes,
    })
}

/// The times that the progress of a job told, as [`Done`] has them.
#[derive(Default)]
struct Watched {
    row_times: Vec<Duration>,
    fit: Duration,
}

async fn watch<P: Classifier>(job: &Job<P>, display: &Display) -> Result<Watched, Failure> {
    let mut watched = Watched::default();
    let mut progress = job.progress();
    while let Some(event) = progress.next().await {
        match event.map_err(failure)? {
            Progress::State { state, elapsed } => {
                if state == JobState::Running(Phase::Assembling) {
                    // The last row is the output, which no further round carries.
                    watched.row_times.push(elapsed);
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

/// A job's error with the exit status that it makes.
pub(crate) fn failure(error: JobError) -> Failure {
    if error.is_invalid_request() {
        Failure::input(error)
    } else {
        Failure::runtime(error)
    }
}
