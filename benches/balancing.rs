//! Load balancing on real processes: three nodes `msvpu node` of one CPU each, which control groups let
//! have two fifths, a fifth and a tenth of a CPU (ratios 1 : 1/2 : 1/4), and jobs of `pairwise`.
//!
//! - how long a job takes with `performance-index`, beside `uniform` and beside every static split
//!   near the ideal one, found by trying;
//! - how far the predicted time of a job is from the measured one, over jobs of different sizes;
//! - what the performance test costs a node.
//!
//! `cargo bench --bench balancing`; as root on Linux, with the broker at `MSVPU_TEST_AMQP_URL` or a private one.
//! Where others use the CPUs too, the groups weigh more than they do, so that the quotas are had.
#![allow(
    missing_docs,
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

#[path = "../actors/tests/broker/mod.rs"]
mod broker;
#[path = "../tests/common/control_group.rs"]
mod control_group;
#[path = "../tests/common/deaf.rs"]
mod deaf;
#[path = "../tests/cluster/process.rs"]
mod process;

use std::num::NonZeroU32;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use msvpu::{NodeReport, Pairwise, SampleType, Scene, Shape, Tiling, VirtualMachine};

use control_group::{Group, PERIOD};
use process::{Machine, Process, computing, named, soon};

/// Hundredths of a CPU.
const QUOTAS: [u64; 3] = [40, 20, 10];
const NAMES: [&str; 3] = ["fast", "half", "quarter"];
/// Of the job that all are compared with: 14 would be shared 8 : 4 : 2.
const TILES: u32 = 28;
/// Pixels of a tile: half as many pairs as their square.
const PIXELS: u32 = 1 << 15;
const WIDTH: u32 = 256;
/// So many that a job takes many periods of the quotas: no prediction is better than the 100 ms of one. MsVPUs do not move
/// between them with these strategies, so that a prediction is made before the first.
const ROUNDS: u32 = 4;
const REPETITIONS: usize = 3;
/// Jobs of different sizes: tiles and pixels of a tile.
const JOBS: [(u32, u32); 10] = [
    (28, 1 << 15),
    (40, 1 << 15),
    (21, 3 << 14),
    (56, 1 << 15),
    (28, 3 << 14),
    (14, 1 << 16),
    (70, 1 << 15),
    (35, 5 << 13),
    (28, 1 << 15),
    (49, 1 << 15),
];

fn scene(tiles: u32, pixels: u32) -> Scene {
    let shape = Shape {
        width: WIDTH,
        height: tiles * pixels / WIDTH,
        bands: 1,
        sample: SampleType::U8,
    };
    let samples = (0..tiles * pixels).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8);
    Scene::new(shape, samples.collect::<Vec<u8>>()).unwrap()
}

fn program(tiles: u32) -> Pairwise {
    Pairwise {
        tiles: Tiling::new(tiles, 1),
        rounds: NonZeroU32::new(ROUNDS).unwrap(),
        ..Pairwise::default()
    }
}

/// How long a job takes from its submission to its result, and what its nodes say.
async fn run(head: &VirtualMachine, tiles: u32, scene: Scene) -> (Duration, Vec<NodeReport>) {
    let began = Instant::now();
    let job = head.submit(program(tiles), scene).await.unwrap();
    soon(job.clone().into_future()).await.unwrap();
    (began.elapsed(), job.nodes())
}

async fn head(machine: &Machine, strategy: &str, nodes: usize) -> VirtualMachine {
    let head = VirtualMachine::cluster(&machine.url)
        .vm(&machine.vm)
        .workers(1)
        .strategy(strategy)
        .service::<Pairwise>();
    let head = soon(head.start()).await.unwrap();
    soon(head.nodes_are(|known| computing(known) == nodes)).await;
    head
}

/// A node in a group.
fn node(group: &Group, machine: &Machine, name: &str) -> Process {
    let inner = machine.node_command(name);
    let mut command = Command::new("sh");
    command
        .args(group.inside())
        .arg(inner.get_program())
        .args(inner.get_args())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    Process::start(&mut command)
}

fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

/// All splits whose parts are near those of the quotas.
fn splits() -> Vec<[u32; 3]> {
    let all = u64::from(TILES);
    let ideal = QUOTAS.map(|quota| (all * quota / QUOTAS.iter().sum::<u64>()) as u32);
    let near = |part: u32| part.saturating_sub(1)..=part + 1;
    let mut splits = Vec::new();
    for second in near(ideal[1]) {
        for third in near(ideal[2]) {
            splits.push([TILES - second - third, second, third]);
        }
    }
    splits
}

/// Each node gets its part as a job of its own, all at once: the static split without a balancer, and without a round's
/// end that waits for all.
async fn fixed(heads: &[VirtualMachine], split: [u32; 3]) -> f64 {
    let scenes = split.map(|tiles| scene(tiles, PIXELS));
    let began = Instant::now();
    let parts = heads.iter().zip(split).zip(scenes);
    let parts = parts.map(|((head, tiles), scene)| run(head, tiles, scene));
    futures_util::future::join_all(parts).await;
    began.elapsed().as_secs_f64()
}

/// CPU time of all threads of a process so far, in seconds.
fn cpu_seconds(process: &Process) -> f64 {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", process.id())).unwrap();
    let nanoseconds = tasks.filter_map(|task| {
        let text = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<f64>().ok()
    });
    nanoseconds.sum::<f64>() / 1e9
}

async fn compare() {
    let groups: Vec<Group> = NAMES
        .iter()
        .zip(QUOTAS)
        .map(|(name, quota)| {
            let group = Group::make(&format!("bench-{name}"));
            let group = group.expect("the right to make control groups that bound CPUs (root)");
            assert!(group.bound(quota * PERIOD / 100) && group.weigh(16));
            group
        })
        .collect();
    let all = Machine::new("balancing");
    let alone = NAMES.map(|name| Machine::new(&format!("balancing-{name}")));
    let mut nodes = Vec::new();
    for ((group, name), alone) in groups.iter().zip(NAMES).zip(&alone) {
        nodes.push(node(group, &all, name));
        nodes.push(node(group, alone, name));
    }

    let balanced = head(&all, "performance-index", NAMES.len()).await;
    let indices = NAMES.map(|name| {
        let node = named(&balanced.nodes(), name).unwrap().clone();
        node.performance_index.unwrap()
    });
    println!("performance indices {indices:.2?}, quotas {QUOTAS:?} % of a CPU");

    println!("\npredicted and measured, seconds (of the node that takes longest):");
    let mut close = 0;
    for (tiles, pixels) in JOBS {
        let (_, reports) = run(&balanced, tiles, scene(tiles, pixels)).await;
        let longest =
            |of: fn(&NodeReport) -> Duration| reports.iter().map(of).max().unwrap().as_secs_f64();
        let predicted = longest(|node| node.predicted.unwrap());
        let measured = longest(|node| node.actual);
        let off = (predicted - measured).abs() / measured;
        close += usize::from(off <= 0.15);
        println!("  {tiles} tiles of {pixels} px: {predicted:.2} {measured:.2}, off by {off:.3}");
    }
    println!("  {close} of {} jobs within 0.15", JOBS.len());

    let job = scene(TILES, PIXELS);
    let mut seconds = Vec::new();
    for _ in 0..REPETITIONS {
        let (took, reports) = run(&balanced, TILES, job.clone()).await;
        let shares: Vec<u32> = reports.iter().map(|node| node.msvpus).collect();
        println!(
            "performance-index: {:.2} s, shares {shares:?}",
            took.as_secs_f64()
        );
        seconds.push(took.as_secs_f64());
    }
    let balanced_seconds = median(seconds);
    soon(balanced.shutdown()).await;

    let uniform = head(&all, "uniform", NAMES.len()).await;
    let mut seconds = Vec::new();
    for _ in 0..REPETITIONS {
        let (took, _) = run(&uniform, TILES, job.clone()).await;
        seconds.push(took.as_secs_f64());
    }
    let uniform_seconds = median(seconds);
    soon(uniform.shutdown()).await;

    let mut heads = Vec::new();
    for machine in &alone {
        heads.push(head(machine, "uniform", 1).await);
    }
    let mut best = (f64::INFINITY, [0; 3]);
    for split in splits() {
        let mut seconds = Vec::new();
        for _ in 0..REPETITIONS {
            seconds.push(fixed(&heads, split).await);
        }
        let seconds = median(seconds);
        println!("static {split:?}: {seconds:.2} s");
        if seconds < best.0 {
            best = (seconds, split);
        }
    }
    println!(
        "\nperformance-index {balanced_seconds:.2} s, uniform {uniform_seconds:.2} s, best static split {:.2} s ({:?}): \
         {:.2} and {:.2} of the best",
        best.0,
        best.1,
        balanced_seconds / best.0,
        uniform_seconds / best.0
    );

    // A node that a new head finds is tested; what it uses meanwhile is no less than the test.
    soon(heads.remove(0).shutdown()).await;
    let before = cpu_seconds(&nodes[1]);
    let again = head(&alone[0], "uniform", 1).await;
    let used = cpu_seconds(&nodes[1]) - before;
    println!(
        "joining a head, with its performance tests, took {:.1} ms of CPU time; such tests come once a minute: {:.3} %",
        used * 1e3,
        used / 60.0 * 100.0
    );
    heads.push(again);
    for head in heads {
        soon(head.shutdown()).await;
    }
    drop(nodes);
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(compare());
}
