//! The report: its keys, its truth, its determinism, and how it is printed.

use std::fmt;
use std::path::Path;

use serde::Deserializer;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use crate::{HEIGHT, Pictures, WIDTH, assert_adds_up, assert_one_node, classify, level, pixels};

const FUZZY: &str = "--algorithm fuzzy-cmeans --centers 10,90,170 --epsilon 0.5";

#[track_caller]
fn assert_keys(object: &Value, expected: &[&str]) {
    let mut found: Vec<&str> = object
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let mut expected = expected.to_vec();
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected);
}

/// The keys of an object as they stand in the text.
struct InOrder;

impl<'de> Visitor<'de> for InOrder {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<String>, A::Error> {
        let mut keys = Vec::new();
        while let Some((key, _)) = map.next_entry::<String, IgnoredAny>()? {
            keys.push(key);
        }
        Ok(keys)
    }
}

fn keys_in_order(text: &str) -> Vec<String> {
    serde_json::Deserializer::from_str(text)
        .deserialize_map(InOrder)
        .unwrap()
}

#[test]
fn the_keys_are_those_of_the_contract() {
    let gray = Pictures::new();
    let gray = gray.gray();
    let text = classify(&gray, &format!("{FUZZY} --json")).stdout();
    assert_eq!(
        keys_in_order(&text),
        [
            "job",
            "algorithm",
            "image",
            "tiles",
            "parameters",
            "iterations",
            "converged",
            "stopped_by",
            "centers",
            "classes",
            "empty_classes",
            "validity",
            "labels_sha256",
            "timings",
            "team",
            "nodes"
        ]
    );
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_keys(
        &report["image"],
        &[
            "path",
            "width",
            "height",
            "bands",
            "bits",
            "nodata_pixels",
            "nan_pixels",
        ],
    );
    assert_keys(&report["tiles"], &["rows", "columns"]);
    assert_keys(
        &report["iterations"][0],
        &[
            "iteration",
            "centers",
            "objective",
            "objective_change",
            "center_sum_change",
            "elapsed_ms",
        ],
    );
    assert_keys(
        &report["classes"][0],
        &["label", "pixels", "share", "mean", "sd"],
    );
    assert_keys(
        &report["validity"],
        &["partition_coefficient", "partition_entropy", "xie_beni"],
    );
    assert_keys(
        &report["timings"],
        &[
            "decode_ms",
            "fit_ms",
            "assemble_ms",
            "encode_ms",
            "other_ms",
            "total_ms",
        ],
    );
    assert_keys(&report["team"], &["msvpus", "cpus"]);
    assert_keys(
        &report["nodes"][0],
        &[
            "node",
            "name",
            "cpus",
            "performance_index",
            "load_index",
            "msvpus",
            "predicted_ms",
            "actual_ms",
            "deviation",
        ],
    );

    let hard = classify(&gray, "--classes 3 --json").stdout();
    assert!(!keys_in_order(&hard).contains(&"validity".to_owned()));
}

#[test]
fn the_report_tells_what_was_done() {
    let pictures = Pictures::new();
    let gray = pictures.gray();
    let report = classify(&gray, &format!("{FUZZY} --tiles 3x2 --workers 2 --json")).json();
    assert_eq!(report["job"].as_str().unwrap().len(), 36);
    assert_eq!(report["algorithm"], "fuzzy-cmeans");
    assert_eq!(report["image"]["path"], gray.to_str().unwrap());
    assert_eq!(report["image"]["width"], WIDTH);
    assert_eq!(report["image"]["height"], HEIGHT);
    assert_eq!(report["image"]["bands"], 1);
    assert_eq!(report["image"]["bits"], 8);
    assert_eq!(report["tiles"]["rows"], 3);
    assert_eq!(report["tiles"]["columns"], 2);
    assert_eq!(report["team"]["msvpus"], 6);
    assert_eq!(report["team"]["cpus"], 2);
    assert_one_node(&report["nodes"], 6, &report["timings"]["fit_ms"]);
    assert_adds_up(&report["timings"]);
    assert_eq!(report["parameters"]["epsilon"], 0.5);
    assert_eq!(report["parameters"]["fuzzifier"], 2.0);
    assert_eq!(report["converged"], true);
    assert_eq!(report["stopped_by"], "objective");

    let rows = report["iterations"].as_array().unwrap();
    assert_eq!(
        rows[0]["centers"],
        serde_json::json!([[10.0], [90.0], [170.0]])
    );
    assert_eq!(rows.last().unwrap()["centers"], report["centers"]);
    let mut before = 0.0;
    for (at, row) in rows.iter().enumerate() {
        assert_eq!(row["iteration"], at + 1);
        let objective = row["objective"].as_f64().unwrap();
        let change = row["objective_change"].as_f64().unwrap();
        assert_eq!(change, (objective - before).abs());
        assert_eq!(change < 0.5, at + 1 == rows.len());
        before = objective;
    }
}

#[test]
fn the_classes_are_those_of_the_centers() {
    let pictures = Pictures::new();
    let report = classify(&pictures.gray(), "--classes 3 --json").json();
    let centers: Vec<f64> = report["centers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|center| center[0].as_f64().unwrap())
        .collect();
    let mut members = vec![Vec::new(); centers.len()];
    for (x, y) in pixels() {
        let value = f64::from(level(x, y));
        let mut nearest = 0;
        for (class, center) in centers.iter().enumerate() {
            if (value - center).abs() < (value - centers[nearest]).abs() {
                nearest = class;
            }
        }
        members[nearest].push(value);
    }
    for (class, members) in members.iter().enumerate() {
        let told = &report["classes"][class];
        let count = members.len() as f64;
        let mean = members.iter().sum::<f64>() / count;
        let variance = members.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / count;
        assert_eq!(told["label"], class + 1);
        assert_eq!(told["pixels"], members.len());
        let close = |value: &Value, expected: f64| {
            let value = value.as_f64().unwrap();
            assert!((value - expected).abs() < 1e-9, "{value} {expected}");
        };
        close(&told["share"], count / f64::from(WIDTH * HEIGHT));
        close(&told["mean"][0], mean);
        close(&told["sd"][0], variance.sqrt());
    }
}

#[test]
fn empty_classes_are_named() {
    let pictures = Pictures::new();
    let flat = pictures.png(
        "flat.png",
        png::ColorType::Grayscale,
        &vec![7; (WIDTH * HEIGHT) as usize],
    );
    let report = classify(&flat, "--centers 7,200,220 --json").json();
    assert_eq!(report["empty_classes"], serde_json::json!([2, 3]));
    assert_eq!(report["classes"][0]["share"], 1.0);
    assert_eq!(report["classes"][1]["pixels"], 0);
    assert_eq!(report["classes"][1]["mean"], Value::Null);
    let summary = classify(&flat, "--centers 7,200,220").stdout();
    assert!(
        summary.contains("without a pixel: class 2, 3\n"),
        "{summary}"
    );
    // Where all pixels are alike no start can do better.
    let summary = classify(&flat, "--classes 3").stdout();
    assert!(
        summary.contains("without a pixel: class 2, 3\n"),
        "{summary}"
    );
    let two = pictures.write("two.pgm", b"P5 5 1 255\n\x01\x02\x03\xf0\xf1");
    let summary = classify(&two, "--classes 4").stdout();
    assert!(
        summary.contains(
            "without a pixel: class 2, 3; another start may fill them: --init kmeans++\n"
        ),
        "{summary}"
    );
}

#[test]
fn nodata_and_nan_are_counted() {
    let pictures = Pictures::new();
    let float = pictures.float_geotiff();
    let report = classify(&float, "--classes 3 --nodata -9999 --json").json();
    assert_eq!(report["image"]["bits"], 32);
    assert_eq!(report["image"]["nodata_pixels"], 3);
    assert_eq!(report["image"]["nan_pixels"], 2);
    let labelled: u64 = report["classes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|class| class["pixels"].as_u64().unwrap())
        .sum();
    assert_eq!(labelled, u64::from(WIDTH * HEIGHT) - 3);
}

/// Sets what may differ between two runs of the same job to null.
fn without_times(mut report: Value) -> Value {
    report["job"].take();
    report["timings"].take();
    assert_eq!(
        report["team"]["cpus"].take(),
        report["nodes"][0]["cpus"].take()
    );
    report["nodes"][0]["actual_ms"].take();
    for row in report["iterations"].as_array_mut().unwrap() {
        row["elapsed_ms"].take();
    }
    report
}

#[test]
fn runs_and_workers_change_no_bit() {
    let pictures = Pictures::new();
    let run = |image: &Path, options: &str| {
        without_times(classify(image, &format!("{options} --json")).json()).to_string()
    };
    for (image, options) in [
        (pictures.gray(), FUZZY),
        (
            pictures.rgb(),
            "--classes 4 --init kmeans++ --seed 3 --tiles 4x3",
        ),
        (
            pictures.float_geotiff(),
            "--algorithm fuzzy-cmeans --classes 3 --init random --nodata -9999 --tiles 5x2",
        ),
    ] {
        let first = run(&image, options);
        for workers in [1, 2, 3, 8] {
            assert_eq!(
                run(&image, &format!("{options} --workers {workers}")),
                first
            );
        }
        for _ in 0..20 {
            assert_eq!(run(&image, options), first);
        }
    }
}

#[test]
fn the_summary_has_a_line_a_class() {
    let pictures = Pictures::new();
    let summary = classify(&pictures.rgb(), "--classes 4").stdout();
    assert!(summary.starts_with("cmeans of "), "{summary}");
    assert!(summary.contains("61 x 47 pixels, 3 bands of 8 bits"));
    assert!(summary.contains("converged"));
    let classes = summary.lines().filter(|line| line.contains(" %")).count();
    assert_eq!(classes, 4, "{summary}");
    // Nothing to compare this process with.
    assert!(!summary.contains("load index"), "{summary}");
}

#[test]
fn the_summary_tells_the_change_of_the_rule() {
    let pictures = Pictures::new();
    let gray = pictures.gray();
    let options = "--classes 3 --epsilon 1e-9 --max-iterations 3 --stop-on";
    let report = classify(&gray, &format!("{options} center-sum --json")).json();
    let change = report["iterations"][2]["center_sum_change"]
        .as_f64()
        .unwrap();
    let change_told = |rule: &str| -> f64 {
        let summary = classify(&gray, &format!("{options} {rule}")).stdout();
        let (_, told) = summary.split_once("last change ").unwrap();
        told.lines().next().unwrap().parse().unwrap()
    };
    let told = change_told("center-sum");
    assert!(
        (told - change).abs() <= 1e-4 * change.abs(),
        "{told} {change}"
    );
    let center = |row: usize, class: usize| {
        report["iterations"][row]["centers"][class][0]
            .as_f64()
            .unwrap()
    };
    let farthest = (0..3)
        .map(|class| (center(2, class) - center(1, class)).abs())
        .fold(0.0, f64::max);
    let told = change_told("center-shift");
    assert!(
        (told - farthest).abs() <= 1e-4 * farthest,
        "{told} {farthest}"
    );
}

#[test]
fn transparent_pixels_are_told_as_such() {
    let pictures = Pictures::new();
    let samples: Vec<u8> = (0..WIDTH * HEIGHT)
        .flat_map(|at| [(at % 251) as u8, if at < 5 { 0 } else { 255 }])
        .collect();
    let image = pictures.png("alpha.png", png::ColorType::GrayscaleAlpha, &samples);
    let summary = classify(&image, "--classes 2").stdout();
    assert!(
        summary.contains("5 without data, 5 of them transparent\n"),
        "{summary}"
    );
}
