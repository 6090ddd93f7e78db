//! A cluster, jobs and faults, all drawn from a seed; and what must hold in the end.

use std::fmt::Debug;
use std::future::IntoFuture;
use std::time::Duration;

use futures_util::StreamExt;
use msvpu::{
    CMeans, Communication, Completion, ComputeMode, Direction, Fault, FaultKind, FuzzyCMeans, Init,
    JobError, JobOptions, NodeSpec, Outcome, Program, Progress, SampleType, Scene, Settings, Shape,
    Spec, Start, Tiling, VirtualMachine,
};

use crate::draw::Draw;
use crate::heavy::Heavy;
use crate::totals::Totals;

/// How long after the last fault is over everything must have ended, in virtual time: leases run
/// out, jobs are led anew and computed again from their last round.
const GRACE: Duration = Duration::from_secs(60);

/// The jobs that campaigns draw from.
const VARIANTS: u64 = 6;

fn settings(variant: u64) -> Settings {
    Settings {
        max_iterations: 12,
        tiles: Tiling::new(1 + (variant as u32 % 3), 1 + (variant as u32 / 2)),
        ..Settings::new(Start::Classes {
            classes: 2 + variant as u32 % 3,
            init: if variant.is_multiple_of(2) {
                Init::Linear
            } else {
                Init::KMeansPlusPlus
            },
            seed: variant,
        })
    }
}

fn scene(variant: u64) -> Scene {
    let (sample, bands) = [
        (SampleType::U8, 1),
        (SampleType::U8, 3),
        (SampleType::F32, 1),
        (SampleType::U16, 1),
        (SampleType::U8, 1),
        (SampleType::F32, 2),
    ][variant as usize];
    let mut draw = Draw::new(variant);
    let (height, width) = (12, 15);
    let samples = height * width * u64::from(bands);
    let bytes: Vec<u8> = (0..samples)
        .flat_map(|_| {
            let value = draw.between(0, 200) as u8;
            match sample {
                SampleType::U8 => vec![value],
                SampleType::U16 => (u16::from(value) * 3).to_ne_bytes().to_vec(),
                _ => f32::from(value).to_ne_bytes().to_vec(),
            }
        })
        .collect();
    let shape = Shape {
        height: height as u32,
        width: width as u32,
        bands,
        sample,
    };
    Scene::new(shape, bytes).unwrap()
}

fn hard(variant: u64) -> Heavy<CMeans> {
    Heavy(CMeans::new(settings(variant)))
}

fn soft(variant: u64) -> Heavy<FuzzyCMeans> {
    Heavy(FuzzyCMeans::new(settings(variant)))
}

/// To the last bit: `-0.0` and `0.0` print differently, and so do neighbours.
fn bits<A: Debug, B: Debug>(completion: &Completion<A, B>) -> String {
    format!("{completion:?}")
}

/// What the local deployment gives for each job.
pub(crate) struct Expected {
    hard: Vec<String>,
    soft: Vec<String>,
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
                let done = machine.run(hard(variant), scene(variant)).await.unwrap();
                expected.hard.push(bits(&done));
                let done = machine.run(soft(variant), scene(variant)).await.unwrap();
                expected.soft.push(bits(&done));
            }
            machine.shutdown().await;
            expected
        })
    }
}

fn nodes(draw: &mut Draw) -> Vec<NodeSpec> {
    (1..=draw.between(2, 5))
        .map(|i| NodeSpec {
            name: format!("n{i}"),
            cpus: draw.between(1, 3) as u32,
            speed: 1e8 * (0.5 + draw.uniform()),
            latency: Duration::from_micros(draw.between(100, 10_000)),
            bandwidth: 1e8,
        })
        .collect()
}

/// A fault, and until when it lasts.
fn fault(draw: &mut Draw, nodes: usize) -> (Fault, Duration) {
    let at = draw.ms(0, 3000);
    let node = draw.between(0, nodes as u64 - 1) as usize;
    let duration = draw.ms(50, 3000);
    let mut until = at + duration;
    let kind = match draw.between(0, 9) {
        0..=2 => FaultKind::Kill {
            node,
            // The first node always comes back, so that there is one in the end.
            restart_after: (node == 0 || draw.chance(0.7)).then_some(duration),
        },
        3 => FaultKind::Pause { node, duration },
        4 => FaultKind::Slow {
            node,
            factor: 0.1 + draw.uniform(),
            duration: Some(duration),
        },
        5..=6 => FaultKind::Partition {
            node,
            direction: [Direction::Both, Direction::In, Direction::Out]
                [draw.between(0, 2) as usize],
            duration,
        },
        7 => {
            until = at;
            FaultKind::Join { node }
        }
        _ => FaultKind::Link {
            node,
            loss: 0.3 * draw.uniform(),
            duplication: 0.3 * draw.uniform(),
            reordering: 0.3 * draw.uniform(),
            duration: Some(duration),
        },
    };
    (Fault { at, kind }, until)
}

struct Plan {
    spec: Spec,
    /// When the last fault is over.
    healed: Duration,
    jobs: Vec<Planned>,
}

#[derive(Clone, Copy)]
struct Planned {
    soft: bool,
    variant: u64,
    at: Duration,
    /// The tile of this job that takes its node with it, or panics.
    poison: Option<u32>,
    panic: Option<u32>,
}

fn plan(seed: u64) -> Plan {
    let mut draw = Draw::new(seed);
    let nodes = nodes(&mut draw);
    let (mut faults, mut healed) = (Vec::new(), Duration::ZERO);
    for _ in 0..draw.between(0, 8) {
        let (fault, until) = fault(&mut draw, nodes.len());
        let joins = |of: &Fault| matches!(of.kind, FaultKind::Join { .. }) && of.kind == fault.kind;
        // At least one node is there from the start, and each joins once.
        if fault.kind != (FaultKind::Join { node: 0 }) && !faults.iter().any(joins) {
            faults.push(fault);
            healed = healed.max(until);
        }
    }
    let jobs: Vec<Planned> = (0..draw.between(1, 3) as usize)
        .map(|job| {
            let variant = draw.between(0, VARIANTS - 1);
            let tiles = settings(variant).tiles.unwrap();
            let tile =
                draw.between(0, u64::from(tiles.rows.get() * tiles.columns.get()) - 1) as u32;
            let round = draw.between(1, 3) as u32;
            let at = Duration::MAX;
            let (mut poison, mut panic) = (None, None);
            if draw.chance(0.04) {
                poison = Some(tile);
                faults.push(Fault {
                    at,
                    kind: FaultKind::Poison { job, tile, round },
                });
            } else if draw.chance(0.04) {
                panic = Some(tile);
                faults.push(Fault {
                    at,
                    kind: FaultKind::Panic { job, tile, round },
                });
            }
            Planned {
                soft: draw.chance(0.5),
                variant,
                at: draw.ms(0, 1500),
                poison,
                panic,
            }
        })
        .collect();
    let spec = Spec {
        seed,
        compute: ComputeMode::Real,
        strategy: ["performance-index", "uniform", "least-loaded", "adaptive"]
            [draw.between(0, 3) as usize]
            .to_owned(),
        communication: Communication::default(),
        lease: Duration::from_millis(400),
        jitter: 0.2 * draw.uniform(),
        nodes,
        jobs: Vec::new(),
        faults,
    };
    Plan { spec, healed, jobs }
}

/// Runs the campaign of a seed; tells what is wrong, if something is.
pub(crate) async fn run(seed: u64, expected: &Expected) -> Result<Totals, String> {
    let Plan { spec, healed, jobs } = plan(seed);
    let limit = healed + GRACE;
    let simulation = VirtualMachine::simulated(spec.clone())
        .service::<Heavy<CMeans>>()
        .service::<Heavy<FuzzyCMeans>>()
        .start()
        .await
        .map_err(|error| error.to_string())?;
    let mut endings = Vec::new();
    for job in jobs.iter().copied() {
        let (right, input) = (expected, scene(job.variant));
        let options = JobOptions::default;
        if job.soft {
            let program = soft(job.variant);
            let started = simulation.submit_at(job.at, &program, input, options());
            let right = right.soft[job.variant as usize].clone();
            endings.push(boxed(started.unwrap(), job, right));
        } else {
            let program = hard(job.variant);
            let started = simulation.submit_at(job.at, &program, input, options());
            let right = right.hard[job.variant as usize].clone();
            endings.push(boxed(started.unwrap(), job, right));
        }
    }
    let outcome = simulation.run(limit).await;
    let mut totals = totals(&outcome);
    if !outcome.finished {
        return Err(format!(
            "not at the end after {limit:?}: {outcome:#?}\n{spec:#?}"
        ));
    }
    for ending in endings {
        let ended = ending
            .await
            .map_err(|reason| format!("{reason}\n{spec:#?}"))?;
        totals.jobs += 1;
        totals.poisoned += u64::from(ended == Ending::Poisoned);
        totals.panicked += u64::from(ended == Ending::Panicked);
        totals.mistaken += u64::from(ended == Ending::Mistaken);
        totals.given_up += u64::from(ended == Ending::GivenUp);
    }
    if outcome.left_over != msvpu::Census::default() {
        return Err(format!("left over: {:?}\n{spec:#?}", outcome.left_over));
    }
    if outcome.counters.repeated != outcome.messages_repeated {
        let (dropped, injected) = (outcome.counters.repeated, outcome.messages_repeated);
        return Err(format!(
            "{injected} messages came twice, {dropped} were dropped\n{spec:#?}"
        ));
    }
    if (outcome.counters.misdirected, outcome.counters.strangers) != (0, 0) {
        return Err(format!("{:?}\n{spec:#?}", outcome.counters));
    }
    simulation.machine().clone().shutdown().await;
    Ok(totals)
}

fn totals(outcome: &Outcome) -> Totals {
    Totals {
        seeds: 1,
        kills: outcome.kills,
        lost: outcome.messages_lost,
        repeated: outcome.messages_repeated,
        overtaken: outcome.messages_overtaken,
        stale: outcome.counters.stale,
        duplicates: outcome.counters.duplicates,
        virtual_seconds: outcome.elapsed.as_secs_f64(),
        ..Totals::default()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    Right,
    Poisoned,
    Panicked,
    Mistaken,
    GivenUp,
}

type Ended = std::pin::Pin<Box<dyn Future<Output = Result<Ending, String>>>>;

fn boxed<P: Program>(
    submitted: impl Future<Output = Result<msvpu::Job<P>, JobError>> + 'static,
    planned: Planned,
    right: String,
) -> Ended
where
    P::Output: Debug,
    P::TileOutput: Debug,
{
    Box::pin(async move {
        let job = submitted.await.map_err(|error| error.to_string())?;
        // The record of a job has every round once, in order: no checkpoint was skipped or lost.
        let progress: Vec<_> = job.progress().collect().await;
        let rounds = progress.iter().filter_map(|event| match event {
            Ok(Progress::Round { round, .. }) => Some(round.0),
            _ => None,
        });
        let rounds: Vec<u32> = rounds.collect();
        if rounds != (1..=rounds.len() as u32).collect::<Vec<_>>() {
            return Err(format!("rounds {rounds:?}"));
        }
        match (job.into_future().await, planned.poison, planned.panic) {
            (Ok(done), None, None) if bits(&done) == right => Ok(Ending::Right),
            (Ok(_), ..) => Err("another result than the local deployment's".to_owned()),
            (Err(JobError::PoisonTile { rank, .. }), Some(tile), _) if rank.0 == tile => {
                Ok(Ending::Poisoned)
            }
            (Err(JobError::PoisonTile { .. }), ..) => Ok(Ending::Mistaken),
            (Err(JobError::LeadersLost { .. }), ..) => Ok(Ending::GivenUp),
            (Err(JobError::Panicked { .. }), _, Some(_)) => Ok(Ending::Panicked),
            (Err(error), ..) => Err(format!("ended with: {error}")),
        }
    })
}
