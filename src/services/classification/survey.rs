//! What a scene holds, where the first centers have to be found in it.

use std::collections::{BinaryHeap, HashSet};

use msvpu_actors::{Cancellation, Context, Result};
use serde::{Deserialize, Serialize};

use super::centers::{Centers, squared_distance};
use super::random::SplitMix64;
use super::settings::Init;
use super::tile::TileHead;

/// Pixels that `random` and `kmeans++` choose from, at least.
const SAMPLE_PIXELS: usize = 1 << 12;

/// What an MsVPU found in its tile: the answer to the round before the first iteration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Survey {
    /// Pixels with data.
    pub pixels: u64,
    /// The least value of each band.
    pub min: Vec<f64>,
    /// The greatest value of each band.
    pub max: Vec<f64>,
    /// The SplitMix64 numbers of the sampled pixels, ascending.
    pub sample_keys: Vec<u64>,
    /// Their values, one per band, pixel by pixel.
    pub sample_values: Vec<f64>,
}

impl Survey {
    /// Whether it speaks of so many bands, at least one, throughout.
    pub(crate) fn is_of(&self, bands: usize) -> bool {
        bands > 0
            && self.min.len() == bands
            && self.max.len() == bands
            && self.sample_values.len() == bands * self.sample_keys.len()
    }
}

/// How many pixels are sampled.
pub(crate) fn sample_size(init: Init, classes: usize) -> usize {
    match init {
        Init::Linear => 0,
        Init::Random | Init::KMeansPlusPlus => SAMPLE_PIXELS.max(2 * classes),
    }
}

/// The keys and tile indices of the `size` pixels with the least keys, ascending by key.
///
/// The `size` least of a union are among the `size` least of its parts, so the sample of a scene
/// does not depend on its tiles.
pub(crate) fn sample(
    head: &TileHead,
    seed: u64,
    size: usize,
    is_valid: impl Fn(usize) -> bool,
    context: &Context,
) -> Result<Vec<(u64, usize)>> {
    if size == 0 {
        return Ok(Vec::new());
    }
    let width = head.shape.width as usize;
    let mut least = BinaryHeap::with_capacity(size + 1);
    let mut limit = u64::MAX;
    for row in 0..head.shape.height as usize {
        context.check()?;
        let first = row * width;
        let start = head.scene_index(first as u64);
        for column in 0..width {
            let key = SplitMix64::at(seed, start + column as u64);
            if key <= limit && is_valid(first + column) {
                least.push((key, first + column));
                if least.len() > size {
                    least.pop();
                    limit = least.peek().map_or(limit, |greatest| greatest.0);
                }
            }
        }
    }
    Ok(least.into_sorted_vec())
}

/// The first centers, from the surveys of all tiles. There is a pixel with data.
pub(crate) fn first_centers(
    surveys: &[&Survey],
    classes: usize,
    init: Init,
    seed: u64,
    cancellation: &Cancellation,
) -> Result<Centers> {
    let bands = surveys.first().map_or(1, |survey| survey.min.len());
    if init == Init::Linear {
        return Ok(linear(surveys, classes, bands));
    }
    let sample = merge(surveys, bands, sample_size(init, classes), cancellation)?;
    match init {
        Init::Linear | Init::Random => Ok(random(&sample, classes)),
        Init::KMeansPlusPlus => plus_plus(&sample, classes, seed, cancellation),
    }
}

fn linear(surveys: &[&Survey], classes: usize, bands: usize) -> Centers {
    let min = |band: usize| {
        surveys
            .iter()
            .map(|s| s.min[band])
            .fold(f64::INFINITY, f64::min)
    };
    let max = |band: usize| {
        surveys
            .iter()
            .map(|s| s.max[band])
            .fold(f64::NEG_INFINITY, f64::max)
    };
    let ranges: Vec<(f64, f64)> = (0..bands).map(|band| (min(band), max(band))).collect();
    let values = (0..classes)
        .flat_map(|class| {
            let part = (class as f64 + 0.5) / classes as f64;
            ranges
                .iter()
                .map(move |&(min, max)| min + part * (max - min))
        })
        .collect();
    Centers::from_flat(bands, values)
}

/// The sample of the scene: its pixels in the order of their keys.
fn merge<'a>(
    surveys: &[&'a Survey],
    bands: usize,
    size: usize,
    cancellation: &Cancellation,
) -> Result<Vec<&'a [f64]>> {
    let mut sample: Vec<(u64, &[f64])> = Vec::new();
    for survey in surveys {
        cancellation.check()?;
        let pixels = survey.sample_values.chunks_exact(bands);
        sample.extend(survey.sample_keys.iter().copied().zip(pixels));
        // Of many tiles all samples together are long: keep the least keys only.
        if sample.len() > 2 * size {
            sample.select_nth_unstable_by_key(size, |&(key, _)| key);
            sample.truncate(size);
        }
    }
    sample.sort_unstable_by_key(|&(key, _)| key);
    sample.truncate(size);
    Ok(sample.into_iter().map(|(_, pixel)| pixel).collect())
}

fn random(sample: &[&[f64]], classes: usize) -> Centers {
    let bands = sample.first().map_or(1, |pixel| pixel.len());
    let mut seen = HashSet::new();
    let distinct: Vec<&[f64]> = sample
        .iter()
        .copied()
        .filter(|pixel| {
            seen.insert(
                pixel
                    .iter()
                    .map(|v| (v + 0.0).to_bits())
                    .collect::<Vec<_>>(),
            )
        })
        .take(classes)
        .collect();
    Centers::from_flat(
        bands,
        distinct
            .iter()
            .cycle()
            .take(classes)
            .flat_map(|pixel| pixel.iter().copied())
            .collect(),
    )
}

fn plus_plus(
    sample: &[&[f64]],
    classes: usize,
    seed: u64,
    cancellation: &Cancellation,
) -> Result<Centers> {
    let first = sample.first().copied().unwrap_or(&[0.0]);
    // Another stream than that of the keys.
    let mut random = SplitMix64::new(!seed);
    let mut values = first.to_vec();
    let mut nearest: Vec<f64> = sample
        .iter()
        .map(|pixel| squared_distance(pixel, first))
        .collect();
    for _ in 1..classes {
        cancellation.check()?;
        let total: f64 = nearest.iter().sum();
        let mut left = random.unit() * total;
        let mut drawn = None;
        for (index, &weight) in nearest.iter().enumerate() {
            if weight > 0.0 {
                drawn = Some(index);
                left -= weight;
                if left < 0.0 {
                    break;
                }
            }
        }
        let center = drawn.map_or(first, |index| sample[index]);
        for (nearest, pixel) in nearest.iter_mut().zip(sample) {
            *nearest = nearest.min(squared_distance(pixel, center));
        }
        values.extend_from_slice(center);
    }
    Ok(Centers::from_flat(first.len(), values))
}
