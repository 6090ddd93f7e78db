//! Files that come in.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Caller, Engine, EngineError, Inner, not_found};
use crate::model::Upload;
use crate::store::{Op, Sink, StoreError, UploadRecord, blocking, remove};

/// Parts are gathered up to this before they are written.
const BUFFER_BYTES: usize = 256 << 10;
/// An upload of at most so many bytes is forced to the disk with its record.
const SMALL_BYTES: usize = 64 << 10;

/// An upload that is coming in; what is there is removed when it is dropped unfinished.
#[derive(Debug)]
pub struct UploadWriter {
    engine: Engine,
    id: Uuid,
    name: Option<String>,
    owner: Option<String>,
    buffer: BytesMut,
    bytes: u64,
    /// `None` before the first write, while a thread has it, and after an error.
    sink: Option<Sink>,
    is_begun: bool,
}

impl UploadWriter {
    /// Adds a part: hashed, and written to the disk.
    ///
    /// # Errors
    /// [`EngineError::TooLarge`], [`EngineError::DiskFull`], [`EngineError::Store`]; nothing can be added after one.
    pub async fn write(&mut self, part: Bytes) -> Result<(), EngineError> {
        let limit = self.engine.inner.config.max_upload_bytes;
        self.bytes += part.len() as u64;
        if self.bytes > limit {
            return Err(EngineError::TooLarge { limit });
        }
        self.buffer.extend_from_slice(&part);
        if self.buffer.len() >= BUFFER_BYTES {
            self.flush(false).await?;
        }
        Ok(())
    }

    async fn flush(&mut self, is_small: bool) -> Result<(), EngineError> {
        let part = self.buffer.split().freeze();
        let sink = self.sink.take();
        if sink.is_none() && self.is_begun {
            return Err(EngineError::Store(
                "an earlier part was not written".to_owned(),
            ));
        }
        self.engine.inner.check_room(part.len() as u64)?;
        self.is_begun = true;
        let (inner, id) = (Arc::clone(&self.engine.inner), self.id);
        let sink = blocking(move || {
            let mut sink = match sink {
                Some(sink) => sink,
                None => Sink::upload(inner.store.dir(), id, is_small)?,
            };
            sink.write(&part)?;
            Ok(sink)
        });
        self.sink = Some(sink.await?);
        Ok(())
    }

    /// All is there: looks at it and keeps it. When this returns, it is on the disk.
    ///
    /// # Errors
    /// [`EngineError::Input`] when it can be no input, and those of [`write`](Self::write).
    pub async fn finish(self) -> Result<Upload, EngineError> {
        let inner = Arc::clone(&self.engine.inner);
        let work = {
            let inner = Arc::clone(&inner);
            async move {
                let (record, ops) = self.seal(false).await?;
                let upload = record.upload.clone();
                if let Err(error) = inner.store.write(ops).await
                    && !inner.is_kept(upload.id).await
                {
                    return Err(error.into());
                }
                inner.index().add_upload(record, Vec::new());
                Ok(upload)
            }
        };
        inner.detached(work).await
    }

    /// As [`finish`](Self::finish), but whether it is on the disk is seen to by the acceptance of the first job
    /// that needs it: for a request that is both, at the price of one. After a crash before that it is gone. It goes
    /// with the last job that is kept of those that needed it.
    ///
    /// # Errors
    /// Those of [`finish`](Self::finish).
    pub async fn finish_for_job(self) -> Result<Upload, EngineError> {
        let inner = Arc::clone(&self.engine.inner);
        let work = {
            let inner = Arc::clone(&inner);
            async move {
                let (record, ops) = self.seal(true).await?;
                let upload = record.upload.clone();
                inner.index().add_upload(record, ops);
                Ok(upload)
            }
        };
        inner.detached(work).await
    }

    /// Looks at the file, and gives it its name; also gives what is to be written of it.
    async fn seal(mut self, is_of_job: bool) -> Result<(UploadRecord, Vec<Op>), EngineError> {
        let limit = self.engine.inner.config.max_upload_bytes;
        if self.bytes > limit {
            return Err(EngineError::TooLarge { limit });
        }
        let is_small = !self.is_begun && self.buffer.len() <= SMALL_BYTES;
        let small = is_small.then(|| Bytes::copy_from_slice(&self.buffer));
        self.flush(is_small).await?;
        let Some(sink) = self.sink.take() else {
            return Err(EngineError::Store("the upload was not written".to_owned()));
        };
        let (inner, id) = (Arc::clone(&self.engine.inner), self.id);
        let sealed = blocking(move || {
            let info = match inner.reader.probe(sink.path()) {
                Ok(info) => info,
                Err(error) => return Ok(Err(error)),
            };
            let sealed = if is_small {
                sink.keep()
            } else {
                sink.seal(inner.store.dir(), id)?
            };
            Ok(Ok((info, sealed)))
        });
        let (info, sealed) = sealed.await??;
        let record = UploadRecord {
            upload: Upload {
                id,
                name: self.name,
                bytes: sealed.bytes,
                sha256: sealed.sha256,
                info,
                owner: self.owner,
                created_at: OffsetDateTime::now_utc(),
            },
            is_of_job,
        };
        let mut ops = vec![Op::upload(&record)?];
        ops.extend(small.map(|content| Op::Blob {
            upload: id,
            content,
        }));
        Ok((record, ops))
    }
}

impl Engine {
    /// Begins an upload. `length` is what the client says, if it does: too much is refused at once.
    ///
    /// # Errors
    /// [`EngineError::TooLarge`], [`EngineError::DiskFull`], [`EngineError::Stopped`].
    pub async fn begin_upload(
        &self,
        caller: &Caller,
        name: Option<String>,
        length: Option<u64>,
    ) -> Result<UploadWriter, EngineError> {
        if self.inner.schedule.is_stopped() {
            return Err(EngineError::Stopped);
        }
        let limit = self.inner.config.max_upload_bytes;
        if length.is_some_and(|length| length > limit) {
            return Err(EngineError::TooLarge { limit });
        }
        self.inner.check_room(length.unwrap_or(0))?;
        Ok(UploadWriter {
            engine: self.clone(),
            id: Uuid::now_v7(),
            name,
            owner: caller.name.clone(),
            buffer: BytesMut::new(),
            bytes: 0,
            sink: None,
            is_begun: false,
        })
    }

    /// Removes an upload.
    ///
    /// # Errors
    /// [`EngineError::NotFound`], [`EngineError::InUse`].
    pub async fn delete_upload(&self, caller: &Caller, id: Uuid) -> Result<(), EngineError> {
        self.inner.upload_of(caller, id)?;
        let inner = Arc::clone(&self.inner);
        let work = async move { inner.forget_upload(id).await };
        self.inner.detached(work).await
    }
}

impl Inner {
    /// Whether an upload's record came to the disk although writing it has failed. If it did not, its file goes.
    async fn is_kept(&self, id: Uuid) -> bool {
        match self.store.read(move |reading| reading.has_upload(id)).await {
            Ok(true) => return true,
            Ok(false) => {}
            // What cannot be told now the next start tells.
            Err(_) => return false,
        }
        let path = self.store.dir().upload(id);
        if let Err(error) = blocking(move || Ok(remove(&path)?)).await {
            log::warn!(
                "upload {id} was not kept, and its file stays until the next start: {error}"
            );
        }
        false
    }

    /// An error unless `bytes` can be written and something is left for the ends of jobs.
    pub(super) fn check_room(&self, bytes: u64) -> Result<(), EngineError> {
        let free = self.store.dir().free_bytes()?;
        if free < self.config.min_free_bytes.saturating_add(bytes) {
            return Err(EngineError::DiskFull);
        }
        Ok(())
    }

    pub(super) fn upload_of(&self, caller: &Caller, id: Uuid) -> Result<Upload, EngineError> {
        let index = self.index();
        match index.upload(id) {
            Some(held) if caller.sees(held.record.upload.owner.as_deref()) => {
                Ok(held.record.upload.clone())
            }
            _ => Err(not_found("upload", id)),
        }
    }

    /// The record goes first: what is left after a crash is removed at the next start.
    pub(super) async fn forget_upload(&self, id: Uuid) -> Result<(), EngineError> {
        let removed = self.index().remove_upload(id);
        let held = removed
            .ok_or_else(|| not_found("upload", id))?
            .ok_or(EngineError::InUse)?;
        // One that waits for its first job has no record yet.
        if held.unsaved.is_empty()
            && let Err(error) = self.store.write(vec![Op::ForgetUpload { id }]).await
        {
            self.index().restore(held);
            return Err(error.into());
        }
        let path = self.store.dir().upload(id);
        blocking(move || remove(&path).map_err(StoreError::from)).await?;
        Ok(())
    }
}
