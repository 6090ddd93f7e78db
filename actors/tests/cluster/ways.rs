//! Ways to the broker that are cut at the wrong moment, or slow.

use std::sync::Arc;
use std::time::{Duration, Instant};

use msvpu_actors::{Connectivity, JobError};

use crate::broker::proxy::{Passage, Proxy, Rule, Valve, Way, contains};
use crate::gate::{Gate, Point};
use crate::support::{Cluster, LEASE, assert_equal, computing, soon};
use crate::work::{Work, noise};

fn work() -> (Work, msvpu_actors::Block<()>) {
    (Work::new(4, 3), noise(40_000))
}

/// `basic.consume` and `confirm.select-ok`, as their class and method stand in a frame.
const CONSUME: [u8; 4] = [0, 60, 0, 20];
const CONFIRMS: [u8; 4] = [0, 85, 0, 11];

/// Ends the connection through which tiles go as soon as it can be used, once, and before the others can.
#[derive(Default)]
struct CutsOne {
    publishing: std::sync::Mutex<Option<Arc<Passage>>>,
    usable: Valve,
    is_cut: std::sync::OnceLock<()>,
}

impl Rule for CutsOne {
    fn before(&self, passage: &Arc<Passage>, way: Way, bytes: &[u8]) {
        if way == Way::Up && passage.is_called(": consume") && contains(bytes, &CONSUME) {
            self.is_cut.get_or_init(|| {
                self.usable.pass();
                self.publishing.lock().unwrap().take().unwrap().cut();
            });
        }
    }

    fn after(&self, passage: &Arc<Passage>, way: Way, bytes: &[u8]) {
        if way == Way::Down && passage.is_called(": publish") && contains(bytes, &CONFIRMS) {
            *self.publishing.lock().unwrap() = Some(Arc::clone(passage));
            self.usable.open();
        }
    }
}

#[tokio::test]
async fn a_connection_that_is_lost_while_the_others_are_made_is_made_anew() {
    let cluster = Cluster::new("cut-early");
    let proxy = Proxy::before(&cluster.url, CutsOne::default());
    let cut = Cluster {
        url: proxy.url().to_owned(),
        ..Cluster::new("cut-early")
    };
    let head = soon(cut.head().start()).await.unwrap();
    let nodes = cluster.nodes::<1>().await;
    let (work, input) = work();
    let job = head.submit(work.clone(), input.clone()).await.unwrap();
    assert_equal(job, work, input).await;
    let counters = head.broker_counters().unwrap();
    assert_eq!(counters.connections, 2);
    assert_eq!(counters.publish_connection.lost, 1);
    assert_eq!(counters.control_connection.lost, 0);
    cluster.end(head, nodes).await;
}

/// Each way takes so long.
struct Slow(Duration);

impl Rule for Slow {
    // Time is what it is about: no event is waited for.
    #[allow(clippy::disallowed_methods)]
    fn before(&self, _: &Arc<Passage>, _: Way, _: &[u8]) {
        std::thread::sleep(self.0);
    }
}

#[tokio::test]
async fn a_broker_that_is_far_away_is_reached() {
    let cluster = Cluster::new("far");
    let proxy = Proxy::before(&cluster.url, Slow(Duration::from_millis(125)));
    let far = Cluster {
        url: proxy.url().to_owned(),
        ..Cluster::new("far")
    };
    // Some forty steps, one after the other, would take ten seconds.
    let lease = Duration::from_secs(5);
    let node = far.node("far").lease(lease);
    let node = node.connect_timeout(Duration::from_secs(60));
    let node = soon(node.start()).await.unwrap();
    let head = soon(cluster.head().lease(lease).start()).await.unwrap();
    soon(head.nodes_are(|nodes| computing(nodes) == 1)).await;
    let (work, input) = work();
    let job = head.submit(work.clone(), input.clone()).await.unwrap();
    assert_equal(job, work, input).await;
    assert_eq!(node.broker_counters().connections, 1);
    cluster.end(head, [node]).await;
}

struct Nothing;

impl Rule for Nothing {}

#[tokio::test]
async fn a_head_that_was_cut_off_while_another_came_says_so_and_ends() {
    let cluster = Cluster::new("replaced");
    let proxy = Proxy::before(&cluster.url, Nothing);
    let cut = Cluster {
        url: proxy.url().to_owned(),
        ..Cluster::new("replaced")
    };
    let first = soon(cut.head().start()).await.unwrap();
    let (work, input) = work();
    let waiting = first.submit(work.clone(), input.clone()).await.unwrap();
    proxy.shut();
    let second = soon(cluster.head().start()).await.unwrap();
    proxy.open();
    // It may be its own lock for a while, so that it is tried again.
    let Err(JobError::BrokerLost { reason }) = soon(waiting.into_future()).await else {
        panic!("its nodes are another's");
    };
    assert!(reason.contains("has a head already"), "{reason}");
    let Some(Connectivity::Failed(error)) = first.connectivity() else {
        panic!("{:?}", first.connectivity());
    };
    assert_eq!(error.to_string(), reason);
    soon(first.shutdown()).await;

    let nodes = cluster.nodes::<1>().await;
    let job = second.submit(work.clone(), input.clone()).await.unwrap();
    assert_equal(job, work, input).await;
    cluster.end(second, nodes).await;
}

#[tokio::test]
async fn a_node_that_leaves_is_not_waited_for_until_its_lease_is_over() {
    let lease = 10 * LEASE;
    let cluster = Cluster::new("last-words");
    let head = soon(cluster.head().lease(lease).start()).await.unwrap();
    for _ in 0..5 {
        let node = soon(cluster.node("leaving").lease(lease).start())
            .await
            .unwrap();
        soon(head.nodes_are(|nodes| computing(nodes) == 1)).await;
        let began = Instant::now();
        assert!(soon(node.drain(lease)).await);
        soon(head.nodes_are(|nodes| computing(nodes) == 0)).await;
        let took = began.elapsed();
        assert!(took < lease / 2, "{took:?}");
    }
    cluster.end(head, []).await;
}

#[tokio::test]
async fn a_node_whose_time_is_up_does_not_wait_for_a_step() {
    let cluster = Cluster::new("parting");
    let (head, [node]) = cluster.start::<1>().await;
    let gate = Gate::new("parting", &[Point::Deaf]);
    let (work, input) = work();
    let job = head.submit(work.clone().through("parting"), input.clone());
    let job = job.await.unwrap();
    soon(gate.holds(1, Point::Deaf)).await;
    let began = Instant::now();
    assert!(!soon(node.drain(Duration::from_millis(200))).await);
    let took = began.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
    gate.open(Point::Deaf);
    let next = soon(cluster.node("next").start()).await.unwrap();
    assert_equal(job, work, input).await;
    cluster.end(head, [next]).await;
}
