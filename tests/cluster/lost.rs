//! Node processes that are killed, and that are stopped until they are taken for lost.

use std::time::{Duration, Instant};

use msvpu::VirtualMachine;

use crate::jobs::{assert_equal, long, noise, outcome, rounds};
use crate::process::{Machine, computing, named, soon};

/// That of heads and nodes by default.
const LEASE: Duration = Duration::from_secs(2);

/// How long a job takes that nobody disturbs.
async fn undisturbed(head: &VirtualMachine) -> Duration {
    let began = Instant::now();
    let job = head.submit(long(), noise()).await.unwrap();
    soon(job.into_future()).await.unwrap();
    began.elapsed()
}

/// Kills so many of three node processes in the middle of a job.
async fn kill(test: &str, count: usize) {
    let machine = Machine::new(test);
    let (head, mut nodes) = machine.start::<3>().await;
    let before = undisturbed(&head).await;
    let began = Instant::now();
    let job = head.submit(long(), noise()).await.unwrap();
    rounds(&job, 3).await;
    // Each has something to lose.
    soon(head.nodes_are(|nodes| nodes.iter().all(|node| node.cpus == 0 || node.msvpus > 0))).await;
    for node in &mut nodes[..count] {
        node.signal("KILL");
        assert_eq!(node.ended().code(), None);
    }
    // The most that can have been lost: all that was done.
    let lost = began.elapsed();
    assert!(!job.state().is_terminal(), "{}", job.state());
    let got = soon(outcome(job)).await.unwrap();
    let took = began.elapsed();
    soon(head.nodes_are(|nodes| computing(nodes) == 3 - count)).await;
    assert_equal(got, long(), noise()).await;
    // On as many nodes as there were, or on those that are left, whichever takes longer.
    let after = undisturbed(&head).await;
    let bound = before.max(after) + 3 * LEASE + lost;
    println!("{took:?}; undisturbed {before:?} and {after:?}, lost at most {lost:?}");
    assert!(took <= bound, "{took:?}, where {bound:?} were granted");
    machine.end(head, nodes).await;
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
    let (head, nodes) = machine.start::<3>().await;
    let [stopped, ..] = &nodes;
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
    machine.end(head, nodes).await;
}
