use futures_util::StreamExt as _;
use msvpu_web::model::{Event, EventBody};
use serde_json::json;

use crate::support::{Bench, is_gapless, nobody};

/// Long enough that memory does not keep all of it.
const LONG: usize = 400;

#[tokio::test]
async fn early_and_late_watchers_see_the_same() {
    let mut bench = Bench::new().await;
    let params = json!({"hold": true, "iterations": 50});
    let job = bench.submit("a", params).await;
    let early: Vec<_> = (0..20)
        .map(|_| {
            let engine = bench.engine.clone();
            tokio::spawn(async move {
                let events = engine.events(&nobody(), job.id, 0).await.unwrap();
                events.collect::<Vec<Event>>().await
            })
        })
        .collect();
    bench.begins.recv().await.unwrap();
    let middle = bench.engine.events(&nobody(), job.id, 10).await.unwrap();
    bench.release();
    bench.ended(job.id).await;
    let late = bench.events(job.id, 0).await;
    assert!(is_gapless(&late, 1));
    let iterations = late
        .iter()
        .filter(|event| matches!(event.body, EventBody::Iteration(_)));
    assert_eq!(iterations.count(), 50);
    assert!(matches!(late.last().unwrap().body, EventBody::Done { .. }));
    for watcher in early {
        assert_eq!(watcher.await.unwrap(), late);
    }
    let middle: Vec<Event> = middle.collect().await;
    assert_eq!(middle, late[10..]);
    assert_eq!(bench.events(job.id, late.len() as u64).await, []);
    // Seen before a crash that took it back: all there is.
    assert_eq!(bench.events(job.id, 1_000_000_u64).await, late);
}

#[tokio::test]
async fn a_watcher_that_is_slow_misses_nothing() {
    let mut bench = Bench::new().await;
    let params = json!({"hold": true, "iterations": LONG, "log_bytes": 4000});
    let job = bench.submit("a", params).await;
    let mut slow = bench.engine.events(&nobody(), job.id, 0).await.unwrap();
    let mut seen = vec![slow.next().await.unwrap()];
    bench.begins.recv().await.unwrap();
    bench.release();
    bench.ended(job.id).await;
    while let Some(event) = slow.next().await {
        seen.push(event);
    }
    assert!(is_gapless(&seen, 1));
    assert!(seen.len() > 2 * LONG);
    assert_eq!(seen, bench.events(job.id, 0).await);
    let from = 2 * LONG as u64 - 100;
    assert!(is_gapless(&bench.events(job.id, from).await, from + 1));
    let rows = bench.engine.iterations(&nobody(), job.id).await.unwrap();
    assert_eq!(rows.count().await, LONG);
}

#[tokio::test]
async fn so_far_does_not_wait() {
    let mut bench = Bench::new().await;
    let job = bench
        .submit("a", json!({"hold": true, "iterations": 5}))
        .await;
    bench.begins.recv().await.unwrap();
    let mut watcher = bench.engine.events(&nobody(), job.id, 0).await.unwrap();
    let mut seen = Vec::new();
    while !matches!(
        seen.last(),
        Some(Event { body: EventBody::Iteration(row), .. }) if row.iteration == 5
    ) {
        seen.push(watcher.next().await.unwrap());
    }
    let so_far = async |after: u64| {
        let events = bench.engine.events_so_far(&nobody(), job.id, after).await;
        events.unwrap().collect::<Vec<_>>().await
    };
    assert_eq!(so_far(0).await, seen);
    assert_eq!(so_far(3).await, seen[3..]);
    bench.release();
    bench.ended(job.id).await;
    assert_eq!(so_far(0).await, bench.events(job.id, 0).await);
}
