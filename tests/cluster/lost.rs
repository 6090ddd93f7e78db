//! Node processes that are killed, and that are stopped until they are taken for lost.

use std::time::{Duration, Instant};

use crate::jobs::{assert_equal, long, noise, outcome, rounds};
use crate::process::{Machine, computing, named, soon};

/// After the last loss: leases, the placing of what was lost, and hundreds of rounds on what is left.
const BOUND: Duration = Duration::from_secs(60);

/// Kills so many of three node processes in the middle of a job.
async fn kill(test: &str, count: usize) {
    let machine = Machine::new(test);
    let (head, mut nodes) = machine.start::<3>().await;
    let job = head.submit(long(), noise()).await.unwrap();
    rounds(&job, 3).await;
    // Each has something to lose.
    soon(head.nodes_are(|nodes| nodes.iter().all(|node| node.cpus == 0 || node.msvpus > 0))).await;
    for node in &mut nodes[..count] {
        node.signal("KILL");
        assert_eq!(node.ended().code(), None);
    }
    let killed = Instant::now();
    assert!(!job.state().is_terminal(), "{}", job.state());
    let got = soon(outcome(job)).await.unwrap();
    let took = killed.elapsed();
    assert!(took < BOUND, "{took:?}");
    soon(head.nodes_are(|nodes| computing(nodes) == 3 - count)).await;
    assert_equal(got, long(), noise()).await;
    soon(head.shutdown()).await;
}

#[tokio::test]
async fn a_node_process_that_is_killed_changes_nothing() {
    kill("killed", 1).await;
}

#[tokio::test]
async fn two_of_three_node_processes_that_are_killed_change_nothing() {
    kill("killed-two", 2).await;
}

#[tokio::test]
async fn a_node_process_that_is_stopped_past_its_lease_comes_back_as_another() {
    let machine = Machine::new("stopped");
    let (head, [stopped, ..]) = &machine.start::<3>().await;
    let job = head.submit(long(), noise()).await.unwrap();
    rounds(&job, 3).await;
    let before = named(&head.nodes(), "node-0").unwrap().origin;
    stopped.signal("STOP");
    soon(head.nodes_are(|nodes| named(nodes, "node-0").is_none())).await;
    assert!(!job.state().is_terminal(), "{}", job.state());
    stopped.signal("CONT");
    soon(head.nodes_are(|nodes| {
        named(nodes, "node-0").is_some_and(|node| {
            let now = node.origin;
            now.node == before.node && now.incarnation > before.incarnation
        })
    }))
    .await;
    let got = soon(outcome(job)).await.unwrap();
    assert_equal(got, long(), noise()).await;
    assert!(head.counters().stale > 0, "{:?}", head.counters());
    // It takes part again.
    soon(head.nodes_are(|nodes| computing(nodes) == 3)).await;
    let job = head.submit(long(), noise()).await.unwrap();
    soon(head.nodes_are(|nodes| named(nodes, "node-0").is_some_and(|node| node.msvpus > 0))).await;
    job.cancel();
    soon(job.into_future()).await.unwrap_err();
}
