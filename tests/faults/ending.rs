//! Whether a job has ended as it may.

use std::fmt::Debug;
use std::future::IntoFuture;
use std::pin::Pin;

use msvpu::{Job, JobError, Program, Rank, Round, Site};

use crate::expected::{Right, bits, tasks};
use crate::plan::Planned;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Right,
    Poisoned,
    Panicked,
    Mistaken,
    GivenUp,
}

pub(crate) type Ended = Pin<Box<dyn Future<Output = Result<Ending, String>>>>;

pub(crate) fn boxed<P: Program>(
    submitted: impl Future<Output = Result<Job<P>, JobError>> + 'static,
    planned: Planned,
    right: Right,
) -> Ended
where
    P::Task: Debug,
    P::Output: Debug,
    P::TileOutput: Debug,
{
    Box::pin(async move {
        let job = submitted.await.map_err(|error| error.to_string())?;
        // The record of a job has every round once, in order: no checkpoint was skipped or lost. And
        // however far it has come, it has come there as the local deployment did.
        let tasks = tasks(&job).await?;
        if !right.tasks.starts_with(&tasks) {
            return Err(format!(
                "another way than the local deployment's: {tasks:#?} and not {:#?}",
                right.tasks
            ));
        }
        match (job.into_future().await, planned.poison, planned.panic) {
            (Ok(done), None, None) if bits(&done) == right.completion => {
                if tasks.len() == right.tasks.len() {
                    Ok(Ending::Right)
                } else {
                    Err(format!("the record ends with round {}", tasks.len()))
                }
            }
            (Ok(_), ..) => Err("another result than the local deployment's".to_owned()),
            (Err(JobError::PoisonTile { rank, .. }), Some(tile), _) if rank.0 == tile => {
                Ok(Ending::Poisoned)
            }
            (Err(JobError::PoisonTile { .. }), ..) => Ok(Ending::Mistaken),
            (Err(JobError::LeadersLost { .. }), ..) => Ok(Ending::GivenUp),
            (Err(JobError::Panicked { site, .. }), _, Some((tile, round)))
                if site == Site::LocalStep(Round(round), Rank(tile)) =>
            {
                Ok(Ending::Panicked)
            }
            (Err(error), ..) => Err(format!("ended with: {error}")),
        }
    })
}
