//! The files of `--output`: there, readable, and of one mind with the report.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::Path;

use serde_json::Value;
use sha2::{Digest, Sha256};
use tiff::decoder::{Decoder, DecodingResult};
use tiff::tags::Tag;

use crate::{GEO_KEYS, HEIGHT, PIXEL_SCALE, Pictures, TIEPOINT, WIDTH, classify};

fn names(directory: &Path) -> BTreeSet<String> {
    fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().copied().map(str::to_owned).collect()
}

/// The samples of a PNG of one band as the file has them: not scaled, palette indices as such.
fn png_samples(path: &Path) -> Vec<u8> {
    let file = std::io::BufReader::new(File::open(path).unwrap());
    let mut decoder = png::Decoder::new(file);
    decoder.set_transformations(png::Transformations::IDENTITY);
    let mut reader = decoder.read_info().unwrap();
    let mut packed = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut packed).unwrap();
    assert_eq!((info.width, info.height), (WIDTH, HEIGHT));
    let bits = info.bit_depth as usize;
    packed
        .chunks(info.line_size)
        .flat_map(|row| {
            (0..WIDTH as usize).map(move |x| {
                let at = x * bits;
                (row[at / 8] >> (8 - bits - at % 8)) & (255_u16 >> (8 - bits)) as u8
            })
        })
        .collect()
}

#[track_caller]
fn assert_labels_agree(labels: &[u8], report: &Value) {
    assert_eq!(labels.len(), (WIDTH * HEIGHT) as usize);
    let count = |label: u64| {
        labels
            .iter()
            .filter(|found| u64::from(**found) == label)
            .count()
    };
    assert_eq!(report["image"]["nodata_pixels"], count(0));
    for class in report["classes"].as_array().unwrap() {
        assert_eq!(class["pixels"], count(class["label"].as_u64().unwrap()));
    }
    let digest: String = Sha256::digest(labels)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(report["labels_sha256"], digest);
}

#[test]
fn a_png_gives_labels_masks_chart_and_report() {
    let pictures = Pictures::new();
    let output = pictures.path("deep/out");
    let options = format!("--classes 3 --json --output {}", output.display());
    let printed = classify(&pictures.gray(), &options).stdout();
    let written = fs::read_to_string(output.join("report.json")).unwrap();
    assert_eq!(printed, written);
    assert_eq!(
        names(&output),
        set(&[
            "class_1.png",
            "class_2.png",
            "class_3.png",
            "convergence.svg",
            "labels.png",
            "report.json"
        ])
    );
    let report: Value = serde_json::from_str(&written).unwrap();
    let labels = png_samples(&output.join("labels.png"));
    assert_labels_agree(&labels, &report);
    for label in 1..=3 {
        let mask = png_samples(&output.join(format!("class_{label}.png")));
        let expected: Vec<u8> = labels
            .iter()
            .map(|found| u8::from(*found == label))
            .collect();
        assert_eq!(mask, expected);
    }
    let chart = fs::read_to_string(output.join("convergence.svg")).unwrap();
    assert!(chart.starts_with("<svg ") && chart.ends_with("</svg>\n"));
}

#[test]
fn a_geotiff_gives_labels_in_their_place_on_earth() {
    let pictures = Pictures::new();
    let output = pictures.path("out");
    let options = format!(
        "--classes 3 --nodata -9999 --json --output {}",
        output.display()
    );
    let report = classify(&pictures.float_geotiff(), &options).json();
    assert!(!output.join("labels.png").exists());
    let mut bytes = fs::read(output.join("labels.tif")).unwrap();
    // The decoder does not read palettes: it is shown "black is zero" instead.
    let photometric = [6, 1, 3, 0, 1, 0, 0, 0, 3, 0];
    let at = bytes.windows(10).position(|entry| entry == photometric);
    bytes[at.unwrap() + 8] = 1;
    let mut decoder = Decoder::new(std::io::Cursor::new(bytes)).unwrap();
    assert_eq!(decoder.dimensions().unwrap(), (WIDTH, HEIGHT));
    assert_eq!(
        decoder.get_tag_f64_vec(Tag::ModelPixelScaleTag).unwrap(),
        PIXEL_SCALE
    );
    assert_eq!(
        decoder.get_tag_f64_vec(Tag::ModelTiepointTag).unwrap(),
        TIEPOINT
    );
    assert_eq!(
        decoder.get_tag_u16_vec(Tag::GeoKeyDirectoryTag).unwrap(),
        GEO_KEYS
    );
    let DecodingResult::U8(labels) = decoder.read_image().unwrap() else {
        panic!("labels of more than 8 bits");
    };
    assert_eq!(labels[..3], [0, 0, 0]);
    assert_labels_agree(&labels, &report);
}

#[test]
fn memberships_are_written_on_request_and_add_up() {
    let pictures = Pictures::new();
    let output = pictures.path("out");
    let options = format!(
        "--algorithm fuzzy-cmeans --classes 3 --memberships --quiet --output {}",
        output.display()
    );
    assert_eq!(classify(&pictures.gray(), &options).stdout(), "");
    let labels = png_samples(&output.join("labels.png"));
    let memberships: Vec<Vec<u8>> = (1..=3)
        .map(|class| png_samples(&output.join(format!("membership_{class}.png"))))
        .collect();
    for (pixel, label) in labels.iter().enumerate() {
        let of: Vec<u8> = memberships.iter().map(|class| class[pixel]).collect();
        // Each of the three is rounded to 1/255.
        let sum: u32 = of.iter().copied().map(u32::from).sum();
        assert!(sum.abs_diff(255) <= 2, "{of:?}");
        let largest = of.iter().max().unwrap();
        assert_eq!(of[usize::from(*label) - 1], *largest, "{of:?} {label}");
    }
}

#[test]
fn no_images_means_the_report_alone() {
    let pictures = Pictures::new();
    let output = pictures.path("out");
    let options = format!(
        "--classes 3 --no-images --json --output {}",
        output.display()
    );
    let gray = pictures.gray();
    let fit_only = classify(&gray, &options).json();
    assert_eq!(names(&output), set(&["report.json"]));
    let whole = classify(&gray, "--classes 3 --json").json();
    for key in ["centers", "classes", "empty_classes", "labels_sha256"] {
        assert_eq!(fit_only[key], whole[key], "{key}");
    }
}

#[test]
fn files_of_an_earlier_run_are_removed() {
    let pictures = Pictures::new();
    let output = pictures.path("out");
    let run = |image: &Path, options: &str| {
        classify(
            image,
            &format!("{options} --quiet --output {}", output.display()),
        )
        .stdout()
    };
    let gray = pictures.gray();
    run(&gray, "--algorithm fuzzy-cmeans --classes 3 --memberships");
    // Not the command's names, and an input that happens to have one.
    let own = ["class_03.png", "class_x.png", "labels.png.bak", "notes.txt"];
    for name in own {
        fs::write(output.join(name), b"mine").unwrap();
    }
    let input = output.join("class_9.png");
    fs::copy(&gray, &input).unwrap();
    let with_own = |written: &[&str]| &set(written) | &set(&own);

    run(&input, "--classes 2");
    let two = [
        "class_1.png",
        "class_2.png",
        "class_9.png",
        "convergence.svg",
        "labels.png",
        "report.json",
    ];
    assert_eq!(names(&output), with_own(&two));
    run(&pictures.float_geotiff(), "--classes 1");
    let one = [
        "class_1.png",
        "convergence.svg",
        "labels.tif",
        "report.json",
    ];
    assert_eq!(names(&output), with_own(&one));
    run(&gray, "--classes 2 --no-images");
    assert_eq!(names(&output), with_own(&["report.json"]));
}

#[test]
fn without_output_nothing_is_written() {
    let pictures = Pictures::new();
    let gray = pictures.gray();
    let before = names(gray.parent().unwrap());
    classify(&gray, "--classes 3").stdout();
    assert_eq!(names(gray.parent().unwrap()), before);
}
