//! Files, and when they are on the disk.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::dir::{DataDir, remove, sync_dir};
use crate::hex::hex;

/// A job's artifacts that have at most so many bytes together are kept in the records, and have no files. After a
/// crash redb reads its whole file, and an answer holds what it was read for: so it is not more.
pub(crate) const SMALL_ARTIFACTS_BYTES: u64 = 64 << 10;
/// How much of a file is read at a time.
const CHUNK_BYTES: usize = 256 << 10;

/// A file that is coming in; removed when it is dropped unfinished.
#[derive(Debug)]
pub(crate) struct Sink {
    file: File,
    path: PathBuf,
    digest: Sha256,
    bytes: u64,
    is_kept: bool,
}

/// A file that is complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sealed {
    pub(crate) bytes: u64,
    /// In lower-case hexadecimal.
    pub(crate) sha256: String,
}

impl Sink {
    /// Begins an upload. One whose content will be in its record needs no other name meanwhile. Blocking, as all here.
    pub(crate) fn upload(dir: &DataDir, id: Uuid, is_small: bool) -> io::Result<Self> {
        let path = if is_small {
            dir.upload(id)
        } else {
            dir.partial_upload(id)
        };
        Ok(Self {
            file: File::create_new(&path)?,
            path,
            digest: Sha256::new(),
            bytes: 0,
            is_kept: false,
        })
    }

    /// Adds a part.
    pub(crate) fn write(&mut self, part: &[u8]) -> io::Result<()> {
        self.file.write_all(part)?;
        self.digest.update(part);
        self.bytes += part.len() as u64;
        Ok(())
    }

    /// Where it is so far.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Forces the file to the disk and gives it its name.
    pub(crate) fn seal(mut self, dir: &DataDir, id: Uuid) -> io::Result<Sealed> {
        self.file.sync_all()?;
        let name = dir.upload(id);
        fs::rename(&self.path, &name)?;
        self.path = name;
        sync_dir(&dir.uploads())?;
        Ok(self.keep())
    }

    /// Keeps the file; the records will have its content.
    pub(crate) fn keep(mut self) -> Sealed {
        self.is_kept = true;
        Sealed {
            bytes: self.bytes,
            sha256: hex(&self.digest.clone().finalize()),
        }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        if !self.is_kept
            && let Err(error) = remove(&self.path)
        {
            log::warn!("cannot remove {}: {error}", self.path.display());
        }
    }
}

/// An artifact of a job.
pub(crate) struct Digested {
    pub(crate) sealed: Sealed,
    /// All of it, if it is small.
    pub(crate) small: Option<Bytes>,
}

/// Digests what is in memory.
pub(crate) fn digested(content: &[u8]) -> Sealed {
    Sealed {
        bytes: content.len() as u64,
        sha256: hex(&Sha256::digest(content)),
    }
}

/// Digests a file, and keeps its content if it has at most `max_bytes`.
pub(crate) fn small_or_digest(path: &Path, max_bytes: u64) -> io::Result<Digested> {
    let mut file = File::open(path)?;
    let bytes = file.metadata()?.len();
    if bytes <= max_bytes {
        let content = fs::read(path)?;
        return Ok(Digested {
            sealed: digested(&content),
            small: Some(content.into()),
        });
    }
    let mut digest = Sha256::new();
    let mut bytes = 0;
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let read = file.read(&mut chunk)?;
        if read == 0 {
            break;
        }
        digest.update(&chunk[..read]);
        bytes += read as u64;
    }
    Ok(Digested {
        sealed: Sealed {
            bytes,
            sha256: hex(&digest.finalize()),
        },
        small: None,
    })
}

/// Forces the files of a job's folder to the disk, with the folders that name them.
pub(crate) fn force(dir: &DataDir, folder: &Path, files: &[PathBuf]) -> io::Result<()> {
    for file in files {
        File::open(file)?.sync_all()?;
    }
    sync_dir(folder)?;
    sync_dir(&dir.jobs())
}
