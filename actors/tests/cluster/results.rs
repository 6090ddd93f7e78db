//! A machine of many processes gives what one process gives.

use std::time::{Duration, Instant};

use msvpu_actors::{BrokerError, StartError, VirtualMachine};

use crate::gate::{Gate, Point};
use crate::programs::Sum;
use crate::support::{Cluster, assert_equal, computing, soon, total};
use crate::times::assert_complete;
use crate::work::{Work, noise};

const MIB: usize = 1 << 20;

#[tokio::test]
async fn any_number_of_tiles_of_any_size_gives_what_one_process_gives() {
    let cluster = Cluster::new("tiles");
    let (head, nodes) = cluster.start::<3>().await;
    // Tiles of one part and of several, to the byte; small ones; some of no bytes at all.
    for (tiles, bytes) in [
        (1, MIB + 1),
        (1, 7 * MIB / 2),
        (4, 4 * MIB),
        (4, 10 * MIB + 3),
        (64, 64 * 65_537),
        (1000, 700_000),
        (1000, 10),
    ] {
        let (work, input) = (Work::new(tiles, 4), noise(bytes));
        let job = head.submit(work.clone(), input.clone()).await.unwrap();
        assert_equal(job, work, input).await;
    }
    for tile_len in [1000, 250, 16, 1] {
        let sum = Sum {
            tile_len,
            rounds: 5,
        };
        let input: Vec<u64> = (0..1000).collect();
        let job = head.submit(sum.clone(), input.clone()).await.unwrap();
        assert_equal(job, sum, input).await;
    }
    let mut published = 0;
    for node in &nodes {
        let counters = node.broker_counters();
        published += counters.results.published;
        assert!(counters.data.received > 0, "each gets its share");
        assert_eq!(total(&counters, |queue| queue.dead + queue.resent), 0);
        assert_eq!(counters.connections, 1);
        let of = [
            counters.control_connection,
            counters.publish_connection,
            counters.consume_connection,
        ];
        for sums in [
            (
                total(&counters, |queue| queue.published),
                of.iter().map(|of| of.published).sum(),
            ),
            (
                total(&counters, |queue| queue.received),
                of.iter().map(|of| of.received).sum::<u64>(),
            ),
        ] {
            assert_eq!(sums.0, sums.1);
        }
        assert_eq!(of.map(|of| (of.lost, of.blocked)), [(0, 0); 3]);
        assert_eq!(counters.publish_connection.received, 0);
        assert!(counters.publish_connection.confirmed > 0);
        assert_eq!(counters.consume_connection.published, 0);
        assert!(counters.consume_connection.received > 0);
    }
    assert!(published > 0);
    cluster.end(head, nodes).await;
}

#[tokio::test]
async fn what_each_msvpu_did_is_known() {
    let cluster = Cluster::new("times");
    let (head, nodes) = cluster.start::<2>().await;
    for (tile_len, rounds) in [(125, 4), (1, 2)] {
        let sum = Sum { tile_len, rounds };
        let input: Vec<u64> = (0..1000).collect();
        let job = head.submit(sum, input).await.unwrap();
        soon(job.clone().into_future()).await.unwrap();
        let team_size = 1000 / tile_len as u32;
        let on = assert_complete(&job.timesheet(), team_size, rounds);
        let expected = nodes.iter().map(|node| node.origin().node).collect();
        assert_eq!(on, expected);
    }
    cluster.end(head, nodes).await;
}

#[tokio::test]
async fn nodes_may_come_before_the_head_after_it_and_during_a_job() {
    let cluster = Cluster::new("coming");
    let early = soon(cluster.node("early").start()).await.unwrap();
    let head = soon(cluster.head().start()).await.unwrap();
    soon(head.nodes_are(|nodes| computing(nodes) == 1)).await;
    let late = soon(cluster.node("late").start()).await.unwrap();
    soon(head.nodes_are(|nodes| computing(nodes) == 2)).await;

    let gate = Gate::new("coming", &[Point::Step(2)]);
    let (work, input) = (Work::new(8, 4), noise(100_000));
    let job = head.submit(work.clone().through("coming"), input.clone());
    let job = job.await.unwrap();
    soon(gate.holds(2, Point::Step(2))).await;
    let later = soon(cluster.node("later").start()).await.unwrap();
    soon(head.nodes_are(|nodes| computing(nodes) == 3)).await;
    gate.open(Point::Step(2));
    assert_equal(job, work.clone(), input.clone()).await;
    assert_eq!(later.broker_counters().data.received, 0, "tiles stay");

    let job = head.submit(work.clone(), input.clone()).await.unwrap();
    assert_equal(job, work, input).await;
    assert!(later.broker_counters().data.received > 0);
    cluster.end(head, [early, late, later]).await;
}

#[tokio::test]
async fn machines_of_different_names_on_one_broker_do_not_meet() {
    let clusters = [Cluster::new("apart-1"), Cluster::new("apart-2")];
    let [(one, [of_one]), (two, [of_two])] = [
        clusters[0].start::<1>().await,
        clusters[1].start::<1>().await,
    ];
    for (head, node) in [(&one, &of_one), (&two, &of_two)] {
        let known: Vec<_> = head.nodes().iter().map(|node| node.origin).collect();
        assert!(known.contains(&node.origin()), "{known:?}");
        assert_eq!(known.len(), 1, "its node alone: {known:?}");
    }
    let (work, input) = (Work::new(5, 3), noise(5000));
    let before = of_two.broker_counters();
    let job = one.submit(work.clone(), input.clone()).await.unwrap();
    assert_equal(job, work.clone(), input.clone()).await;
    let after = of_two.broker_counters();
    assert_eq!(before.data, after.data, "not a tile of the other's");
    let job = two.submit(work.clone(), input.clone()).await.unwrap();
    assert_equal(job, work, input).await;
    let [first, second] = clusters;
    first.end(one, [of_one]).await;
    second.end(two, [of_two]).await;
}

#[tokio::test]
async fn a_second_head_is_refused_at_once_and_the_first_goes_on() {
    let cluster = Cluster::new("heads");
    let (head, nodes) = cluster.start::<1>().await;
    let began = Instant::now();
    let refused = soon(cluster.head().start()).await.unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(3), "{began:?}");
    let StartError::Broker(BrokerError::HeadPresent { vm, broker }) = &refused else {
        panic!("{refused:?}");
    };
    assert_eq!(vm, &cluster.vm);
    assert!(!broker.contains("guest:guest"), "{broker}");
    let (work, input) = (Work::new(3, 2), noise(1000));
    let job = head.submit(work.clone(), input.clone()).await.unwrap();
    assert_equal(job, work.clone(), input.clone()).await;

    // When the first has gone, another may come, and the node finds it.
    soon(head.shutdown()).await;
    let head = soon(cluster.head().start()).await.unwrap();
    soon(head.nodes_are(|nodes| computing(nodes) == 1)).await;
    let job = head.submit(work.clone(), input.clone()).await.unwrap();
    assert_equal(job, work, input).await;
    cluster.end(head, nodes).await;
}

#[tokio::test]
async fn whoever_asks_is_told_the_nodes_with_names_and_ages() {
    let cluster = Cluster::new("list");
    let nobody = soon(cluster.list().get()).await.unwrap();
    assert!(!nobody.has_head && nobody.nodes.is_empty(), "{nobody:?}");
    let two = soon(cluster.node("two").cpus(2).start()).await.unwrap();
    let waiting = soon(cluster.list().get()).await.unwrap();
    assert!(!waiting.has_head, "{waiting:?}");
    let names: Vec<_> = waiting.nodes.iter().map(|node| &*node.name).collect();
    assert_eq!(names, ["two"], "it waits for a head");

    let head = soon(cluster.head().start()).await.unwrap();
    let one = soon(cluster.node("one").start()).await.unwrap();
    soon(head.nodes_are(|nodes| computing(nodes) == 2)).await;
    let listed = soon(cluster.list().get()).await.unwrap();
    assert!(listed.has_head);
    let mut listed = listed.nodes;
    listed.sort_by(|a, b| a.name.cmp(&b.name));
    let short: Vec<_> = listed
        .iter()
        .map(|node| (node.name.as_str(), node.cpus, node.draining))
        .collect();
    let expected = [("one", 1, false), ("two", 2, false)];
    assert_eq!(short, expected);
    for node in &listed {
        let age = node.age.unwrap();
        assert!(
            age <= crate::support::LEASE + Duration::from_secs(1),
            "{node:?}"
        );
        assert!(node.performance_index.is_some(), "{node:?}");
    }
    assert_eq!(listed[0].origin, one.origin());
    assert_eq!(listed[1].origin, two.origin());
    assert_eq!(head.nodes().len(), 2, "who asks is no node");
    cluster.end(head, [one, two]).await;
}

#[tokio::test]
async fn dropping_what_starts_or_runs_leaves_nothing_on_the_broker() {
    let cluster = Cluster::new("dropped");
    let (head, nodes) = cluster.start::<2>().await;
    let gate = Gate::new("dropped", &[Point::Step(1)]);
    let work = Work::new(4, 2).through("dropped");
    let job = head.submit(work, noise(1000)).await.unwrap();
    soon(gate.holds(2, Point::Step(1))).await;
    drop(nodes);
    drop(head);
    drop(job);
    soon(cluster.assert_gone()).await;
    let head: VirtualMachine = soon(cluster.head().start()).await.unwrap();
    cluster.end(head, []).await;
}
