//! Machines of several processes on a real broker; here the processes are threads, which share
//! nothing but the broker all the same.
#![cfg(feature = "amqp")]
#![allow(missing_docs, clippy::panic, clippy::unwrap_used)]

mod programs;

use msvpu_actors::{Node, NodeBuilder, VirtualMachine};
use programs::Sum;

fn broker() -> String {
    std::env::var("MSVPU_TEST_AMQP_URL").unwrap()
}

fn node(vm: &str) -> NodeBuilder {
    Node::join(broker()).vm(vm).cpus(1).service::<Sum>()
}

#[tokio::test]
async fn a_job_gives_the_same_as_in_one_process() {
    let _ = env_logger::try_init();
    let vm = "same";
    let nodes = [
        node(vm).start().await.unwrap(),
        node(vm).start().await.unwrap(),
    ];
    let head = VirtualMachine::cluster(broker()).vm(vm).service::<Sum>();
    let head = head.start().await.unwrap();
    for (tile_len, tiles) in [(1000, 1), (250, 4), (1, 1000)] {
        let program = Sum {
            tile_len,
            rounds: 5,
        };
        let input: Vec<u64> = (0..1000).collect();
        let done = head.run(program, input.clone()).await.unwrap();
        assert_eq!(done.output, 5 * input.iter().sum::<u64>());
        assert_eq!(done.tiles.len(), tiles);
    }
    eprintln!("{:#?} {:?}", head.broker_counters(), head.counters());
    head.shutdown().await;
    for node in nodes {
        eprintln!("{:?}", node.counters());
        node.shutdown().await;
    }
}
