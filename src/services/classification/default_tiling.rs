//! How many tiles a scene has when nobody says so, and of which kind they are.

use std::num::NonZeroU32;

use super::tiling::Tiling;
use crate::scene::{SampleType, Shape};

/// Pixels of a tile that becomes a histogram, about.
///
/// 2²² pixels of 8 bits fill a histogram in 1.4 ms, so that a round of messages (tens of µs) is
/// small beside the loading, and the 14 tiles of 7280 × 7750 pixels still share two CPUs evenly.
const HISTOGRAM_TILE_PIXELS: u64 = 1 << 22;

/// Pixels of a tile whose pixels are visited every round, about.
///
/// 2¹⁸ pixels of RGB and 8 classes take 0.8 ms a round of c-means and 3 ms of fuzzy c-means: small
/// enough to share CPUs evenly and to be cancelled soon, large enough that messages do not show.
const PIXEL_TILE_PIXELS: u64 = 1 << 18;

/// A smaller scene is still cut into this many tiles, so that a team has work for its CPUs …
const LEAST_TILES: u64 = 8;

/// … unless its tiles would have fewer pixels than this, whose counting (20 µs) is not worth two
/// messages more a round.
const LEAST_TILE_PIXELS: u64 = 1 << 16;

/// Whether tiles of this shape are turned into histograms: one band of integers.
pub(crate) const fn is_histogram(shape: Shape) -> bool {
    shape.bands == 1 && matches!(shape.sample, SampleType::U8 | SampleType::U16)
}

/// The program's own choice: bands of full rows, so that a tile is a slice of the scene and not a
/// copy; their number follows from the shape alone.
pub(crate) fn default_tiling(shape: Shape) -> Tiling {
    let tile_pixels = if is_histogram(shape) {
        HISTOGRAM_TILE_PIXELS
    } else {
        PIXEL_TILE_PIXELS
    };
    let rows = shape
        .pixels()
        .div_ceil(tile_pixels)
        .max(LEAST_TILES.min(shape.pixels() / LEAST_TILE_PIXELS))
        .clamp(1, u64::from(shape.height));
    Tiling {
        rows: u32::try_from(rows)
            .ok()
            .and_then(NonZeroU32::new)
            .unwrap_or(NonZeroU32::MIN),
        columns: NonZeroU32::MIN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_depends_on_the_shape_alone() {
        let shape = Shape {
            width: 7750,
            height: 7280,
            bands: 1,
            sample: SampleType::U8,
        };
        assert_eq!(default_tiling(shape).to_string(), "14x1");
        let tiny = Shape {
            width: 1 << 20,
            height: 2,
            bands: 3,
            ..shape
        };
        assert_eq!(default_tiling(tiny).to_string(), "2x1");
    }
}
