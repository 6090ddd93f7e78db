//! Node processes that are told to leave.

use crate::jobs::{assert_equal, iterations, noise, outcome, rounds};
use crate::process::{Machine, computing, named, soon};

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
    soon(head.shutdown()).await;
}
