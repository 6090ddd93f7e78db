//! What is kept: records in redb, blobs in files.
//!
//! ```text
//! DATA/lock            held by the one process that has the directory
//! DATA/records.redb    jobs, events, small artifacts, uploads, idempotency keys, the version of all this
//! DATA/uploads/<id>    a file that was handed in
//! DATA/jobs/<id>/…     the artifacts of a job that has succeeded, if they are not small together
//! DATA/uploads/<id>.partial  a larger one that is coming in
//! ```
//!
//! **A record is the truth; a blob without one is rubbish.** Blobs are written and forced to the disk (an upload under
//! a `.partial` name before it gets its own), and so is the directory that names them; then, and only then, the record
//! that names them is committed. What goes is deleted in the other order. So a crash at any byte leaves the old state or the new one,
//! and perhaps a blob without a record, which the next [`Store::open`] removes.
//!
//! **What is small is forced to the disk within the records.** It is committed with the record that names it, so that
//! a small job costs one forced write when it is accepted and one when it ends, whatever number of artifacts it has.
//! Artifacts stay there and have no files. Uploads are read as files: these are written all the same, but not forced;
//! the [`settler`] does that for many at a time, and then the copies go. Those that a crash leaves are written to
//! their files by the next [`Store::open`].
//!
//! **One thread writes** ([`writer`]). It takes all that waits, commits it in one transaction with one fsync, and
//! answers all at once: the more jobs come at a time, the less each costs. Readers see the last commit and wait for
//! nobody.

mod backend;
mod blobs;
mod database;
mod details;
mod dir;
#[cfg(test)]
pub(crate) mod faulty;
mod ops;
mod packed;
mod reading;
mod records;
mod settler;
mod tables;
mod writer;

use std::path::Path;
use std::sync::Arc;

use thiserror::Error;

pub(crate) use blobs::{Digested, SMALL_ARTIFACTS_BYTES, Sink, digested, force, small_or_digest};
use database::{Open, Records};
pub(crate) use dir::{DataDir, remove};
pub(crate) use ops::Op;
pub(crate) use reading::Reading;
pub(crate) use records::{Ended, JobRecord, Recovered, Unfinished, UploadRecord};
pub(crate) use tables::owner_key;
use writer::Writer;

/// Why the data directory could not be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// Another process has it.
    #[error(
        "the data directory {data} is in use by another process; stop that one, or name another directory"
    )]
    InUse {
        /// The directory.
        data: String,
    },
    /// It was written by another version.
    #[error("the data directory {data} has format {found}; this version reads format {known} only")]
    Format {
        /// The directory.
        data: String,
        /// What it says.
        found: u64,
        /// What is understood here.
        known: u64,
    },
    /// It cannot be made, read or written.
    #[error("the data directory {data} cannot be opened: {reason}")]
    Failed {
        /// The directory.
        data: String,
        /// What was tried, and what came of it.
        reason: String,
    },
}

/// Why something could not be written or read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum StoreError {
    /// The disk is full, or the quota is used up.
    #[error("there is no room on the disk")]
    DiskFull,
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}

impl From<std::io::Error> for StoreError {
    fn from(error: std::io::Error) -> Self {
        use std::io::ErrorKind::{QuotaExceeded, StorageFull};
        if matches!(error.kind(), StorageFull | QuotaExceeded) {
            Self::DiskFull
        } else {
            Self::Failed(error.to_string())
        }
    }
}

/// The records and blobs of one data directory.
pub(crate) struct Store {
    dir: DataDir,
    records: Arc<Records>,
    writer: Writer,
}

impl Store {
    /// Opens a data directory, removes what a crash left half done, and tells what there is. Blocking.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub(crate) fn open(data: &Path) -> Result<(Self, Recovered), OpenError> {
        Self::open_with(data, Box::new(backend::open))
    }

    /// The same with records that are opened in this way.
    pub(crate) fn open_with(data: &Path, open: Open) -> Result<(Self, Recovered), OpenError> {
        let dir = DataDir::open(data)?;
        let failed = |reason: StoreError| OpenError::Failed {
            data: data.display().to_string(),
            reason: reason.to_string(),
        };
        let records = Arc::new(Records::open(&dir, open)?);
        let recovered = records.read(Reading::recover).map_err(failed)?;
        settler::settle_all(&dir, &records).map_err(failed)?;
        if let Err(error) = records.shrink(recovered.ended_bytes()) {
            // It is as good as it was before.
            log::warn!("the records cannot be made shorter: {error}");
        }
        dir.sweep(&recovered)
            .map_err(|error| failed(error.into()))?;
        let writer = Writer::start(&dir, Arc::clone(&records)).map_err(failed)?;
        Ok((
            Self {
                dir,
                records,
                writer,
            },
            recovered,
        ))
    }

    /// Where blobs are.
    pub(crate) const fn dir(&self) -> &DataDir {
        &self.dir
    }

    /// Writes all of `ops` or nothing; when the future ends, it is on the disk. Its place among what is written is
    /// taken at once, and it is written even if the future is dropped.
    pub(crate) fn write(
        &self,
        ops: Vec<Op>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send + use<> {
        self.writer.write(ops)
    }

    /// Writes `ops` a little later; of a job's record only if no later one is written before.
    pub(crate) fn write_later(&self, ops: Vec<Op>) {
        self.writer.write_later(ops);
    }

    /// Whether the last transaction could be written.
    pub(crate) fn is_writable(&self) -> bool {
        self.writer.is_writable()
    }

    /// Waits until nothing can be written any more, whatever ended it.
    pub(crate) async fn ended(&self) {
        self.writer.ended().await;
    }

    /// Waits until a transaction could be written.
    #[cfg(test)]
    pub(crate) async fn writable(&self) {
        self.writer.writable().await;
    }

    /// Reads the last state that was committed.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Reading) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let records = Arc::clone(&self.records);
        blocking(move || records.read(read)).await
    }

    /// Writes what is still to be written, and closes the records.
    pub(crate) async fn close(&self) {
        self.writer.stop().await;
        let records = Arc::clone(&self.records);
        let closed = blocking(move || {
            records.close();
            Ok(())
        });
        // It fails only if the runtime ends, and everything with it.
        let _ = closed.await;
    }
}

/// Does what blocks on a thread that may.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) if error.is_panic() => Err(StoreError::Failed("a thread panicked".to_owned())),
        Err(_) => Err(StoreError::Closed),
    }
}

#[cfg(test)]
mod tests;
