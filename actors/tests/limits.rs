//! What a machine refuses to take, or to go on with, and what it says.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod programs;

use futures_util::StreamExt;
use msvpu_actors::{JobError, Limits, LocalBuilder, Progress, VirtualMachine};
use programs::{Endless, Sum};

#[tokio::test]
async fn a_journal_is_bounded_in_bytes() {
    let limit = 1 << 16;
    let machine = VirtualMachine::local()
        .workers(2)
        .service::<Endless>()
        .service::<Sum>()
        .limits(Limits {
            max_journal_bytes_per_job: limit,
            ..Limits::default()
        })
        .start()
        .await
        .unwrap();
    let job = machine.submit(Endless::Rounds, 3).await.unwrap();
    let error = job.clone().await.unwrap_err();
    assert_eq!(error, JobError::JournalFull { limit });
    assert!(error.to_string().contains("max_journal_bytes_per_job"));
    let rounds = job
        .progress()
        .filter(|event| {
            let is_round = matches!(event, Ok(Progress::Round { .. }));
            std::future::ready(is_round)
        })
        .count()
        .await;
    assert!((100..limit).contains(&rounds), "{rounds} rounds");
    // The team is gone, and others have their own journals.
    machine.idle().await;
    let sum = Sum {
        tile_len: 1,
        rounds: 20,
    };
    assert_eq!(machine.run(sum, vec![1, 2]).await.unwrap().output, 60);
    machine.shutdown().await;
}

#[tokio::test]
async fn workers_are_bounded() {
    for (workers, expected) in [
        (0, "0 workers asked for; a machine needs at least 1"),
        (
            LocalBuilder::MAX_WORKERS + 1,
            "1025 workers asked for; a machine takes at most 1024, one for each CPU is enough",
        ),
    ] {
        let error = VirtualMachine::local()
            .workers(workers)
            .start()
            .await
            .unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}
