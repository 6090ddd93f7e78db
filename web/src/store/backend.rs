//! The file of the records, grown with zeros.

use std::cell::Cell;
use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use redb::backends::FileBackend;
use redb::{Database, Error, StorageBackend};

/// Pages of records that are kept in memory, in bytes.
const CACHE_BYTES: usize = 32 << 20;
/// More than this is not filled at a time, so that nobody waits long for it.
const MAX_FILL_BYTES: u64 = 64 << 20;
const CHUNK_BYTES: u64 = 1 << 20;
/// A check that takes longer is told of.
const PATIENCE: Duration = Duration::from_secs(2);

/// Opens a database, or makes it.
pub(super) fn open(path: &Path) -> Result<Database, Error> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)?;
    let backend = Filled {
        file: FileBackend::new(file)?,
    };
    let mut builder = Database::builder();
    builder.set_cache_size(CACHE_BYTES);
    // All of a long file is read, which is worth a word.
    let begun = Instant::now();
    let told = Cell::new(0.0);
    let name = path.display().to_string();
    builder.set_repair_callback(move |repair| {
        let done = repair.progress();
        if begun.elapsed() > PATIENCE && done > told.get() {
            told.set(done);
            let percent = 100.0 * done;
            log::warn!("{name} was not closed, and is checked: {percent:.0} % of it");
        }
    });
    Ok(builder.create_with_backend(backend)?)
}

/// A file without holes. A forced write that fills a hole has to wait for the file system's journal, and with it for
/// whatever others write at that time; one that only replaces bytes has not. And a file without holes needs no more
/// room on the disk until it grows.
#[derive(Debug)]
struct Filled {
    file: FileBackend,
}

impl StorageBackend for Filled {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut filled = self.file.len()?;
        self.file.set_len(len)?;
        let until = len.min(filled.saturating_add(MAX_FILL_BYTES));
        let zeros = vec![0; CHUNK_BYTES as usize];
        while filled < until {
            let bytes = CHUNK_BYTES.min(until - filled);
            self.file.write(filled, &zeros[..bytes as usize])?;
            filled += bytes;
        }
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.file.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }
}
