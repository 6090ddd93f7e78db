//! What hostile files take in memory, measured: a child decodes one, and no more than was told beforehand.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use msvpu::raster::{ReadLimits, probe, read};

use crate::support::TestFile;

const FILE: &str = "MSVPU_TEST_MEMORY_FILE";
const SIDE: u16 = 4000;
const PIXELS: u64 = SIDE as u64 * SIDE as u64;
/// What a process may take beside, in bytes.
const SLACK: u64 = 16 << 20;

/// The most memory that this process had so far, in bytes.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kilobytes = line.unwrap().split_whitespace().nth(1).unwrap();
    kilobytes.parse::<u64>().unwrap() << 10
}

/// The child: decodes the file, and prints what that took.
#[test]
#[ignore = "run by `no_file_takes_more_than_its_head_tells`"]
fn child() {
    let Ok(path) = env::var(FILE) else {
        return;
    };
    let before = peak();
    let picture = read(Path::new(&path), &ReadLimits::default()).unwrap();
    assert_eq!(picture.scene.shape().pixels(), PIXELS);
    println!("\ntook {}", peak() - before);
}

/// A JPEG of one scan, each of whose blocks takes one bit for each component.
fn jpeg(is_progressive: bool, components: u8) -> Vec<u8> {
    let mut bytes = vec![0xff, 0xd8];
    let mut segment = |code: u8, content: &[u8]| {
        bytes.extend([0xff, code]);
        bytes.extend(u16::try_from(content.len() + 2).unwrap().to_be_bytes());
        bytes.extend(content);
    };
    segment(0xdb, &[&[0][..], &[1; 64]].concat());
    let [high, low] = SIDE.to_be_bytes();
    let mut frame = vec![8, high, low, high, low, components];
    for component in 1..=components {
        frame.extend([component, 0x11, 0]);
    }
    segment(if is_progressive { 0xc2 } else { 0xc0 }, &frame);
    // One code of one bit for zero: a difference of nothing, the end of a block.
    for class in [0x00, 0x10] {
        let mut lengths = [0; 16];
        lengths[0] = 1;
        segment(0xc4, &[&[class][..], &lengths, &[0]].concat());
    }
    let mut scan = vec![components];
    for component in 1..=components {
        scan.extend([component, 0]);
    }
    scan.extend([0, if is_progressive { 0 } else { 63 }, 0]);
    segment(0xda, &scan);
    let codes = if is_progressive { 1 } else { 2 };
    let blocks = (usize::from(SIDE) / 8).pow(2) * usize::from(components);
    bytes.resize(bytes.len() + (blocks * codes).div_ceil(8), 0);
    bytes.extend([0xff, 0xd9]);
    bytes
}

/// A PNG of transparent pixels.
fn transparent_png() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, SIDE.into(), SIDE.into());
    encoder.set_color(png::ColorType::Rgba);
    let mut writer = encoder.write_header().unwrap();
    let samples = vec![0; usize::try_from(PIXELS).unwrap() * 4];
    writer.write_image_data(&samples).unwrap();
    writer.finish().unwrap();
    bytes
}

/// A TIFF of one compressed tile of integers that become floats.
fn one_chunk_tiff() -> Vec<u8> {
    use tiff::encoder::{Compression, DeflateLevel, TiffEncoder, colortype::Gray32};

    let mut bytes = std::io::Cursor::new(Vec::new());
    let compression = Compression::Deflate(DeflateLevel::Fast);
    let mut encoder = TiffEncoder::new(&mut bytes)
        .unwrap()
        .with_compression(compression);
    let mut image = encoder
        .new_image::<Gray32>(SIDE.into(), SIDE.into())
        .unwrap();
    image.rows_per_strip(SIDE.into()).unwrap();
    let samples = vec![0; usize::try_from(PIXELS).unwrap()];
    image.write_data(&samples).unwrap();
    bytes.into_inner()
}

#[test]
fn no_file_takes_more_than_its_head_tells() {
    for (name, bytes, samples) in [
        ("a progressive JPEG", jpeg(true, 3), 3 * PIXELS),
        ("a baseline JPEG", jpeg(false, 3), 3 * PIXELS),
        ("a gray progressive JPEG", jpeg(true, 1), PIXELS),
        ("a transparent PNG", transparent_png(), 4 * PIXELS),
        ("a TIFF of one chunk", one_chunk_tiff(), 8 * PIXELS),
    ] {
        let file = TestFile::of(&bytes);
        let told = probe(&file.path, &ReadLimits::default()).unwrap();
        let output = Command::new(env::current_exe().unwrap())
            .args(["--exact", "memory::child", "--ignored", "--nocapture"])
            .env(FILE, &file.path)
            .output()
            .unwrap();
        let output = String::from_utf8_lossy(&output.stdout).into_owned();
        let took = output
            .lines()
            .find_map(|line| line.strip_prefix("took "))
            .unwrap_or_else(|| panic!("{name}: {output}"));
        let took: u64 = took.parse().unwrap();
        println!("{name}: {took} of {} bytes", told.decoded_bytes);
        assert!(
            took <= told.decoded_bytes + SLACK,
            "{name}: {took} bytes instead of {}",
            told.decoded_bytes
        );
        // And what is told is not out of the air.
        assert!(took + SLACK >= samples, "{name}: {took}");
        assert!(told.decoded_bytes <= took * 3 / 2 + SLACK, "{name}: {took}");
    }
}
