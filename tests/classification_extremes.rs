//! Numbers so small, so large or so far apart that plain arithmetic would lose them.
#![allow(clippy::unwrap_used, reason = "a test that fails here says so")]

mod common;

use common::{classify, memberships, noise, pixels, scene};
use msvpu::{
    CMeans, Centers, FuzzyCMeans, MAX_VALUE, SampleType, Settings, Start, StopRule, Tiling,
};

fn start(centers: Vec<Vec<f64>>) -> Settings {
    Settings::new(Start::Centers(Centers::new(centers).unwrap()))
}

#[test]
fn centers_of_tiny_samples_go_on_until_they_stand() {
    let rows = [1.0, 1e-200].map(|size| {
        let picture = scene((30, 30), 1, SampleType::F64, |p, _| size * noise(p, 100));
        let settings = Settings {
            stop_on: StopRule::CenterShift,
            epsilon: 1e-9 * size,
            ..start(vec![vec![0.0], vec![size], vec![2.0 * size]])
        };
        let result = classify(&CMeans::new(settings), &picture).unwrap();
        assert!(result.converged);
        result.iterations.len()
    });
    assert_eq!(rows[0], rows[1]);
    assert!(rows[0] > 5);
}

#[test]
fn deviations_survive_a_far_center() {
    for (near, far) in [(0.0, 1e9), (1e9, 0.0), (1e9, 1e9), (0.25, 1e17)] {
        let picture = scene((40, 50), 2, SampleType::F64, |p, b| {
            // The first pixel of the class lies apart from the others too.
            if p == 0 {
                near + 1e3
            } else {
                near + noise(2 * p + b, 1024) / 1024.0
            }
        });
        let settings = Settings {
            max_iterations: 1,
            tiles: Tiling::new(3, 2),
            ..start(vec![vec![far; 2]])
        };
        let result = classify(&CMeans::new(settings), &picture).unwrap();
        let sd = result.classes[0].sd.as_ref().unwrap();
        let values = pixels(&picture);
        for band in 0..2 {
            // About `near`, from which all differences are exact.
            let n = values.len() as f64;
            let mean = values.iter().map(|v| v[band] - near).sum::<f64>() / n;
            let variance = (values.iter())
                .map(|v| (v[band] - near - mean).powi(2))
                .sum::<f64>()
                / n;
            let expected = variance.sqrt();
            assert!(
                (sd[band] - expected).abs() <= 1e-12 * expected,
                "{} and {expected}, from {far} about {near}",
                sd[band]
            );
        }
    }
}

#[test]
fn a_small_change_beside_large_centers_counts() {
    // Σ c is about 10¹⁷ throughout, where the next number is 16 away.
    let picture = scene((1, 8), 1, SampleType::F64, |p, _| {
        if p < 4 { 1e17 } else { p as f64 }
    });
    let settings = Settings {
        stop_on: StopRule::CenterSum,
        ..start(vec![vec![1e17], vec![2.0]])
    };
    let result = classify(&CMeans::new(settings), &picture).unwrap();
    let changes: Vec<f64> = (result.iterations.iter())
        .map(|row| row.center_sum_change)
        .collect();
    assert_eq!(changes, [1e17, 3.5, 0.0]);
}

#[test]
fn the_largest_samples_are_classified_as_their_small_likeness() {
    for bands in [1, 3] {
        for fuzzifier in [None, Some(2.0), Some(1.6)] {
            let result = |size: f64| {
                let picture = scene((12, 9), bands, SampleType::F64, |p, b| {
                    size * (noise(5 * p + b, 2001) / 1000.0 - 1.0)
                });
                let center = |value: f64| vec![value * size; usize::from(bands)];
                let settings = Settings {
                    max_iterations: 3,
                    ..start([-1.0, 0.1, 1.0].map(center).to_vec())
                };
                let Some(fuzzifier) = fuzzifier else {
                    return (classify(&CMeans::new(settings), &picture).unwrap(), picture);
                };
                let program = FuzzyCMeans {
                    fuzzifier,
                    memberships: true,
                    ..FuzzyCMeans::new(settings)
                };
                (classify(&program, &picture).unwrap(), picture)
            };
            let ((large, _), (small, picture)) = (result(MAX_VALUE), result(1.0));
            assert_eq!(large.labels, small.labels);
            let alike = |large: &[f64], small: &[f64]| {
                for (large, small) in large.iter().zip(small) {
                    assert!((large - MAX_VALUE * small).abs() <= 1e-12 * MAX_VALUE);
                }
            };
            alike(large.centers.values(), small.centers.values());
            for (large, small) in large.classes.iter().zip(&small.classes) {
                alike(large.sd.as_ref().unwrap(), small.sd.as_ref().unwrap());
            }
            let (Some(fuzzifier), Some(planes)) = (fuzzifier, large.memberships) else {
                continue;
            };
            assert!(large.validity.unwrap().xie_beni.is_some());
            for (at, pixel) in pixels(&picture).iter().enumerate() {
                let expected = memberships(pixel, &small.centers, fuzzifier);
                for (plane, u) in planes.iter().zip(expected) {
                    assert!((f64::from(plane[at]) - 255.0 * u).abs() <= 0.5 + 1e-9);
                }
            }
        }
    }
}

#[test]
fn larger_samples_are_refused_with_value_and_bound() {
    for bands in [1, 2] {
        for value in [1.5e150, -1e200, f64::MAX, f64::MIN] {
            let picture = scene((4, 4), bands, SampleType::F64, |p, b| {
                if p == 7 && b + 1 == usize::from(bands) {
                    value
                } else {
                    p as f64
                }
            });
            let words = format!(
                "the scene holds a sample of {value:e}: none may be greater in size than 1e150"
            );
            for error in [
                classify(&CMeans::default(), &picture).unwrap_err(),
                classify(&FuzzyCMeans::default(), &picture).unwrap_err(),
            ] {
                assert!(error.to_string().starts_with(&words), "{error}");
                assert!(matches!(error, msvpu::ProgramError::InvalidInput(_)));
            }
        }
    }
    // As nodata, or as no number at all, it is no sample.
    let picture = scene((4, 4), 1, SampleType::F64, |p, _| match p {
        0 => f64::MIN,
        1 => f64::INFINITY,
        _ => p as f64,
    });
    let settings = Settings {
        nodata: Some(f64::MIN),
        ..Settings::default()
    };
    let result = classify(&FuzzyCMeans::new(settings), &picture).unwrap();
    assert_eq!((result.nodata_pixels, result.nan_pixels), (2, 1));
}
