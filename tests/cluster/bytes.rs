//! What a job moves through the broker: tiles and labels once, and little in each round.

use msvpu::{BrokerCounters, Centers, FuzzyCMeans, Settings, Start, StopRule, Tiling};
use msvpu::{SampleType, Scene, Shape};

use crate::jobs::{assert_equal, outcome, random_bytes};
use crate::process::{Machine, soon};

const NODES: u64 = 2;
const ROUNDS: u64 = 21;

/// What a round may move for each node, both ways: a task, and the sums of half of the tiles.
const SMALL: u64 = 2048;

/// A gray square.
fn scene(side: u32) -> Scene {
    let shape = Shape {
        width: side,
        height: side,
        bands: 1,
        sample: SampleType::U8,
    };
    Scene::new(shape, random_bytes((side * side) as usize)).unwrap()
}

fn program(tiles: Tiling) -> FuzzyCMeans {
    FuzzyCMeans::new(Settings {
        epsilon: 1e-300,
        max_iterations: ROUNDS as u32,
        stop_on: StopRule::CenterSum,
        tiles: Some(tiles),
        ..Settings::new(Start::Centers(Centers::gray([1.2, 2.5, 3.8]).unwrap()))
    })
}

/// By queue, bytes and messages: tiles out and labels back, tasks out, answers back.
struct Moved {
    tiles: u64,
    labels: u64,
    rounds: u64,
    orders: u64,
    answers: u64,
}

fn moved(before: &BrokerCounters, after: &BrokerCounters) -> Moved {
    Moved {
        tiles: after.data.published_bytes - before.data.published_bytes,
        labels: after.data.received_bytes - before.data.received_bytes,
        rounds: after.tasks.published_bytes - before.tasks.published_bytes
            + after.results.received_bytes
            - before.results.received_bytes,
        orders: after.tasks.published - before.tasks.published,
        answers: after.results.received - before.results.received,
    }
}

#[tokio::test]
async fn tiles_travel_once_and_a_round_costs_its_nodes_and_not_its_msvpus() {
    let machine = Machine::new("bytes");
    let (head, _nodes) = machine.start::<{ NODES as usize }>().await;
    let mut orders = Vec::new();
    for tiles in [(3, 4), (12, 16)] {
        let tiles = Tiling::new(tiles.0, tiles.1).unwrap();
        let scene = scene(2000);
        let pixels = scene.samples().len() as u64;
        let before = head.broker_counters().unwrap();
        let job = head.submit(program(tiles), scene.clone()).await.unwrap();
        let got = soon(outcome(job)).await.unwrap();
        let after = head.broker_counters().unwrap();
        assert_equal(got, program(tiles), scene).await;
        let Moved {
            tiles: out,
            labels,
            rounds,
            orders: ordered,
            answers,
        } = moved(&before, &after);
        println!(
            "{tiles} tiles of {pixels} bytes: {out} out, {labels} back; in {ROUNDS} rounds {rounds} bytes, \
             {ordered} orders, {answers} answers"
        );
        let once = pixels..=pixels + pixels / 50;
        assert!(once.contains(&out), "tiles: {out} bytes of {pixels}");
        assert!(once.contains(&labels), "labels: {labels} bytes of {pixels}");
        if tiles.tiles() == 12 {
            let most = ROUNDS * NODES * SMALL;
            assert!(rounds <= most, "{rounds} bytes in {ROUNDS} rounds");
        }
        orders.push((ordered, answers));
    }
    // Sixteen times as many MsVPUs: more to say to each node, and not more often.
    let [(few, few_answers), (many, many_answers)] = orders[..] else {
        unreachable!("two tilings");
    };
    for (what, few, many) in [
        ("orders", few, many),
        ("answers", few_answers, many_answers),
    ] {
        assert!(
            many <= few * 3 / 2,
            "{what}: {few}, {many} with more MsVPUs"
        );
    }
    soon(head.shutdown()).await;
}
