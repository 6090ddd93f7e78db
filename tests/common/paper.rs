//! The picture of the paper, for every purpose of its tables.

use std::error::Error;

use msvpu::{SampleType, Scene, Shape};

const HISTOGRAM: &str = include_str!("../data/paper_histogram.csv");

/// Rows and columns of the picture.
pub(crate) const PAPER_SIZE: (u32, u32) = (7280, 7750);

/// The pixels of each gray level, from 0.
pub(crate) fn paper_histogram() -> Result<Vec<(u8, u64)>, Box<dyn Error>> {
    HISTOGRAM
        .lines()
        .skip(1)
        .map(|line| {
            let (level, pixels) = line.split_once(',').ok_or("a row without two columns")?;
            Ok((level.parse()?, pixels.parse()?))
        })
        .collect()
}

/// A gray picture of 7280 rows and 7750 columns with exactly the histogram of the fixture.
///
/// Its sorted pixels are dealt out in steps of about N / φ, so equal levels lie far apart.
pub(crate) fn paper_scene() -> Result<Scene, Box<dyn Error>> {
    let (height, width) = PAPER_SIZE;
    let size = height as usize * width as usize;
    // Coprime to 7280 · 7750 = 2⁵ · 5⁴ · 7 · 13 · 31, so every pixel is met once.
    let step = 34_869_477;
    let mut samples = vec![0; size];
    let mut place = 0;
    for (level, pixels) in paper_histogram()? {
        for _ in 0..pixels {
            samples[place] = level;
            place += step;
            if place >= size {
                place -= size;
            }
        }
    }
    let shape = Shape {
        width,
        height,
        bands: 1,
        sample: SampleType::U8,
    };
    Ok(Scene::new(shape, samples)?)
}
