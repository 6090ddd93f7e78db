//! A disk that is full: a small one of its own, where we may mount one.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use msvpu_web::engine::EngineError;
use msvpu_web::model::State;
use serde_json::json;
use tempfile::TempDir;

use crate::support::{Bench, is_gapless, new_job, nobody, upload};

const DISK_BYTES: u64 = 24 << 20;

/// A file system of [`DISK_BYTES`], until it is dropped.
struct Disk {
    folder: Arc<TempDir>,
}

impl Disk {
    /// `None` where we may not mount; then the tests of the store, which need no disk, have to do.
    fn mount() -> Option<Self> {
        let folder = Arc::new(TempDir::new().unwrap());
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={DISK_BYTES}"), "tmpfs"])
            .arg(folder.path())
            .status();
        if mounted.is_ok_and(|status| status.success()) {
            return Some(Self { folder });
        }
        eprintln!("skipped: no file system can be mounted here");
        None
    }

    /// Fills it to the last byte.
    fn fill(&self) {
        let filler = self.folder.path().join("filler");
        let mut size = 1 << 20;
        let mut file = fs::File::create(filler).unwrap();
        while size > 0 {
            let written = std::io::Write::write_all(&mut file, &vec![7; size]);
            if written.is_err() {
                size /= 2;
            }
        }
    }

    fn empty(&self) {
        fs::remove_file(self.folder.path().join("filler")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.folder.path()).status();
    }
}

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
    let Some(disk) = Disk::mount() else { return };
    let mut bench = on(&disk, 4 << 20).await;
    let before = bench.submit("a", json!({"files": 1})).await;
    let before = bench.ended(before.id).await;
    let file = bench.upload("b", 1).await;
    let running = bench.submit("c", json!({"hold": true, "files": 1})).await;
    while bench.begins.recv().await.unwrap() != "c" {}
    let room = DISK_BYTES - (3 << 20) - used(disk.folder.path());
    fs::write(
        disk.folder.path().join("filler"),
        vec![7; usize::try_from(room).unwrap()],
    )
    .unwrap();
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
    let Some(disk) = Disk::mount() else { return };
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
    let Some(disk) = Disk::mount() else { return };
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

fn used(path: &Path) -> u64 {
    let entries = fs::read_dir(path).unwrap().map(Result::unwrap);
    let sizes = entries.map(|entry| {
        let metadata = entry.metadata().unwrap();
        if metadata.is_dir() {
            used(&entry.path())
        } else {
            metadata.len().next_multiple_of(4096)
        }
    });
    sizes.sum()
}
