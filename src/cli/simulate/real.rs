//! The mode `real`: kernels run on a generated scene, beside the local deployment.

use futures_util::FutureExt;
use msvpu::{
    CMeans, Cancellation, CompletionOf, FuzzyCMeans, JobSpec, Pairwise, Payload, Program,
    SampleType, Scene, Settings, Shape, Simulation, Spec, Start, Tiling, VirtualMachine, Wire,
};

use super::limit::Load;
use super::plan::Plan;
use crate::cli::failure::Failure;
use crate::cli::run::failure;

/// Of a generated scene: it is held in memory several times.
const MAX_PIXELS: u64 = 1 << 28;
/// Of the two classifications.
const CLASSES: u32 = 4;

/// Runs every job in this process, and plans it in the simulation with the same input.
pub(crate) async fn plan(simulation: &Simulation, spec: &Spec) -> Result<Plan, Failure> {
    let local = VirtualMachine::local()
        .service::<CMeans>()
        .service::<FuzzyCMeans>()
        .service::<Pairwise>()
        .start()
        .await
        .map_err(Failure::runtime)?;
    let mut plan = Plan::default();
    for (index, job) in spec.jobs.iter().enumerate() {
        let (scene, tiles) = scene(job, spec.seed.wrapping_add(index as u64))?;
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
        planned.map_err(|failure| match failure {
            Failure::Input(reason) => {
                Failure::input(format_args!("the job `{}`: {reason}", job.name))
            }
            other => other,
        })?;
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
    let expected = local
        .run(program.clone(), scene.clone())
        .await
        .map_err(failure)?;
    let expected = bits::<P>(expected).map_err(Failure::runtime)?;
    let load = load(&program, scene.clone(), job.rounds).map_err(Failure::runtime)?;
    plan.add(simulation, job, program, scene, load, |job| {
        async move {
            let found = job.await.ok()?;
            Some(bits::<P>(found).is_ok_and(|found| found == expected))
        }
        .boxed()
    })
}

/// A result as it travels: floats are equal to the last bit or not at all.
fn bits<P: Program>(of: CompletionOf<P>) -> Result<Vec<Option<Payload>>, msvpu::CodecError> {
    let tiles = of.tiles.into_iter();
    let tiles = tiles.map(|tile| tile.map(Wire::into_payload).transpose());
    std::iter::once(of.output.into_payload().map(Some))
        .chain(tiles)
        .collect()
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
    let refused = |reason: String| Failure::input(format_args!("the job `{}`: {reason}", job.name));
    let pixels = job.tile_size * f64::from(job.tiles);
    if job.tile_size.fract() != 0.0 || pixels > MAX_PIXELS as f64 {
        return Err(refused(format!(
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
    let tiling = Tiling::new(job.tiles, 1).ok_or_else(|| refused("no tiles".to_owned()))?;
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
