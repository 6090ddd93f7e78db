//! The mode `real`: kernels run on a generated scene, beside the local deployment.

use futures_util::{FutureExt, StreamExt};
use msvpu::{
    CMeans, Cancellation, FuzzyCMeans, Job, JobError, JobSpec, Pairwise, Payload, Program,
    Progress, Round, SampleType, Scene, Settings, Shape, Simulation, Spec, Start, Tiling,
    VirtualMachine, Wire,
};

use super::limit::Load;
use super::places::Places;
use super::plan::Plan;
use crate::cli::failure::Failure;
use crate::cli::run::failure;

/// Of a generated scene: it is held in memory several times.
const MAX_PIXELS: u64 = 1 << 28;
/// Of the two classifications.
const CLASSES: u32 = 4;

/// Runs every job in this process, and plans it in the simulation with the same input.
pub(crate) async fn plan(
    simulation: &Simulation,
    spec: &Spec,
    places: &Places<'_>,
) -> Result<Plan, Failure> {
    let local = VirtualMachine::local()
        .service::<CMeans>()
        .service::<FuzzyCMeans>()
        .service::<Pairwise>()
        .start()
        .await
        .map_err(Failure::runtime)?;
    let mut plan = Plan::default();
    for (index, job) in spec.jobs.iter().enumerate() {
        let refused = |failure| places.refused(index, failure);
        let made = scene(job, spec.seed.wrapping_add(index as u64));
        let (scene, tiles) = made.map_err(refused)?;
        let settings = Settings {
            // As many rounds as the spec has, unless nothing changes any more.
            epsilon: f64::MIN_POSITIVE,
            max_iterations: job.rounds,
            tiles: Some(tiles),
            ..Settings::new(Start::linear(CLASSES))
        };
        let planned = match job.service.as_str() {
            CMeans::NAME => {
                add(
                    &mut plan,
                    simulation,
                    &local,
                    job,
                    CMeans::new(settings),
                    scene,
                )
                .await
            }
            FuzzyCMeans::NAME => {
                add(
                    &mut plan,
                    simulation,
                    &local,
                    job,
                    FuzzyCMeans::new(settings),
                    scene,
                )
                .await
            }
            Pairwise::NAME => {
                let program = Pairwise {
                    tiles: Some(tiles),
                    rounds: job.rounds.try_into().map_err(Failure::input)?,
                    ..Pairwise::default()
                };
                add(&mut plan, simulation, &local, job, program, scene).await
            }
            other => Err(Failure::input(format_args!(
                "`service` is `{other}`; with compute = \"real\" it must be {}, {} or {}",
                CMeans::NAME,
                FuzzyCMeans::NAME,
                Pairwise::NAME
            ))),
        };
        planned.map_err(refused)?;
    }
    local.shutdown().await;
    Ok(plan)
}

async fn add<P: Program<Input = Scene> + Clone>(
    plan: &mut Plan,
    simulation: &Simulation,
    local: &VirtualMachine,
    job: &JobSpec,
    program: P,
    scene: Scene,
) -> Result<(), Failure> {
    let job_here = local
        .submit(program.clone(), scene.clone())
        .await
        .map_err(failure)?;
    let expected = bits(job_here).await.map_err(failure)?;
    let load = load(&program, scene.clone(), job.rounds).map_err(Failure::runtime)?;
    plan.add(simulation, job, program, scene, load, |job| {
        async move {
            match bits(job).await {
                Ok(found) => Some(found == expected),
                Err(JobError::Codec { .. }) => Some(false),
                Err(_) => None,
            }
        }
        .boxed()
    })
}

/// A result and the tasks of all rounds on the way to it, as they travel: floats are equal to the last
/// bit or not at all.
#[derive(PartialEq)]
struct Bits {
    tasks: Vec<(Round, Payload)>,
    output: Payload,
    tiles: Vec<Option<Payload>>,
}

async fn bits<P: Program>(job: Job<P>) -> Result<Bits, JobError> {
    let mut tasks = Vec::new();
    let mut progress = job.progress();
    while let Some(event) = progress.next().await {
        if let Progress::Round { round, task, .. } = event? {
            tasks.push((round, task.into_payload()?));
        }
    }
    let done = job.await?;
    let tiles = done.tiles.into_iter();
    let tiles = tiles.map(|tile| tile.map(Wire::into_payload).transpose());
    Ok(Bits {
        tasks,
        output: done.output.into_payload()?,
        tiles: tiles.collect::<Result<_, _>>()?,
    })
}

fn load<P: Program<Input = Scene>>(
    program: &P,
    scene: Scene,
    rounds: u32,
) -> Result<Load, msvpu::ProgramError> {
    let rounds = f64::from(rounds);
    let bytes = scene.samples().len() as f64;
    let (tiles, _) = program.split(scene, &Cancellation::default())?;
    let sum = |of: &dyn Fn(&P::Tile) -> f64| tiles.iter().map(of).sum::<f64>();
    // The last answers may be as long as the tiles.
    Ok(Load {
        operations: sum(&|tile| program.complexity(tile)) * rounds,
        bytes: 2.0 * bytes + sum(&|tile| program.bytes_exchanged(tile)) * rounds,
        messages: 4.0 * tiles.len() as f64 * (rounds + 2.0),
    })
}

/// A gray scene of bright fields on a slope, with noise; its tiles lie one below the other, and
/// each has exactly the pixels that the spec gives it.
fn scene(job: &JobSpec, seed: u64) -> Result<(Scene, Tiling), Failure> {
    let pixels = job.tile_size * f64::from(job.tiles);
    if job.tile_size.fract() != 0.0 || pixels > MAX_PIXELS as f64 {
        return Err(Failure::input(format_args!(
            "`tiles` x `tile_size` are {pixels} pixels; with compute = \"real\" they must be whole, and {MAX_PIXELS} at most"
        )));
    }
    let size = job.tile_size as u32;
    let rows = (1..=size.isqrt())
        .rev()
        .find(|rows| size.is_multiple_of(*rows));
    let rows = rows.unwrap_or(1);
    let shape = Shape {
        width: size / rows,
        height: rows * job.tiles,
        bands: 1,
        sample: SampleType::U8,
    };
    let samples: Vec<u8> = (0..shape.height)
        .flat_map(|y| (0..shape.width).map(move |x| level(x, y, shape, seed)))
        .collect();
    let tiling = Tiling::new(job.tiles, 1).ok_or_else(|| Failure::input("no tiles"))?;
    let scene = Scene::new(shape, samples).map_err(Failure::runtime)?;
    Ok((scene, tiling))
}

fn level(x: u32, y: u32, shape: Shape, seed: u64) -> u8 {
    let slope = u64::from(y) * 60 / u64::from(shape.height.max(1));
    let field = mixed(seed ^ u64::from(x / 24) << 32 ^ u64::from(y / 24)) % 4 * 40;
    let noise = mixed(seed.rotate_left(17) ^ u64::from(x) << 32 ^ u64::from(y)) % 16;
    (slope + field + noise) as u8
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014).
const fn mixed(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
