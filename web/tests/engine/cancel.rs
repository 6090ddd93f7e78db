use std::time::Duration;

use msvpu_web::engine::EngineError;
use msvpu_web::model::{Job, State};
use serde_json::{Value, json};

use crate::support::{Bench, new_job, nobody};

#[tokio::test]
async fn a_waiting_job_has_ended_when_its_cancel_returns() {
    let mut bench = Bench::with(|config| config.max_running_jobs = 1).await;
    let first = bench.submit("a", json!({"hold": true})).await;
    bench.begins.recv().await.unwrap();
    let waiting = bench.submit("b", json!({})).await;
    let cancelled = bench.engine.cancel(&nobody(), waiting.id).await.unwrap();
    assert_eq!(cancelled.state, State::Cancelled);
    assert_eq!(cancelled.attempts, 0);
    assert_eq!((cancelled.result, cancelled.error), (None, None));
    bench.release();
    assert_eq!(bench.ended(first.id).await.state, State::Succeeded);
    // It never began.
    assert!(bench.begins.try_recv().is_err());
}

#[tokio::test]
async fn a_running_job_is_let_go_of() {
    let mut bench = Bench::new().await;
    let job = bench.submit("a", json!({"hold": true, "files": 1})).await;
    bench.begins.recv().await.unwrap();
    let asked = bench.engine.cancel(&nobody(), job.id).await.unwrap();
    assert!(matches!(asked.state, State::Running | State::Cancelled));
    assert_eq!(bench.ended(job.id).await.state, State::Cancelled);
    let jobs = bench.folder.path().join("jobs");
    assert_eq!(std::fs::read_dir(jobs).unwrap().count(), 0);
}

#[tokio::test]
async fn success_in_the_last_moment_does_not_undo_a_cancel() {
    let mut bench = Bench::new().await;
    let params = json!({"hold": true, "stubborn": true, "files": 1});
    let job = bench.submit("a", params).await;
    bench.begins.recv().await.unwrap();
    let asked = bench.engine.cancel(&nobody(), job.id).await.unwrap();
    assert_eq!(asked.state, State::Running);
    assert_eq!(asked.reason, "it is being cancelled");
    bench.release();
    let done = bench.ended(job.id).await;
    assert_eq!(done.state, State::Cancelled);
    assert_eq!(done.artifacts, []);
    let jobs = bench.folder.path().join("jobs");
    assert_eq!(std::fs::read_dir(jobs).unwrap().count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_takes_no_notice_is_not_waited_for() {
    let mut bench = Bench::new().await;
    let job = bench
        .submit("a", json!({"hold": true, "stubborn": true}))
        .await;
    bench.begins.recv().await.unwrap();
    bench.engine.cancel(&nobody(), job.id).await.unwrap();
    // The clock runs ahead of the disk, so that a wait may be over before the end is written.
    loop {
        let wait = Duration::from_secs(60);
        let job = bench
            .engine
            .job_after(&nobody(), job.id, None, wait)
            .await
            .unwrap();
        if job.state.is_terminal() {
            assert_eq!(job.state, State::Cancelled);
            break;
        }
    }
}

/// Submits a job whose input takes so many bytes.
async fn submit(bench: &Bench, name: &str, bytes: u64, params: Value) -> Job {
    let upload = bench.upload(name, bytes).await;
    let taken = bench.take(new_job(upload.id, params), None).await;
    taken.unwrap().0
}

#[tokio::test(start_paused = true)]
async fn what_a_service_does_not_let_go_of_is_not_free() {
    let budget = 1 << 30;
    let mut bench = Bench::new().await;
    let params = json!({"hold": true, "stubborn": true});
    let stubborn = submit(&bench, "stubborn", budget / 3 * 2, params.clone()).await;
    let small = submit(&bench, "small", 1, params).await;
    for _ in 0..2 {
        bench.begins.recv().await.unwrap();
    }
    bench.engine.cancel(&nobody(), stubborn.id).await.unwrap();
    let wait = Duration::from_secs(60);
    while !bench
        .engine
        .job_after(&nobody(), stubborn.id, None, wait)
        .await
        .unwrap()
        .state
        .is_terminal()
    {}
    // It has ended, but what it has decoded is still there.
    let large = submit(&bench, "large", budget / 3 * 2, json!({})).await;
    let next = submit(&bench, "next", 1, json!({})).await;
    assert_eq!(bench.begins.recv().await.unwrap(), "next");
    let seen = bench.engine.job(&nobody(), large.id).await.unwrap();
    assert_eq!(seen.state, State::Pending);
    bench.release();
    assert_eq!(bench.begins.recv().await.unwrap(), "large");
    for id in [large.id, next.id, small.id] {
        while !bench
            .engine
            .job_after(&nobody(), id, None, wait)
            .await
            .unwrap()
            .state
            .is_terminal()
        {}
    }
}

#[tokio::test]
async fn an_ended_job_cannot_be_cancelled_and_a_running_one_not_be_deleted() {
    let mut bench = Bench::new().await;
    let job = bench.submit("a", json!({"hold": true})).await;
    bench.begins.recv().await.unwrap();
    let refused = bench.engine.delete(&nobody(), job.id).await;
    assert!(matches!(refused, Err(EngineError::Running)));
    let refused = bench
        .engine
        .delete_upload(&nobody(), job.input.upload_id)
        .await;
    assert!(matches!(refused, Err(EngineError::InUse)));
    bench.release();
    bench.ended(job.id).await;
    let refused = bench.engine.cancel(&nobody(), job.id).await;
    assert!(matches!(refused, Err(EngineError::Ended)));
    let wait = Duration::from_secs(1);
    let at_once = bench.engine.job_after(&nobody(), job.id, None, wait).await;
    assert_eq!(at_once.unwrap().state, State::Succeeded);
    bench.engine.delete(&nobody(), job.id).await.unwrap();
    let gone = bench.engine.job(&nobody(), job.id).await;
    assert!(matches!(
        gone,
        Err(EngineError::NotFound { what: "job", .. })
    ));
}
