//! The command line as scripts see it: the real binary, its exit status, its streams, its files.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../common/control_group.rs"]
#[cfg(target_os = "linux")]
mod control_group;
mod cpus;
mod files;
mod interrupts;
mod pairwise;
mod refusals;
mod reports;
mod simulate;
mod simulate_refusals;
mod streams;
mod verbs;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// How a run ended.
struct Ran {
    status: i32,
    stdout: String,
    stderr: String,
}

impl Ran {
    /// The stdout of a run that succeeded and said nothing on stderr.
    #[track_caller]
    fn stdout(self) -> String {
        assert_eq!((self.status, self.stderr.as_str()), (0, ""));
        self.stdout
    }

    /// The one JSON document on the stdout of a run that succeeded.
    #[track_caller]
    fn json(self) -> Value {
        serde_json::from_str(&self.stdout()).unwrap()
    }
}

/// The binary with these arguments, without a terminal.
fn command<S: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_msvpu"));
    command
        .args(args)
        .env_remove("RUST_LOG")
        .stdin(Stdio::null());
    command
}

fn msvpu<S: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = S>) -> Ran {
    let output = command(args).output().unwrap();
    Ran {
        status: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// `msvpu classify IMAGE` and the words of `options`.
fn classify(image: &Path, options: &str) -> Ran {
    let mut args = vec!["classify", image.to_str().unwrap()];
    args.extend(options.split_whitespace());
    msvpu(args)
}

/// The `nodes` of a report of one process: all MsVPUs, nothing foretold, and part of the time that
/// the job took.
#[track_caller]
fn assert_one_node(nodes: &Value, msvpus: u32, job_ms: &Value) {
    let actual = nodes[0]["actual_ms"].as_f64().unwrap();
    assert!(
        actual > 0.0 && actual <= job_ms.as_f64().unwrap(),
        "{nodes}"
    );
    assert_eq!(
        nodes,
        &serde_json::json!([{
            "node": 0, "performance_index": null, "load_index": null, "msvpus": msvpus,
            "predicted_ms": null, "actual_ms": actual, "deviation": 0.0
        }])
    );
}

/// A directory of pictures for one test.
struct Pictures(TempDir);

const WIDTH: u32 = 61;
const HEIGHT: u32 = 47;

/// A wavy surface with three plateaus, so that no two tiles are alike.
fn level(x: u32, y: u32) -> u32 {
    (x * 7 + y * 3) % 23 + 80 * ((x + 2 * y) / 52)
}

impl Pictures {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A name in the directory, as text for the command line.
    fn name(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        std::fs::write(self.path(name), bytes).unwrap();
        self.path(name)
    }

    /// Gray, 8 bit, PNG.
    fn gray(&self) -> PathBuf {
        let samples: Vec<u8> = pixels().map(|(x, y)| level(x, y) as u8).collect();
        self.png("gray.png", png::ColorType::Grayscale, &samples)
    }

    /// RGB, 8 bit, PNG.
    fn rgb(&self) -> PathBuf {
        let samples: Vec<u8> = pixels()
            .flat_map(|(x, y)| {
                let level = level(x, y) as u8;
                [level, 255 - level, (x * 4) as u8]
            })
            .collect();
        self.png("rgb.png", png::ColorType::Rgb, &samples)
    }

    fn png(&self, name: &str, color: png::ColorType, samples: &[u8]) -> PathBuf {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, WIDTH, HEIGHT);
        encoder.set_color(color);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(samples).unwrap();
        writer.finish().unwrap();
        self.write(name, &bytes)
    }

    /// Float, one band, TIFF with the tags of GeoTIFF; the first two pixels are NaN, the third is -9999.
    fn float_geotiff(&self) -> PathBuf {
        use tiff::encoder::{TiffEncoder, colortype::Gray32Float};
        use tiff::tags::Tag;

        let mut samples: Vec<f32> = pixels().map(|(x, y)| level(x, y) as f32 / 8.0).collect();
        samples[..3].copy_from_slice(&[f32::NAN, f32::NAN, -9999.0]);
        let path = self.path("float.tif");
        let file = std::fs::File::create(&path).unwrap();
        let mut encoder = TiffEncoder::new(file).unwrap();
        let mut image = encoder.new_image::<Gray32Float>(WIDTH, HEIGHT).unwrap();
        let directory = image.encoder();
        directory
            .write_tag(Tag::ModelPixelScaleTag, &PIXEL_SCALE[..])
            .unwrap();
        directory
            .write_tag(Tag::ModelTiepointTag, &TIEPOINT[..])
            .unwrap();
        directory
            .write_tag(Tag::GeoKeyDirectoryTag, &GEO_KEYS[..])
            .unwrap();
        image.write_data(&samples).unwrap();
        path
    }
}

const PIXEL_SCALE: [f64; 3] = [10.0, 10.0, 0.0];
const TIEPOINT: [f64; 6] = [0.0, 0.0, 0.0, 500_000.0, 3_700_000.0, 0.0];
/// UTM 29 N, of three keys.
const GEO_KEYS: [u16; 16] = [1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 32629];

fn pixels() -> impl Iterator<Item = (u32, u32)> {
    (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| (x, y)))
}
