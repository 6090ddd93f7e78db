//! What a job moves through the broker: tiles and labels once, and little in each round.

use std::num::NonZeroU32;

use msvpu::{
    BrokerCounters, Centers, FuzzyCMeans, Pairwise, Program, SampleType, Scene, Settings, Shape,
    Start, StopRule, Tiling, VirtualMachine,
};

use crate::jobs::{assert_equal, outcome};
use crate::noise::noise;
use crate::process::{Machine, soon};

const NODES: u64 = 2;
const ROUNDS: u32 = 21;

/// What a round may move for each node, both ways: a task, and the sums of half of a dozen tiles.
const SMALL: u64 = 2048;

/// A gray square.
fn scene() -> Scene {
    let side = 2000;
    let shape = Shape {
        width: side,
        height: side,
        bands: 1,
        sample: SampleType::U8,
    };
    Scene::new(shape, noise((side * side) as usize)).unwrap()
}

fn fuzzy(tiles: Tiling) -> FuzzyCMeans {
    FuzzyCMeans::new(Settings {
        epsilon: 1e-300,
        max_iterations: ROUNDS,
        stop_on: StopRule::CenterSum,
        tiles: Some(tiles),
        ..Settings::new(Start::Centers(Centers::gray([1.2, 2.5, 3.8]).unwrap()))
    })
}

/// Tiles give nothing back at the end.
fn pairwise(tiles: Tiling) -> Pairwise {
    Pairwise {
        tiles: Some(tiles),
        sampling: NonZeroU32::new(200).unwrap(),
        rounds: NonZeroU32::new(ROUNDS).unwrap(),
        ..Pairwise::default()
    }
}

/// Bytes of tiles, and of orders and answers; messages of these.
struct Moved {
    tiles: u64,
    others: u64,
    orders: u64,
    answers: u64,
}

/// Runs a job, whose result must be equal, and tells what it moved at the head: nodes tell each other nothing.
async fn moved<P: Program<Input = Scene>>(head: &VirtualMachine, program: P, again: P) -> Moved {
    let counters = || -> BrokerCounters { head.broker_counters().unwrap() };
    let before = counters();
    let job = head.submit(program, scene()).await.unwrap();
    let got = soon(outcome(job)).await.unwrap();
    let after = counters();
    assert_equal(got, again, scene()).await;
    let moved = Moved {
        tiles: after.data.published_bytes - before.data.published_bytes,
        others: after.tasks.published_bytes - before.tasks.published_bytes
            + after.results.received_bytes
            - before.results.received_bytes,
        orders: after.tasks.published - before.tasks.published,
        answers: after.results.received - before.results.received,
    };
    println!(
        "{}: {} bytes of tiles, {} others; {} orders, {} answers",
        P::NAME,
        moved.tiles,
        moved.others,
        moved.orders,
        moved.answers
    );
    moved
}

/// Once, and no more than a fiftieth for all that goes with it.
#[track_caller]
fn assert_once(what: &str, bytes: u64, extra: u64) {
    let pixels = scene().samples().len() as u64;
    let right = pixels..=pixels + pixels / 50 + extra;
    assert!(
        right.contains(&bytes),
        "{what}: {bytes} bytes, not in {right:?}"
    );
}

#[tokio::test]
async fn tiles_travel_once_and_a_round_costs_its_nodes_and_not_its_msvpus() {
    let machine = Machine::new("bytes");
    let (head, nodes) = machine.start::<{ NODES as usize }>().await;
    let (dozen, many) = (Tiling::new(3, 4).unwrap(), Tiling::new(12, 16).unwrap());
    let rounds = u64::from(ROUNDS) * NODES;

    let labelled = moved(&head, fuzzy(dozen), fuzzy(dozen)).await;
    assert_once("tiles", labelled.tiles, 0);
    assert_once("labels and rounds", labelled.others, rounds * SMALL);

    let few = moved(&head, pairwise(dozen), pairwise(dozen)).await;
    assert_once("tiles", few.tiles, 0);
    assert!(few.others <= rounds * SMALL, "{} bytes", few.others);
    // Sixteen times as many MsVPUs: more to say to each node, and not more often.
    let more = moved(&head, pairwise(many), pairwise(many)).await;
    assert_once("tiles", more.tiles, 0);
    for (what, few, more) in [
        ("orders", few.orders, more.orders),
        ("answers", few.answers, more.answers),
    ] {
        assert!(few >= rounds, "{what}: {few} in {ROUNDS} rounds");
        assert!(
            more <= few * 3 / 2,
            "{what}: {few}, {more} with more MsVPUs"
        );
    }
    machine.end(head, nodes).await;
}
