//! Files that are there whole or not at all.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::Path,
};

use crate::raster::error::{WriteError, WriteProblem};

/// Writes these bytes to a file that is there whole or not at all.
///
/// A file that was there is replaced in one step.
///
/// # Errors
/// [`WriteError`] when the file cannot be written; `path` is then what it was.
pub fn write_file(path: &Path, content: &[u8]) -> Result<(), WriteError> {
    put_in_place(path, |mut file| Ok(file.write_all(content)?))
}

/// Writes to a file without a name beside `path`, which gets the name when all is written.
///
/// A file that was there is replaced in one step. When the process dies in between, `path` is what it was.
pub(super) fn replace(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&File>) -> Result<(), WriteProblem>,
) -> Result<(), WriteError> {
    put_in_place(path, |file| {
        let mut buffered = BufWriter::with_capacity(BUFFER_BYTES, file);
        write(&mut buffered)?;
        Ok(buffered.flush()?)
    })
}

fn put_in_place(
    path: &Path,
    write: impl FnOnce(&File) -> Result<(), WriteProblem>,
) -> Result<(), WriteError> {
    write_and_rename(path, write).map_err(|problem| WriteError {
        path: path.to_owned(),
        problem,
    })
}

fn write_and_rename(
    path: &Path,
    write: impl FnOnce(&File) -> Result<(), WriteProblem>,
) -> Result<(), WriteProblem> {
    let directory = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".msvpu-").suffix(".partial");
    // A temporary file is for its owner's eyes; a result is for whom the user's mask says.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let file = builder.tempfile_in(directory)?;
    write(file.as_file())?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

const BUFFER_BYTES: usize = 256 << 10;
