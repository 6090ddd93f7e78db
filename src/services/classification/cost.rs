//! What a round of a tile costs, for whoever places it. Estimates: the tile is not loaded yet.

use super::default_tiling::is_histogram;
use super::settings::Settings;
use super::tile::TileHead;
use crate::scene::SampleType;

/// Numbers of a task and a partial result beside those of centers and sums: iteration, objective
/// and its changes, pixels, distances.
const SCALARS: f64 = 6.0;

/// `C_k`: one operation for each class and level of a histogram, or for each class, band and pixel.
pub(crate) fn complexity(settings: &Settings, head: &TileHead) -> f64 {
    let shape = head.shape;
    let visited = if is_histogram(shape) {
        let levels = if shape.sample == SampleType::U8 {
            1 << 8
        } else {
            1 << 16
        };
        shape.pixels().min(levels)
    } else {
        shape.pixels()
    };
    visited as f64 * f64::from(shape.bands) * settings.start.classes() as f64
}

/// `Z_k` in bytes: a task brings the centers and those of the row before, a partial result the sums
/// and weights of the classes.
pub(crate) fn bytes_exchanged(settings: &Settings, head: &TileHead) -> f64 {
    let classes = settings.start.classes() as f64;
    let values = classes * f64::from(head.shape.bands);
    size_of::<f64>() as f64 * (3.0 * values + classes + SCALARS)
}
