//! What a simulated MsVPU and round costs: 10³ to 10⁶ MsVPUs, 10 rounds, on up to 1,000 nodes; and beside
//! it as many actors of actix alone, which wait as many rounds for a timer in virtual time.
//!
//! `cargo bench -p msvpu-actors --bench scale` prints a line per size, and fails when one takes more
//! than it may. Give sizes to run only those: `-- 1000 1000000`.
#![allow(clippy::unwrap_used, reason = "a bench that fails here says so")]

use std::time::{Duration, Instant};

use actix::{Actor, ActorContext, AsyncContext};
use msvpu_actors::{
    Communication, ComputeMode, JobOptions, NodeSpec, Spec, Synthetic, VirtualMachine,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUNDS: u32 = 10;

/// What 10⁶ MsVPUs on 1,000 nodes may take, on two cores: seconds, and bytes of memory.
const MOST_SECONDS: f64 = 60.0;
const MOST_BYTES: u64 = 4 << 30;

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

/// Waits for a timer as many rounds, and then stops.
struct Raw {
    rounds: u32,
}

impl Actor for Raw {
    type Context = actix::Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        self.round(context);
    }
}

impl Raw {
    fn round(&mut self, context: &mut actix::Context<Self>) {
        if self.rounds == 0 {
            context.stop();
            return;
        }
        self.rounds -= 1;
        context.run_later(Duration::from_secs(1), Self::round);
    }
}

/// Seconds that actix alone takes, and tokio's clock.
fn raw(actors: u32) -> f64 {
    let since = Instant::now();
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap()
    };
    actix::System::with_tokio_rt(runtime).block_on(async {
        let addresses: Vec<_> = (0..actors)
            .map(|_| Raw { rounds: ROUNDS }.start())
            .collect();
        while addresses.iter().any(actix::Addr::connected) {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
    since.elapsed().as_secs_f64()
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
    println!(
        "MsVPUs    nodes  seconds   ÷ raw  µs per MsVPU and round  peak MiB  virtual s  trace"
    );
    for msvpus in sizes {
        let nodes = (msvpus / 1000).clamp(10, 1000);
        let work = Synthetic {
            tiles: msvpus,
            rounds: ROUNDS,
            complexity: 1e6,
            tile_bytes: 64,
            partial_bytes: 24,
        };
        let raw = raw(msvpus);
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
                "{msvpus:7} {nodes:7} {seconds:8.2} {:7.2} {:23.2} {:9} {:10.3}  {:016x}",
                seconds / raw,
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
