//! Both programs against plain references that visit every pixel in `f64`.
#![allow(clippy::unwrap_used, reason = "a test that fails here says so")]

mod common;

use common::{
    assert_close, classify, memberships, nearest_label, noise, pixels, reference_iteration, scene,
    valid_pixels,
};
use msvpu::{
    CMeans, Centers, Classification, FuzzyCMeans, Init, SampleType, Scene, Settings, Start, Tiling,
};

/// Checks everything in a result against the pixels.
fn check(scene: &Scene, result: &Classification, settings: &Settings, fuzzifier: Option<f64>) {
    let pixels = valid_pixels(scene, settings.nodata);
    // Every row follows from the row before.
    let mut before: Option<(f64, f64)> = None;
    for (index, row) in result.iterations.iter().enumerate() {
        let (objective, next) = reference_iteration(&pixels, &row.centers, fuzzifier);
        assert_close(row.objective, objective, 1e-9, "objective");
        let (last_objective, last_sum) = before.unwrap_or_default();
        assert_close(
            row.objective_change,
            (row.objective - last_objective).abs(),
            1e-12,
            "objective change",
        );
        assert_close(
            row.center_sum_change,
            (row.centers.sum() - last_sum).abs(),
            1e-12,
            "center sum change",
        );
        before = Some((row.objective, row.centers.sum()));
        if let Some(after) = result.iterations.get(index + 1) {
            for (found, expected) in after.centers.values().iter().zip(next.values()) {
                assert_close(*found, *expected, 1e-9, "center");
            }
        }
    }
    assert_eq!(result.centers, result.iterations.last().unwrap().centers);
    check_labels(&pixels, result);
    if let Some(fuzzifier) = fuzzifier {
        check_validity(&pixels, result, fuzzifier);
    } else {
        assert_eq!(result.validity, None);
    }
    assert_eq!(
        result.nan_pixels,
        (common::pixels(scene).iter())
            .filter(|pixel| pixel.iter().any(|v| !v.is_finite()))
            .count() as u64
    );
}

fn check_labels(pixels: &[Option<Vec<f64>>], result: &Classification) {
    let expected: Vec<u16> = pixels
        .iter()
        .map(|pixel| {
            pixel
                .as_ref()
                .map_or(0, |p| nearest_label(p, &result.centers))
        })
        .collect();
    assert_eq!(result.labels.iter().collect::<Vec<_>>(), expected);
    assert_eq!(
        result.nodata_pixels,
        expected.iter().filter(|&&label| label == 0).count() as u64
    );
    let valid = pixels.iter().flatten().count() as f64;
    let mut empty = Vec::new();
    for (class, label) in result.classes.iter().zip(1..) {
        assert_eq!(class.label, label);
        let own: Vec<&Vec<f64>> = (pixels
            .iter()
            .flatten()
            .zip(expected.iter().filter(|l| **l > 0)))
        .filter(|(_, found)| **found == label)
        .map(|(pixel, _)| pixel)
        .collect();
        assert_eq!(class.pixels, own.len() as u64);
        assert_close(class.share, own.len() as f64 / valid, 1e-12, "share");
        if own.is_empty() {
            empty.push(label);
            assert_eq!((&class.mean, &class.sd), (&None, &None));
            continue;
        }
        for band in 0..result.centers.bands() {
            let n = own.len() as f64;
            let mean = own.iter().map(|pixel| pixel[band]).sum::<f64>() / n;
            let sd = (own.iter().map(|p| (p[band] - mean).powi(2)).sum::<f64>() / n).sqrt();
            assert_close(class.mean.as_ref().unwrap()[band], mean, 1e-9, "mean");
            assert_close(class.sd.as_ref().unwrap()[band], sd, 1e-7, "sd");
        }
    }
    assert_eq!(result.empty_classes, empty);
}

fn check_validity(pixels: &[Option<Vec<f64>>], result: &Classification, fuzzifier: f64) {
    let (mut squares, mut entropy, mut scatter, mut n) = (0.0, 0.0, 0.0, 0.0);
    for pixel in pixels.iter().flatten() {
        n += 1.0;
        let shares = memberships(pixel, &result.centers, fuzzifier);
        for (u, center) in shares.iter().zip(result.centers.iter()) {
            squares += u * u;
            entropy -= if *u > 0.0 { u * u.ln() } else { 0.0 };
            scatter += u.powf(fuzzifier) * common::distance(pixel, center).powi(2);
        }
    }
    let mut apart = f64::INFINITY;
    for (i, a) in result.centers.iter().enumerate() {
        for b in result.centers.iter().skip(i + 1) {
            apart = apart.min(common::distance(a, b).powi(2));
        }
    }
    let validity = result.validity.unwrap();
    assert_close(
        validity.partition_coefficient,
        squares / n,
        1e-9,
        "coefficient",
    );
    assert_close(validity.partition_entropy, entropy / n, 1e-9, "entropy");
    match validity.xie_beni {
        Some(found) => assert_close(found, scatter / (n * apart), 1e-9, "Xie-Beni"),
        None => assert!(apart == 0.0 || result.classes.len() == 1),
    }
}

fn check_both(scene: &Scene, settings: &Settings) {
    for tiles in [
        None,
        Tiling::new(1, 1),
        Tiling::new(3, 2),
        Tiling::new(7, 5),
    ] {
        let settings = Settings {
            tiles,
            max_iterations: 8,
            ..settings.clone()
        };
        let result = classify(&CMeans::new(settings.clone()), scene).unwrap();
        check(scene, &result, &settings, None);
        let fuzzifiers: &[f64] = if tiles.is_none() { &[2.0, 1.7] } else { &[2.0] };
        for &fuzzifier in fuzzifiers {
            let program = FuzzyCMeans {
                fuzzifier,
                ..FuzzyCMeans::new(settings.clone())
            };
            let result = classify(&program, scene).unwrap();
            check(scene, &result, &settings, Some(fuzzifier));
        }
    }
}

fn classes(classes: u32) -> Settings {
    Settings::new(Start::linear(classes))
}

#[test]
fn gray_of_8_bits() {
    let picture = scene((37, 41), 1, SampleType::U8, |p, _| noise(p, 256));
    check_both(&picture, &classes(5));
    let nodata = Settings {
        nodata: Some(3.0),
        ..classes(3)
    };
    check_both(
        &scene((37, 41), 1, SampleType::U8, |p, _| noise(p, 9)),
        &nodata,
    );
}

#[test]
fn gray_of_16_bits() {
    let picture = scene((37, 41), 1, SampleType::U16, |p, _| noise(p, 65536));
    check_both(&picture, &classes(4));
    let nodata = Settings {
        nodata: Some(65535.0),
        ..classes(3)
    };
    let picture = scene((37, 41), 1, SampleType::U16, |p, _| {
        if noise(p, 5) == 0.0 {
            65535.0
        } else {
            noise(p, 1000)
        }
    });
    check_both(&picture, &nodata);
}

#[test]
fn rgb_of_8_bits() {
    let picture = scene((53, 47), 3, SampleType::U8, |p, b| noise(3 * p + b, 256));
    check_both(&picture, &classes(8));
    let nodata = Settings {
        nodata: Some(0.0),
        ..classes(3)
    };
    let picture = scene((53, 47), 3, SampleType::U8, |p, b| {
        noise(p, 3) * noise(3 * p + b, 4)
    });
    check_both(&picture, &nodata);
}

#[test]
fn rgb_of_16_bits() {
    let settings = Settings {
        nodata: Some(7.0),
        ..classes(6)
    };
    let picture = scene((53, 47), 3, SampleType::U16, |p, b| {
        if noise(p, 4) == 0.0 {
            7.0
        } else {
            noise(3 * p + b, 65536)
        }
    });
    check_both(&picture, &settings);
}

#[test]
fn floats_of_one_band() {
    let settings = Settings {
        nodata: Some(-9999.9),
        ..classes(4)
    };
    let picture = scene((53, 47), 1, SampleType::F32, |p, _| {
        match noise(p, 10) as u8 {
            0 => f64::NAN,
            1 => f64::INFINITY,
            _ => noise(p, 1000) / 999.0,
        }
    });
    check_both(&picture, &settings);
}

#[test]
fn nodata_is_rounded_to_the_samples() {
    let settings = Settings {
        nodata: Some(0.1),
        ..classes(2)
    };
    let picture = scene((9, 9), 1, SampleType::F32, |p, _| {
        if p < 30 { 0.1 } else { p as f64 }
    });
    let result = classify(&CMeans::new(settings.clone()), &picture).unwrap();
    assert_eq!((result.nodata_pixels, result.nan_pixels), (30, 0));
    // 8-bit samples are never 3.5.
    let settings = Settings {
        nodata: Some(3.5),
        ..settings
    };
    let picture = scene((9, 9), 1, SampleType::U8, |p, _| p as f64);
    let result = classify(&CMeans::new(settings), &picture).unwrap();
    assert_eq!(result.nodata_pixels, 0);
}

#[test]
fn floats_of_several_bands() {
    for (bands, sample) in [
        (3, SampleType::F32),
        (4, SampleType::F32),
        (2, SampleType::F64),
    ] {
        let settings = Settings {
            nodata: Some(0.0),
            ..classes(5)
        };
        let picture = scene((31, 77), bands, sample, |p, b| match noise(p, 7) as u8 {
            0 => 0.0,
            1 if b == 1 => f64::NAN,
            _ => noise(5 * p + b, 100_000) / 1e5 - 0.3,
        });
        check_both(&picture, &settings);
    }
}

#[test]
fn far_from_the_origin_and_close_together() {
    let picture = scene((31, 77), 3, SampleType::F32, |p, b| {
        1e6 + noise(5 * p + b, 64) / 16.0
    });
    check_both(&picture, &classes(5));
}

#[test]
fn ties_go_to_the_lower_class_and_equal_centers_share() {
    // 10 lies between 8 and 12; 20 on both of two equal centers.
    let centers = Centers::gray([12.0, 8.0, 20.0, 20.0]).unwrap();
    let settings = Settings {
        max_iterations: 1,
        ..Settings::new(Start::Centers(centers))
    };
    for sample in [
        SampleType::U8,
        SampleType::U16,
        SampleType::F32,
        SampleType::F64,
    ] {
        let picture = scene((1, 4), 1, sample, |p, _| [10.0, 20.0, 8.0, 16.0][p]);
        let hard = classify(&CMeans::new(settings.clone()), &picture).unwrap();
        assert_eq!(hard.labels.iter().collect::<Vec<_>>(), [1, 3, 2, 1]);
        assert_eq!(hard.empty_classes, [4]);
        let program = FuzzyCMeans {
            memberships: true,
            ..FuzzyCMeans::new(settings.clone())
        };
        let fuzzy = classify(&program, &picture).unwrap();
        let planes = fuzzy.memberships.as_ref().unwrap();
        let of_second: Vec<u8> = planes.iter().map(|plane| plane[1]).collect();
        // Half of 255, rounded away from 0.
        assert_eq!(of_second, [0, 0, 128, 128]);
        check(&picture, &fuzzy, &settings, Some(2.0));
    }
}

#[test]
fn memberships_are_those_of_the_equation() {
    for sample in [SampleType::U8, SampleType::U16, SampleType::F32] {
        for bands in [1, 3] {
            let picture = scene((23, 19), bands, sample, |p, b| noise(3 * p + b, 50));
            let settings = Settings {
                nodata: Some(4.0),
                tiles: Tiling::new(2, 3),
                ..classes(3)
            };
            let program = FuzzyCMeans {
                memberships: true,
                fuzzifier: 1.5,
                settings: settings.clone(),
            };
            let result = classify(&program, &picture).unwrap();
            let planes = result.memberships.as_ref().unwrap();
            assert_eq!(planes.len(), 3);
            for (index, pixel) in valid_pixels(&picture, Some(4.0)).iter().enumerate() {
                let expected = pixel
                    .as_ref()
                    .map_or(vec![0.0; 3], |p| memberships(p, &result.centers, 1.5));
                for (plane, u) in planes.iter().zip(expected) {
                    assert!((f64::from(plane[index]) - 255.0 * u).abs() <= 0.5 + 1e-9);
                }
            }
        }
    }
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
