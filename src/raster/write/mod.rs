//! From labels to files.

mod color;
mod file;
mod palette;
mod png;
mod tiff;

use std::sync::atomic::{AtomicBool, Ordering};

use super::{error::WriteProblem, read::GeoTags};

pub use color::write_color_png;
pub use file::write_file;
pub use palette::label_colors;
pub use png::{write_labels_png, write_mask_png, write_membership_png};
pub use tiff::write_labels_tiff;

/// A label for each pixel: 0 is no data, 1 to K are classes.
#[derive(Clone, Copy, Debug)]
pub struct LabelImage<'a> {
    width: u32,
    height: u32,
    classes: u16,
    labels: Labels<'a>,
    stop: Option<&'a AtomicBool>,
}

#[derive(Clone, Copy, Debug)]
enum Labels<'a> {
    Bytes(&'a [u8]),
    Words(&'a [[u8; 2]]),
}

impl<'a> LabelImage<'a> {
    /// Wraps labels, row-major: one byte each, or two with the lower first; `classes` is K.
    ///
    /// # Errors
    /// When there is no pixel, the bytes are neither one nor two per pixel, or a label is above K.
    pub fn new(
        width: u32,
        height: u32,
        classes: u16,
        labels: &'a [u8],
    ) -> Result<Self, WriteProblem> {
        let pixels = u128::from(width) * u128::from(height);
        if pixels == 0 {
            return Err(WriteProblem::NoPixels { width, height });
        }
        let found = labels.len();
        let labels = match found as u128 {
            bytes if bytes == pixels => Labels::Bytes(labels),
            bytes if bytes == 2 * pixels => Labels::Words(labels.as_chunks().0),
            _ => {
                return Err(WriteProblem::Length {
                    width,
                    height,
                    found,
                    expected: if classes > 255 { 2 * pixels } else { pixels },
                });
            }
        };
        let largest = match labels {
            Labels::Bytes(labels) => labels.iter().copied().max().map(u16::from),
            Labels::Words(labels) => labels.iter().copied().map(u16::from_le_bytes).max(),
        };
        match largest {
            Some(found) if found > classes => Err(WriteProblem::Label { found, classes }),
            _ => Ok(Self {
                width,
                height,
                classes,
                labels,
                stop: None,
            }),
        }
    }

    /// Whoever writes this image ends with [`WriteProblem::Stopped`] soon after `stop` is set, and leaves no file of its own.
    #[must_use]
    pub const fn stopped_by(self, stop: &'a AtomicBool) -> Self {
        Self {
            stop: Some(stop),
            ..self
        }
    }

    /// Columns.
    #[must_use]
    pub const fn width(&self) -> u32 {
        self.width
    }

    /// Rows.
    #[must_use]
    pub const fn height(&self) -> u32 {
        self.height
    }

    /// K, the largest possible label.
    #[must_use]
    pub const fn classes(&self) -> u16 {
        self.classes
    }

    /// Asked in every loop of a writer.
    fn go_on(&self) -> Result<(), WriteProblem> {
        match self.stop {
            Some(stop) if stop.load(Ordering::Relaxed) => Err(WriteProblem::Stopped),
            _ => Ok(()),
        }
    }

    fn row(&self, row: usize) -> Labels<'a> {
        let width = self.width as usize;
        let range = row * width..(row + 1) * width;
        match self.labels {
            Labels::Bytes(labels) => Labels::Bytes(&labels[range]),
            Labels::Words(labels) => Labels::Words(&labels[range]),
        }
    }
}

/// The kind of file that the labels are written to.
#[derive(Clone, Copy, Debug)]
pub enum LabelFile<'a> {
    /// `labels.png`, with a palette.
    Png,
    /// `labels.tif`, with a palette and these tags, if there are any.
    Tiff(Option<&'a GeoTags>),
}

impl LabelFile<'_> {
    /// The name of the file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Png => "labels.png",
            Self::Tiff(_) => "labels.tif",
        }
    }
}
