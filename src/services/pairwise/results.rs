//! What MsVPUs and leader tell each other, and what comes out.

use std::fmt::Display;
use std::mem::discriminant;

use msvpu_actors::{ProgramError, Result};
use serde::{Deserialize, Serialize};

use crate::services::sum::CompensatedSum;
use crate::services::tiling::Tiling;

/// What the MsVPUs of a [`Pairwise`](super::Pairwise) are told, and the leader remembers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairwiseTask {
    /// How the scene is cut.
    pub tiling: Tiling,
    /// Samples of a pixel.
    pub bands: u16,
}

/// What an MsVPU of a [`Pairwise`](super::Pairwise) answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairwisePartial {
    /// Pixels that were compared.
    pub pixels: u64,
    /// Σ |a − b| over all their pairs.
    pub sum: DifferenceSum,
}

/// Σ |a − b| over pairs of pixels: exact where the samples are integers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum DifferenceSum {
    /// Of integer samples; a pixel's value is the sum over its bands.
    Integer(u128),
    /// Of floating-point samples; a pixel's value is the mean over its bands.
    Real(f64),
}

/// The result of a [`Pairwise`](super::Pairwise).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Differences {
    /// How the scene was cut.
    pub tiling: Tiling,
    /// Pixels that were compared, of all tiles.
    pub pixels: u64,
    /// Pairs that were computed in a round, of all tiles.
    pub pairs: u64,
    /// The mean absolute difference over these pairs, in units of the samples; `None` without a
    /// pair.
    pub mean: Option<f64>,
    /// The same for each tile, in row-major order of the tiles.
    pub tiles: Vec<TileDifferences>,
}

/// The part of a tile in [`Differences`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TileDifferences {
    /// Pixels that were compared.
    pub pixels: u64,
    /// Pairs that were computed in a round.
    pub pairs: u64,
    /// The mean absolute difference over these pairs, in units of the samples; `None` without a
    /// pair.
    pub mean: Option<f64>,
}

/// x(x − 1)/2.
pub(crate) const fn pairs_of(pixels: u64) -> u128 {
    let pixels = pixels as u128;
    pixels * pixels.saturating_sub(1) / 2
}

/// The result, from the answers of a round.
pub(crate) fn fold(task: &PairwiseTask, partials: &[PairwisePartial]) -> Result<Differences> {
    let (mut pixels, mut pairs) = (0_u64, 0_u64);
    let mut integer = 0_u128;
    let mut real = CompensatedSum::default();
    let mut tiles = Vec::with_capacity(partials.len());
    for (rank, partial) in partials.iter().enumerate() {
        let impossible = || {
            ProgramError::failed(format!(
                "tile {rank} answered with {} pixels and {:?}, which no tile of this job has",
                partial.pixels, partial.sum
            ))
        };
        if discriminant(&partial.sum) != discriminant(&partials[0].sum) {
            return Err(impossible());
        }
        let own = u64::try_from(pairs_of(partial.pixels)).map_err(|_| impossible())?;
        pixels = pixels.checked_add(partial.pixels).ok_or_else(impossible)?;
        pairs = pairs.checked_add(own).ok_or_else(impossible)?;
        match partial.sum {
            DifferenceSum::Integer(sum) => {
                integer = integer.checked_add(sum).ok_or_else(impossible)?;
            }
            DifferenceSum::Real(sum) => real.add(sum),
        }
        tiles.push(TileDifferences {
            pixels: partial.pixels,
            pairs: own,
            mean: mean(partial.sum, own, task.bands, format_args!("tile {rank}"))?,
        });
    }
    let sum = match partials.first().map(|partial| partial.sum) {
        Some(DifferenceSum::Real(_)) => DifferenceSum::Real(real.value()),
        _ => DifferenceSum::Integer(integer),
    };
    Ok(Differences {
        tiling: task.tiling,
        pixels,
        pairs,
        mean: mean(sum, pairs, task.bands, "the scene")?,
        tiles,
    })
}

fn mean(sum: DifferenceSum, pairs: u64, bands: u16, of: impl Display) -> Result<Option<f64>> {
    if pairs == 0 {
        return Ok(None);
    }
    let mean = match sum {
        DifferenceSum::Integer(sum) => sum as f64 / (u128::from(pairs) * u128::from(bands)) as f64,
        DifferenceSum::Real(sum) => sum / pairs as f64,
    };
    if mean.is_finite() {
        return Ok(Some(mean));
    }
    Err(ProgramError::invalid_input(format!(
        "the differences of {of} add up to more than a 64-bit float holds: scale the samples down"
    )))
}
