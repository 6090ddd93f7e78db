//! `msvpu pairwise`.

use std::path::Path;

use serde_json::Value;

use crate::{HEIGHT, Pictures, Ran, WIDTH, assert_adds_up, assert_one_node, level, msvpu};

fn pairwise(image: &Path, options: &str) -> Ran {
    let mut args = vec!["pairwise", image.to_str().unwrap()];
    args.extend(options.split_whitespace());
    msvpu(args)
}

/// The mean absolute difference over the pairs of every `sampling`-th pixel of some rows.
fn direct(rows: std::ops::Range<u32>, sampling: usize) -> (u64, f64) {
    let values: Vec<i64> = rows
        .flat_map(|y| (0..WIDTH).map(move |x| i64::from(level(x, y) as u8)))
        .step_by(sampling)
        .collect();
    let (mut pairs, mut sum) = (0, 0);
    for (index, a) in values.iter().enumerate() {
        for b in &values[index + 1..] {
            pairs += 1;
            sum += (a - b).abs();
        }
    }
    (pairs, sum as f64 / pairs as f64)
}

#[test]
fn the_report_tells_the_differences_of_each_tile() {
    let pictures = Pictures::new();
    let report = pairwise(
        &pictures.gray(),
        "--tiles 2x1 --sampling 3 --rounds 2 --json",
    )
    .json();
    let half = HEIGHT / 2;
    let tiles = [direct(0..half, 3), direct(half..HEIGHT, 3)];
    for (found, (pairs, mean)) in report["tiles"].as_array().unwrap().iter().zip(tiles) {
        assert_eq!(found["pairs"], pairs);
        assert_eq!(found["mean"], mean);
    }
    assert_eq!(report["pairs"], tiles[0].0 + tiles[1].0);
    assert_eq!(report["service"], "pairwise");
    assert_eq!(report["image"]["width"], WIDTH);
    assert_eq!(report["tiling"]["rows"], 2);
    assert_eq!(report["parameters"]["rounds"], 2);
    assert_eq!(report["team"]["msvpus"], 2);
    assert_one_node(&report["nodes"], 2, &report["timings"]["run_ms"]);
    for time in ["decode_ms", "run_ms", "other_ms"] {
        assert!(report["timings"][time].as_f64().unwrap() > 0.0, "{time}");
    }
    assert_adds_up(&report["timings"]);
}

#[test]
fn runs_and_workers_change_no_bit() {
    let pictures = Pictures::new();
    for image in [pictures.rgb(), pictures.float_geotiff()] {
        let report = |workers: usize| -> Value {
            let options = format!("--tiles 3x2 --nodata -9999 --workers {workers} --json");
            let mut report = pairwise(&image, &options).json();
            for path in [
                "/job",
                "/timings",
                "/team/cpus",
                "/nodes/0/cpus",
                "/nodes/0/actual_ms",
            ] {
                let varies = report.pointer_mut(path).map(Value::take);
                assert_ne!(varies.unwrap_or_default(), Value::Null, "{path}");
            }
            report
        };
        let one = report(1);
        assert!(one["mean"].as_f64().unwrap() > 0.0);
        for workers in [1, 2, 3, 8] {
            assert_eq!(report(workers).to_string(), one.to_string(), "{workers}");
        }
    }
}

#[test]
fn pixels_without_data_are_not_compared() {
    let pictures = Pictures::new();
    // Two pixels are NaN, the third has the value.
    let report = pairwise(&pictures.float_geotiff(), "--nodata -9999 --json").json();
    assert_eq!(report["pixels"], u64::from(WIDTH * HEIGHT - 3));
}

#[test]
fn the_summary_is_for_people() {
    let pictures = Pictures::new();
    let gray = pictures.gray();
    let summary = pairwise(&gray, "--tiles 47x1 --workers 2").stdout();
    for words in [
        "61 x 47 pixels, 1 band of 8 bits",
        "47 MsVPUs on 2 CPUs, tiles 47x1",
        "1 round",
        "on average",
        "and 7 more tiles",
    ] {
        assert!(summary.contains(words), "{words}: {summary}");
    }
    assert!(!summary.contains("load index"), "{summary}");
    assert_eq!(pairwise(&gray, "--quiet").stdout(), "");
    // Every pixel is a tile: there is no pair.
    let summary = pairwise(&gray, "--tiles 47x61").stdout();
    assert!(summary.contains("difference  - on average"), "{summary}");
}

#[test]
fn what_does_not_fit_is_refused() {
    let pictures = Pictures::new();
    let gray = pictures.gray();
    for (options, words) in [
        ("--sampling 0", ["--sampling", "from 1"]),
        ("--sampling -2", ["--sampling", "from 1"]),
        ("--rounds 0", ["--rounds", "from 1"]),
        ("--tiles 48x1", ["gray.png", "47 rows"]),
        ("--classes 3", ["--classes", "msvpu pairwise --help"]),
    ] {
        let ran = pairwise(&gray, options);
        assert_eq!((ran.status, ran.stdout.as_str()), (2, ""), "{options}");
        assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
        for word in words {
            assert!(ran.stderr.contains(word), "{options}: {}", ran.stderr);
        }
    }
    let missing = pairwise(&pictures.path("none.png"), "");
    assert_eq!(missing.status, 2);
    assert!(missing.stderr.contains("none.png"), "{}", missing.stderr);
}

#[cfg(unix)]
#[test]
fn ctrl_c_cancels_the_job_and_ends_with_130() {
    use crate::interrupts::assert_interruptible;

    let pictures = Pictures::new();
    // 5 · 10¹¹ pairs in one tile: a minute.
    let mut bytes = b"P5 1000 1000 255\n".to_vec();
    bytes.extend((0..1_000_000_u32).map(|index| (index % 251) as u8));
    let image = pictures.write("large.pgm", &bytes);
    let image = image.to_str().unwrap();
    assert_interruptible(&["pairwise", image, "--tiles", "1x1"]);
}
