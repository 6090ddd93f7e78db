//! Brokers that die, stop, or hold everybody up in the middle of a job.

use std::time::Duration;

use lapin::BasicProperties;
use lapin::options::BasicPublishOptions;
use msvpu_actors::{BrokerError, Connectivity, Node, StartError, VirtualMachine};

use crate::broker::PrivateBroker;
use crate::gate::{Gate, Point};
use crate::support::{Cluster, assert_equal, computing, connection, soon, total, until};
use crate::work::{Work, noise};

const POINTS: [Point; 3] = [Point::Load, Point::Step(2), Point::Collect];

fn work() -> Work {
    Work::new(6, 4)
}

/// Ends all, and sees with the broker's own eyes that nothing is left.
async fn end(
    cluster: Cluster,
    broker: &PrivateBroker,
    head: VirtualMachine,
    nodes: impl IntoIterator<Item = Node>,
) {
    cluster.end(head, nodes).await;
    assert_eq!(broker.queues(), [""; 0]);
    assert_eq!(broker.connections(), [""; 0]);
}

/// For each point: something happens to the broker while a job is there, and another job is
/// submitted meanwhile.
async fn interrupted(test: &str, mut interrupt: impl FnMut(&mut PrivateBroker)) {
    let mut broker = PrivateBroker::start();
    let cluster = Cluster::on(broker.url(), test);
    let (head, nodes) = cluster.start::<2>().await;
    assert_eq!(broker.connections().len(), 9, "three each");
    let input = noise(6 * 1_200_000);
    for point in POINTS {
        let name = format!("{test} {point:?}");
        let gate = Gate::new(&name, &[point]);
        let job = head.submit(work().through(&name), input.clone());
        let job = job.await.unwrap();
        soon(gate.holds(2, point)).await;
        let before = head.broker_counters().unwrap().connections;
        interrupt(&mut broker);
        let meanwhile = head.submit(work(), input.clone()).await.unwrap();
        gate.open(point);
        assert_equal(job, work(), input.clone()).await;
        assert_equal(meanwhile, work(), input.clone()).await;
        let after = head.broker_counters().unwrap().connections;
        assert!(after > before, "{name}: it went on with new connections");
        assert_eq!(head.connectivity(), Some(Connectivity::Connected));
        soon(head.nodes_are(|nodes| computing(nodes) == 2)).await;
    }
    end(cluster, &broker, head, nodes).await;
}

#[tokio::test]
async fn a_broker_killed_and_started_again_changes_nothing() {
    interrupted("killed", |broker| {
        broker.kill();
        broker.start_again();
    })
    .await;
}

#[tokio::test]
async fn connections_closed_by_the_broker_change_nothing() {
    interrupted("closed", |broker| broker.close_all_connections()).await;
}

#[tokio::test]
async fn a_broker_that_stops_properly_and_comes_back_changes_nothing() {
    interrupted("stopped", |broker| {
        broker.stop_app();
        broker.start_app();
    })
    .await;
}

#[tokio::test]
async fn publishers_held_up_by_a_memory_alarm_change_nothing() {
    let broker = PrivateBroker::start();
    let cluster = Cluster::on(broker.url(), "blocked");
    let (head, nodes) = cluster.start::<2>().await;
    let input = noise(6 * 1_200_000);
    for point in POINTS {
        let name = format!("blocked {point:?}");
        let gate = Gate::new(&name, &[point]);
        let job = head.submit(work().through(&name), input.clone());
        let job = job.await.unwrap();
        soon(gate.holds(2, point)).await;
        broker.block();
        gate.open(point);
        until("the head is held up", || {
            head.broker_counters().unwrap().blocked > 0
        })
        .await;
        // Until nobody hears of anybody any more.
        soon(head.nodes_are(|nodes| computing(nodes) == 0)).await;
        assert!(!job.state().is_terminal());
        broker.unblock();
        assert_equal(job, work(), input.clone()).await;
        soon(head.nodes_are(|nodes| computing(nodes) == 2)).await;
    }
    for counters in nodes.iter().map(Node::broker_counters) {
        assert_eq!(total(&counters, |queue| queue.dead), 0);
    }
    end(cluster, &broker, head, nodes).await;
}

#[tokio::test]
async fn a_broker_that_starts_later_is_found() {
    let mut broker = PrivateBroker::prepare();
    let cluster = Cluster::on(broker.url(), "later");
    let limit = Duration::from_millis(300);
    let early = cluster.node("early").connect_timeout(limit).start();
    let error = soon(early).await.unwrap_err();
    let StartError::Broker(BrokerError::Unreachable { .. }) = error else {
        panic!("{error:?}");
    };
    let node = tokio::spawn(cluster.node("patient").start());
    let head = tokio::spawn(cluster.head().start());
    tokio::task::spawn_blocking(move || {
        broker.start_again();
        broker
    })
    .await
    .map(async |broker| {
        let (node, head) = (soon(node).await.unwrap(), soon(head).await.unwrap());
        let (node, head) = (node.unwrap(), head.unwrap());
        soon(head.nodes_are(|nodes| computing(nodes) == 1)).await;
        let job = head.submit(work(), noise(1000)).await.unwrap();
        assert_equal(job, work(), noise(1000)).await;
        end(cluster, &broker, head, [node]).await;
    })
    .unwrap()
    .await;
}

async fn publish_rubbish(url: &str, vm: &str, key: &str) {
    let connection = connection(url).await;
    let channel = connection.create_channel().await.unwrap();
    let sent = channel.basic_publish(
        format!("msvpu.{vm}").into(),
        key.into(),
        BasicPublishOptions::default(),
        b"rubbish",
        BasicProperties::default(),
    );
    sent.await.unwrap();
    connection.close(200, "OK".into()).await.unwrap();
}

#[tokio::test]
async fn a_user_needs_permissions_for_names_of_ours_only() {
    let broker = PrivateBroker::start();
    let user = |name: &str, pattern: &str| {
        broker.control(&["add_user", name, "pass"]);
        broker.control(&["set_permissions", name, pattern, pattern, pattern]);
        broker.url().replace("guest:guest", &format!("{name}:pass"))
    };
    let barred = user("barred", "^$");
    let cluster = Cluster::on(&barred, "barred");
    let refused = soon(cluster.node("barred").start()).await.unwrap_err();
    let StartError::Broker(BrokerError::Permission { reason, .. }) = refused else {
        panic!("{refused:?}");
    };
    assert!(reason.contains("barred"), "{reason}");

    let cluster = Cluster::on(&user("ours", r"^msvpu\."), "ours");
    let (head, nodes) = cluster.start::<2>().await;
    // To keep what nobody can read takes no more.
    let keys = ["control", "data_queue"].map(|queue| format!("{queue}.{}", nodes[0].origin().node));
    for key in keys.iter().cycle().take(20) {
        publish_rubbish(broker.url(), &cluster.vm, key).await;
    }
    let dead = || total(&nodes[0].broker_counters(), |queue| queue.dead);
    until("the node has seen it", || dead() == 20).await;
    let job = head.submit(work(), noise(1000)).await.unwrap();
    assert_equal(job, work(), noise(1000)).await;
    assert_eq!(nodes[0].broker_counters().connections, 1);
    cluster.exhume(20).await;
    let cluster = Cluster {
        url: broker.url().to_owned(),
        ..cluster
    };
    end(cluster, &broker, head, nodes).await;
}
