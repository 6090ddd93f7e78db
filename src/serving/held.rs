//! A job of the machine that someone waits for.

use std::ops::Deref;

use msvpu_actors::{Job, JobOptions, Program, VirtualMachine};
use msvpu_web::service::RunError;
use tokio::task;

use super::failure::{failed, of_job};

/// A job of the machine; it is cancelled when nobody waits for it any more.
pub(super) struct Held<P> {
    job: Job<P>,
    is_held: bool,
}

impl<P: Program> Held<P> {
    /// Submits a job. It is cancelled, too, when whoever submits it goes away before the machine has answered.
    pub(super) async fn submit(
        machine: VirtualMachine,
        program: P,
        input: P::Input,
        options: JobOptions,
    ) -> Result<Self, RunError> {
        let submitting = task::spawn(async move {
            let submitted = machine.submit_with(program, input, options).await;
            submitted.map(|job| Self { job, is_held: true })
        });
        match submitting.await {
            Ok(submitted) => submitted.map_err(of_job),
            Err(error) => Err(failed("internal", error)),
        }
    }
}

impl<P> Held<P> {
    /// It ends by itself, or has been cancelled.
    pub(super) fn into_job(mut self) -> Job<P> {
        self.is_held = false;
        self.job.clone()
    }
}

impl<P> Deref for Held<P> {
    type Target = Job<P>;

    fn deref(&self) -> &Job<P> {
        &self.job
    }
}

impl<P> Drop for Held<P> {
    fn drop(&mut self) {
        if self.is_held {
            self.job.cancel();
        }
    }
}
