//! Nodes that leave properly.

use std::time::Duration;

use crate::gate::{Gate, Point};
use crate::support::{Cluster, assert_equal, computing, soon};
use crate::work::{Work, noise};

const LIMIT: Duration = Duration::from_secs(100);

#[tokio::test]
async fn a_draining_node_hands_its_tiles_back_between_rounds() {
    let cluster = Cluster::new("drain");
    let (head, [leaving, second, third]) = cluster.start::<3>().await;
    let (at, later) = (Point::Step(2), Point::Step(5));
    let gate = Gate::new("drain", &[at, later]);
    let (work, input) = (Work::new(9, 7), noise(900_000));
    let job = head.submit(work.clone().through("drain"), input.clone());
    let job = job.await.unwrap();
    soon(gate.holds(3, at)).await;
    let drained = tokio::spawn(leaving.drain(LIMIT));
    soon(head.nodes_are(|nodes| nodes.iter().any(|node| node.draining))).await;
    gate.open(at);
    // The job is far from its end when the node has left.
    assert!(soon(drained).await.unwrap(), "it could finish");
    soon(gate.holds(2, later)).await;
    assert!(!job.state().is_terminal());
    soon(head.nodes_are(|nodes| computing(nodes) == 2)).await;
    gate.open(later);
    assert_equal(job, work, input).await;
    assert_eq!(gate.folds(), 7, "no round was computed twice");
    cluster.end(head, [second, third]).await;
}

#[tokio::test]
async fn the_last_node_finishes_before_it_leaves() {
    let cluster = Cluster::new("drain-last");
    let (head, [only]) = cluster.start::<1>().await;
    let at = Point::Step(2);
    let gate = Gate::new("drain-last", &[at]);
    let (work, input) = (Work::new(4, 5), noise(40_000));
    let job = head.submit(work.clone().through("drain-last"), input.clone());
    let job = job.await.unwrap();
    soon(gate.holds(1, at)).await;
    let drained = tokio::spawn(only.drain(LIMIT));
    soon(head.nodes_are(|nodes| nodes.iter().any(|node| node.draining))).await;
    gate.open(at);
    assert_equal(job, work, input).await;
    assert!(soon(drained).await.unwrap(), "it could finish");
    soon(head.nodes_are(|nodes| computing(nodes) == 0)).await;
    cluster.end(head, []).await;
}

#[tokio::test]
async fn an_idle_node_leaves_at_once_and_one_that_cannot_finish_in_time_all_the_same() {
    let cluster = Cluster::new("drain-idle");
    let (head, [idle, busy]) = cluster.start::<2>().await;
    assert!(soon(idle.drain(LIMIT)).await);
    soon(head.nodes_are(|nodes| computing(nodes) == 1)).await;
    let at = Point::Step(2);
    let gate = Gate::new("drain-idle", &[at]);
    let (work, input) = (Work::new(4, 3), noise(40_000));
    let job = head.submit(work.clone().through("drain-idle"), input.clone());
    let job = job.await.unwrap();
    soon(gate.holds(1, at)).await;
    let finished = soon(busy.drain(Duration::from_millis(300))).await;
    assert!(!finished, "its step was held up");
    gate.open(at);
    let next = soon(cluster.node("next").start()).await.unwrap();
    assert_equal(job, work, input).await;
    cluster.end(head, [next]).await;
}
