use std::fs::OpenOptions;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use redb::StorageBackend;
use redb::backends::FileBackend;
use tempfile::TempDir;
use uuid::Uuid;

use super::*;

/// A file on a disk that can be full.
#[derive(Debug)]
struct Disk {
    file: FileBackend,
    is_full: Arc<AtomicBool>,
}

impl Disk {
    fn check(&self) -> io::Result<()> {
        if self.is_full.load(Ordering::SeqCst) {
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
        self.file.sync_data()
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

fn records(folder: &TempDir) -> (DataDir, Records, Arc<AtomicBool>) {
    let dir = DataDir::open(folder.path()).unwrap();
    let is_full = Arc::new(AtomicBool::new(false));
    let full = Arc::clone(&is_full);
    let open = move |path: &Path| {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        let disk = Disk {
            file: FileBackend::new(file).map_err(failed)?,
            is_full: Arc::clone(&full),
        };
        Ok(Database::builder().create_with_backend(disk)?)
    };
    let records = Records::open_with(&dir, Box::new(open)).unwrap();
    (dir, records, is_full)
}

fn key(name: &str) -> Op {
    Op::Key {
        owner: String::new(),
        key: name.to_owned(),
        digest: name.to_owned(),
        job: Uuid::nil(),
    }
}

#[test]
fn records_that_a_crash_left_half_made_are_made_anew() {
    let folder = TempDir::new().unwrap();
    let partial = folder.path().join("records.redb.partial");
    std::fs::write(&partial, "half").unwrap();
    let (_dir, records, _) = records(&folder);
    records.commit([key("a")].iter()).unwrap();
    let found = records.read(|reading| reading.key("", "a"));
    assert!(found.unwrap().is_some());
    assert!(!partial.exists());
}

#[test]
fn a_full_disk_tears_nothing_and_does_not_last() {
    let folder = TempDir::new().unwrap();
    let (_dir, records, is_full) = records(&folder);
    let has = |name: &'static str| {
        let found = records.read(|reading| reading.key("", name));
        found.map(|found| found.is_some())
    };
    let commit = |names: &[&str]| {
        let ops: Vec<Op> = names.iter().map(|name| key(name)).collect();
        records.commit(ops.iter())
    };
    commit(&["before"]).unwrap();
    is_full.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        assert_eq!(commit(&["a", "b"]), Err(StoreError::DiskFull));
    }
    is_full.store(false, Ordering::SeqCst);
    assert_eq!(has("before"), Ok(true));
    assert_eq!((has("a"), has("b")), (Ok(false), Ok(false)));
    commit(&["a", "after"]).unwrap();
    assert_eq!((has("a"), has("b")), (Ok(true), Ok(false)));
    assert_eq!((has("before"), has("after")), (Ok(true), Ok(true)));
}
