//! The edges: many classes, few values, tilings, starts.
#![allow(clippy::unwrap_used, reason = "a test that fails here says so")]

mod common;

use common::checks::check;
use common::{assert_close, classify, noise, pixels, scene};
use msvpu::{CMeans, FuzzyCMeans, Init, SampleType, Settings, Start, Tiling};

fn classes(classes: u32) -> Settings {
    Settings::new(Start::linear(classes))
}

#[test]
fn more_classes_than_one_byte_can_name() {
    let settings = Settings {
        max_iterations: 3,
        tiles: Tiling::new(3, 2),
        ..classes(300)
    };
    let picture = scene((20, 25), 1, SampleType::U16, |p, _| noise(p, 3000));
    let result = classify(&CMeans::new(settings.clone()), &picture).unwrap();
    check(&picture, &result, &settings, None);
    let result = classify(&FuzzyCMeans::new(settings.clone()), &picture).unwrap();
    check(&picture, &result, &settings, Some(2.0));
    let picture = scene((40, 50), 3, SampleType::U8, |p, b| noise(3 * p + b, 256));
    let result = classify(&CMeans::new(settings.clone()), &picture).unwrap();
    check(&picture, &result, &settings, None);
    assert_eq!(result.labels.label_bytes, 2);
    assert_eq!(result.labels.bytes.len(), 4000);
}

#[test]
fn more_classes_than_values_leave_empty_ones() {
    for init in [Init::Linear, Init::Random, Init::KMeansPlusPlus] {
        for bands in [1, 3] {
            let picture = scene((8, 8), bands, SampleType::U8, |p, _| (p % 2) as f64 * 100.0);
            let settings = Settings::new(Start::Classes {
                classes: 5,
                init,
                seed: 11,
            });
            let result = classify(&CMeans::new(settings.clone()), &picture).unwrap();
            check(&picture, &result, &settings, None);
            assert!(result.converged);
            assert!(result.empty_classes.len() >= 3, "{init}");
            let fuzzy = classify(&FuzzyCMeans::new(settings.clone()), &picture).unwrap();
            check(&picture, &fuzzy, &settings, Some(2.0));
        }
    }
}

#[test]
fn the_tiling_shows_in_the_last_digits_only() {
    for (bands, sample) in [
        (1, SampleType::U8),
        (1, SampleType::U16),
        (3, SampleType::F32),
    ] {
        let picture = scene((120, 90), bands, sample, |p, b| {
            40.0 * noise(p, 3) + noise(4 * p + b, 30)
        });
        let fit = |tiles| {
            let program = FuzzyCMeans::new(Settings {
                tiles,
                ..classes(3)
            });
            classify(&program, &picture).unwrap()
        };
        let whole = fit(Tiling::new(1, 1));
        for tiles in [Tiling::new(7, 5), Tiling::new(120, 1), Tiling::new(1, 90)] {
            let tiled = fit(tiles);
            assert!(tiled.converged);
            for (a, b) in tiled.centers.values().iter().zip(whole.centers.values()) {
                assert_close(*a, *b, 1e-9, "center");
            }
            assert_eq!(tiled.labels, whole.labels);
        }
    }
}

#[test]
fn a_flat_picture_converges_on_its_value() {
    let picture = scene((8, 8), 1, SampleType::U8, |_, _| 7.0);
    let result = classify(&CMeans::new(classes(2)), &picture).unwrap();
    assert_eq!(result.centers.values(), [7.0, 7.0]);
    assert_eq!((result.iterations.len(), result.converged), (2, true));
    assert_eq!(result.empty_classes, [2]);
}

#[test]
fn starts_depend_on_scene_and_seed_but_not_on_tiles() {
    let picture = scene((90, 70), 3, SampleType::U8, |p, b| noise(3 * p + b, 256));
    for init in [Init::Random, Init::KMeansPlusPlus] {
        let first_centers = |seed, tiles| {
            let settings = Settings {
                tiles,
                nodata: Some(9.0),
                max_iterations: 1,
                ..Settings::new(Start::Classes {
                    classes: 6,
                    init,
                    seed,
                })
            };
            classify(&CMeans::new(settings), &picture).unwrap().centers
        };
        let one = first_centers(1, Tiling::new(1, 1));
        assert_eq!(one, first_centers(1, Tiling::new(5, 4)));
        assert_ne!(one, first_centers(2, Tiling::new(1, 1)));
        let pixels = pixels(&picture);
        let mut centers: Vec<&[f64]> = one.iter().collect();
        assert!(
            centers
                .iter()
                .all(|center| pixels.iter().any(|p| p == center))
        );
        centers.dedup();
        assert_eq!(centers.len(), 6);
    }
}

#[test]
fn linear_starts_in_the_middle_of_equal_parts() {
    let picture = scene((1, 4), 2, SampleType::U8, |p, b| {
        [[10.0, 0.0], [50.0, 8.0]][p % 2][b]
    });
    let settings = Settings {
        max_iterations: 1,
        ..classes(4)
    };
    let result = classify(&CMeans::new(settings), &picture).unwrap();
    let centers: Vec<&[f64]> = result.centers.iter().collect();
    assert_eq!(
        centers,
        [[15.0, 1.0], [25.0, 3.0], [35.0, 5.0], [45.0, 7.0]]
    );
}
