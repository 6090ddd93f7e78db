//! The directory that the files go to.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use msvpu::raster::{WriteError, write_file};
use tempfile::TempDir;

use super::failure::Failure;

/// A directory that exists and takes files.
#[derive(Clone, Debug)]
pub(crate) struct Destination {
    path: PathBuf,
    /// The directories that were not there before, the deepest first.
    made: Vec<PathBuf>,
}

impl Destination {
    /// Makes the directory if need be, and tries whether it takes a file: before the long work,
    /// not after.
    pub(crate) fn prepare(path: &Path) -> Result<Self, Failure> {
        let made = path
            .ancestors()
            .take_while(|directory| *directory != Path::new("") && !directory.exists())
            .map(Path::to_owned)
            .collect();
        let tried = fs::create_dir_all(path).and_then(|()| tempfile::tempfile_in(path).map(drop));
        match tried {
            Ok(()) => Ok(Self {
                path: path.to_owned(),
                made,
            }),
            Err(error) => Err(Failure::input(format_args!(
                "--output {}: {}; name a directory that can be made or written to",
                path.display(),
                reason(&error)
            ))),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A place for the files of one result, within the directory and hence on its file system.
    pub(crate) fn stage(&self) -> Result<Stage, Failure> {
        let files = tempfile::Builder::new()
            .prefix(".msvpu-")
            .suffix(".partial")
            .tempdir_in(&self.path);
        let files = files.map_err(|error| {
            Failure::runtime(format_args!(
                "{}: cannot be written to: {error}",
                self.path.display()
            ))
        })?;
        Ok(Stage {
            destination: self.path.clone(),
            files,
        })
    }

    /// Removes the directories that were made here and that hold nothing.
    pub(crate) fn abandon(self) {
        for directory in self.made {
            // Fails when it is not empty, as it should.
            let _ = fs::remove_dir(directory);
        }
    }
}

/// Files that are not yet in their directory; gone with all that is in it unless published.
pub(crate) struct Stage {
    destination: PathBuf,
    files: TempDir,
}

impl Stage {
    /// Where to write the files, under the names that they are to have.
    pub(crate) fn path(&self) -> &Path {
        self.files.path()
    }

    pub(crate) fn write(&self, name: &str, content: &[u8]) -> Result<(), Failure> {
        write_file(&self.path().join(name), content).map_err(|error| self.failure(error))
    }

    /// A failure to write, told of the path that the file was to have in the end.
    pub(crate) fn failure(&self, mut error: WriteError) -> Failure {
        if let Ok(name) = error.path.strip_prefix(self.path()) {
            error.path = self.destination.join(name);
        }
        Failure::runtime(error)
    }

    /// Moves all files to their directory, where they replace what has their names.
    pub(crate) fn publish(self) -> Result<(), Failure> {
        let entries = fs::read_dir(self.path()).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let files: Vec<(PathBuf, PathBuf)> = entries
            .map_err(Failure::runtime)?
            .iter()
            .map(|entry| (entry.path(), self.destination.join(entry.file_name())))
            .collect();
        // What cannot be replaced is found before anything is.
        if let Some((_, to)) = files.iter().find(|(_, to)| to.is_dir()) {
            return Err(Failure::runtime(format_args!(
                "{}: cannot be written: a directory has this name",
                to.display()
            )));
        }
        for (from, to) in files {
            fs::rename(from, &to).map_err(|error| {
                Failure::runtime(format_args!("{}: cannot be written: {error}", to.display()))
            })?;
        }
        Ok(())
    }
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
            "a file is where a directory is needed".to_owned()
        }
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_made_and_forgotten_when_unused() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a/b");
        let destination = Destination::prepare(&path).unwrap();
        assert!(path.is_dir());
        destination.abandon();
        assert!(!root.path().join("a").exists());

        let destination = Destination::prepare(&path).unwrap();
        drop(destination.stage().unwrap());
        let stage = destination.stage().unwrap();
        stage.write("report.json", b"{}").unwrap();
        assert!(!path.join("report.json").exists());
        stage.publish().unwrap();
        assert_eq!(fs::read_dir(&path).unwrap().count(), 1);
        destination.abandon();
        assert_eq!(fs::read(path.join("report.json")).unwrap(), b"{}");
    }

    #[test]
    fn a_file_in_the_way_is_named() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("file");
        fs::write(&file, b"").unwrap();
        for path in [file.clone(), file.join("below")] {
            let failure = Destination::prepare(&path).unwrap_err();
            assert_eq!(failure.status(), 2);
            assert!(failure.to_string().contains("a file is where"), "{failure}");
        }
    }
}
