//! What a job asks of the memory. Alone in its file: the figures are those of the process.
#![allow(clippy::unwrap_used, reason = "a test that fails here says so")]
#![cfg(target_os = "linux")]

mod common;

use common::{classify, pixels, scene};
use msvpu::{Centers, FuzzyCMeans, SampleType, Settings, Start};

/// The most address space that the process has had, in bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmPeak:"));
    let kibibytes = line.unwrap().split_whitespace().nth(1).unwrap();
    1024 * kibibytes.parse::<u64>().unwrap()
}

#[test]
fn memberships_of_a_small_scene_in_many_classes_take_little() {
    const CLASSES: u32 = 20_000;

    for sample in [SampleType::U8, SampleType::U16] {
        let picture = scene((3, 5), 1, sample, |p, _| (17 * p) as f64);
        let values: Vec<f64> = (0..CLASSES)
            .map(|class| 0.01 * (f64::from(class) + 0.5))
            .collect();
        let program = FuzzyCMeans {
            memberships: true,
            ..FuzzyCMeans::new(Settings {
                max_iterations: 1,
                nodata: Some(34.0),
                ..Settings::new(Start::Centers(Centers::gray(values).unwrap()))
            })
        };
        let before = peak();
        let result = classify(&program, &picture).unwrap();
        let more = peak() - before;
        // 15 pixels in 20,000 classes are 0.3 MB; a table of 2¹⁶ values for each were 1.3 GB.
        assert!(more < 200 << 20, "{more} bytes more");
        let planes = result.memberships.unwrap();
        assert_eq!(planes.len(), CLASSES as usize);
        for (at, pixel) in pixels(&picture).iter().enumerate() {
            let closeness: Vec<f64> = (result.centers.iter())
                .map(|center| 1.0 / (pixel[0] - center[0]).powi(2))
                .collect();
            let all: f64 = closeness.iter().sum();
            for (plane, closeness) in planes.iter().zip(closeness) {
                let u = if at == 2 {
                    0.0
                } else {
                    255.0 * closeness / all
                };
                assert!((f64::from(plane[at]) - u).abs() <= 0.5 + 1e-9);
            }
        }
    }
}
