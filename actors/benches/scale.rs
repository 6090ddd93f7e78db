//! What a simulated MsVPU and round costs: 10³ to 10⁶ MsVPUs, 10 rounds, on up to 1,000 nodes.
//!
//! And what 10⁴ live, idle MsVPUs of a local machine take in memory.
//!
//! `cargo bench -p msvpu-actors --bench scale` prints a line per size, and fails when one takes more
//! than it may. Give sizes to run only those: `-- 1000 1000000`.
#![allow(clippy::unwrap_used, reason = "a bench that fails here says so")]

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use msvpu_actors::{
    Cancellation, Communication, ComputeMode, Context, JobOptions, NodeSpec, Program, Result,
    Round, Spec, Step, Synthetic, VirtualMachine,
};
use serde::{Deserialize, Serialize};

const ROUNDS: u32 = 10;

/// What 10⁶ MsVPUs on 1,000 nodes may take, on two cores: seconds, and bytes of memory.
const MOST_SECONDS: f64 = 60.0;
const MOST_BYTES: u64 = 4 << 30;
/// Of a live, idle MsVPU.
const MOST_BYTES_IDLE: f64 = 2048.0;

fn spec(nodes: u32) -> Spec {
    Spec {
        seed: 1,
        compute: ComputeMode::Cost,
        strategy: "performance-index".to_owned(),
        communication: Communication::default(),
        lease: Duration::from_secs(60),
        jitter: 0.05,
        nodes: (0..nodes)
            .map(|i| NodeSpec {
                name: format!("n{i}"),
                cpus: 1 + i % 8,
                speed: 1e9 * (1.0 + f64::from(i % 5)),
                latency: Duration::from_micros(200),
                bandwidth: 1e9,
            })
            .collect(),
        jobs: Vec::new(),
        faults: Vec::new(),
    }
}

/// Of this process, in bytes: a line of Linux's `/proc/self/status`.
fn memory(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(name));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    kib.unwrap_or_default() * 1024
}

/// How many MsVPUs have computed and wait for what comes next.
static WAITING: AtomicU32 = AtomicU32::new(0);

/// Its MsVPUs stay idle once they have computed, as long as that of rank 0 has not.
#[derive(Serialize, Deserialize)]
struct Idle {
    tiles: u32,
}

impl Program for Idle {
    const NAME: &'static str = "idle";
    type Input = ();
    type Tile = u32;
    type State = u32;
    type Task = ();
    type Partial = u32;
    type TileOutput = ();
    type Output = ();

    fn split(&self, (): (), _: &Cancellation) -> Result<(Vec<u32>, ())> {
        Ok(((0..self.tiles).collect(), ()))
    }

    fn load(&self, tile: u32, _: &Context) -> Result<u32> {
        Ok(tile)
    }

    fn local_step(&self, tile: &mut u32, (): &(), context: &Context) -> Result<u32> {
        while context.rank().0 == 0 {
            context.check()?;
            std::thread::yield_now();
        }
        WAITING.fetch_add(1, Ordering::SeqCst);
        Ok(*tile)
    }

    fn global_step(&self, _: Round, (): &(), _: &[u32], _: &Cancellation) -> Result<Step<(), ()>> {
        Ok(Step::Done(()))
    }
}

/// Bytes per MsVPU that is there and has nothing to do.
async fn idle(msvpus: u32) -> f64 {
    let machine = VirtualMachine::local().workers(2).service::<Idle>();
    let machine = machine.start().await.unwrap();
    let before = memory("VmRSS");
    let job = machine.submit(Idle { tiles: msvpus }, ()).await.unwrap();
    while WAITING.load(Ordering::SeqCst) + 1 < msvpus {
        tokio::task::yield_now().await;
    }
    let after = memory("VmRSS");
    job.cancel();
    machine.shutdown().await;
    (after - before) as f64 / f64::from(msvpus)
}

fn main() {
    let sizes: Vec<u32> = std::env::args()
        .filter_map(|arg| arg.parse().ok())
        .collect();
    let sizes = if sizes.is_empty() {
        vec![1_000, 10_000, 100_000, 1_000_000]
    } else {
        sizes
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let each = runtime.block_on(idle(10_000));
    println!("10,000 live, idle MsVPUs of a local machine: {each:.0} bytes each");
    assert!(each <= MOST_BYTES_IDLE, "{MOST_BYTES_IDLE} bytes at most");
    println!("MsVPUs    nodes  seconds  µs per MsVPU and round  peak MiB  virtual s  trace");
    for msvpus in sizes {
        let nodes = (msvpus / 1000).clamp(10, 1000);
        let work = Synthetic {
            tiles: msvpus,
            rounds: ROUNDS,
            complexity: 1e6,
            tile_bytes: 64,
            partial_bytes: 24,
        };
        runtime.block_on(async {
            let since = Instant::now();
            let simulation = VirtualMachine::simulated(spec(nodes))
                .service::<Synthetic>()
                .start()
                .await
                .unwrap();
            let planned = simulation
                .submit_at(Duration::ZERO, &work, (), JobOptions::default())
                .unwrap();
            let outcome = simulation.run(Duration::from_secs(1_000_000)).await;
            let done = planned.await.unwrap().await.unwrap();
            assert_eq!(done.output, msvpus);
            assert!(outcome.finished);
            let seconds = since.elapsed().as_secs_f64();
            println!(
                "{msvpus:7} {nodes:7} {seconds:8.2} {:23.2} {:9} {:10.3}  {:016x}",
                1e6 * seconds / f64::from(msvpus) / f64::from(ROUNDS),
                memory("VmHWM") >> 20,
                outcome.elapsed.as_secs_f64(),
                outcome.trace,
            );
            simulation.machine().clone().shutdown().await;
            if msvpus <= 1_000_000 {
                assert!(seconds <= MOST_SECONDS, "{MOST_SECONDS} seconds at most");
                let peak = memory("VmHWM");
                assert!(
                    peak <= MOST_BYTES,
                    "{MOST_BYTES} bytes at most, and not {peak}"
                );
            }
        });
    }
}
