//! Labels to be written, and PNGs as they are stored.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use msvpu::LabelMap;
use png::{BitDepth, ColorType};

use crate::support::noise;

/// Not a multiple of 8, so that rows are padded.
pub(crate) const WIDTH: u32 = 43;
pub(crate) const HEIGHT: u32 = 31;
pub(crate) const PIXELS: usize = (WIDTH * HEIGHT) as usize;

/// Labels 0 to `classes`, each at least once if they fit.
pub(crate) fn labels(classes: u16) -> Vec<u16> {
    let mut labels: Vec<u16> = noise(classes.into(), PIXELS)
        .iter()
        .map(|v| (u32::from(*v) % (u32::from(classes) + 1)) as u16)
        .collect();
    let count = PIXELS.min(usize::from(classes) + 1);
    for (label, place) in (0..=classes).rev().zip(&mut labels[..count]) {
        *place = label;
    }
    labels
}

pub(crate) fn bytes(labels: &[u16]) -> Vec<u8> {
    labels.iter().map(|&label| label as u8).collect()
}

pub(crate) fn words(labels: &[u16]) -> Vec<u8> {
    labels
        .iter()
        .flat_map(|label| label.to_le_bytes())
        .collect()
}

pub(crate) fn label_map(labels: &[u16]) -> LabelMap {
    LabelMap {
        width: WIDTH,
        height: HEIGHT,
        label_bytes: 1,
        bytes: bytes(labels).into(),
    }
}

pub(crate) struct Png {
    pub(crate) color: ColorType,
    pub(crate) depth: BitDepth,
    pub(crate) palette: Option<Vec<u8>>,
    pub(crate) trns: Option<Vec<u8>>,
    pub(crate) samples: Vec<u16>,
}

/// The stored samples, bit by bit.
pub(crate) fn png(path: &Path) -> Png {
    let decoder = png::Decoder::new(BufReader::new(File::open(path).unwrap()));
    let mut reader = decoder.read_info().unwrap();
    let mut data = vec![0; reader.output_buffer_size().unwrap()];
    let out = reader.next_frame(&mut data).unwrap();
    reader.finish().unwrap();
    assert_eq!((out.width, out.height), (WIDTH, HEIGHT));
    let bits = out.bit_depth as usize;
    let samples = data
        .chunks(out.line_size)
        .flat_map(|row| {
            (0..WIDTH as usize).map(move |x| {
                (x * bits..(x + 1) * bits).fold(0, |value, bit| {
                    value << 1 | u16::from(row[bit / 8] >> (7 - bit % 8) & 1)
                })
            })
        })
        .collect();
    let info = reader.info();
    Png {
        color: out.color_type,
        depth: out.bit_depth,
        palette: info.palette.as_deref().map(<[u8]>::to_vec),
        trns: info.trns.as_deref().map(<[u8]>::to_vec),
        samples,
    }
}
