//! The programs as services of `msvpu-web`: what a picture file holds, which parameters fit, and a job from the
//! file to its artifacts.
//!
//! ```
//! use msvpu::raster::ReadLimits;
//!
//! let services = msvpu::serving::services(ReadLimits::default());
//! let names: Vec<_> = services.infos().map(|info| info.name.as_str()).collect();
//! assert_eq!(names, ["cmeans", "fuzzy-cmeans", "pairwise"]);
//! ```

mod artifacts;
mod blocking;
mod check;
mod classify;
mod failure;
mod held;
mod input;
mod pairwise;
mod pointer;
mod reader;
mod team;
mod telling;

use msvpu_web::Services;

use crate::raster::ReadLimits;
use crate::services::classification::{CMeans, FuzzyCMeans};
use classify::Classify;
use pairwise::Comparison;

pub use reader::PictureReader;

/// What can be asked for over REST: `cmeans`, `fuzzy-cmeans` and `pairwise`. Their pictures are decoded within `limits`.
#[must_use]
pub fn services(limits: ReadLimits) -> Services {
    Services::default()
        .with(Classify::<CMeans>::new(limits))
        .with(Classify::<FuzzyCMeans>::new(limits))
        .with(Comparison::new(limits))
}

/// Endings of the files that can be read.
fn accepts() -> Vec<String> {
    [
        ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".pbm", ".pgm", ".ppm", ".pnm", ".pam",
    ]
    .map(str::to_owned)
    .into()
}
