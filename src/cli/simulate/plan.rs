//! The jobs of a spec, put on the timeline.

use std::pin::Pin;

use futures_util::FutureExt;
use msvpu::{Job, JobError, JobOptions, JobSpec, Program, Simulation, Spec, Synthetic};

use super::limit::Load;
use crate::cli::failure::Failure;

/// What the outcome of a simulation does not tell of a job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// Why it was not admitted.
    pub(crate) refused: Option<String>,
    /// Whether its result is that of the local deployment, bit for bit; `None` without one.
    pub(crate) bit_equal: Option<bool>,
}

type Finding = Pin<Box<dyn Future<Output = Found> + Send>>;

/// One entry a job of the spec, in that order.
#[derive(Default)]
pub(crate) struct Plan {
    pub(crate) loads: Vec<Load>,
    findings: Vec<Finding>,
}

impl Plan {
    /// Every job as what it costs.
    pub(crate) fn of_costs(simulation: &Simulation, spec: &Spec) -> Result<Self, Failure> {
        let mut plan = Self::default();
        for job in &spec.jobs {
            let program = Synthetic::of(job);
            let tiles = f64::from(job.tiles);
            let rounds = f64::from(job.rounds);
            let load = Load {
                operations: tiles * rounds * program.complexity,
                bytes: tiles * (program.tile_bytes as f64 + rounds * program.partial_bytes as f64),
                messages: 4.0 * tiles * (rounds + 2.0),
            };
            plan.add(simulation, job, program, (), load, |_| {
                async { None }.boxed()
            })?;
        }
        Ok(plan)
    }

    /// Plans the next job of the spec; `check` is given its handle when it has succeeded.
    pub(crate) fn add<P: Program>(
        &mut self,
        simulation: &Simulation,
        job: &JobSpec,
        program: P,
        input: P::Input,
        load: Load,
        check: impl FnOnce(Job<P>) -> Pin<Box<dyn Future<Output = Option<bool>> + Send>>
        + Send
        + 'static,
    ) -> Result<(), Failure> {
        let options = JobOptions {
            owner: job.owner.clone(),
            priority: job.priority,
        };
        let planned = simulation
            .submit_at(job.at, &program, input, options)
            .map_err(Failure::runtime)?;
        self.loads.push(load);
        self.findings.push(Box::pin(async move {
            // What was not submitted before time was cut short never answers.
            match planned.now_or_never() {
                None => Found::default(),
                Some(Err(error)) => Found {
                    refused: Some(refusal(&error)),
                    bit_equal: None,
                },
                Some(Ok(job)) if job.state().is_terminal() => Found {
                    refused: None,
                    bit_equal: check(job).await,
                },
                Some(Ok(_)) => Found::default(),
            }
        }));
        Ok(())
    }

    /// What became of the jobs; to be asked once virtual time stands.
    pub(crate) async fn found(self) -> Vec<Found> {
        futures_util::future::join_all(self.findings).await
    }
}

fn refusal(error: &JobError) -> String {
    error.to_string()
}
