use msvpu_web::Engine;
use msvpu_web::engine::Caller;
use msvpu_web::model::{Job, State};
use serde_json::{Value, json};

use crate::support::{Bench, named, new_job, upload};

async fn submit(engine: &Engine, caller: &Caller, name: &str, bytes: u64, params: Value) -> Job {
    let file = upload(engine, caller, name, bytes).await.unwrap();
    let job = new_job(file.id, params);
    engine.submit(caller, job, None).await.unwrap().0
}

#[tokio::test]
async fn one_who_has_few_jobs_does_not_wait_for_one_who_has_many() {
    let mut bench = Bench::with(|config| config.max_running_jobs = 1).await;
    let (ann, bob) = (named("ann"), named("bob"));
    submit(&bench.engine, &ann, "gate", 1, json!({"hold": true})).await;
    bench.begins.recv().await.unwrap();
    for name in ["a1", "a2", "a3", "a4"] {
        submit(&bench.engine, &ann, name, 1, json!({})).await;
    }
    for name in ["b1", "b2"] {
        submit(&bench.engine, &bob, name, 1, json!({})).await;
    }
    bench.release();
    let mut order = Vec::new();
    while order.len() < 6 {
        order.push(bench.begins.recv().await.unwrap());
    }
    assert_eq!(order, ["a1", "b1", "a2", "b2", "a3", "a4"]);
}

#[tokio::test]
async fn a_small_job_waits_for_no_big_one() {
    let budget = 1 << 30;
    let mut bench = Bench::with(|config| config.max_running_jobs = 3).await;
    let ann = named("ann");
    let hold = json!({"hold": true});
    for name in ["big 1", "big 2"] {
        submit(&bench.engine, &ann, name, budget / 3, hold.clone()).await;
        assert_eq!(bench.begins.recv().await.unwrap(), name);
    }
    let third = submit(&bench.engine, &ann, "big 3", budget / 3, hold).await;
    let small = submit(&bench.engine, &ann, "small", 1000, json!({})).await;
    assert_eq!(bench.ended(small.id).await.state, State::Succeeded);
    assert_eq!(bench.begins.recv().await.unwrap(), "small");
    let waiting = bench.engine.job(&ann, third.id).await.unwrap();
    assert_eq!(waiting.state, State::Pending);
    bench.release();
    assert_eq!(bench.ended(third.id).await.state, State::Succeeded);
}

#[tokio::test]
async fn jobs_that_do_not_fit_together_run_one_after_the_other() {
    let budget = 1 << 30;
    let mut bench = Bench::with(|config| config.max_running_jobs = 8).await;
    let ann = named("ann");
    let hold = json!({"hold": true});
    let first = submit(&bench.engine, &ann, "huge 1", 2 * budget, hold.clone()).await;
    bench.begins.recv().await.unwrap();
    let second = submit(&bench.engine, &ann, "huge 2", budget, json!({})).await;
    assert!(bench.begins.try_recv().is_err());
    bench.release();
    assert_eq!(bench.ended(second.id).await.state, State::Succeeded);
    let (first, second) = (bench.ended(first.id).await, bench.ended(second.id).await);
    assert!(second.started_at >= first.started_at);
}
