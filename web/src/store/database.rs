//! The database of the records: opened, and opened again after an error.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use redb::{Database, ReadableDatabase as _, ReadableTable as _};

use super::ops::{Op, apply};
use super::reading::Reading;
use super::tables::{BLOBS, DETAILS, EVENTS, FORMAT, JOBS, KEYS, META, UPLOADS, store_error};
use super::{DataDir, OpenError, StoreError, dir};

/// Whether it is worth making a file shorter is not looked at unless it is longer than this and that many times what
/// is kept, which takes twice its bytes in whole pages.
const SLACK_BYTES: u64 = 64 << 20;
const SLACK_FACTOR: u64 = 5;

/// How a file becomes a database.
pub(crate) type Open = Box<dyn Fn(&Path) -> Result<Database, redb::Error> + Send + Sync>;

/// The database of the records, as long as it is open.
pub(super) struct Records {
    path: PathBuf,
    open: Open,
    slot: RwLock<Slot>,
}

enum Slot {
    Open(Database),
    /// It took no write, and could not be opened again yet.
    Broken(StoreError),
    Closed,
}

impl Records {
    /// Opens the file or makes it, and counts the opening.
    pub(super) fn open(dir: &DataDir, open: Open) -> Result<Self, OpenError> {
        let data = || dir.root().display().to_string();
        let failed = |reason: String| OpenError::Failed {
            data: data(),
            reason,
        };
        let path = dir.records();
        if !path.exists() {
            make(dir, &open).map_err(|error| failed(error.to_string()))?;
        }
        let database = open(&path).map_err(|error| failed(error.to_string()))?;
        match prepare(&database).map_err(|error| failed(error.to_string()))? {
            FORMAT => {}
            found => {
                return Err(OpenError::Format {
                    data: data(),
                    found,
                    known: FORMAT,
                });
            }
        }
        dir::sync_dir(dir.root()).map_err(|error| failed(error.to_string()))?;
        Ok(Self {
            path,
            open,
            slot: RwLock::new(Slot::Open(database)),
        })
    }

    /// Lets go of the file once nobody reads it.
    pub(super) fn close(&self) {
        *self.slot.write().unwrap_or_else(PoisonError::into_inner) = Slot::Closed;
    }

    /// Reads the last state that was committed. Blocking, but not on writers.
    pub(super) fn read<T>(
        &self,
        read: impl FnOnce(&Reading) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.mend()?;
        // Held to the end: a database is opened again only when nobody reads it.
        let slot = self.slot.read().unwrap_or_else(PoisonError::into_inner);
        let database = slot.database()?;
        let transaction = database.begin_read().map_err(store_error)?;
        read(&Reading { transaction })
    }

    /// Writes all of `ops` or nothing, and forces it to the disk. Blocking.
    pub(super) fn commit<'o>(&self, ops: impl Iterator<Item = &'o Op>) -> Result<(), StoreError> {
        self.mend()?;
        let outcome = {
            let slot = self.slot.read().unwrap_or_else(PoisonError::into_inner);
            apply(slot.database()?, ops).map_err(store_error)
        };
        if let Err(error) = &outcome {
            self.open_again(error);
        }
        outcome
    }

    /// Gives back to the disk what is free in the file, if that is most of it. Blocking, and for longer than anybody
    /// waits who has begun to work with it: all that is kept may have to move.
    ///
    /// `kept_bytes`: what is kept, before it is packed, which is quicker to tell than what is used.
    pub(super) fn shrink(&self, kept_bytes: u64) -> Result<(), StoreError> {
        let bytes = fs::metadata(&self.path)?.len();
        if bytes <= SLACK_BYTES + SLACK_FACTOR * kept_bytes {
            return Ok(());
        }
        let used = self.used_bytes()?;
        if bytes < 2 * used {
            return Ok(());
        }
        let file = self.path.display();
        log::warn!("{file} has {bytes} bytes, uses {used}, and is made shorter");
        let shorter = match &mut *self.slot.write().unwrap_or_else(PoisonError::into_inner) {
            Slot::Open(database) => database.compact().map(|_| ()).map_err(store_error),
            Slot::Broken(_) | Slot::Closed => Ok(()),
        };
        if let Err(error) = &shorter {
            self.open_again(error);
        }
        shorter
    }

    /// What is not free in the file. Blocking: all of it is looked at.
    fn used_bytes(&self) -> Result<u64, StoreError> {
        let slot = self.slot.read().unwrap_or_else(PoisonError::into_inner);
        let transaction = slot.database()?.begin_write().map_err(store_error)?;
        let stats = transaction.stats().map_err(store_error)?;
        transaction.abort().map_err(store_error)?;
        Ok(stats.allocated_pages() * stats.page_size() as u64)
    }

    /// Opens it again if it is broken.
    fn mend(&self) -> Result<(), StoreError> {
        let broken = {
            let slot = self.slot.read().unwrap_or_else(PoisonError::into_inner);
            match &*slot {
                Slot::Broken(error) => Some(error.clone()),
                Slot::Open(_) | Slot::Closed => None,
            }
        };
        if let Some(error) = broken {
            self.open_again(&error);
        }
        let slot = self.slot.read().unwrap_or_else(PoisonError::into_inner);
        slot.database().map(|_| ())
    }

    /// After a write that failed a database takes nothing more, and does not read either, until it is opened again:
    /// then it is as the last commit left it.
    fn open_again(&self, error: &StoreError) {
        let mut slot = self.slot.write().unwrap_or_else(PoisonError::into_inner);
        if matches!(*slot, Slot::Closed) {
            return;
        }
        // The file is free only when this is gone.
        *slot = Slot::Broken(error.clone());
        match (self.open)(&self.path) {
            Ok(database) => *slot = Slot::Open(database),
            Err(error) => {
                log::error!("cannot open {} again: {error}", self.path.display());
                *slot = Slot::Broken(store_error(error));
            }
        }
    }
}

impl Slot {
    fn database(&self) -> Result<&Database, StoreError> {
        match self {
            Self::Open(database) => Ok(database),
            Self::Broken(error) => Err(error.clone()),
            Self::Closed => Err(StoreError::Closed),
        }
    }
}

/// Makes an empty database under another name first: a crash in the middle of that leaves nothing that could be
/// taken for records.
fn make(dir: &DataDir, open: &Open) -> Result<(), redb::Error> {
    let partial = dir.partial_records();
    dir::remove(&partial)?;
    drop(open(&partial)?);
    File::open(&partial)?.sync_all()?;
    fs::rename(&partial, dir.records())?;
    Ok(())
}

/// Makes the tables, counts the opening, and tells the format.
fn prepare(database: &Database) -> Result<u64, redb::Error> {
    let transaction = database.begin_write()?;
    {
        let mut meta = transaction.open_table(META)?;
        let format = meta.get("format")?.map(|found| found.value());
        match format {
            None => {
                meta.insert("format", FORMAT)?;
            }
            Some(FORMAT) => {}
            Some(other) => return Ok(other),
        }
        let generation = meta.get("generation")?.map_or(0, |found| found.value());
        meta.insert("generation", generation + 1)?;
        transaction.open_table(JOBS)?;
        transaction.open_table(UPLOADS)?;
        transaction.open_table(EVENTS)?;
        transaction.open_table(DETAILS)?;
        transaction.open_table(KEYS)?;
        transaction.open_table(BLOBS)?;
    }
    transaction.commit()?;
    Ok(FORMAT)
}

#[cfg(test)]
mod tests;
