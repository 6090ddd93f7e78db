//! The directory that the files go to.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use msvpu::raster::write_file;

use super::failure::Failure;

/// A directory that exists and takes files.
#[derive(Clone, Debug)]
pub(crate) struct Destination {
    path: PathBuf,
    made: bool,
}

impl Destination {
    /// Makes the directory if need be, and tries whether it takes a file: before the long work,
    /// not after.
    pub(crate) fn prepare(path: &Path) -> Result<Self, Failure> {
        let made = !path.exists();
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

    /// Writes a file so that it is there whole or not at all.
    pub(crate) fn write(&self, name: &str, content: &[u8]) -> Result<(), Failure> {
        write_file(&self.path.join(name), content).map_err(Failure::runtime)
    }

    /// Removes the directory if it was made here and nothing is in it.
    pub(crate) fn abandon(self) {
        if self.made {
            // Fails when it is not empty, as it should.
            let _ = fs::remove_dir(&self.path);
        }
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
        assert!(!path.exists());

        let destination = Destination::prepare(&path).unwrap();
        destination.write("report.json", b"{}").unwrap();
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
