//! More than 2²⁶ pixels in each of two classes, equal ones in one and unequal ones in the other:
//! sums in `f32` stand still long before.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that fails here says so"
)]

mod common;

use common::{classify, distance, memberships, nearest_label, scene};
use msvpu::{
    CMeans, Cancellation, Centers, Classifier, Context, FitTask, FuzzyCMeans, Iteration, Rank,
    Round, SampleType, Scene, Settings, Start, Step,
};

/// Pixels of a tile: every other one is the same, the rest go through a table.
const TILE_PIXELS: usize = 1 << 22;
/// Tiles of the job; 33 · 2²¹ pixels a class.
const TILES: u32 = 33;
/// A prime, so that the table meets every lane of every sum.
const TABLE: usize = 4099;

/// The first two rows of a job whose tiles are all the same, without holding them all.
fn two_rows<P>(program: &P, tile: &Scene) -> [Iteration; 2]
where
    P: Classifier<Tile: Clone>,
{
    let context = Context::new(Rank(0), TILES, Cancellation::default());
    let (mut tiles, task) = program.split(tile.clone(), context.cancellation()).unwrap();
    let tile = tiles.remove(0);
    assert!(tiles.is_empty());
    let step = |task: &FitTask| {
        // Half of the tiles anew and half again, to meet both ways of a state.
        let mut state = program.load(tile.clone(), &context).unwrap();
        let partials: Vec<P::Partial> = (0..TILES)
            .map(|rank| {
                if rank % 8 == 0 {
                    state = program.load(tile.clone(), &context).unwrap();
                }
                program.local_step(&mut state, task, &context).unwrap()
            })
            .collect();
        program
            .global_step(Round(1), task, &partials, context.cancellation())
            .unwrap()
    };
    let Step::Next(second) = step(&task) else {
        panic!("the first iteration never ends a job");
    };
    let first = second.last.clone().unwrap();
    match step(&second) {
        Step::Done(fit) => [first, fit.last],
        Step::Next(_) => panic!("the job was to end after two iterations"),
    }
}

fn settings(centers: Vec<Vec<f64>>) -> Settings {
    Settings {
        max_iterations: 2,
        tiles: msvpu::Tiling::new(1, 1),
        ..Settings::new(Start::Centers(Centers::new(centers).unwrap()))
    }
}

/// The sample of a pixel.
fn sample(pixel: usize, band: usize, unequal: impl Fn(usize) -> f64, equal: f64) -> f64 {
    if pixel.is_multiple_of(2) {
        equal + band as f64
    } else {
        unequal(pixel / 2 % TABLE + 7 * band)
    }
}

/// Every different pixel of the tile, with how often it occurs in the whole job.
fn kinds(bands: usize, value: impl Fn(usize, usize) -> f64) -> Vec<(Vec<f64>, u64)> {
    let pixel = |index| {
        (0..bands)
            .map(|band| value(index, band))
            .collect::<Vec<_>>()
    };
    let half = TILE_PIXELS / 2;
    let mut kinds = vec![(pixel(0), half as u64 * u64::from(TILES))];
    for index in 0..TABLE {
        let times = (half - index).div_ceil(TABLE) as u64;
        kinds.push((pixel(2 * index + 1), times * u64::from(TILES)));
    }
    assert_eq!(
        kinds.iter().map(|kind| kind.1).sum::<u64>(),
        TILE_PIXELS as u64 * u64::from(TILES)
    );
    kinds
}

/// A sum in integers of 2⁻⁶⁰: exact for `f32` values from 2⁻³⁶ on.
fn exact(terms: impl Iterator<Item = (f64, u64)>) -> f64 {
    let scale = 2.0_f64.powi(60);
    let sum: i128 = terms
        .map(|(value, times)| {
            let scaled = value * scale;
            assert_eq!(scaled.fract(), 0.0);
            scaled as i128 * i128::from(times)
        })
        .sum();
    sum as f64 / scale
}

#[track_caller]
fn assert_equal(found: f64, expected: f64, what: &str) {
    let error = (found - expected).abs() / expected.abs();
    assert!(
        error <= 1e-12,
        "{what}: {found} and {expected}, {error:e} apart"
    );
}

/// Checks c-means against exact sums; `centers` lie apart enough to separate the two classes.
fn check_c_means(tile: &Scene, kinds: &[(Vec<f64>, u64)], centers: Vec<Vec<f64>>) {
    let rows = two_rows(&CMeans::new(settings(centers)), tile);
    for class in 0..2 {
        let own: Vec<&(Vec<f64>, u64)> = (kinds.iter())
            .filter(|kind| usize::from(nearest_label(&kind.0, &rows[0].centers)) == class + 1)
            .collect();
        let pixels: u64 = own.iter().map(|kind| kind.1).sum();
        assert!(pixels > 1 << 26);
        for band in 0..kinds[0].0.len() {
            let sum = exact(own.iter().map(|kind| (kind.0[band], kind.1)));
            assert_equal(
                rows[1].centers.of(class)[band],
                sum / pixels as f64,
                "center",
            );
        }
    }
    for row in &rows {
        let terms = kinds.iter().map(|(pixel, times)| {
            let label = nearest_label(pixel, &row.centers);
            (
                distance(pixel, row.centers.of(usize::from(label) - 1)),
                *times,
            )
        });
        // Rounded to 2⁻⁶⁰ each, far below what is asked.
        let scale = 2.0_f64.powi(60);
        let objective = exact(terms.map(|(d, times)| ((d * scale).round() / scale, times)));
        assert_equal(row.objective, objective, "objective");
    }
}

#[test]
fn c_means_of_floats_of_one_band() {
    let value = |pixel, _| f64::from(sample(pixel, 0, |i| 10.0 + i as f64 / 409.7, 0.1) as f32);
    let tile = scene((1024, 4096), 1, SampleType::F32, value);
    check_c_means(&tile, &kinds(1, value), vec![vec![0.5], vec![15.25]]);
}

#[test]
fn c_means_of_floats_of_three_bands() {
    let value =
        |pixel, band| f64::from(sample(pixel, band, |i| 10.0 + i as f64 / 409.7, 0.1) as f32);
    let tile = scene((1024, 4096), 3, SampleType::F32, value);
    let centers = vec![vec![0.5, 1.5, 2.5], vec![15.25; 3]];
    check_c_means(&tile, &kinds(3, value), centers);
}

#[test]
fn c_means_of_rgb() {
    let value = |pixel, band| sample(pixel, band, |i| 100.0 + (i * 31 % 156) as f64, 11.0);
    let tile = scene((1024, 4096), 3, SampleType::U8, value);
    let centers = vec![vec![9.5, 10.25, 8.0], vec![180.0; 3]];
    check_c_means(&tile, &kinds(3, value), centers);
}

#[test]
fn c_means_of_gray() {
    for (kind, high) in [(SampleType::U8, 256), (SampleType::U16, 65536)] {
        let value = |pixel, _| sample(pixel, 0, |i| (high / 2 + i * 31 % (high / 2)) as f64, 11.0);
        let tile = scene((1024, 4096), 1, kind, value);
        let centers = vec![vec![9.5], vec![high as f64 * 0.75]];
        check_c_means(&tile, &kinds(1, value), centers);
    }
}

#[test]
fn fuzzy_c_means_of_floats() {
    for bands in [1, 3] {
        let value =
            |pixel, band| f64::from(sample(pixel, band, |i| 10.0 + i as f64 / 409.7, 0.1) as f32);
        let tile = scene((1024, 4096), bands, SampleType::F32, value);
        let kinds = kinds(usize::from(bands), value);
        let centers = vec![
            vec![0.5; usize::from(bands)],
            vec![15.25; usize::from(bands)],
        ];
        let rows = two_rows(&FuzzyCMeans::new(settings(centers)), &tile);
        let shares: Vec<_> = (kinds.iter())
            .map(|(pixel, times)| {
                (
                    pixel,
                    memberships(pixel, &rows[0].centers, 2.0),
                    *times as f64,
                )
            })
            .collect();
        let (mut objective, mut scale) = (0.0, 0.0);
        for class in 0..2 {
            let weight: f64 = shares.iter().map(|(_, u, n)| u[class] * u[class] * n).sum();
            for band in 0..usize::from(bands) {
                let sum: f64 = (shares.iter())
                    .map(|(pixel, u, n)| u[class] * u[class] * n * pixel[band])
                    .sum();
                assert_equal(rows[1].centers.of(class)[band], sum / weight, "center");
            }
            objective += (shares.iter())
                .map(|(pixel, u, n)| {
                    u[class].powi(2) * n * distance(pixel, rows[0].centers.of(class))
                })
                .sum::<f64>();
            scale += weight;
        }
        assert!(scale > f64::from(1 << 26));
        assert_equal(rows[0].objective, objective, "objective");
    }
}

#[test]
fn one_tile_of_many_pixels() {
    // 2²⁷ + 2¹³ pixels in one tile of 8 bits: half of them 1, the others 100 to 163.
    let (height, width) = (16385, 8192);
    let value = |pixel: usize, _| {
        if pixel.is_multiple_of(2) {
            1.0
        } else {
            (100 + pixel / 2 % 64) as f64
        }
    };
    let picture = scene((height, width), 1, SampleType::U8, value);
    let result = classify(
        &CMeans::new(settings(vec![vec![2.5], vec![150.25]])),
        &picture,
    )
    .unwrap();
    let half = u64::from(height) * u64::from(width) / 2;
    assert_eq!(result.classes[0].pixels, half);
    assert_eq!(result.classes[1].pixels, half);
    assert_eq!(result.centers.values(), [1.0, 131.5]);
    let first = half as f64 * 1.5;
    let each: f64 = (100..164).map(|v| (f64::from(v) - 150.25).abs()).sum();
    assert_equal(
        result.iterations[0].objective,
        first + each * (half / 64) as f64,
        "objective",
    );
}
