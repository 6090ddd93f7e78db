//! The whole command on a PNG of the paper's image, beside its floor: decoding that file and
//! encoding the files of the result, with no work in between.
//!
//! `cargo bench --bench command`
#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use msvpu::raster::{LabelImage, write_labels_png, write_mask_png};
use rayon::prelude::*;

#[path = "../tests/common/paper.rs"]
mod paper;

const PAIRS: usize = 15;

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("scene.png");
    let (height, width) = paper::PAPER_SIZE;
    let mut samples = paper::paper_scene().unwrap().samples().to_vec();
    shuffle(&mut samples);
    write_png(&image, &samples);
    drop(samples);
    let out = folder.path().join("out");
    let command = || {
        let start = Instant::now();
        let status = Command::new(env!("CARGO_BIN_EXE_msvpu"))
            .args([
                "classify",
                "--algorithm",
                "cmeans",
                "--stop-on",
                "center-sum",
            ])
            .args(["--centers", "1.2,2.5,3.8", "--epsilon", "0.0005", "--quiet"])
            .args(["--workers", "2", "--output"])
            .arg(&out)
            .arg(&image)
            .status()
            .unwrap();
        assert!(status.success());
        start.elapsed().as_secs_f64()
    };
    command();
    let labels = decode(&out.join("labels.png"));
    // Two threads, as the command has.
    rayon::ThreadPoolBuilder::new()
        .num_threads(2)
        .build_global()
        .unwrap();
    let floor = || {
        let start = Instant::now();
        std::hint::black_box(decode(&image));
        let labels = LabelImage::new(width, height, 3, &labels).unwrap();
        // The labels, and a mask for each class.
        (0..=3_u16)
            .into_par_iter()
            .with_max_len(1)
            .for_each(|class| {
                let path = folder.path().join(format!("{class}.png"));
                match class {
                    0 => write_labels_png(&path, &labels).unwrap(),
                    _ => write_mask_png(&path, &labels, class).unwrap(),
                }
            });
        start.elapsed().as_secs_f64()
    };
    floor();
    let (commands, floors): (Vec<f64>, Vec<f64>) = (0..PAIRS).map(|_| (command(), floor())).unzip();
    let ratios = commands.iter().zip(&floors).map(|(c, f)| c / f).collect();
    println!(
        "whole command {:.0} ms, decode and encode alone {:.0} ms; median ratio of {PAIRS} pairs {:.2}",
        1e3 * median(commands.clone()),
        1e3 * median(floors),
        median(ratios)
    );
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// As it stands in the file, one byte per sample; packed samples are unpacked.
fn decode(path: &Path) -> Vec<u8> {
    let mut decoder = png::Decoder::new(std::io::BufReader::new(File::open(path).unwrap()));
    decoder.set_transformations(png::Transformations::IDENTITY);
    let mut reader = decoder.read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut bytes).unwrap();
    let info = reader.info();
    let bits = info.bit_depth as usize;
    if bits == 8 {
        return bytes;
    }
    let mask = (1_u8 << bits) - 1;
    let per_byte = 8 / bits;
    bytes
        .chunks(bytes.len() / info.height as usize)
        .flat_map(|row| {
            (0..info.width as usize).map(move |column| {
                let shift = 8 - bits * (column % per_byte + 1);
                (row[column / per_byte] >> shift) & mask
            })
        })
        .collect()
}

/// Fisher and Yates: the fixture's own order compresses, and so decodes, better than any picture.
fn shuffle(samples: &mut [u8]) {
    let mut random = 2017_u64;
    for i in (1..samples.len()).rev() {
        // A linear congruential generator (Knuth, MMIX).
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        samples.swap(i, ((random >> 33) % (i as u64 + 1)) as usize);
    }
}

/// With the settings of an everyday writer.
fn write_png(path: &Path, samples: &[u8]) {
    let (height, width) = paper::PAPER_SIZE;
    let mut encoder = png::Encoder::new(BufWriter::new(File::create(path).unwrap()), width, height);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Balanced);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(samples).unwrap();
}
