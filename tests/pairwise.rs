//! `pairwise` against a direct computation that knows no tile, no block and no lane.
#![allow(clippy::unwrap_used, reason = "a test that fails here says so")]

mod common;

use std::num::NonZeroU32;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use common::{assert_close, noise, run, scene, valid_pixels};
use futures_util::StreamExt;
use msvpu::{
    Cancellation, Context, Differences, JobError, JobState, Pairwise, Phase, Program, ProgramError,
    Progress, Rank, SampleType, Scene, Tiling, VirtualMachine,
};
use proptest::prelude::*;
use tokio::runtime::{self, Runtime};

fn from_one(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

/// Where part `index` of `parts` of a side begins.
fn begin(length: u32, index: u32, parts: u32) -> u32 {
    (u64::from(length) * u64::from(index) / u64::from(parts)) as u32
}

/// The pixels that are compared, tile by tile: their bands.
fn compared(scene: &Scene, program: &Pairwise, tiling: Tiling) -> Vec<Vec<Vec<f64>>> {
    let shape = scene.shape();
    let pixels = valid_pixels(scene, program.nodata);
    let (rows, columns) = (tiling.rows.get(), tiling.columns.get());
    let mut tiles = Vec::new();
    for row in 0..rows {
        for column in 0..columns {
            let mut places = Vec::new();
            for y in begin(shape.height, row, rows)..begin(shape.height, row + 1, rows) {
                for x in
                    begin(shape.width, column, columns)..begin(shape.width, column + 1, columns)
                {
                    places.push((y * shape.width + x) as usize);
                }
            }
            let every = places
                .into_iter()
                .step_by(program.sampling.get() as usize)
                .filter_map(|place| pixels[place].clone());
            tiles.push(every.collect());
        }
    }
    tiles
}

/// Σ |a − b| over the pairs, with the pixels as sums over their bands.
fn direct(tile: &[Vec<f64>]) -> (u64, f64) {
    let values: Vec<f64> = tile.iter().map(|bands| bands.iter().sum()).collect();
    let (mut pairs, mut sum) = (0, 0.0);
    for (index, a) in values.iter().enumerate() {
        for b in &values[index + 1..] {
            pairs += 1;
            sum += (a - b).abs();
        }
    }
    (pairs, sum)
}

/// Checks a result against the pixels; of integers to the last bit.
fn check(scene: &Scene, program: &Pairwise, result: &Differences) {
    let bands = f64::from(scene.shape().bands);
    let exact = matches!(scene.shape().sample, SampleType::U8 | SampleType::U16);
    let agree = |found: Option<f64>, pairs: u64, sum: f64| {
        assert_eq!(found.is_none(), pairs == 0);
        if let Some(found) = found {
            // Sums of integers are exact in `f64` here, so this is the one right result.
            let expected = sum / (pairs as f64 * bands);
            if exact {
                assert_eq!(found.to_bits(), expected.to_bits());
            } else {
                assert_close(found, expected, 1e-12, "mean");
            }
        }
    };
    let tiles = compared(scene, program, result.tiling);
    assert_eq!(result.tiles.len(), tiles.len());
    let (mut pixels, mut pairs, mut sum) = (0, 0, 0.0);
    for (found, tile) in result.tiles.iter().zip(&tiles) {
        let (own_pairs, own_sum) = direct(tile);
        assert_eq!((found.pixels, found.pairs), (tile.len() as u64, own_pairs));
        agree(found.mean, own_pairs, own_sum);
        pixels += found.pixels;
        pairs += own_pairs;
        sum += own_sum;
    }
    assert_eq!((result.pixels, result.pairs), (pixels, pairs));
    agree(result.mean, pairs, sum);
}

#[derive(Clone, Debug)]
struct Case {
    scene: Scene,
    program: Pairwise,
}

fn case() -> impl Strategy<Value = Case> {
    let sample = prop::sample::select(vec![
        SampleType::U8,
        SampleType::U16,
        SampleType::F32,
        SampleType::F64,
    ]);
    let tiles = prop::option::of((1_u32..7, 1_u32..7));
    let nodata = prop::option::of(0_u8..4);
    let shape = (1_u32..40, 1_u32..40, 1_u16..4, sample);
    (shape, tiles, 1_u32..30, 1_u32..4, nodata, any::<u16>()).prop_map(
        |((height, width, bands, sample), tiles, sampling, rounds, nodata, shift)| {
            // Few values where some are to be nodata, else all that fit.
            let (below, factor) = match (nodata, sample) {
                (Some(_), _) => (4, 1.0),
                (None, SampleType::U8) => (256, 1.0),
                (None, SampleType::U16) => (65536, 1.0),
                (None, _) => (1 << 20, 1.0 / 37.0),
            };
            Case {
                scene: scene((height, width), bands, sample, |pixel, band| {
                    let value = noise(pixel * 5 + band + usize::from(shift), below) * factor;
                    match sample {
                        // Some pixels are not finite.
                        SampleType::F32 | SampleType::F64 if noise(pixel, 50) == 7.0 => f64::NAN,
                        _ => value,
                    }
                }),
                program: Pairwise {
                    tiles: tiles.and_then(|(rows, columns): (u32, u32)| {
                        Tiling::new(rows.min(height), columns.min(width))
                    }),
                    sampling: from_one(sampling),
                    rounds: from_one(rounds),
                    nodata: nodata.map(f64::from),
                },
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 256,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_differences_are_those_of_the_pixels(case in case()) {
        let ran = run(&case.program, case.scene.clone()).unwrap();
        check(&case.scene, &case.program, &ran.output);
        prop_assert_eq!(ran.tasks.len() as u32, case.program.rounds.get());
    }

    #[test]
    fn the_complexity_is_the_number_of_pairs(case in case()) {
        let result = run(&case.program, case.scene.clone()).unwrap().output;
        let (tiles, _) = case.program.split(case.scene, &Cancellation::default()).unwrap();
        for (tile, of) in tiles.iter().zip(&result.tiles) {
            prop_assert_eq!(case.program.complexity(tile), of.pairs as f64);
        }
    }
}

fn runtime() -> Runtime {
    runtime::Builder::new_current_thread().build().unwrap()
}

async fn machine(workers: usize) -> VirtualMachine {
    VirtualMachine::local()
        .workers(workers)
        .service::<Pairwise>()
        .start()
        .await
        .unwrap()
}

#[test]
fn the_machine_changes_no_bit() {
    for sample in [SampleType::U16, SampleType::F32, SampleType::F64] {
        let picture = scene((131, 117), 2, sample, |pixel, band| {
            noise(2 * pixel + band, 60_000) / if sample == SampleType::U16 { 1.0 } else { 7.0 }
        });
        let program = Pairwise {
            tiles: Tiling::new(3, 2),
            rounds: from_one(3),
            ..Pairwise::default()
        };
        let alone = run(&program, picture.clone()).unwrap().output;
        for workers in [1, 2, 3, 8] {
            let found = runtime().block_on(async {
                let machine = machine(workers).await;
                let found = machine.run(program.clone(), picture.clone()).await.unwrap();
                machine.shutdown().await;
                found.output
            });
            // Every bit counts: as text, neighbours differ.
            assert_eq!(format!("{found:?}"), format!("{alone:?}"), "{workers}");
        }
    }
}

#[test]
fn a_cancelled_step_ends_soon() {
    // 4 · 10¹² pairs: half an hour, if nobody looked at the flag; and seconds for each block of rows.
    let picture = scene((1700, 1700), 1, SampleType::F64, |pixel, _| {
        noise(pixel, 1000)
    });
    let program = Pairwise {
        tiles: Tiling::new(1, 1),
        ..Pairwise::default()
    };
    let cancellation = Cancellation::default();
    let context = Context::new(Rank(0), 1, cancellation.clone());
    let (tiles, task) = program.split(picture.clone(), &cancellation).unwrap();
    let mut state = program
        .load(tiles.into_iter().next().unwrap(), &context)
        .unwrap();
    let (begun, begin) = mpsc::channel();
    let step = {
        let program = program.clone();
        thread::spawn(move || {
            begun.send(()).unwrap();
            program.local_step(&mut state, &task, &context)
        })
    };
    begin.recv().unwrap();
    let start = Instant::now();
    cancellation.cancel();
    assert_eq!(step.join().unwrap(), Err(ProgramError::Cancelled));
    assert!(start.elapsed() < Duration::from_secs(1));

    // The same on a machine: a shutdown waits for the steps that have begun.
    runtime().block_on(async {
        let machine = machine(2).await;
        let job = machine.submit(program, picture).await.unwrap();
        let mut progress = job.progress();
        while let Some(event) = progress.next().await {
            if let Progress::State { state, .. } = event.unwrap()
                && state == JobState::Running(Phase::Iterating)
            {
                break;
            }
        }
        let start = Instant::now();
        job.cancel();
        assert_eq!(job.await.unwrap_err(), JobError::Cancelled);
        machine.shutdown().await;
        assert!(start.elapsed() < Duration::from_secs(1));
    });
}
