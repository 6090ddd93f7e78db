//! The pictures of a result as files.

use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use msvpu::LabelMap;
use msvpu::raster::{LabelFile, LabelImage, write_labels_and_masks, write_membership_png};
use rayon::prelude::*;

use super::destination::Stage;
use super::failure::Failure;

/// What is to be written, and how.
pub(crate) struct Pictures<'a> {
    pub(crate) labels: &'a LabelMap,
    /// One a class, in 255ths.
    pub(crate) memberships: Option<&'a [Bytes]>,
    pub(crate) classes: usize,
    pub(crate) label_file: LabelFile<'a>,
}

/// Writes labels, masks and memberships; returns what was written, a range of names as one.
pub(crate) fn write_pictures(
    to: &Stage,
    pictures: &Pictures<'_>,
    stop: &AtomicBool,
) -> Result<Vec<String>, Failure> {
    let LabelMap {
        width,
        height,
        ref bytes,
        ..
    } = *pictures.labels;
    let classes = u16::try_from(pictures.classes).map_err(Failure::runtime)?;
    let image = LabelImage::new(width, height, classes, bytes)
        .map_err(Failure::runtime)?
        .stopped_by(stop);
    let label_file = pictures.label_file;
    write_labels_and_masks(to.path(), &image, label_file).map_err(|error| to.failure(error))?;
    let mut names = vec![
        label_file.name().to_owned(),
        range("class", pictures.classes),
    ];
    if let Some(memberships) = pictures.memberships {
        memberships
            .par_iter()
            .enumerate()
            .with_max_len(1)
            .try_for_each(|(class, membership)| {
                if stop.load(Ordering::Relaxed) {
                    return Err(Failure::Interrupted);
                }
                let path = to.path().join(format!("membership_{}.png", class + 1));
                write_membership_png(&path, width, height, membership)
                    .map_err(|error| to.failure(error))
            })?;
        names.push(range("membership", pictures.classes));
    }
    Ok(names)
}

fn range(stem: &str, classes: usize) -> String {
    match classes {
        1 => format!("{stem}_1.png"),
        2 => format!("{stem}_1.png and {stem}_2.png"),
        _ => format!("{stem}_1.png to {stem}_{classes}.png"),
    }
}
