//! What the local deployment gives for each job.

use std::fmt::Debug;

use futures_util::StreamExt;
use msvpu::{CMeans, Completion, FuzzyCMeans, Job, Program, Progress, VirtualMachine};

use crate::heavy::Heavy;
use crate::plan::{VARIANTS, hard, scene, soft};

/// A result and the way to it. To the last bit: `-0.0` and `0.0` print differently, and so do neighbours.
#[derive(Clone, Debug)]
pub(crate) struct Right {
    pub(crate) completion: String,
    /// The task of each round, from the first on.
    pub(crate) tasks: Vec<String>,
}

pub(crate) struct Expected {
    pub(crate) hard: Vec<Right>,
    pub(crate) soft: Vec<Right>,
}

impl Expected {
    pub(crate) fn compute() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(async {
            let machine = VirtualMachine::local()
                .service::<Heavy<CMeans>>()
                .service::<Heavy<FuzzyCMeans>>()
                .start()
                .await
                .unwrap();
            let mut expected = Self {
                hard: Vec::new(),
                soft: Vec::new(),
            };
            for variant in 0..VARIANTS {
                let job = machine.submit(hard(variant), scene(variant)).await.unwrap();
                expected.hard.push(right(job).await);
                let job = machine.submit(soft(variant), scene(variant)).await.unwrap();
                expected.soft.push(right(job).await);
            }
            machine.shutdown().await;
            expected
        })
    }
}

async fn right<P: Program>(job: Job<P>) -> Right
where
    P::Task: Debug,
    P::Output: Debug,
    P::TileOutput: Debug,
{
    let tasks = tasks(&job).await.unwrap();
    assert!(tasks.len() > 1, "a campaign over one round shows little");
    Right {
        completion: bits(&job.await.unwrap()),
        tasks,
    }
}

pub(crate) fn bits<A: Debug, B: Debug>(completion: &Completion<A, B>) -> String {
    format!("{completion:?}")
}

/// The task of each round of the job, in the order of the rounds.
///
/// # Errors
/// When its record does not have every round once, in order.
pub(crate) async fn tasks<P: Program>(job: &Job<P>) -> Result<Vec<String>, String>
where
    P::Task: Debug,
{
    let mut tasks = Vec::new();
    let mut progress = job.progress();
    while let Some(event) = progress.next().await {
        if let Progress::Round { round, task, .. } = event.map_err(|error| error.to_string())? {
            tasks.push(format!("{task:?}"));
            if round.0 as usize != tasks.len() {
                return Err(format!("round {round} follows {} others", tasks.len() - 1));
            }
        }
    }
    Ok(tasks)
}
