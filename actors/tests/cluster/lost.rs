//! Nodes that are lost in the middle of a job.

use std::time::Duration;

use msvpu_actors::{JobError, JobState, WaitReason};

use crate::gate::{Gate, Point};
use crate::support::{Cluster, assert_equal, computing, soon, state_is};
use crate::work::{Work, noise};

/// Loses `count` of three nodes while each of them is held up at a point.
async fn lose(test: &str, at: Point, count: usize) {
    let cluster = Cluster::new(test);
    let (head, nodes) = cluster.start::<3>().await;
    let gate = Gate::new(test, &[at]);
    // Bulk data in several parts, in both directions.
    let (work, input) = (Work::new(9, 3), noise(9 * 1_200_000));
    let job = head.submit(work.clone().through(test), input.clone());
    let job = job.await.unwrap();
    soon(gate.holds(3, at)).await;
    let mut nodes = Vec::from(nodes);
    for node in nodes.drain(..count) {
        // It answers nothing any more: what it was at is lost for good.
        soon(node.shutdown()).await;
    }
    soon(gate.holds(3 - count, at)).await;
    gate.open(at);
    assert_equal(job, work, input).await;
    soon(head.nodes_are(|nodes| computing(nodes) == 3 - count)).await;
    cluster.end(head, nodes).await;
}

#[tokio::test]
async fn a_node_lost_in_the_data_phase_changes_nothing() {
    lose("lost-loading", Point::Load, 1).await;
}

#[tokio::test]
async fn a_node_lost_in_a_round_changes_nothing() {
    lose("lost-round", Point::Step(2), 1).await;
}

#[tokio::test]
async fn a_node_lost_while_labels_are_collected_changes_nothing() {
    lose("lost-collecting", Point::Collect, 1).await;
}

#[tokio::test]
async fn two_of_three_nodes_lost_in_a_round_change_nothing() {
    lose("lost-two", Point::Step(2), 2).await;
}

#[tokio::test]
async fn two_of_three_nodes_lost_while_labels_are_collected_change_nothing() {
    lose("lost-two-collecting", Point::Collect, 2).await;
}

#[tokio::test]
async fn a_node_dropped_while_it_answers_changes_nothing() {
    let cluster = Cluster::new("lost-dropped");
    let (head, [first, second, third]) = cluster.start::<3>().await;
    let at = Point::Step(2);
    let gate = Gate::new("lost-dropped", &[at]);
    let (work, input) = (Work::new(30, 6), noise(3_000_000));
    let job = head.submit(work.clone().through("lost-dropped"), input.clone());
    let job = job.await.unwrap();
    soon(gate.holds(3, at)).await;
    // Some of what it says may still come through, and some not.
    gate.open(at);
    drop(first);
    assert_equal(job, work, input).await;
    cluster.end(head, [second, third]).await;
}

#[tokio::test]
async fn a_job_without_nodes_says_so_and_goes_on_when_one_joins() {
    let cluster = Cluster::new("nobody");
    let head = soon(cluster.head().start()).await.unwrap();
    let waits = |state: &JobState| *state == JobState::Waiting(WaitReason::NoNode);
    let (work, input) = (Work::new(6, 4), noise(60_000));

    // None was ever there.
    let at = Point::Step(3);
    let gate = Gate::new("nobody", &[at]);
    let job = head.submit(work.clone().through("nobody"), input.clone());
    let job = job.await.unwrap();
    soon(state_is(&job, waits)).await;
    let node = soon(cluster.node("first").start()).await.unwrap();

    // The only one is lost.
    soon(gate.holds(1, at)).await;
    assert!(!waits(&job.state()), "{}", job.state());
    soon(node.shutdown()).await;
    soon(head.nodes_are(|nodes| computing(nodes) == 0)).await;
    let mut waited = 0;
    soon(state_is(&job, |state| {
        waited += usize::from(waits(state));
        waited == 2
    }))
    .await;
    assert!(!job.state().is_terminal());
    let node = soon(cluster.node("second").start()).await.unwrap();
    gate.open(at);
    assert_equal(job, work, input).await;
    cluster.end(head, [node]).await;
}

#[tokio::test]
async fn a_job_that_has_waited_too_long_for_a_node_fails_and_says_so() {
    let timeout = Duration::from_millis(700);
    let cluster = Cluster::new("timeout");
    let head = cluster.head().node_timeout(timeout);
    let head = soon(head.start()).await.unwrap();
    let (work, input) = (Work::new(6, 4), noise(60_000));
    let failed = Err(JobError::NoNode { timeout });

    let never = head.submit(work.clone(), input.clone()).await.unwrap();
    assert_eq!(soon(never.clone().into_future()).await, failed);

    let node = soon(cluster.node("only").start()).await.unwrap();
    soon(head.nodes_are(|nodes| computing(nodes) == 1)).await;
    let at = Point::Step(2);
    let gate = Gate::new("timeout", &[at]);
    let job = head.submit(work.clone().through("timeout"), input.clone());
    let job = job.await.unwrap();
    soon(gate.holds(1, at)).await;
    soon(node.shutdown()).await;
    assert_eq!(soon(job.into_future()).await, failed);
    gate.open(at);

    let node = soon(cluster.node("next").start()).await.unwrap();
    let job = head.submit(work.clone(), input.clone()).await.unwrap();
    assert_equal(job, work, input).await;
    cluster.end(head, [node]).await;
}
