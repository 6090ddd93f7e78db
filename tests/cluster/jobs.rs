//! Jobs that last as long as a test needs, and all that they give.

use futures_util::StreamExt;
use msvpu::{
    FuzzyCMeans, Job, JobError, Payload, Program, Progress, Round, SampleType, Scene, Settings,
    Shape, Start, Tiling, VirtualMachine, Wire,
};

use crate::noise;
use crate::process::soon;

/// 301 rounds of milliseconds: so many classes do not settle.
pub(crate) fn long() -> FuzzyCMeans {
    iterations(300)
}

/// One round more than iterations.
pub(crate) fn iterations(count: u32) -> FuzzyCMeans {
    FuzzyCMeans::new(Settings {
        epsilon: 1e-300,
        max_iterations: count,
        tiles: Tiling::new(3, 3),
        ..Settings::new(Start::linear(40))
    })
}

/// Three bands without a pattern.
pub(crate) fn noise() -> Scene {
    let shape = Shape {
        width: 160,
        height: 150,
        bands: 3,
        sample: SampleType::U8,
    };
    Scene::new(shape, noise::noise(160 * 150 * 3)).unwrap()
}

/// All that a job gives, as it travels: equal if and only if every bit is.
#[derive(PartialEq)]
pub(crate) struct Outcome {
    trace: Vec<(Round, Payload)>,
    output: Payload,
    tiles: Vec<Option<Payload>>,
}

pub(crate) async fn outcome<P: Program>(job: Job<P>) -> Result<Outcome, JobError> {
    let mut trace = Vec::new();
    let mut progress = job.progress();
    while let Some(event) = progress.next().await {
        if let Progress::Round { round, task, .. } = event? {
            trace.push((round, task.into_payload().unwrap()));
        }
    }
    let completion = job.await?;
    let tiles = completion.tiles.into_iter();
    Ok(Outcome {
        trace,
        output: completion.output.into_payload().unwrap(),
        tiles: tiles
            .map(|tile| tile.map(|tile| tile.into_payload().unwrap()))
            .collect(),
    })
}

/// What a machine of one process makes of it.
async fn local<P: Program>(program: P, input: P::Input) -> Outcome {
    let machine = VirtualMachine::local().workers(1).service::<P>();
    let machine = machine.start().await.unwrap();
    let job = machine.submit(program, input).await.unwrap();
    let outcome = soon(outcome(job)).await.unwrap();
    machine.shutdown().await;
    outcome
}

/// The job gives all that it gives in one process, bit by bit.
pub(crate) async fn assert_equal<P: Program>(got: Outcome, program: P, input: P::Input) {
    let expected = local(program, input).await;
    assert_eq!(got.trace.len(), expected.trace.len());
    let differs = |(got, expected): (&(Round, Payload), &(Round, Payload))| got != expected;
    let first = got.trace.iter().zip(&expected.trace).position(differs);
    assert_eq!(first, None, "the first round that differs");
    assert!(got == expected, "the rounds are equal, the results are not");
}

/// Waits until so many rounds of the job have ended.
pub(crate) async fn rounds<P: Program>(job: &Job<P>, count: usize) {
    let mut progress = job.progress();
    let mut seen = 0;
    while seen < count {
        let event = soon(progress.next()).await.expect("it has ended");
        seen += usize::from(matches!(event.unwrap(), Progress::Round { .. }));
    }
}
