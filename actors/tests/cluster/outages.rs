//! Brokers that die, stop, or hold everybody up in the middle of a job.

use std::time::{Duration, Instant};

use lapin::BasicProperties;
use lapin::options::BasicPublishOptions;
use msvpu_actors::{BrokerError, Connectivity, Node, StartError, VirtualMachine};

use crate::broker::PrivateBroker;
use crate::gate::{Gate, Point};
use crate::support::{Cluster, assert_equal, computing, connection, soon, total, until};
use crate::work::{Work, noise};

/// For so long a broker is short of memory.
const ALARM: Duration = Duration::from_secs(10);

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

/// For each point: something happens to the broker while a job is there, another job is submitted
/// meanwhile, and it is over.
async fn interrupted(
    test: &str,
    mut begin: impl FnMut(&mut PrivateBroker),
    mut end_it: impl FnMut(&mut PrivateBroker),
) {
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
        begin(&mut broker);
        let meanwhile = head.submit(work(), input.clone()).await.unwrap();
        end_it(&mut broker);
        gate.open(point);
        assert_equal(job, work(), input.clone()).await;
        assert_equal(meanwhile, work(), input.clone()).await;
        let after = head.broker_counters().unwrap().connections;
        assert!(after > before, "{name}: it went on with new connections");
        let counters = head.broker_counters().unwrap();
        let of = [
            counters.control_connection,
            counters.publish_connection,
            counters.consume_connection,
        ];
        let lost: u64 = of.iter().map(|of| of.lost).sum();
        assert_eq!(lost + 1, counters.connections, "{name}: {counters:?}");
        assert_eq!(head.connectivity(), Some(Connectivity::Connected));
        soon(head.nodes_are(|nodes| computing(nodes) == 2)).await;
    }
    end(cluster, &broker, head, nodes).await;
}

#[tokio::test]
async fn a_broker_killed_and_started_again_changes_nothing() {
    interrupted("killed", PrivateBroker::kill, PrivateBroker::start_again).await;
}

#[tokio::test]
async fn connections_closed_by_the_broker_change_nothing() {
    interrupted("closed", |broker| broker.close_all_connections(), |_| {}).await;
}

#[tokio::test]
async fn a_broker_that_stops_properly_and_comes_back_changes_nothing() {
    interrupted(
        "stopped",
        |broker| broker.stop_app(),
        |broker| broker.start_app(),
    )
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
        let before = head.broker_counters().unwrap().blocked;
        broker.block();
        let blocked = Instant::now();
        let meanwhile = head.submit(work(), input.clone()).await.unwrap();
        gate.open(point);
        until("the head is held up", || {
            head.broker_counters().unwrap().blocked > before
        })
        .await;
        // Until nobody hears of anybody any more.
        soon(head.nodes_are(|nodes| computing(nodes) == 0)).await;
        tokio::time::sleep_until((blocked + ALARM).into()).await;
        for job in [&job, &meanwhile] {
            assert!(!job.state().is_terminal(), "{name}: {}", job.state());
        }
        if point == Point::Collect {
            // What could not be published by now goes through other connections.
            broker.close_all_connections();
        }
        broker.unblock();
        assert_equal(job, work(), input.clone()).await;
        assert_equal(meanwhile, work(), input.clone()).await;
        soon(head.nodes_are(|nodes| computing(nodes) == 2)).await;
    }
    let counters = head.broker_counters().unwrap();
    assert!(total(&counters, |queue| queue.resent) > 0, "{counters:?}");
    assert!(counters.publish_connection.blocked >= 3, "{counters:?}");
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

    let cluster = Cluster::on(broker.url(), "ours");
    let vm = &cluster.vm;
    // Those of docs/cluster.md.
    let head_pattern = format!(r"^msvpu\.{vm}($|\.directory$|\.dead$|\.[a-z_]+\.0\.)");
    let node_pattern = format!(r"^msvpu\.{vm}($|\.dead$|\.[a-z_]+\.[1-9][0-9]*\.)");
    let as_head = Cluster {
        url: user("head", &head_pattern),
        vm: vm.clone(),
    };
    let as_node = Cluster {
        url: user("node", &node_pattern),
        vm: vm.clone(),
    };
    // Nobody can be what he is not, and nobody comes to another machine.
    let refused = [
        soon(as_node.head().start()).await.map(drop),
        soon(as_head.node("head").start()).await.map(drop),
        soon(as_node.node("elsewhere").vm("other").start())
            .await
            .map(drop),
        soon(as_head.head().vm("other").start()).await.map(drop),
    ];
    for refused in refused {
        let Err(StartError::Broker(BrokerError::Permission { .. })) = refused else {
            panic!("{refused:?}");
        };
    }
    let head = soon(as_head.head().start()).await.unwrap();
    let nodes = as_node.nodes::<2>().await;
    soon(head.nodes_are(|nodes| computing(nodes) == 2)).await;
    // Whoever asks for the nodes is none of them.
    assert_eq!(soon(as_node.list().get()).await.unwrap().nodes.len(), 2);
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
    assert_eq!(nodes[0].broker_counters().not_kept, 0);
    cluster.exhume(20).await;

    // Nothing hangs on that unreadable messages can be kept; that they cannot is counted.
    let unkept = format!(r"^msvpu\.{vm}($|\.[a-z_]+\.[1-9][0-9]*\.)");
    let unkept = Cluster {
        url: user("unkept", &unkept),
        vm: vm.clone(),
    };
    let node = soon(unkept.node("unkept").start()).await.unwrap();
    publish_rubbish(broker.url(), vm, &format!("control.{}", node.origin().node)).await;
    until("it could not be kept", || {
        node.broker_counters().not_kept == 1
    })
    .await;
    assert_eq!(node.broker_counters().connections, 1);
    end(cluster, &broker, head, nodes.into_iter().chain([node])).await;
}

/// What a broker's own administrators can do, or a policy of theirs: the queue of a node's tiles goes, and
/// the exchange with all that binds queues to it.
#[tokio::test]
async fn a_queue_or_an_exchange_that_goes_in_the_middle_of_a_job_changes_nothing() {
    let broker = PrivateBroker::start();
    let cluster = Cluster::on(broker.url(), "gone");
    let (head, nodes) = cluster.start::<2>().await;
    let (vm, input) = (&cluster.vm, noise(6 * 1_200_000));
    let queue = format!("msvpu.{vm}.data_queue.{}.", nodes[0].origin().node);
    let mut queues = broker.queues().into_iter();
    let queue = queues.find(|name| name.starts_with(&queue)).unwrap();
    let queue = format!(
        "{{ok, Q}} = rabbit_amqqueue:lookup(rabbit_misc:r(<<\"/\">>, queue, <<\"{queue}\">>)), \
         rabbit_amqqueue:delete(Q, false, false, <<\"test\">>)."
    );
    let exchange = format!(
        "rabbit_exchange:delete(rabbit_misc:r(<<\"/\">>, exchange, <<\"msvpu.{vm}\">>), false, <<\"test\">>)."
    );
    for (what, order) in [("queue", queue), ("exchange", exchange)] {
        let name = format!("gone {what}");
        let gate = Gate::new(&name, &[Point::Step(2)]);
        let connections = || {
            let of_nodes = nodes.iter().map(|node| node.broker_counters().connections);
            of_nodes.sum::<u64>() + head.broker_counters().unwrap().connections
        };
        let before = connections();
        let job = head.submit(work().through(&name), input.clone());
        let job = job.await.unwrap();
        soon(gate.holds(2, Point::Step(2))).await;
        broker.control(&["eval", &order]);
        // Who is first to miss the exchange makes it anew; the others need not connect anew.
        until("one has connected anew", || connections() > before).await;
        gate.open(Point::Step(2));
        assert_equal(job, work(), input.clone()).await;
        soon(head.nodes_are(|nodes| computing(nodes) == 2)).await;
    }
    end(cluster, &broker, head, nodes).await;
}
