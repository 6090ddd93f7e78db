//! The pictures of a result as files.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;

use crate::raster::{
    GeoTags, LabelFile, LabelImage, WriteError, WriteProblem, write_labels_png, write_labels_tiff,
    write_mask_png, write_membership_png,
};
use crate::services::classification::LabelMap;

/// A picture of a classification; classes are counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Picture {
    /// `labels.png`, with a palette.
    LabelsPng,
    /// `labels.tif`, with a palette and the georeference of the scene.
    LabelsTiff,
    /// `class_N.png`: where the class is.
    Mask(u16),
    /// `membership_N.png`: how much each pixel belongs to the class.
    Membership(u16),
}

impl Picture {
    /// The name of its file.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::LabelsPng => LabelFile::Png.name().to_owned(),
            Self::LabelsTiff => LabelFile::Tiff(None).name().to_owned(),
            Self::Mask(class) => format!("class_{class}.png"),
            Self::Membership(class) => format!("membership_{class}.png"),
        }
    }
}

/// What the pictures of a classification show.
#[derive(Clone, Copy, Debug)]
pub struct Pictures<'a> {
    image: LabelImage<'a>,
    stop: &'a AtomicBool,
    memberships: &'a [Bytes],
    georeference: Option<&'a GeoTags>,
}

impl<'a> Pictures<'a> {
    /// The pictures of these labels. Writers end with [`WriteProblem::Stopped`] soon after `stop` is set.
    ///
    /// # Errors
    /// When the labels are not those of so many classes.
    pub fn new(
        labels: &'a LabelMap,
        classes: u16,
        stop: &'a AtomicBool,
    ) -> Result<Self, WriteProblem> {
        let image = LabelImage::new(labels.width, labels.height, classes, &labels.bytes)?;
        Ok(Self {
            image: image.stopped_by(stop),
            stop,
            memberships: &[],
            georeference: None,
        })
    }

    /// With memberships: a picture a class, in 255ths.
    #[must_use]
    pub const fn memberships(self, memberships: &'a [Bytes]) -> Self {
        Self {
            memberships,
            ..self
        }
    }

    /// With a georeference, which the labels of a TIFF take along.
    #[must_use]
    pub const fn georeference(self, georeference: Option<&'a GeoTags>) -> Self {
        Self {
            georeference,
            ..self
        }
    }

    /// Writes one into a directory that exists, under its name.
    ///
    /// # Errors
    /// When it cannot be written; no part of it is there then.
    pub fn write(&self, directory: &Path, picture: Picture) -> Result<(), WriteError> {
        let path = directory.join(picture.name());
        match picture {
            Picture::LabelsPng => write_labels_png(&path, &self.image),
            Picture::LabelsTiff => write_labels_tiff(&path, &self.image, self.georeference),
            Picture::Mask(class) => write_mask_png(&path, &self.image, class),
            Picture::Membership(_) if self.stop.load(Ordering::Relaxed) => Err(WriteError {
                path,
                problem: WriteProblem::Stopped,
            }),
            Picture::Membership(class) => {
                let of_class = self.memberships.get(usize::from(class).wrapping_sub(1));
                let samples = of_class.map_or(&[][..], |samples| samples);
                write_membership_png(&path, self.image.width(), self.image.height(), samples)
            }
        }
    }
}
