use std::fs;
use std::sync::Arc;

use futures_util::StreamExt as _;
use msvpu_web::engine::{EngineConfig, EngineError, Filter};
use msvpu_web::model::{EventBody, State};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::support::{Bench, is_gapless, new_job, nobody, read, upload};

#[tokio::test]
async fn a_job_runs_and_is_found_with_all_that_it_made() {
    let bench = Bench::new().await;
    let job = bench
        .submit("a", json!({"iterations": 3, "files": 2, "file_bytes": 10}))
        .await;
    assert_eq!(job.state, State::Pending);
    assert_eq!(job.attempts, 0);
    let done = bench.ended(job.id).await;
    assert_eq!(done.state, State::Succeeded);
    assert_eq!(done.attempts, 1);
    assert_eq!(done.result, Some(json!({"name": "a", "iterations": 3})));
    assert_eq!(done.error, None);
    assert_eq!(done.progress.iteration, 3);
    assert_eq!(done.progress.fraction, Some(1.0));
    assert!(done.revision > job.revision);
    assert!(done.started_at >= Some(done.created_at) && done.ended_at >= done.started_at);
    let names: Vec<&str> = done
        .artifacts
        .iter()
        .map(|file| file.name.as_str())
        .collect();
    assert_eq!(names, ["file-0.txt", "file-1.txt"]);
    for artifact in &done.artifacts {
        let found = bench
            .engine
            .artifact(&nobody(), job.id, &artifact.name)
            .await;
        let (found, content) = found.unwrap();
        assert_eq!(found, *artifact);
        let content = read(content);
        assert_eq!(content, b"aaaaaaaaaa");
        assert_eq!(artifact.bytes, 10);
        let digest: String = Sha256::digest(&content)
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        assert_eq!(artifact.sha256, digest);
    }
    let rows = bench.engine.iterations(&nobody(), job.id).await;
    assert_eq!(rows.unwrap().count().await, 3);
    let gauges = bench.engine.gauges();
    assert!(gauges.writable);
    assert_eq!((gauges.queued, gauges.running), (0, 0));
    assert_eq!(gauges.blob_bytes, done.input.bytes + 20);
}

#[tokio::test]
async fn each_way_to_fail_has_its_code_and_leaves_nothing_behind() {
    let bench = Bench::new().await;
    for (params, code) in [
        (json!({"panic": true, "files": 1}), "panicked"),
        (json!({"fail": "poison-tile"}), "poison-tile"),
        (json!({"full": true}), "disk-full"),
        (json!({"lie": true, "files": 1}), "artifact-missing"),
    ] {
        let job = bench.submit("a", params).await;
        let done = bench.ended(job.id).await;
        assert_eq!(done.state, State::Failed);
        let error = done.error.unwrap();
        assert_eq!(error.code, code);
        assert_eq!(done.reason, error.message);
        assert_eq!(done.result, None);
        assert_eq!(done.artifacts, []);
        let Some(EventBody::Done {
            state,
            result,
            error,
        }) = bench.events(job.id, 0).await.pop().map(|event| event.body)
        else {
            panic!("the last event is no `done`");
        };
        assert_eq!(state, State::Failed);
        assert!(result.is_none() && error.is_some());
    }
    let jobs = bench.folder.path().join("jobs");
    assert_eq!(fs::read_dir(jobs).unwrap().count(), 0);
    // The engine goes on.
    let job = bench.submit("a", json!({})).await;
    assert_eq!(bench.ended(job.id).await.state, State::Succeeded);
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_told_at_once() {
    let bench = Bench::new().await;
    let upload = bench.upload("a", 1).await;
    let submit = |job| bench.take(job, None);
    let mut job = new_job(upload.id, json!({}));
    job.service = "nothing".to_owned();
    let error = submit(job).await.unwrap_err();
    assert!(matches!(error, EngineError::UnknownService { known, .. } if known == ["script"]));
    let mut job = new_job(upload.id, json!({"wrong": 1}));
    job.outputs = Some(vec!["files".to_owned(), "cake".to_owned()]);
    let Err(EngineError::Fields(errors)) = submit(job).await else {
        panic!("accepted");
    };
    let pointers: Vec<&str> = errors.iter().map(|error| error.pointer.as_str()).collect();
    assert_eq!(pointers, ["/outputs/1", "/params/wrong"]);
    let mut job = new_job(upload.id, json!({}));
    let metadata = [("a/b", "x".repeat(1025)), ("fine", "x".repeat(1024))];
    job.metadata = metadata.map(|(key, value)| (key.to_owned(), value)).into();
    job.metadata.insert("k".repeat(65), String::new());
    job.outputs = Some(vec!["files".to_owned(); 65]);
    let Err(EngineError::Fields(errors)) = submit(job.clone()).await else {
        panic!("accepted");
    };
    let pointers: Vec<&str> = errors.iter().map(|error| error.pointer.as_str()).collect();
    assert_eq!(pointers, ["/metadata/a~1b", "/metadata", "/outputs"]);
    job.metadata = (0..65)
        .map(|key| (key.to_string(), String::new()))
        .collect();
    job.outputs = Some(vec!["files".to_owned(); 64]);
    let Err(EngineError::Fields(errors)) = submit(job.clone()).await else {
        panic!("accepted");
    };
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].pointer, "/metadata");
    let error = submit(new_job(Uuid::now_v7(), json!({})))
        .await
        .unwrap_err();
    assert!(matches!(
        error,
        EngineError::NotFound { what: "upload", .. }
    ));
    let page = bench
        .engine
        .jobs(&nobody(), &Filter::default(), 10, None)
        .await;
    assert_eq!(page.unwrap().jobs, []);
}

#[tokio::test]
async fn outputs_that_are_named_twice_are_made_once() {
    let bench = Bench::new().await;
    let upload = bench.upload("a", 1).await;
    let mut job = new_job(upload.id, json!({}));
    job.outputs = Some(vec!["files".to_owned(); 64]);
    let (job, _) = bench.take(job, None).await.unwrap();
    assert_eq!(job.outputs, ["files"]);
}

#[tokio::test]
async fn lists_are_without_results_and_of_bounded_length() {
    let bench = Bench::new().await;
    let upload = bench.upload("a", 1).await;
    let mut ids = Vec::new();
    for _ in 0..10 {
        // As large as a request may be.
        let job = new_job(upload.id, json!({"padding": "x".repeat(1 << 20)}));
        let (job, _) = bench.take(job, None).await.unwrap();
        bench.ended(job.id).await;
        ids.insert(0, job.id);
    }
    let (mut listed, mut after, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = bench
            .engine
            .jobs(&nobody(), &Filter::default(), 200, after)
            .await
            .unwrap();
        pages += 1;
        assert!((1..=5).contains(&page.jobs.len()), "{}", page.jobs.len());
        for mut job in page.jobs {
            let mut alone = bench.engine.job(&nobody(), job.id).await.unwrap();
            assert!(alone.result.take().is_some() && job.result.take().is_none());
            assert_eq!(job, alone);
            listed.push(job.id);
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(listed, ids);
    assert_eq!(pages, 3);
}

#[tokio::test]
async fn uploads_are_looked_at_and_bounded() {
    let bench = Bench::with(|config| config.max_upload_bytes = 30).await;
    let begun = bench.engine.begin_upload(&nobody(), None, Some(31)).await;
    assert!(matches!(begun, Err(EngineError::TooLarge { limit: 30 })));
    let mut writer = bench
        .engine
        .begin_upload(&nobody(), None, None)
        .await
        .unwrap();
    let written = writer.write(vec![b'P'; 31].into()).await;
    assert!(matches!(written, Err(EngineError::TooLarge { limit: 30 })));
    drop(writer);
    let mut writer = bench
        .engine
        .begin_upload(&nobody(), None, None)
        .await
        .unwrap();
    writer.write(b"Q1".as_slice().into()).await.unwrap();
    assert!(matches!(writer.finish().await, Err(EngineError::Input(_))));
    let folder = bench.folder.path().join("uploads");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    let kept = bench.upload("a", 7).await;
    assert_eq!(kept.info.decoded_bytes, 7);
    assert_eq!(bench.engine.upload(&nobody(), kept.id).await.unwrap(), kept);
    bench
        .engine
        .delete_upload(&nobody(), kept.id)
        .await
        .unwrap();
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    let gone = bench.engine.upload(&nobody(), kept.id).await;
    assert!(matches!(
        gone,
        Err(EngineError::NotFound { what: "upload", .. })
    ));
}

#[tokio::test]
async fn lists_go_from_new_to_old_in_pages() {
    let mut bench = Bench::new().await;
    let mut ids = Vec::new();
    for name in ["a", "b", "c", "d"] {
        let job = bench.submit(name, json!({})).await;
        bench.ended(job.id).await;
        ids.push(job.id);
    }
    ids.push(bench.submit("e", json!({"hold": true})).await.id);
    while bench.begins.recv().await.unwrap() != "e" {}
    ids.reverse();
    let list = |filter: Filter, size, after| {
        let engine = bench.engine.clone();
        async move { engine.jobs(&nobody(), &filter, size, after).await.unwrap() }
    };
    let all = Filter::default();
    let first = list(all.clone(), 2, None).await;
    let second = list(all.clone(), 2, first.next).await;
    let third = list(all.clone(), 2, second.next).await;
    assert_eq!(third.next, None);
    let paged = [&first, &second, &third];
    let paged = paged
        .iter()
        .flat_map(|page| page.jobs.iter().map(|job| job.id));
    assert!(paged.eq(ids.iter().copied()));
    assert_eq!(list(all, 5, None).await.next, None);
    let running = Filter {
        state: Some(State::Running),
        service: None,
    };
    let running = list(running, 5, None).await;
    assert_eq!(
        running.jobs.iter().map(|job| job.id).collect::<Vec<_>>(),
        [ids[0]]
    );
    let other = Filter {
        state: None,
        service: Some("other".to_owned()),
    };
    assert_eq!(list(other, 5, None).await.jobs, []);
}

#[tokio::test]
async fn one_more_than_may_wait_is_refused() {
    let mut bench = Bench::with(|config| {
        config.max_running_jobs = 1;
        config.max_queued_jobs = 1;
    })
    .await;
    let first = bench.submit("a", json!({"hold": true})).await;
    bench.begins.recv().await.unwrap();
    let second = bench.submit("b", json!({})).await;
    let upload = upload(&bench.engine, &nobody(), "c", 1).await.unwrap();
    let refused = bench
        .engine
        .submit(&nobody(), new_job(upload.id, json!({})), None)
        .await;
    assert!(matches!(refused, Err(EngineError::QueueFull { limit: 1 })));
    bench
        .engine
        .delete_upload(&nobody(), upload.id)
        .await
        .unwrap();
    bench.release();
    assert_eq!(bench.ended(first.id).await.state, State::Succeeded);
    assert_eq!(bench.ended(second.id).await.state, State::Succeeded);
}

#[tokio::test]
async fn parameters_take_no_more_memory_than_they_may() {
    let change = |config: &mut EngineConfig| config.max_queued_bytes = 20_000;
    let mut bench = Bench::with(change).await;
    let params = json!({"hold": true, "text": "x".repeat(15_000)});
    let job = bench.submit("a", params.clone()).await;
    let upload = bench.upload("b", 1).await;
    // Also what a start has found counts.
    for _ in 0..2 {
        let refused = bench.take(new_job(upload.id, params.clone()), None).await;
        let is_full = matches!(refused, Err(EngineError::ParametersFull { .. }));
        assert!(is_full, "{refused:?}");
        let folder = Arc::clone(&bench.folder);
        bench.engine.close().await;
        drop(bench);
        bench = Bench::on(folder, change).await;
    }
    bench.release();
    bench.ended(job.id).await;
    let taken = bench.take(new_job(upload.id, params), None).await;
    bench.ended(taken.unwrap().0.id).await;
}

#[tokio::test]
async fn a_job_that_waits_says_how_many_are_before_it() {
    let mut bench = Bench::with(|config| config.max_running_jobs = 1).await;
    bench.submit("a", json!({"hold": true})).await;
    bench.begins.recv().await.unwrap();
    bench.submit("b", json!({})).await;
    let last = bench.submit("c", json!({"iterations": 1})).await;
    assert_eq!(last.reason, "1 job is before it; 1 job runs");
    let next = bench.submit("d", json!({})).await;
    assert_eq!(next.reason, "2 jobs are before it; 1 job runs");
    bench.engine.cancel(&nobody(), last.id).await.unwrap();
    let wait = std::time::Duration::from_secs(20);
    let mut seen = bench.engine.job(&nobody(), next.id).await.unwrap();
    while seen.reason != "1 job is before it; 1 job runs" {
        let revision = Some(seen.revision);
        let after = bench
            .engine
            .job_after(&nobody(), next.id, revision, wait)
            .await
            .unwrap();
        assert!(after.revision > seen.revision, "still: {}", seen.reason);
        seen = after;
    }
    bench.release();
    let done = bench.ended(next.id).await;
    assert_eq!(done.state, State::Succeeded);
    assert!(is_gapless(&bench.events(next.id, 0).await, 1));
}
