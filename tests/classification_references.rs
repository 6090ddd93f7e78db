//! Both programs against plain references that visit every pixel in `f64`.
#![allow(clippy::unwrap_used, reason = "a test that fails here says so")]

mod common;

use common::checks::{check, check_both};
use common::{classify, memberships, noise, scene, valid_pixels};
use msvpu::{CMeans, Centers, FuzzyCMeans, SampleType, Settings, Start, Tiling};

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
