//! The data directory: who has it, where things are in it, and what does not belong there.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::{OpenError, Recovered};

/// The end of the name of whatever is not complete.
const PARTIAL: &str = "partial";

/// A data directory that this process has.
#[derive(Debug)]
pub(crate) struct DataDir {
    root: PathBuf,
    /// Held as long as it is open.
    _lock: File,
}

impl DataDir {
    /// Makes the directory if need be, and takes it.
    pub(super) fn open(root: &Path) -> Result<Self, OpenError> {
        let named = || root.display().to_string();
        let failed = |error: io::Error| OpenError::Failed {
            data: named(),
            reason: error.to_string(),
        };
        for folder in [root.to_path_buf(), root.join("uploads"), root.join("jobs")] {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(root.join("lock"))
            .map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(OpenError::InUse { data: named() }),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        sync_dir(root).map_err(failed)?;
        Ok(Self {
            root: root.to_path_buf(),
            _lock: lock,
        })
    }

    /// The directory itself, for messages.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// The file of the records.
    pub(super) fn records(&self) -> PathBuf {
        self.root.join("records.redb")
    }

    /// The file of the records while it is made.
    pub(super) fn partial_records(&self) -> PathBuf {
        self.root.join(format!("records.redb.{PARTIAL}"))
    }

    /// The folder of the uploads.
    pub(super) fn uploads(&self) -> PathBuf {
        self.root.join("uploads")
    }

    /// The file of an upload.
    pub(crate) fn upload(&self, id: Uuid) -> PathBuf {
        self.uploads().join(id.to_string())
    }

    /// The file of an upload that is coming in.
    pub(super) fn partial_upload(&self, id: Uuid) -> PathBuf {
        self.uploads().join(format!("{id}.{PARTIAL}"))
    }

    /// The folder of the jobs' folders.
    pub(super) fn jobs(&self) -> PathBuf {
        self.root.join("jobs")
    }

    /// The folder of a job, running or not; it counts only with a record that says that the job has succeeded
    /// and has artifacts that are not small together.
    pub(crate) fn job(&self, id: Uuid) -> PathBuf {
        self.jobs().join(id.to_string())
    }

    /// What is left on its disk for us, in bytes.
    #[cfg(unix)]
    pub(crate) fn free_bytes(&self) -> io::Result<u64> {
        let disk = rustix::fs::statvfs(&self.root)?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    /// What is left on its disk is not known there; writes tell when there is nothing.
    #[cfg(not(unix))]
    pub(crate) fn free_bytes(&self) -> io::Result<u64> {
        Ok(u64::MAX)
    }

    /// Removes what no record knows.
    pub(super) fn sweep(&self, recovered: &Recovered) -> io::Result<()> {
        let uploads: HashSet<String> = recovered
            .uploads
            .iter()
            .map(|record| record.upload.id.to_string())
            .collect();
        let jobs: HashSet<String> = recovered
            .ended
            .iter()
            .filter(|job| job.has_files())
            .map(|job| job.id.to_string())
            .collect();
        for (folder, known) in [(self.uploads(), uploads), (self.jobs(), jobs)] {
            for entry in fs::read_dir(&folder)? {
                let entry = entry?;
                let is_known = entry
                    .file_name()
                    .to_str()
                    .is_some_and(|name| known.contains(name));
                if !is_known {
                    log::info!("removing {}: no record knows it", entry.path().display());
                    remove(&entry.path())?;
                }
            }
        }
        Ok(())
    }
}

/// Removes a file, or a folder with all that is in it; fine if there is none.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Forces a whole file system to the disk; `false` where that cannot be done.
#[cfg(target_os = "linux")]
pub(super) fn sync_disk(of: &Path) -> io::Result<bool> {
    rustix::fs::syncfs(File::open(of)?)?;
    Ok(true)
}

/// It cannot be done there.
#[cfg(not(target_os = "linux"))]
pub(super) fn sync_disk(_of: &Path) -> io::Result<bool> {
    Ok(false)
}

/// Forces files and folders to the disk; what is not there any more is passed over.
pub(super) fn sync_all(paths: &[PathBuf]) -> io::Result<()> {
    for path in paths {
        let forced = if path.is_dir() {
            sync_dir(path)
        } else {
            File::open(path).and_then(|file| file.sync_all())
        };
        match forced {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            other => other?,
        }
    }
    Ok(())
}

/// Forces the names in a directory to the disk.
#[cfg(unix)]
pub(super) fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Directories cannot be opened there; the file system keeps the order of their changes.
#[cfg(not(unix))]
pub(super) fn sync_dir(_path: &Path) -> io::Result<()> {
    Ok(())
}
