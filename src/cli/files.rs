//! The pictures of a result as files.

use std::sync::atomic::AtomicBool;

use msvpu::Classification;
use msvpu::raster::{GeoTags, LabelFile};
use msvpu::report::{Picture, Pictures};
use rayon::prelude::*;

use super::destination::Stage;
use super::failure::Failure;

/// Writes labels, masks and memberships side by side; returns what was written, a range of names as one.
pub(crate) fn write_pictures(
    to: &Stage,
    of: &Classification,
    label_file: LabelFile<'_>,
    georeference: Option<&GeoTags>,
    stop: &AtomicBool,
) -> Result<Vec<String>, Failure> {
    let classes = u16::try_from(of.classes.len()).map_err(Failure::runtime)?;
    let pictures = Pictures::new(&of.labels, classes, stop)
        .map_err(Failure::runtime)?
        .memberships(of.memberships.as_deref().unwrap_or_default())
        .georeference(georeference);
    let mut wanted = vec![match label_file {
        LabelFile::Png => Picture::LabelsPng,
        LabelFile::Tiff(_) => Picture::LabelsTiff,
    }];
    wanted.extend((1..=classes).map(Picture::Mask));
    let mut names = vec![label_file.name().to_owned(), range("class", classes)];
    if of.memberships.is_some() {
        wanted.extend((1..=classes).map(Picture::Membership));
        names.push(range("membership", classes));
    }
    wanted
        .into_par_iter()
        .with_max_len(1)
        .try_for_each(|picture| pictures.write(to.path(), picture))
        .map_err(|error| to.failure(error))?;
    Ok(names)
}

fn range(stem: &str, classes: u16) -> String {
    match classes {
        1 => format!("{stem}_1.png"),
        2 => format!("{stem}_1.png and {stem}_2.png"),
        _ => format!("{stem}_1.png to {stem}_{classes}.png"),
    }
}
