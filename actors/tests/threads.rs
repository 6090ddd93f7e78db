//! Dropping the last handle ends every thread. Alone in its process: it counts all threads.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod programs;

use std::fs;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use msvpu_actors::{JobError, VirtualMachine};
use programs::{Endless, Fault, Faulty, Sum, Where};

fn threads() -> usize {
    fs::read_dir("/proc/self/task").unwrap().count()
}

fn assert_threads(expected: usize, after: &str) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while threads() != expected {
        assert!(
            Instant::now() < deadline,
            "{} threads {after}, where {expected} were before",
            threads()
        );
        std::thread::yield_now();
    }
}

#[tokio::test]
async fn no_thread_is_left_behind() {
    let before = threads();
    let start = || {
        VirtualMachine::local()
            .workers(3)
            .service::<Sum>()
            .service::<Faulty>()
            .service::<Endless>()
            .start()
    };
    let sum = Sum {
        tile_len: 1,
        rounds: 2,
    };

    let machine = start().await.unwrap();
    assert_eq!(
        threads(),
        before + 6,
        "three workers, two helpers and the event loop"
    );
    machine.run(sum.clone(), vec![1; 100]).await.unwrap();
    drop(machine);
    assert_threads(before, "after a job");

    let machine = start().await.unwrap();
    for at in [Where::Split, Where::LocalStep, Where::Collect] {
        let fault = Fault::Panic;
        machine.run(Faulty { at, fault }, ()).await.unwrap_err();
    }
    machine.run(sum.clone(), vec![1; 100]).await.unwrap();
    drop(machine);
    assert_threads(before, "after panics");

    // A job keeps its machine; dropping both ends a step that would never end.
    let machine = start().await.unwrap();
    let job = machine.submit(Endless::Step, 9).await.unwrap();
    drop(machine);
    let mut progress = job.progress();
    while !matches!(
        progress.next().await.unwrap().unwrap(),
        msvpu_actors::Progress::Round { .. }
    ) {}
    assert_eq!(threads(), before + 6);
    drop(job);
    assert_threads(before, "after dropping a running job");
    let last = progress.collect::<Vec<_>>().await.pop().unwrap().unwrap();
    assert!(
        matches!(
            &last,
            msvpu_actors::Progress::State { state, .. }
                if *state == msvpu_actors::JobState::Failed(JobError::Stopped)
        ),
        "{last:?}"
    );

    let machine = start().await.unwrap();
    let job = machine.submit(Endless::Rounds, 9).await.unwrap();
    job.cancel();
    machine.shutdown().await;
    drop(job);
    assert_threads(before, "after a shutdown");
}
