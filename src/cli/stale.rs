//! Files of an earlier run into the same directory.

use std::fs;
use std::io;
use std::path::Path;

use super::failure::Failure;

/// What of the files that the command writes belongs to this run.
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
            .is_some_and(|name| kept.lacks(name));
        if stale && entry.file_type()?.is_file() {
            let path = entry.path();
            if fs::canonicalize(&path).ok() != input {
                fs::remove_file(path)?;
            }
        }
    }
    Ok(())
}

impl Kept<'_> {
    /// Whether a name is one of the command's, and not of this run.
    fn lacks(&self, name: &str) -> bool {
        let beyond = |stem, count| number(name, stem).is_some_and(|number| number > count);
        match name {
            "labels.png" | "labels.tif" => self.labels != Some(name),
            "convergence.svg" => self.labels.is_none(),
            _ => beyond("class_", self.classes) || beyond("membership_", self.memberships),
        }
    }
}

/// The number in `class_3.png`, written as the command writes it.
fn number(name: &str, stem: &str) -> Option<usize> {
    let digits = name.strip_prefix(stem)?.strip_suffix(".png")?;
    let number: usize = digits.parse().ok()?;
    (number > 0 && number.to_string() == digits).then_some(number)
}
