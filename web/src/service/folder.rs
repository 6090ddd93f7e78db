//! The directory of a job's own.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::store::remove;

/// The directory of a job's own, made when it is first asked for: many jobs need none. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Folder {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    standing: Mutex<Standing>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Unmade,
    Made,
    /// It is not made any more.
    Gone,
}

impl Folder {
    /// Nothing is made yet.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            shared: Arc::new(Shared {
                path: path.into(),
                standing: Mutex::new(Standing::Unmade),
            }),
        }
    }

    /// Where it is; made empty, whatever was there, when it is first asked for. Blocking.
    ///
    /// # Errors
    /// When it cannot be made, and, of [`NotFound`](io::ErrorKind::NotFound), when the job has ended.
    pub fn path(&self) -> io::Result<&Path> {
        let Shared { path, standing } = &*self.shared;
        let mut standing = standing.lock().unwrap_or_else(PoisonError::into_inner);
        match *standing {
            Standing::Made => {}
            Standing::Unmade => {
                remove(path)?;
                fs::create_dir(path)?;
                *standing = Standing::Made;
            }
            Standing::Gone => {
                let why = "the job has ended, and its folder is gone";
                return Err(io::Error::new(io::ErrorKind::NotFound, why));
            }
        }
        Ok(path)
    }

    /// Whether it was asked for.
    pub(crate) fn is_made(&self) -> bool {
        let standing = self.shared.standing.lock();
        *standing.unwrap_or_else(PoisonError::into_inner) == Standing::Made
    }

    /// Removes it with all that is in it, and makes it no more. Blocking.
    pub(crate) fn discard(&self) -> io::Result<()> {
        let Shared { path, standing } = &*self.shared;
        let mut standing = standing.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *standing, Standing::Gone);
        if before == Standing::Unmade {
            return Ok(());
        }
        remove(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_made_empty_once_and_never_after_its_end() {
        let root = tempfile::TempDir::new().unwrap();
        let place = root.path().join("job");
        fs::create_dir(&place).unwrap();
        fs::write(place.join("left"), "by an earlier attempt").unwrap();
        let folder = Folder::new(&place);
        fs::write(folder.path().unwrap().join("a"), "a").unwrap();
        let names = |path: &Path| -> Vec<_> {
            let entries = fs::read_dir(path).unwrap();
            entries.map(|entry| entry.unwrap().file_name()).collect()
        };
        assert_eq!(names(folder.clone().path().unwrap()), ["a"]);
        folder.discard().unwrap();
        assert!(!place.exists());
        assert_eq!(folder.path().unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(!place.exists());
    }
}
