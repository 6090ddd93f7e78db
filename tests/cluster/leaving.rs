//! Node processes that are told to leave.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::jobs::{assert_equal, iterations, noise, outcome, rounds};
use crate::process::{Machine, Process, computing, named, soon};

/// Far from the time that the job takes.
const AT_ONCE: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_node_process_leaves_in_the_middle_of_a_job_with_exit_status_0() {
    let machine = Machine::new("leaves");
    let (head, [mut first, mut second]) = machine.start::<2>().await;
    // Seconds, which leaving does not take.
    let program = iterations(1000);
    let job = head.submit(program.clone(), noise()).await.unwrap();
    rounds(&job, 3).await;
    soon(head.nodes_are(|nodes| named(nodes, "node-0").is_some_and(|node| node.msvpus > 0))).await;
    first.signal("TERM");
    let (status, said) = first.ended_saying();
    assert_eq!(status.code(), Some(0), "{said}");
    assert!(said.ends_with("left\n"), "{said}");
    // It hands back what it has, and does not wait for the job's end.
    assert!(!job.state().is_terminal(), "{}", job.state());
    soon(head.nodes_are(|nodes| computing(nodes) == 1)).await;
    let got = soon(outcome(job)).await.unwrap();
    assert_equal(got, program, noise()).await;

    // The last one, which has nothing to do.
    second.signal("TERM");
    let (status, said) = second.ended_saying();
    assert_eq!(status.code(), Some(0), "{said}");
    soon(head.nodes_are(|nodes| computing(nodes) == 0)).await;
    machine.end(head, []).await;
}

/// The only node, which has to finish a job that takes minutes, is told to leave in such a way: what it says at
/// its end, and after how long it ends.
async fn hurried(test: &str, drain_timeout: &str, again: bool) -> (String, Duration) {
    let machine = Machine::new(test);
    let mut node = machine.node_command("only");
    node.args(["--drain-timeout", drain_timeout]);
    node.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut node = Process::start(&mut node);
    let head = soon(machine.head().start()).await.unwrap();
    let job = head.submit(iterations(90_000), noise()).await.unwrap();
    rounds(&job, 3).await;
    let began = Instant::now();
    node.signal("TERM");
    soon(head.nodes_are(|nodes| named(nodes, "only").is_some_and(|node| node.draining))).await;
    if again {
        assert_eq!(node.end(), None, "it finishes");
        node.signal("TERM");
    }
    let (status, said) = node.ended_saying();
    let took = began.elapsed();
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(!job.state().is_terminal(), "{}", job.state());
    soon(head.nodes_are(|nodes| computing(nodes) == 0)).await;
    job.cancel();
    machine.end(head, []).await;
    (said, took)
}

#[tokio::test]
async fn a_second_sigterm_ends_a_node_process_at_once() {
    let (said, took) = hurried("hurried", "1000", true).await;
    assert!(said.contains("told to stop at once"), "{said}");
    assert!(took < AT_ONCE, "{took:?}");
}

#[tokio::test]
async fn a_node_process_that_is_not_done_in_time_ends() {
    let (said, took) = hurried("in-time", "1", false).await;
    assert!(said.contains("not done in time"), "{said}");
    assert!(took >= Duration::from_secs(1), "{took:?}");
    assert!(took < AT_ONCE, "{took:?}");
}
