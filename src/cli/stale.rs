//! The names of the command's files, and those of an earlier run into the same directory.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::Path;

use msvpu::Centers;
use msvpu::raster::LabelFile;

use super::args::ClassifyArgs;
use super::failure::Failure;

/// What of the files that the command may write belongs to this run.
pub(crate) struct Kept<'a> {
    /// The file of the labels, beside which the chart is; `None` when there are no images.
    pub(crate) labels: Option<&'a str>,
    /// How many masks there are.
    pub(crate) classes: usize,
    /// How many memberships there are.
    pub(crate) memberships: usize,
    /// Never removed, whatever its name.
    pub(crate) input: &'a Path,
}

/// Removes the files that the command would have named so and that this run did not write.
pub(crate) fn remove(directory: &Path, kept: &Kept<'_>) -> Result<(), Failure> {
    remove_files(directory, kept).map_err(|error| {
        Failure::runtime(format_args!(
            "{}: files of an earlier run cannot be removed: {error}",
            directory.display()
        ))
    })
}

fn remove_files(directory: &Path, kept: &Kept<'_>) -> io::Result<()> {
    let input = fs::canonicalize(kept.input).ok();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let stale = entry
            .file_name()
            .to_str()
            .is_some_and(|name| kept.writes(name) == Some(false));
        if stale && entry.file_type()?.is_file() {
            let path = entry.path();
            if fs::canonicalize(&path).ok() != input {
                fs::remove_file(path)?;
            }
        }
    }
    Ok(())
}

impl<'a> Kept<'a> {
    /// The files of a run with these arguments, here or on a server.
    pub(crate) fn of(args: &'a ClassifyArgs, labels: LabelFile<'_>) -> Self {
        let classes = args.centers.as_ref().map_or_else(
            || args.classes.unwrap_or_default() as usize,
            Centers::classes,
        );
        Self {
            labels: (!args.no_images).then(|| labels.name()),
            classes: if args.no_images { 0 } else { classes },
            memberships: if args.memberships { classes } else { 0 },
            input: &args.image,
        }
    }

    /// Refuses to write over the input, before the work.
    pub(crate) fn spares_input(&self, directory: &Path) -> Result<(), Failure> {
        let (Ok(input), Ok(within)) = (fs::canonicalize(self.input), fs::canonicalize(directory))
        else {
            return Ok(());
        };
        let name = input.file_name().and_then(OsStr::to_str);
        match name.filter(|name| self.writes(name) == Some(true)) {
            Some(name) if input.parent() == Some(&within) => Err(Failure::input(format_args!(
                "--output {}: the {name} there is the image itself, and would be replaced; name another directory",
                directory.display()
            ))),
            _ => Ok(()),
        }
    }

    /// Whether a name is of a file that this run writes; `None` when the command writes no such name.
    pub(crate) fn writes(&self, name: &str) -> Option<bool> {
        let within = |stem, count| Some(number(name, stem)? <= count);
        match name {
            "report.json" => Some(true),
            "labels.png" | "labels.tif" => Some(self.labels == Some(name)),
            "convergence.svg" => Some(self.labels.is_some()),
            _ => within("class_", self.classes).or_else(|| within("membership_", self.memberships)),
        }
    }
}

/// The number in `class_3.png`, written as the command writes it.
fn number(name: &str, stem: &str) -> Option<usize> {
    let digits = name.strip_prefix(stem)?.strip_suffix(".png")?;
    let number: usize = digits.parse().ok()?;
    (number > 0 && number.to_string() == digits).then_some(number)
}
