//! What a simulated MsVPU and round costs: 10³ to 10⁶ MsVPUs, 10 rounds, on up to 1,000 nodes.
//!
//! `cargo bench -p msvpu-actors --bench scale` prints a line per size. Give sizes to run only
//! those: `-- 1000 1000000`.
#![allow(clippy::unwrap_used, reason = "a bench that fails here says so")]

use std::time::{Duration, Instant};

use msvpu_actors::{
    Communication, ComputeMode, JobOptions, NodeSpec, Spec, Synthetic, VirtualMachine,
};

const ROUNDS: u32 = 10;

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

/// Of this process, in bytes (`VmHWM` of Linux).
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    kib.unwrap_or_default() * 1024
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
    println!("MsVPUs    nodes  seconds  µs per MsVPU and round  peak MiB  virtual s  trace");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
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
                peak_memory() >> 20,
                outcome.elapsed.as_secs_f64(),
                outcome.trace,
            );
            simulation.machine().clone().shutdown().await;
        });
    }
}
