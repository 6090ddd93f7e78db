//! Records on a disk that fails when it is told to.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use redb::backends::FileBackend;
use redb::{Database, StorageBackend};

use super::database::Open;

/// What is wrong with the disk.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    /// It takes nothing.
    pub(crate) is_full: AtomicBool,
    /// It does not take the next write.
    pub(crate) refuses_next: AtomicBool,
    /// The next forced write is done, and said to have failed.
    pub(crate) denies_next: AtomicBool,
    /// How often something was forced to it.
    pub(crate) forced: AtomicUsize,
    /// Whoever opens the records panics.
    pub(crate) is_poisoned: AtomicBool,
}

#[derive(Debug)]
struct Disk {
    file: FileBackend,
    faults: Arc<Faults>,
}

impl Disk {
    fn check(&self) -> io::Result<()> {
        let is_refused = self.faults.refuses_next.swap(false, Ordering::SeqCst);
        if is_refused || self.faults.is_full.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.check()?;
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()?;
        self.faults.forced.fetch_add(1, Ordering::SeqCst);
        if self.faults.denies_next.swap(false, Ordering::SeqCst) {
            return Err(io::Error::other("the disk does not answer"));
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.check()?;
        self.file.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }
}

fn failed(error: impl std::fmt::Display) -> redb::Error {
    redb::Error::Io(io::Error::other(error.to_string()))
}

/// How the records are opened on such a disk.
pub(crate) fn open(faults: &Arc<Faults>) -> Open {
    let faults = Arc::clone(faults);
    Box::new(move |path: &Path| {
        assert!(!faults.is_poisoned.load(Ordering::SeqCst), "as it was told");
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        let disk = Disk {
            file: FileBackend::new(file).map_err(failed)?,
            faults: Arc::clone(&faults),
        };
        Ok(Database::builder().create_with_backend(disk)?)
    })
}
