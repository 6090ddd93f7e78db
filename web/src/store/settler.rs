//! Forces small uploads to the disk that the records hold a copy of, many at a time.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::StoreError;
use super::database::Records;
use super::dir::{DataDir, sync_all, sync_disk};
use super::ops::Op;

/// So much may be in both places before it is settled.
const MAX_COPY_BYTES: usize = 32 << 20;
/// So long it may be in both places. By then most systems have written the files of themselves, so that forcing them
/// costs next to nothing.
const MAX_COPY_AGE: Duration = Duration::from_secs(60);
/// Of more uploads than this the files are not forced one by one, but the whole file system at once. That
/// costs as much as few files, but waits for what others write as well.
const MANY: usize = 64;

/// The thread that settles, as the writer has it. Neither waits for the other.
pub(super) struct Settler {
    copies: Option<Sender<(Uuid, usize)>>,
    settled: Arc<Mutex<Vec<Uuid>>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Settler {
    pub(super) fn start(dir: &DataDir) -> io::Result<Self> {
        let (copies, incoming) = channel();
        let settled = Arc::new(Mutex::new(Vec::new()));
        let (uploads, out) = (dir.uploads(), Arc::clone(&settled));
        let thread = thread::Builder::new()
            .name("msvpu-blobs".to_owned())
            .spawn(move || run(&uploads, &incoming, &out))?;
        Ok(Self {
            copies: Some(copies),
            settled,
            thread: Some(thread),
        })
    }

    /// These copies are in the records.
    pub(super) fn copied<'o>(&self, ops: impl Iterator<Item = &'o Op>) {
        let Some(copies) = &self.copies else {
            return;
        };
        for op in ops {
            if let Op::Blob { upload, content } = op {
                // If the thread has ended, the next start settles it.
                let _ = copies.send((*upload, content.len()));
            }
        }
    }

    /// Takes those whose copies may go.
    pub(super) fn settled(&self) -> Vec<Uuid> {
        mem::take(&mut *self.settled.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts back what could not be told to the records.
    pub(super) fn put_back(&self, settled: Vec<Uuid>) {
        let mut all = self.settled.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend(settled);
    }

    /// Settles what is left.
    pub(super) fn stop(&mut self) {
        self.copies = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            log::error!("the thread that forces files to the disk panicked");
        }
    }
}

/// Forces the files of uploads to the disk, and the folder that names them.
fn force(uploads: &Path, ids: &HashSet<Uuid>) -> io::Result<()> {
    if ids.len() > MANY && sync_disk(uploads)? {
        return Ok(());
    }
    let files = ids.iter().map(|id| uploads.join(id.to_string()));
    let paths: Vec<PathBuf> = files.chain([uploads.to_path_buf()]).collect();
    sync_all(&paths)
}

fn run(uploads: &Path, incoming: &Receiver<(Uuid, usize)>, settled: &Mutex<Vec<Uuid>>) {
    let mut ids = HashSet::new();
    let mut is_last = false;
    while !is_last {
        let Ok((first, mut bytes)) = incoming.recv() else {
            return;
        };
        ids.insert(first);
        let due = Instant::now() + MAX_COPY_AGE;
        while bytes < MAX_COPY_BYTES {
            match incoming.recv_timeout(due.saturating_duration_since(Instant::now())) {
                Ok((id, more)) => {
                    ids.insert(id);
                    bytes += more;
                }
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => {
                    is_last = true;
                    break;
                }
            }
        }
        match force(uploads, &ids) {
            Ok(()) => {
                let mut settled = settled.lock().unwrap_or_else(PoisonError::into_inner);
                settled.extend(ids.drain());
            }
            // They stay in both places, and are tried again with the next ones.
            Err(error) => log::error!("cannot force files to the disk: {error}"),
        }
    }
}

/// Writes what the records hold copies of to its files, forces all to the disk, and lets the copies go. Blocking.
pub(super) fn settle_all(dir: &DataDir, records: &Records) -> Result<(), StoreError> {
    let mut ids = HashSet::new();
    records.read(|reading| {
        reading.blobs(|id, content| {
            restore(&dir.upload(id), content)?;
            ids.insert(id);
            Ok(())
        })
    })?;
    if ids.is_empty() {
        return Ok(());
    }
    force(&dir.uploads(), &ids)?;
    let settled = Op::Settled {
        uploads: ids.into_iter().collect(),
    };
    records.commit(std::iter::once(&settled))
}

/// Writes a file unless it is there as it should be.
fn restore(path: &Path, content: &[u8]) -> io::Result<()> {
    let is_whole = fs::read(path).is_ok_and(|found| found == content);
    if is_whole {
        return Ok(());
    }
    fs::write(path, content)
}
