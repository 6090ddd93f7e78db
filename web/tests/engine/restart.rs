use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use msvpu_web::engine::{After, OpenError};
use msvpu_web::model::{EventBody, State, TeamTimes};
use serde_json::json;
use tempfile::TempDir;

use crate::script::team;
use crate::support::{Bench, config, ended, is_gapless, key, new_job, nobody, open_with, read};

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// What a crash would leave now: as long as nothing is being written, the files as they are.
fn image(of: &Path) -> Arc<TempDir> {
    let image = TempDir::new().unwrap();
    copy(of, image.path());
    Arc::new(image)
}

/// Waits until nothing has been written for far longer than anything is put off.
async fn is_quiet(folder: &Path) {
    let records = folder.join("records.redb");
    let age = || {
        let written = fs::metadata(&records).unwrap().modified().unwrap();
        written.elapsed().unwrap_or_default()
    };
    while age() < Duration::from_millis(500) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_crash_loses_nothing_that_was_accepted() {
    let mut bench = Bench::with(|config| config.max_running_jobs = 1).await;
    let ended_job = bench
        .submit("a", json!({"files": 3, "iterations": 2}))
        .await;
    let ended_job = bench.ended(ended_job.id).await;
    let events = bench.events(ended_job.id, 0).await;
    bench.begins.recv().await.unwrap();
    let upload = bench.upload("b", 1).await;
    let params = json!({"hold": true, "iterations": 5});
    let running = bench.take(new_job(upload.id, params), Some(key("k", "one")));
    let (running, _) = running.await.unwrap();
    bench.begins.recv().await.unwrap();
    let waiting = bench.submit("c", json!({"files": 1})).await;
    let seen = bench.engine.job(&nobody(), running.id).await.unwrap();
    assert_eq!(seen.state, State::Running);

    // The mark that it runs is written a little later.
    is_quiet(bench.folder.path()).await;
    let folder = image(bench.folder.path());
    for debris in ["uploads/x.partial", "uploads/stray", "jobs/y.partial"] {
        fs::write(folder.path().join(debris), "half").unwrap();
    }
    // Its artifacts are in the records; a folder that came back with the power is of no use.
    let came_back = folder.path().join("jobs").join(ended_job.id.to_string());
    fs::create_dir(&came_back).unwrap();
    let mut again = Bench::on(Arc::clone(&folder), |config| config.max_running_jobs = 1).await;
    assert_eq!(
        again.engine.job(&nobody(), ended_job.id).await.unwrap(),
        ended_job
    );
    assert_eq!(again.events(ended_job.id, 0).await, events);
    for file in &ended_job.artifacts {
        let found = again
            .engine
            .artifact(&nobody(), ended_job.id, &file.name)
            .await;
        assert_eq!(read(found.unwrap().1), b"a");
    }
    let left = fs::read_dir(folder.path().join("uploads")).unwrap().count();
    assert_eq!(left, 3);
    assert!(!came_back.exists());
    assert_eq!(again.begins.recv().await.unwrap(), "b");
    let resumed = again.engine.job(&nobody(), running.id).await.unwrap();
    assert_eq!((resumed.state, resumed.attempts), (State::Running, 2));
    assert!(resumed.revision > seen.revision);
    let upload = again.upload("d", 1).await;
    let repeated = again.take(new_job(upload.id, json!({})), Some(key("k", "one")));
    assert_eq!(repeated.await.unwrap().0.id, running.id);
    again.release();
    assert_eq!(again.ended(running.id).await.state, State::Succeeded);
    assert_eq!(again.ended(waiting.id).await.state, State::Succeeded);
    let events = again.events(running.id, 0).await;
    assert!(is_gapless(&events, 1));
    // The first tells of the acceptance, although no event of it was written before the crash.
    assert_eq!(events[0].at, running.created_at);
    let pending: Vec<(u64, bool)> = events
        .iter()
        .filter_map(|event| match &event.body {
            EventBody::State { state, reason, .. } if *state == State::Pending => {
                Some((event.id, reason.contains("started again")))
            }
            _ => None,
        })
        .collect();
    assert_eq!(pending, [(1, false), (2, true)]);
    let rows = again.engine.iterations(&nobody(), running.id).await;
    assert_eq!(rows.unwrap().count().await, 5);
}

#[tokio::test]
async fn closing_leaves_what_runs_to_the_next_start() {
    let mut bench = Bench::new().await;
    let job = bench.submit("a", json!({"hold": true})).await;
    bench.begins.recv().await.unwrap();
    let folder = Arc::clone(&bench.folder);
    bench.engine.close().await;
    assert!(
        bench
            .engine
            .begin_upload(&nobody(), None, None)
            .await
            .is_err()
    );
    drop(bench);
    let mut again = Bench::on(folder, |_| {}).await;
    again.begins.recv().await.unwrap();
    again.release();
    let done = again.ended(job.id).await;
    assert_eq!((done.state, done.attempts), (State::Succeeded, 2));
}

#[test]
fn an_engine_that_is_dropped_leaves_its_directory_to_the_next() {
    let folder = Arc::new(TempDir::new().unwrap());
    let runtime = || tokio::runtime::Runtime::new().unwrap();
    let first = runtime();
    let job = first.block_on(async {
        let mut bench = Bench::on(Arc::clone(&folder), |_| {}).await;
        let job = bench.submit("a", json!({"hold": true})).await;
        bench.begins.recv().await.unwrap();
        job
    });
    // Its tasks end with it, wherever they are.
    drop(first);
    runtime().block_on(async {
        let again = Bench::on(folder, |_| {}).await;
        again.release();
        let done = again.ended(job.id).await;
        assert_eq!(done.state, State::Succeeded);
    });
}

#[tokio::test]
async fn one_process_has_a_directory() {
    let bench = Bench::new().await;
    let second = open_with(config(bench.folder.path())).await;
    let Err(error) = second else {
        panic!("two have it");
    };
    assert!(matches!(error, OpenError::InUse { .. }));
    let named = bench.folder.path().display().to_string();
    assert!(error.to_string().contains(&named));
    // The first is not disturbed.
    let job = bench.submit("a", json!({})).await;
    assert_eq!(bench.ended(job.id).await.state, State::Succeeded);
}

#[tokio::test]
async fn a_cancel_that_was_promised_is_kept_over_a_crash() {
    let mut bench = Bench::new().await;
    let job = bench
        .submit("a", json!({"hold": true, "stubborn": true}))
        .await;
    bench.begins.recv().await.unwrap();
    bench.engine.cancel(&nobody(), job.id).await.unwrap();
    let folder = image(bench.folder.path());
    let (engine, _script, mut begins) = open_with(config(folder.path())).await.unwrap();
    assert_eq!(ended(&engine, job.id).await.state, State::Cancelled);
    assert!(begins.try_recv().is_err());
}

#[tokio::test]
async fn a_server_that_was_closed_has_not_crashed() {
    let folder = Arc::new(TempDir::new().unwrap());
    let mut bench = Bench::on(Arc::clone(&folder), |config| config.max_crashes = 1).await;
    let job = bench.submit("a", json!({"hold": true})).await;
    bench.begins.recv().await.unwrap();
    for _ in 0..3 {
        bench.engine.close().await;
        drop(bench);
        bench = Bench::on(Arc::clone(&folder), |config| config.max_crashes = 1).await;
        bench.begins.recv().await.unwrap();
    }
    bench.release();
    assert_eq!(bench.ended(job.id).await.state, State::Succeeded);
}

#[tokio::test]
async fn a_watcher_that_has_what_a_crash_took_is_told_the_new_attempt_from_its_start() {
    let mut bench = Bench::new().await;
    let job = bench
        .submit("a", json!({"hold": true, "iterations": 5}))
        .await;
    bench.begins.recv().await.unwrap();
    let mut seen = bench.engine.events(&nobody(), job.id, 0).await.unwrap();
    let mut last = seen.next().await.unwrap();
    while !matches!(&last.body, EventBody::Iteration(row) if row.iteration == 5) {
        last = seen.next().await.unwrap();
    }
    let after = After {
        generation: Some(seen.generation),
        event: last.id,
    };
    // The mark that it runs is written a little later.
    is_quiet(bench.folder.path()).await;
    let folder = image(bench.folder.path());
    let again = Bench::on(Arc::clone(&folder), |_| {}).await;
    again.release();
    again.ended(job.id).await;
    let all = again.events(job.id, 0).await;
    // The new attempt has come further than what the watcher has seen of the old one.
    assert!(all.len() as u64 > after.event + 2, "{all:?}");
    let told = again.engine.events(&nobody(), job.id, after).await.unwrap();
    assert_ne!(told.generation, seen.generation);
    // That it was accepted is told as it was.
    assert_eq!(told.collect::<Vec<_>>().await, all[1..]);
    // What names the new attempt is gone on from.
    let after = After {
        generation: Some(2),
        ..after
    };
    let from = usize::try_from(after.event).unwrap();
    assert_eq!(again.events(job.id, after).await, all[from..]);
}

#[tokio::test]
async fn a_watcher_that_broke_off_early_is_told_all_that_was_kept() {
    let mut bench = Bench::new().await;
    // More than memory keeps.
    let params = json!({"hold": true, "iterations": 100, "log_bytes": 4000});
    let job = bench.submit("a", params).await;
    bench.begins.recv().await.unwrap();
    let mut seen = bench.engine.events(&nobody(), job.id, 0).await.unwrap();
    let mut last = seen.next().await.unwrap();
    while !matches!(&last.body, EventBody::Iteration(row) if row.iteration == 100) {
        last = seen.next().await.unwrap();
    }
    let after = After {
        generation: Some(seen.generation),
        event: 5,
    };
    drop(seen);
    let folder = Arc::clone(&bench.folder);
    bench.engine.close().await;
    drop(bench);
    let again = Bench::on(folder, |_| {}).await;
    again.release();
    again.ended(job.id).await;
    let all = again.events(job.id, 0).await;
    let begin = all.iter().rposition(
        |event| matches!(&event.body, EventBody::State { state, .. } if *state == State::Pending),
    );
    assert!(begin > Some(10), "{begin:?}");
    let told = again.engine.events(&nobody(), job.id, after).await.unwrap();
    assert_eq!(told.collect::<Vec<_>>().await, all[5..]);
}

#[tokio::test]
async fn what_a_team_did_is_kept_with_its_job_whatever_its_end() {
    let bench = Bench::new().await;
    let mut jobs = Vec::new();
    for (params, state) in [
        (json!({}), State::Succeeded),
        (json!({"fail": "x"}), State::Failed),
        (json!({"hold": true}), State::Cancelled),
    ] {
        let mut params = params;
        params["team_size"] = 100.into();
        params["iterations"] = 90.into();
        let job = bench.submit("a", params).await;
        if state == State::Cancelled {
            let mut events = bench.engine.events(&nobody(), job.id, 0).await.unwrap();
            let last = |event: &EventBody| matches!(event, EventBody::Iteration(row) if row.iteration == 90);
            while !events.next().await.is_some_and(|event| last(&event.body)) {}
            bench.engine.cancel(&nobody(), job.id).await.unwrap();
        }
        assert_eq!(bench.ended(job.id).await.state, state);
        jobs.push(job.id);
    }
    // Of more than 8192 entries the first rounds go.
    let mut expected = team(100, 90);
    expected.rounds.drain(..9);
    for id in &jobs {
        assert_eq!(*bench.engine.team(&nobody(), *id).await.unwrap(), expected);
    }
    let folder = image(bench.folder.path());
    let again = Bench::on(folder, |_| {}).await;
    for id in &jobs {
        assert_eq!(*again.engine.team(&nobody(), *id).await.unwrap(), expected);
    }
    let silent = again.submit("b", json!({})).await;
    again.ended(silent.id).await;
    let nothing = again.engine.team(&nobody(), silent.id).await.unwrap();
    assert_eq!(*nothing, TeamTimes::default());
}
