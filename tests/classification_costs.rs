//! What the programs tell the balancer of a tile.
#![allow(clippy::unwrap_used, reason = "a test that fails here says so")]

mod common;

use common::{noise, scene, travel_bytes};
use msvpu::{
    CMeans, Cancellation, Classifier, Context, FuzzyCMeans, Program, Rank, Round, SampleType,
    Scene, Settings, Start, Step, Tiling,
};

fn settings(classes: u32) -> Settings {
    Settings {
        tiles: Tiling::new(2, 1),
        ..Settings::new(Start::linear(classes))
    }
}

/// `C_k` of both tiles.
fn complexities<P: Program<Input = Scene>>(program: &P, scene: &Scene) -> Vec<f64> {
    let (tiles, _) = program
        .split(scene.clone(), &Cancellation::default())
        .unwrap();
    tiles.iter().map(|tile| program.complexity(tile)).collect()
}

#[test]
fn work_grows_with_what_a_round_visits() {
    for (size, bands, sample, expected) in [
        // 8 · 10 pixels in the smaller tile, 9 · 10 in the other one; five classes.
        ((17, 10), 1, SampleType::U8, [400.0, 450.0]),
        ((17, 10), 1, SampleType::U16, [400.0, 450.0]),
        // No more levels than there are.
        ((60, 90), 1, SampleType::U8, [1280.0, 1280.0]),
        ((60, 90), 1, SampleType::U16, [13_500.0, 13_500.0]),
        ((600, 900), 1, SampleType::U16, [327_680.0, 327_680.0]),
        ((60, 90), 1, SampleType::F32, [13_500.0, 13_500.0]),
        ((60, 90), 3, SampleType::U8, [40_500.0, 40_500.0]),
    ] {
        let picture = scene(size, bands, sample, |p, _| noise(p, 200));
        assert_eq!(complexities(&CMeans::new(settings(5)), &picture), expected);
        assert_eq!(
            complexities(&FuzzyCMeans::new(settings(5)), &picture),
            expected
        );
    }
}

/// Bytes stated, and those of the second task and the answer to it.
fn bytes<P: Classifier>(program: &P, scene: &Scene) -> (f64, usize) {
    let context = Context::new(Rank(0), 1, Cancellation::default());
    let (mut tiles, first) = program
        .split(scene.clone(), context.cancellation())
        .unwrap();
    tiles.truncate(1);
    let stated = program.bytes_exchanged(&tiles[0]);
    let mut state = program.load(tiles.remove(0), &context).unwrap();
    let mut task = first;
    for round in 1..=2 {
        let partial = program.local_step(&mut state, &task, &context).unwrap();
        let step = program.global_step(Round(round), &task, &[partial], context.cancellation());
        if let Step::Next(next) = step.unwrap() {
            task = next;
        }
    }
    let partial = program.local_step(&mut state, &task, &context).unwrap();
    (stated, travel_bytes(task) + travel_bytes(partial))
}

#[test]
fn bytes_are_about_those_of_task_and_answer() {
    for (bands, sample) in [
        (1, SampleType::U8),
        (3, SampleType::U8),
        (3, SampleType::F32),
    ] {
        for classes in [2, 12, 200] {
            let picture = scene((60, 90), bands, sample, |p, b| noise(3 * p + b, 256));
            // Whole numbers travel shorter, the small ones of this picture above all.
            for ((stated, found), most) in [
                (bytes(&CMeans::new(settings(classes)), &picture), 1.7),
                (bytes(&FuzzyCMeans::new(settings(classes)), &picture), 1.1),
            ] {
                let ratio = stated / found as f64;
                assert!(
                    (0.9..most).contains(&ratio),
                    "{stated} for {found}, {classes} classes"
                );
            }
        }
    }
}
