//! Leaders on the nodes, which may be lost with them.

use msvpu_actors::{Leaders, Node};

use crate::gate::{Gate, Point};
use crate::support::{Cluster, assert_equal, computing, soon, until};
use crate::work::{Work, noise};

/// The node on which the only leader is, and the others.
async fn led(mut nodes: Vec<Node>) -> (Node, Vec<Node>) {
    until("one leader", || {
        nodes
            .iter()
            .map(|node| node.census().leaders)
            .sum::<usize>()
            == 1
    })
    .await;
    let at = nodes.iter().position(|node| node.census().leaders == 1);
    let leader = nodes.remove(at.unwrap());
    (leader, nodes)
}

#[tokio::test]
async fn another_leader_takes_over_and_computes_at_most_one_round_again() {
    let cluster = Cluster::new("leaders");
    let head = cluster.head().leaders(Leaders::Nodes);
    let head = soon(head.start()).await.unwrap();
    let nodes = cluster.nodes::<3>().await;
    soon(head.nodes_are(|nodes| computing(nodes) == 3)).await;
    assert_eq!(head.nodes().len(), 3, "the head runs nothing");
    let (at, later) = (Point::Step(3), Point::Step(5));
    let gate = Gate::new("leaders", &[at, later]);
    let (work, input) = (Work::new(9, 6), noise(9 * 1_200_000));
    let job = head.submit(work.clone().through("leaders"), input.clone());
    let job = job.await.unwrap();

    soon(gate.holds(3, at)).await;
    assert_eq!(gate.folds(), 2);
    let (leader, nodes) = led(nodes.into()).await;
    soon(leader.shutdown()).await;
    gate.open(at);

    soon(gate.holds(2, later)).await;
    assert!(gate.folds() <= 4 + 1, "one round again: {}", gate.folds());
    let before = gate.folds();
    let (leader, nodes) = led(nodes).await;
    soon(leader.shutdown()).await;
    gate.open(later);
    assert_equal(job, work, input).await;
    assert!(gate.folds() - before <= 2 + 1, "{}", gate.folds());
    cluster.end(head, nodes).await;
}

#[tokio::test]
async fn a_leader_whose_node_drains_ends_its_job_first() {
    let cluster = Cluster::new("leaders-drain");
    let head = cluster.head().leaders(Leaders::Nodes);
    let head = soon(head.start()).await.unwrap();
    let nodes = cluster.nodes::<2>().await;
    soon(head.nodes_are(|nodes| computing(nodes) == 2)).await;
    let at = Point::Step(2);
    let gate = Gate::new("leaders-drain", &[at]);
    let (work, input) = (Work::new(4, 4), noise(40_000));
    let job = head.submit(work.clone().through("leaders-drain"), input.clone());
    let job = job.await.unwrap();
    soon(gate.holds(2, at)).await;
    let (leader, nodes) = led(nodes.into()).await;
    let drained = tokio::spawn(leader.drain(std::time::Duration::from_secs(100)));
    soon(head.nodes_are(|nodes| nodes.iter().any(|node| node.draining))).await;
    gate.open(at);
    assert_equal(job, work, input).await;
    assert!(soon(drained).await.unwrap());
    assert_eq!(gate.folds(), 4);
    cluster.end(head, nodes).await;
}
