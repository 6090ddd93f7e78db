//! A node process that is cut off from the broker, with no connection closed.

use std::time::{Duration, Instant};

use crate::broker::PrivateBroker;
use crate::jobs::{assert_equal, iterations, noise, outcome, rounds};
use crate::network::{self, Cable};
use crate::process::{Machine, computing, named, soon};

/// That of heads and nodes by default.
const LEASE: Duration = Duration::from_secs(2);

/// A node is to be back so soon after its network is.
const BACK: Duration = Duration::from_secs(5);

const FAR: &str = "far";

/// Waits until the broker has given up its connections with that address.
fn given_up(broker: &PrivateBroker, address: &str) {
    let until = Instant::now() + Duration::from_secs(60);
    let with = |name: &String| name.starts_with(&format!("{address}:"));
    while broker.connections().iter().any(with) {
        assert!(Instant::now() < until, "the broker still knows the node");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_cut_off_from_the_broker_is_suspected_and_comes_back_and_changes_nothing() {
    if let Some(reason) = network::not_here() {
        println!("not run: {reason}");
        return;
    }
    let [here, there] = network::addresses();
    let mut broker = PrivateBroker::prepare_at(&here);
    let machine = Machine::on(broker.url(), "partition");
    let far = Machine::on(&broker.url_at(&here), "partition");
    let (cable, waiting) = Cable::plug(&far.node_command(FAR));
    broker.start_again();
    let _far = waiting.go();
    let _near = machine.nodes::<1>();
    let head = soon(machine.head().start()).await.unwrap();
    soon(head.nodes_are(|nodes| computing(nodes) == 2)).await;
    assert!(
        broker
            .connections()
            .iter()
            .any(|of| of.starts_with(&format!("{there}:"))),
        "the cable leads nowhere"
    );

    // For as long as the head needs to notice, and for as long as the broker does.
    for noticed_by_the_broker in [false, true] {
        // Seconds: it is not over when the node is taken for lost.
        let program = iterations(1500);
        let job = head.submit(program.clone(), noise()).await.unwrap();
        rounds(&job, 3).await;
        soon(head.nodes_are(|nodes| named(nodes, FAR).is_some_and(|far| far.msvpus > 0))).await;
        let before = named(&head.nodes(), FAR).unwrap().origin;

        cable.cut();
        let cut = Instant::now();
        soon(head.nodes_are(|nodes| named(nodes, FAR).is_none())).await;
        let suspected = cut.elapsed();
        assert!(suspected < 2 * LEASE, "suspected after {suspected:?}");
        assert!(!job.state().is_terminal(), "{}", job.state());
        if noticed_by_the_broker {
            given_up(&broker, &there);
        }

        cable.mend();
        let mended = Instant::now();
        soon(head.nodes_are(|nodes| {
            named(nodes, FAR).is_some_and(|far| {
                far.origin.node == before.node && far.origin.incarnation > before.incarnation
            })
        }))
        .await;
        let back = mended.elapsed();
        assert!(back < BACK, "back after {back:?}");
        println!("suspected after {suspected:?}, back after {back:?}");

        let got = soon(outcome(job)).await.unwrap();
        assert_equal(got, program, noise()).await;
        // It takes part again.
        soon(head.nodes_are(|nodes| computing(nodes) == 2)).await;
    }
    let program = iterations(3);
    let job = head.submit(program.clone(), noise()).await.unwrap();
    let got = soon(outcome(job)).await.unwrap();
    assert_equal(got, program, noise()).await;
    soon(head.shutdown()).await;
}
