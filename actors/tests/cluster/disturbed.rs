//! Messages that come twice, late, and in another order.

use std::time::Duration;

use msvpu_actors::{Disturbance, Node};

use crate::support::{Cluster, assert_equal, computing, soon, total, until};
use crate::work::{Work, noise};

const DISTURBANCE: Disturbance = Disturbance {
    duplicated: 0.2,
    delayed: 0.3,
    longest_delay: Duration::from_millis(50),
};

#[tokio::test]
async fn what_comes_twice_or_late_changes_nothing_and_every_duplicate_is_counted() {
    let cluster = Cluster::new("disturbed");
    // The head first: what is sent before there is one comes back, and the same again.
    let head = cluster.head().disturb(DISTURBANCE);
    let head = soon(head.start()).await.unwrap();
    let mut nodes: Vec<Node> = Vec::new();
    for name in ["one", "two", "three"] {
        let node = cluster.node(name).disturb(DISTURBANCE);
        nodes.push(soon(node.start()).await.unwrap());
    }
    soon(head.nodes_are(|nodes| computing(nodes) == 3)).await;
    for (tiles, bytes, rounds) in [(4, 9_000_000, 5), (64, 640_000, 20), (300, 30_000, 5)] {
        let (work, input) = (Work::new(tiles, rounds), noise(bytes));
        let job = head.submit(work.clone(), input.clone()).await.unwrap();
        assert_equal(job, work, input).await;
    }
    let sums = || {
        let mut injected = total(&head.broker_counters().unwrap(), |queue| queue.injected);
        let mut repeated = head.counters().repeated;
        for node in &nodes {
            injected += total(&node.broker_counters(), |queue| queue.injected);
            repeated += node.counters().repeated;
        }
        (injected, repeated)
    };
    // Signs of life go on: now and then nothing is under way.
    until("every injected duplicate is found", || {
        let (injected, repeated) = sums();
        injected == repeated
    })
    .await;
    let (injected, _) = sums();
    let mut by_queue = total(&head.broker_counters().unwrap(), |q| q.deduplicated);
    for node in &nodes {
        by_queue += total(&node.broker_counters(), |q| q.deduplicated);
    }
    assert!(
        by_queue >= injected,
        "{by_queue} of {injected}, in their queues"
    );
    assert!(injected > 50, "{injected}");
    for counters in nodes.iter().map(Node::broker_counters) {
        assert_eq!(total(&counters, |q| q.dropped + q.returned + q.dead), 0);
    }
    cluster.end(head, nodes).await;
}
