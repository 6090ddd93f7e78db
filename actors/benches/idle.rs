//! What 10⁴ live, idle MsVPUs of a local machine take in memory, with the system's allocator: 2 KiB
//! each at most.
//!
//! `cargo bench -p msvpu-actors --bench idle`
#![allow(clippy::unwrap_used, reason = "a bench that fails here says so")]

use std::sync::atomic::{AtomicU32, Ordering};

use msvpu_actors::{Cancellation, Context, Program, Result, Round, Step, VirtualMachine};
use serde::{Deserialize, Serialize};

const LIMIT: f64 = 2048.0;

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

fn main() -> std::process::ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let each = runtime.block_on(idle(10_000));
    println!("10,000 live, idle MsVPUs of a local machine: {each:.0} bytes each");
    if each > LIMIT {
        println!("that is more than {LIMIT}");
        return std::process::ExitCode::FAILURE;
    }
    std::process::ExitCode::SUCCESS
}
