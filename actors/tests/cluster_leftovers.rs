//! What ends leaves no thread and no file descriptor. Alone in its process: it counts all of them.
#![cfg(all(feature = "amqp", target_os = "linux"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod broker;
mod programs;

use std::time::{Duration, Instant};

use msvpu_actors::{Connectivity, Node, NodeBuilder, NodeList, VirtualMachine};
use programs::{Endless, Sum};
use tokio::net::TcpListener;

fn count(what: &str) -> usize {
    std::fs::read_dir(format!("/proc/self/{what}"))
        .unwrap()
        .count()
}

/// How many connections the library for the broker has at work.
fn lines() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let names = tasks.filter_map(|task| {
        // One may end meanwhile.
        std::fs::read_to_string(task.ok()?.path().join("comm")).ok()
    });
    names.filter(|name| name.trim() == "lapin-io-loop").count()
}

/// Threads and file descriptors.
fn held() -> (usize, usize) {
    (count("task"), count("fd"))
}

async fn assert_held(expected: (usize, usize), after: &str) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while held() != expected {
        assert!(
            Instant::now() < deadline,
            "{:?} threads and file descriptors {after}, where {expected:?} were before",
            held()
        );
        tokio::task::yield_now().await;
    }
}

struct Cluster {
    url: String,
    vm: String,
}

impl Cluster {
    fn node(&self) -> NodeBuilder {
        let node = Node::join(&self.url).vm(&self.vm).cpus(2);
        node.service::<Sum>().service::<Endless>()
    }

    async fn start(&self) -> (VirtualMachine, [Node; 2]) {
        let head = VirtualMachine::cluster(&self.url).vm(&self.vm).workers(1);
        let head = head.service::<Sum>().service::<Endless>();
        let head = head.start().await.unwrap();
        let nodes = [
            self.node().start().await.unwrap(),
            self.node().start().await.unwrap(),
        ];
        head.nodes_are(|nodes| {
            nodes.len() == 2 && nodes.iter().all(|node| node.performance_index.is_some())
        })
        .await;
        (head, nodes)
    }
}

#[tokio::test]
async fn nothing_is_left_behind() {
    let limit = Duration::from_secs(200);
    let scenes = tokio::time::timeout(limit, scenes()).await;
    scenes.expect("still not there after minutes");
}

/// What is held when what has just ended is over.
async fn settled() -> (usize, usize) {
    let unsettled = Instant::now();
    let mut least = held();
    while unsettled.elapsed() < Duration::from_secs(1) {
        tokio::task::yield_now().await;
        least = least.min(held());
    }
    least
}

async fn scenes() {
    let cluster = Cluster {
        url: broker::shared(),
        vm: format!("leftovers-{}", std::process::id()),
    };
    let sum = Sum {
        tile_len: 1,
        rounds: 3,
    };
    // What is made once for all in a process is made here.
    let (head, nodes) = cluster.start().await;
    head.shutdown().await;
    for node in nodes {
        node.shutdown().await;
    }
    let before = settled().await;
    assert_held(before, "at first").await;

    let (head, [first, second]) = cluster.start().await;
    assert!(held() > before, "this is what is counted");
    head.run(sum.clone(), vec![1; 100]).await.unwrap();
    assert!(first.drain(Duration::from_secs(60)).await);
    second.shutdown().await;
    head.shutdown().await;
    assert_held(before, "after a shutdown").await;

    let (head, nodes) = cluster.start().await;
    let job = head.submit(Endless::Step, 4).await.unwrap();
    for node in &nodes {
        node.census_is(|census| census.msvpus > 0).await;
    }
    drop(nodes);
    drop(head);
    drop(job);
    assert_held(before, "after dropping all in the middle of a job").await;

    let (head, nodes) = cluster.start().await;
    let second = VirtualMachine::cluster(&cluster.url).vm(&cluster.vm);
    second.start().await.unwrap_err();
    let list = NodeList::at(&cluster.url).vm(&cluster.vm);
    assert_eq!(list.get().await.unwrap().nodes.len(), 2);
    drop((head, nodes));
    assert_held(before, "after a refused head and a list").await;

    let list = NodeList::at(&cluster.url).vm(&cluster.vm);
    assert!(!list.get().await.unwrap().has_head);
    let nowhere = Node::join("amqp://127.0.0.1:1").connect_timeout(Duration::from_millis(300));
    nowhere.start().await.unwrap_err();
    let nobody = Node::join(cluster.url.replacen("guest:guest", "guest:wrong", 1));
    if !cluster.url.contains("guest:guest") {
        nobody.connect_timeout(Duration::ZERO).start().await.ok();
    } else {
        nobody.start().await.unwrap_err();
    }
    assert_held(before, "after starts that failed and a list without a head").await;

    for scheme in ["amqp", "amqps"] {
        // It takes connections, as the system does for it, and says nothing.
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = silent.local_addr().unwrap();
        let node = Node::join(format!("{scheme}://{host}")).cpus(1).start();
        let attempts = async {
            let mut clients = Vec::new();
            while clients.len() < 9 {
                clients.push(silent.accept().await.unwrap());
            }
            clients
        };
        let clients = tokio::select! {
            clients = attempts => clients,
            started = node => panic!("{started:?}"),
        };
        assert!(lines() <= 3, "{} of three attempts", lines());
        drop((clients, silent));
        assert_held(before, "after a broker that was silent").await;
    }

    let mut broker = broker::PrivateBroker::start();
    let private = Cluster {
        url: broker.url().to_owned(),
        vm: "leftovers".to_owned(),
    };
    let before = settled().await;
    let (head, nodes) = private.start().await;
    broker.block();
    // The nodes always have something to say; the head may have nothing.
    while nodes.iter().any(|node| node.broker_counters().blocked == 0) {
        tokio::task::yield_now().await;
    }
    head.shutdown().await;
    for node in nodes {
        node.shutdown().await;
    }
    assert_held(before, "after a shutdown while the broker held all up").await;
    broker.unblock();

    let (head, nodes) = private.start().await;
    broker.kill();
    for node in &nodes {
        node.connectivity_is(|now| *now != Connectivity::Connected)
            .await;
    }
    head.shutdown().await;
    for node in nodes {
        node.shutdown().await;
    }
    assert_held(before, "after a broker that was killed").await;
    drop(broker);
    let before = settled().await;

    for millis in [0, 3, 10, 30, 100, 300] {
        let limit = Duration::from_millis(millis);
        drop(tokio::time::timeout(limit, cluster.node().start()).await);
        let list = NodeList::at(&cluster.url).vm(&cluster.vm);
        drop(tokio::time::timeout(limit, list.get()).await);
    }
    assert_held(before, "after starts that nobody waited for").await;
}
