//! A classification as a job of the machine.

use std::time::Instant;

use msvpu::report::{Done, Followed, Node, Times, follow};
use msvpu::{
    Classification, Classifier, FitTask, JobError, JobId, JobState, Phase, Progress, Scene, Site,
    VirtualMachine,
};
use tokio::runtime::Handle;

use super::failure::Failure;
use super::interrupts::Interrupts;
use super::progress::Display;

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
    let id = job.id();
    let Followed { iterations, times } = tokio::select! {
        followed = follow(&job, |event| show(id, event, display)) => followed.map_err(failure)?,
        () = interrupts.pressed() => {
            job.cancel();
            // Steps that have begun end at their next check.
            let _ = job.await;
            return Err(Failure::Interrupted);
        }
    };
    let Times { rows, fit } = times;
    let nodes = Node::all(job.nodes(), &machine.nodes());
    // The last handle goes along: it would keep the tile outputs, which assembling frees one by one.
    let of_job = Classification::of_rounds(shape, iterations, job);
    let classification = interrupts
        .or_done(move || Handle::current().block_on(of_job).map_err(failure))
        .await?;
    Ok(Done {
        job: id,
        classification,
        row_times: rows,
        fit,
        assemble: submitted.elapsed().saturating_sub(fit),
        nodes,
    })
}

/// Shows something that happened to a job.
fn show(job: JobId, event: &Progress<FitTask>, display: &Display) {
    match event {
        Progress::State { state, .. } => match state {
            JobState::Running(Phase::Assembling) => display.phase("assembling the labels"),
            JobState::Waiting(_) => display.note(&state.to_string()),
            _ => {}
        },
        Progress::Round { task, .. } => {
            if let Some(row) = &task.last {
                log::info!(
                    "job {job}: iteration {}, objective changed by {}",
                    row.iteration,
                    row.objective_change
                );
                display.iteration(row.iteration, row.objective_change);
            }
        }
        Progress::Tiles {
            answered,
            team_size,
            ..
        } => display.tiles(*answered, *team_size),
    }
}

/// A job's error with the exit status that it makes.
pub(crate) fn failure(error: JobError) -> Failure {
    if error.is_invalid_request() {
        Failure::input(error)
    } else {
        Failure::runtime(error)
    }
}
