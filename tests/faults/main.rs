//! Random faults in virtual time: every job ends right, or with a stated reason, and nothing hangs.
//!
//! `MSVPU_FAULT_SEEDS=20000` runs more seeds than the default, `MSVPU_FAULT_SEED=17` the one that
//! is to be looked at.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that fails here says so"
)]

mod campaign;
mod draw;
mod ending;
mod expected;
mod heavy;
mod plan;
mod totals;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::timeout;

use campaign::run;
use expected::Expected;
use totals::Totals;

const SEEDS: u64 = 2000;

/// Of real time: a seed takes hundredths of a second.
const PATIENCE: Duration = Duration::from_secs(180);

/// So many seeds are between two that run twice.
const TWICE: u64 = 50;

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().expect("a number of seeds, or a seed"))
}

/// Whatever happens, it is told of which seed.
async fn judge(seed: u64, expected: &Expected) -> Result<Totals, String> {
    let once = || async {
        let run = timeout(PATIENCE, run(seed, expected));
        match AssertUnwindSafe(run).catch_unwind().await {
            Ok(Ok(judged)) => judged,
            Ok(Err(_)) => Err(format!("it hangs: no end after {PATIENCE:?} of real time")),
            Err(_) => Err("it panics, as told above".to_owned()),
        }
    };
    let (totals, outcome) = once().await?;
    if seed.is_multiple_of(TWICE) {
        let (_, again) = once().await?;
        if again != outcome {
            return Err(format!(
                "another time, another outcome: {again:#?} and before {outcome:#?}"
            ));
        }
    }
    Ok(totals)
}

#[test]
fn every_job_ends_right_whatever_goes_wrong() {
    let seeds = match (number("MSVPU_FAULT_SEED"), number("MSVPU_FAULT_SEEDS")) {
        (Some(seed), _) => seed..seed + 1,
        (None, count) => 0..count.unwrap_or(SEEDS),
    };
    let expected = Arc::new(Expected::compute());
    let next = AtomicU64::new(seeds.start);
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let (mut totals, mut wrong) = (Totals::default(), Vec::new());
    std::thread::scope(|scope| {
        let work = || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .build()
                .unwrap();
            let (mut totals, mut wrong) = (Totals::default(), Vec::new());
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= seeds.end || !wrong.is_empty() {
                    return (totals, wrong);
                }
                match runtime.block_on(judge(seed, &expected)) {
                    Ok(of) => totals += of,
                    Err(reason) => wrong.push((seed, reason)),
                }
            }
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            let (of, reasons) = worker.join().unwrap();
            totals += of;
            wrong.extend(reasons);
        }
    });
    println!("{totals:#?}");
    for (seed, reason) in &wrong {
        println!("MSVPU_FAULT_SEED={seed} cargo test --test faults -- --nocapture\n{reason}");
    }
    assert!(wrong.is_empty(), "{} of the seeds end wrong", wrong.len());
    if seeds.end - seeds.start >= SEEDS {
        totals.assert_that_faults_happened();
    }
}
