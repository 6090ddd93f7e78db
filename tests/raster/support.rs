//! What the tests of this folder share.

use std::path::{Path, PathBuf};

use msvpu::{
    SampleType,
    raster::{Picture, ReadError, ReadLimits, read},
};
use tempfile::TempDir;

/// A file that is gone with the test.
pub(crate) struct TestFile {
    _directory: TempDir,
    pub(crate) path: PathBuf,
}

impl TestFile {
    /// A file of these bytes, under a name that says nothing of its format.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("picture");
        std::fs::write(&path, bytes).unwrap();
        Self {
            _directory: directory,
            path,
        }
    }
}

pub(crate) fn read_path(path: &Path) -> Result<Picture, ReadError> {
    read(path, &ReadLimits::default())
}

pub(crate) fn read_bytes(bytes: &[u8]) -> Result<Picture, ReadError> {
    read_path(&TestFile::of(bytes).path)
}

/// All samples as f64, in the scene's order.
pub(crate) fn values(picture: &Picture) -> Vec<f64> {
    let bytes = picture.scene.samples();
    match picture.scene.shape().sample {
        SampleType::U8 => bytes.iter().map(|&v| f64::from(v)).collect(),
        SampleType::U16 => chunks(bytes, |v| f64::from(u16::from_le_bytes(v))),
        SampleType::F32 => chunks(bytes, |v| f64::from(f32::from_le_bytes(v))),
        SampleType::F64 => chunks(bytes, f64::from_le_bytes),
    }
}

fn chunks<const N: usize>(bytes: &[u8], value: impl Fn([u8; N]) -> f64) -> Vec<f64> {
    bytes.as_chunks().0.iter().map(|&v| value(v)).collect()
}

/// Width, height, bands, sample type.
pub(crate) fn shape(picture: &Picture) -> (u32, u32, u16, SampleType) {
    let shape = picture.scene.shape();
    (shape.width, shape.height, shape.bands, shape.sample)
}

/// A small generator of test samples (a linear congruence, high bits).
pub(crate) fn noise(seed: u64, count: usize) -> Vec<u16> {
    let mut state = seed;
    (0..count)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 48) as u16
        })
        .collect()
}

/// The colour map of a TIFF, which is then of gray: no reader here takes the values of a palette for samples.
pub(crate) fn take_palette(path: &Path) -> Option<Vec<u16>> {
    let mut bytes = std::fs::read(path).unwrap();
    let file = std::io::Cursor::new(bytes.clone());
    let mut decoder = tiff::decoder::Decoder::new(file).unwrap();
    let palette = decoder.get_tag_u16_vec(tiff::tags::Tag::ColorMap).ok()?;
    let photometric = [6, 1, 3, 0, 1, 0, 0, 0, 3, 0];
    let at = bytes.windows(10).position(|entry| entry == photometric);
    bytes[at.unwrap() + 8] = 1;
    std::fs::write(path, bytes).unwrap();
    Some(palette)
}
