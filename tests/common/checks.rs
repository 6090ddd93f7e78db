//! Everything in a result against plain references that visit every pixel in `f64`.

use super::{
    assert_close, classify, memberships, nearest_label, reference_iteration, valid_pixels,
};
use msvpu::{CMeans, Classification, FuzzyCMeans, Iteration, Scene, Settings, Tiling};

/// Checks everything in a result against the pixels.
pub(crate) fn check(
    scene: &Scene,
    result: &Classification,
    settings: &Settings,
    fuzzifier: Option<f64>,
) {
    let pixels = valid_pixels(scene, settings.nodata);
    // Every row follows from the row before.
    let mut before: Option<&Iteration> = None;
    for (index, row) in result.iterations.iter().enumerate() {
        let (objective, next) = reference_iteration(&pixels, &row.centers, fuzzifier);
        assert_close(row.objective, objective, 1e-9, "objective");
        let last_objective = before.map_or(0.0, |row| row.objective);
        let center_sum_change: f64 = (row.centers.values().iter().enumerate())
            .map(|(at, value)| value - before.map_or(0.0, |row| row.centers.values()[at]))
            .sum();
        assert_close(
            row.objective_change,
            (row.objective - last_objective).abs(),
            1e-12,
            "objective change",
        );
        assert_close(
            row.center_sum_change,
            center_sum_change.abs(),
            1e-12,
            "center sum change",
        );
        before = Some(row);
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
        (super::pixels(scene).iter())
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
            scatter += u.powf(fuzzifier) * super::distance(pixel, center).powi(2);
        }
    }
    let mut apart = f64::INFINITY;
    for (i, a) in result.centers.iter().enumerate() {
        for b in result.centers.iter().skip(i + 1) {
            apart = apart.min(super::distance(a, b).powi(2));
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

pub(crate) fn check_both(scene: &Scene, settings: &Settings) {
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
