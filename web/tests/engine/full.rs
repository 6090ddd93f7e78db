//! A disk that is full.

use std::sync::Arc;

use msvpu_web::engine::EngineError;
use msvpu_web::model::State;
use serde_json::json;

use crate::disk::{DISK_BYTES, Disk};
use crate::support::{Bench, is_gapless, new_job, nobody, upload};

async fn on(disk: &Disk, min_free_bytes: u64) -> Bench {
    Bench::on(Arc::clone(&disk.folder), |config| {
        config.min_free_bytes = min_free_bytes;
    })
    .await
}

fn is_full<T: std::fmt::Debug>(answer: Result<T, EngineError>) {
    assert!(matches!(answer, Err(EngineError::DiskFull)), "{answer:?}");
}

/// All that was there is there, and all goes on.
async fn check_after(bench: &Bench, before: &msvpu_web::model::Job) {
    let found = bench.engine.job(&nobody(), before.id).await.unwrap();
    assert_eq!(found, *before);
    assert!(is_gapless(&bench.events(before.id, 0).await, 1));
    let job = bench.submit("after", json!({"files": 2})).await;
    assert_eq!(bench.ended(job.id).await.state, State::Succeeded);
    assert!(bench.engine.gauges().writable);
}

async fn close(bench: Bench) {
    bench.engine.close().await;
}

#[tokio::test]
async fn what_is_kept_free_lets_jobs_end_and_others_wait_outside() {
    let name = "what_is_kept_free_lets_jobs_end_and_others_wait_outside";
    let Some(disk) = Disk::mount(name) else {
        return;
    };
    let mut bench = on(&disk, 4 << 20).await;
    let before = bench.submit("a", json!({"files": 1})).await;
    let before = bench.ended(before.id).await;
    let file = bench.upload("b", 1).await;
    let running = bench.submit("c", json!({"hold": true, "files": 1})).await;
    while bench.begins.recv().await.unwrap() != "c" {}
    disk.fill_but(3 << 20);
    is_full(upload(&bench.engine, &nobody(), "d", 1).await);
    is_full(bench.take(new_job(file.id, json!({})), None).await);
    assert_eq!(
        bench.engine.job(&nobody(), before.id).await.unwrap(),
        before
    );
    bench.release();
    assert_eq!(bench.ended(running.id).await.state, State::Succeeded);
    disk.empty();
    check_after(&bench, &before).await;
    close(bench).await;
}

#[tokio::test]
async fn artifacts_that_find_no_room_fail_their_job_and_no_other() {
    let name = "artifacts_that_find_no_room_fail_their_job_and_no_other";
    let Some(disk) = Disk::mount(name) else {
        return;
    };
    let bench = on(&disk, 0).await;
    let before = bench.submit("a", json!({"files": 1})).await;
    let before = bench.ended(before.id).await;
    let large = bench
        .submit("b", json!({"files": 2, "file_bytes": DISK_BYTES}))
        .await;
    let large = bench.ended(large.id).await;
    assert_eq!(large.state, State::Failed);
    assert_eq!(large.error.unwrap().code, "disk-full");
    check_after(&bench, &before).await;
    close(bench).await;
}

#[tokio::test]
async fn a_record_that_finds_no_room_is_refused_whole() {
    let name = "a_record_that_finds_no_room_is_refused_whole";
    let Some(disk) = Disk::mount(name) else {
        return;
    };
    let mut bench = on(&disk, 0).await;
    let before = bench.submit("a", json!({"files": 1})).await;
    let before = bench.ended(before.id).await;
    bench.begins.recv().await.unwrap();
    let file = bench.upload("b", 1).await;
    let running = bench
        .submit("c", json!({"hold": true, "iterations": 9}))
        .await;
    bench.begins.recv().await.unwrap();
    disk.fill();
    // There is room for some in what the records have to spare.
    let mut taken = Vec::new();
    let refused = loop {
        let job = new_job(file.id, json!({"padding": "x".repeat(100_000)}));
        match bench.take(job, None).await {
            Ok((job, _)) => taken.push(job.id),
            Err(error) => break error,
        }
        assert!(taken.len() < 1000, "the disk does not get full");
    };
    assert!(matches!(refused, EngineError::DiskFull), "{refused:?}");
    assert!(!bench.engine.gauges().writable);
    // What is there can be read.
    assert_eq!(
        bench.engine.job(&nobody(), before.id).await.unwrap(),
        before
    );
    bench.release();
    disk.empty();
    // A job that ended meanwhile ends when there is room.
    assert_eq!(bench.ended(running.id).await.state, State::Succeeded);
    for id in taken {
        let done = bench.ended(id).await;
        assert_eq!(done.params["padding"], "x".repeat(100_000));
    }
    check_after(&bench, &before).await;
    close(bench).await;
    // And so it is after another start.
    let again = on(&disk, 0).await;
    check_after(&again, &before).await;
    close(again).await;
}
