//! Pictures in and out: files become a [`Scene`](crate::Scene), labels become files.
//!
//! Reading keeps what a class must be computed from, and nothing else:
//!
//! - Samples stay as they are in the file: gray of 1, 2 and 4 bits gives 0 to 1, 3 and 15, a PNM of maximum 4095 gives 0 to
//!   4095, a TIFF whose white is 0 is not turned round. Nothing is scaled, no gamma or colour profile is applied.
//! - A palette PNG gives its colours (3 bands).
//! - An alpha band is no measurement: it is left out, and [`Picture::alpha`] says so. Where it is 0 (fully transparent)
//!   there is no pixel; such a picture becomes a float scene with NaN there, which is no data everywhere in this crate.
//! - Of a file with several pictures, the first is read; of a TIFF, [`Picture::more_pictures`] says so.
//!
//! Both directions work on the rayon pool that they are called from (`pool.install(|| read(…))`), else on rayon's global one.

mod error;
mod read;
mod write;

pub use error::{ReadError, ReadProblem, WriteError, WriteProblem};
pub use read::{
    Alpha, Format, GeoTag, GeoTags, Head, Picture, ReadLimits, probe, read, read_stoppable,
};
pub use write::{
    LabelFile, LabelImage, label_colors, write_color_png, write_file, write_labels_png,
    write_labels_tiff, write_mask_png, write_membership_png,
};
