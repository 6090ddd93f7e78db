use std::time::Duration;

use msvpu_web::engine::{EngineError, Filter};
use serde_json::json;

use crate::support::{Bench, admin, key, named, new_job, nobody, upload};

#[tokio::test]
async fn a_key_gives_one_job_and_no_other() {
    let bench = Bench::new().await;
    let upload = bench.upload("a", 1).await;
    let job = || new_job(upload.id, json!({}));
    let submit = |digest| bench.take(job(), Some(key("k", digest)));
    let (first, is_new) = submit("one").await.unwrap();
    assert!(is_new);
    let (again, is_new) = submit("one").await.unwrap();
    assert!(!is_new);
    assert_eq!(again.id, first.id);
    assert!(matches!(submit("two").await, Err(EngineError::KeyReused)));
    bench.ended(first.id).await;
    assert_eq!(submit("one").await.unwrap().0.id, first.id);
    // With the job goes its key.
    bench.engine.delete(&nobody(), first.id).await.unwrap();
    let (other, is_new) = submit("two").await.unwrap();
    assert!(is_new && other.id != first.id);
}

#[tokio::test]
async fn a_key_is_its_owners() {
    let bench = Bench::new().await;
    let mut ids = Vec::new();
    for owner in [nobody(), named("ann"), named("")] {
        let upload = upload(&bench.engine, &owner, "a", 1).await.unwrap();
        let job = new_job(upload.id, json!({}));
        let (job, is_new) = bench
            .engine
            .submit(&owner, job, Some(key("k", "one")))
            .await
            .unwrap();
        assert!(is_new);
        ids.push(job.id);
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3);
}

#[tokio::test]
async fn many_at_once_with_one_key_make_one_job() {
    let bench = Bench::new().await;
    let upload = bench.upload("a", 1).await;
    let submits = (0..16).map(|_| {
        let job = new_job(upload.id, json!({}));
        let key = Some(key("k", "one"));
        let engine = bench.engine.clone();
        tokio::spawn(async move { engine.submit(&nobody(), job, key).await })
    });
    let submits: Vec<_> = submits.collect();
    let mut new = 0;
    for submit in submits {
        match submit.await.unwrap() {
            Ok((_, is_new)) => new += usize::from(is_new),
            Err(EngineError::KeyInFlight) => {}
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(new, 1);
    let page = bench
        .engine
        .jobs(&admin(), &Filter::default(), 99, None)
        .await;
    assert_eq!(page.unwrap().jobs.len(), 1);
}

#[tokio::test]
async fn a_refused_request_does_not_use_up_its_key() {
    let bench = Bench::new().await;
    let upload = bench.upload("a", 1).await;
    let wrong = new_job(upload.id, json!({"wrong": 1}));
    let refused = bench
        .engine
        .submit(&nobody(), wrong, Some(key("k", "one")))
        .await;
    assert!(matches!(refused, Err(EngineError::Fields(_))));
    let right = new_job(upload.id, json!({}));
    let taken = bench
        .engine
        .submit(&nobody(), right, Some(key("k", "two")))
        .await;
    assert!(taken.unwrap().1);
}

/// However far it has come when its client hangs up.
#[tokio::test]
async fn what_a_client_no_longer_waits_for_is_done_to_its_end() {
    let mut bench = Bench::new().await;
    let upload = bench.upload("a", 1).await;
    let mut submitted = Box::pin(bench.take(new_job(upload.id, json!({"hold": true})), None));
    assert!(futures_util::poll!(&mut submitted).is_pending());
    drop(submitted);
    let begun = tokio::time::timeout(Duration::from_secs(60), bench.begins.recv());
    assert_eq!(begun.await.unwrap().as_deref(), Some("a"));
    let (whose, all) = (nobody(), Filter::default());
    let page = bench.engine.jobs(&whose, &all, 2, None).await.unwrap();
    assert_eq!(page.jobs.len(), 1);
    bench.release();
    bench.ended(page.jobs[0].id).await;
}
