//! Keeps jobs and runs them: everything but HTTP.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use msvpu_actors::VirtualMachine;
use thiserror::Error;
use uuid::Uuid;

use crate::model::{Artifact, Event, FieldError, IterationRow, Job, NewJob, State, Upload};
use crate::service::{InputReader, ProbeError, Services};

/// Where things are kept and how much of them there may be; all with defaults.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// The directory of records and blobs; made if need be, held by one process at a time.
    pub data: PathBuf,
    /// The longest upload, in bytes.
    pub max_upload_bytes: u64,
    /// Jobs that wait to run; one more is refused.
    pub max_queued_jobs: usize,
    /// Jobs that run at once.
    pub max_running_jobs: usize,
    /// What the decoded inputs of all running jobs may take, in bytes; one job runs however large it is
    /// (the reader bounds that).
    pub max_decoded_bytes: u64,
    /// How long ended jobs and unused uploads are kept.
    pub retention_age: Duration,
    /// What all blobs may take: beyond it the oldest ended jobs and unused uploads go.
    pub retention_bytes: u64,
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The name of the token; `None` where there are no tokens.
    pub name: Option<String>,
    /// Whether it sees what is others'.
    pub admin: bool,
}

/// The key of an `Idempotency-Key` header and a digest of the request that it came with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// As it was sent, 1 to 255 printable characters.
    pub key: String,
    /// SHA-256 of what was asked for, in lower-case hexadecimal.
    pub digest: String,
}

/// Which jobs are asked for; newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only in this state.
    pub state: Option<State>,
    /// Only of this service.
    pub service: Option<String>,
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// Newest first.
    pub jobs: Vec<Job>,
    /// The last of them, after which the next page begins; `None` when there is no more.
    pub next: Option<Uuid>,
}

/// Why something could not be done.
#[derive(Debug, Error)]
pub enum EngineError {
    /// There is no such job, upload or artifact, or it is another's.
    #[error("there is no {what} {id}")]
    NotFound {
        /// `job`, `upload` or `artifact`.
        what: &'static str,
        /// What was asked for.
        id: String,
    },
    /// No service has that name.
    #[error("there is no service `{name}`; there are: {}", known.join(", "))]
    UnknownService {
        /// What was asked for.
        name: String,
        /// What can be asked for.
        known: Vec<String>,
    },
    /// Fields of the request are wrong.
    #[error("some fields are wrong")]
    Fields(Vec<FieldError>),
    /// The file cannot be an input.
    #[error(transparent)]
    Input(#[from] ProbeError),
    /// The upload is longer than may be.
    #[error("an upload may have {limit} bytes; this one has more")]
    TooLarge {
        /// [`EngineConfig::max_upload_bytes`].
        limit: u64,
    },
    /// As many jobs wait as may.
    #[error("{limit} jobs wait already, and no more may; try again when some have ended")]
    QueueFull {
        /// [`EngineConfig::max_queued_jobs`].
        limit: usize,
    },
    /// The key was used for another request.
    #[error("this Idempotency-Key was used for another request")]
    KeyReused,
    /// The request that the key was used for is still being taken in.
    #[error("a request with this Idempotency-Key is being taken in; try again")]
    KeyInFlight,
    /// It has ended, so that there is nothing to cancel.
    #[error("the job has ended already")]
    Ended,
    /// It has not ended, so that it cannot be deleted.
    #[error("the job has not ended; cancel it first")]
    Running,
    /// An upload that a job needs.
    #[error("a job that has not ended needs this upload")]
    InUse,
    /// The disk is full.
    #[error("there is no room on the disk")]
    DiskFull,
    /// The broker is away.
    #[error("there is no connection to the broker; try again later")]
    BrokerAway,
    /// The store failed otherwise.
    #[error("the store failed: {0}")]
    Store(String),
    /// The engine was shut down.
    #[error("the server is going down")]
    Stopped,
}

/// How much there is of what, for `/metrics` and `/readyz`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gauges {
    /// Jobs that wait to run.
    pub queued: usize,
    /// Jobs that run.
    pub running: usize,
    /// What all blobs take, in bytes.
    pub blob_bytes: u64,
    /// Whether records can be written.
    pub writable: bool,
}

/// Keeps jobs and runs them. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    _inner: Arc<()>,
}

/// An upload that is coming in; what is there is removed when it is dropped unfinished.
pub struct UploadWriter {
    _engine: Engine,
}

impl UploadWriter {
    /// Adds a part: hashed, and written to the disk.
    ///
    /// # Errors
    /// [`EngineError::TooLarge`], [`EngineError::DiskFull`], [`EngineError::Store`].
    pub async fn write(&mut self, _part: Bytes) -> Result<(), EngineError> {
        todo!()
    }

    /// All is there: looks at it and keeps it.
    ///
    /// # Errors
    /// [`EngineError::Input`] when it can be no input, and those of [`write`](Self::write).
    pub async fn finish(self) -> Result<Upload, EngineError> {
        todo!()
    }
}

impl Engine {
    /// Opens the store, removes what a crash left half done, and runs again what had not ended.
    ///
    /// # Errors
    /// When the store cannot be opened; also if another process has it.
    pub async fn open(
        _config: EngineConfig,
        _machine: VirtualMachine,
        _services: Services,
        _reader: Arc<dyn InputReader>,
    ) -> Result<Self, EngineError> {
        todo!()
    }

    /// Takes nothing more, lets running jobs be (they run again after the next start), and closes the store.
    pub async fn close(&self) {
        todo!()
    }

    /// The services that can be asked for.
    pub fn services(&self) -> &Services {
        todo!()
    }

    /// The machine that jobs run on.
    pub fn machine(&self) -> &VirtualMachine {
        todo!()
    }

    /// How much there is of what.
    pub fn gauges(&self) -> Gauges {
        todo!()
    }

    /// Begins an upload. `length` is what the client says, if it does: too much is refused at once.
    ///
    /// # Errors
    /// [`EngineError::TooLarge`], [`EngineError::DiskFull`], [`EngineError::Store`].
    pub async fn begin_upload(
        &self,
        _caller: &Caller,
        _name: Option<String>,
        _length: Option<u64>,
    ) -> Result<UploadWriter, EngineError> {
        todo!()
    }

    /// An upload of the caller's.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub async fn upload(&self, _caller: &Caller, _id: Uuid) -> Result<Upload, EngineError> {
        todo!()
    }

    /// Removes an upload.
    ///
    /// # Errors
    /// [`EngineError::NotFound`], [`EngineError::InUse`].
    pub async fn delete_upload(&self, _caller: &Caller, _id: Uuid) -> Result<(), EngineError> {
        todo!()
    }

    /// Accepts a job: when this returns, the job is on the disk, and is run whatever happens.
    /// Returns the earlier job, and `false`, for a key that was used for the same request.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub async fn submit(
        &self,
        _caller: &Caller,
        _job: NewJob,
        _key: Option<IdempotencyKey>,
    ) -> Result<(Job, bool), EngineError> {
        todo!()
    }

    /// A job of the caller's, as it stands now.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub async fn job(&self, _caller: &Caller, _id: Uuid) -> Result<Job, EngineError> {
        todo!()
    }

    /// A job of the caller's as soon as its revision is not `revision` any more (`None`: as soon as
    /// it has ended), or as it stands after `wait`.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub async fn job_after(
        &self,
        _caller: &Caller,
        _id: Uuid,
        _revision: Option<u64>,
        _wait: Duration,
    ) -> Result<Job, EngineError> {
        todo!()
    }

    /// The caller's jobs, newest first, `size` at most, those after `after`.
    ///
    /// # Errors
    /// [`EngineError::Store`].
    pub async fn jobs(
        &self,
        _caller: &Caller,
        _filter: &Filter,
        _size: usize,
        _after: Option<Uuid>,
    ) -> Result<Page, EngineError> {
        todo!()
    }

    /// Asks a job to end.
    ///
    /// # Errors
    /// [`EngineError::NotFound`], [`EngineError::Ended`].
    pub async fn cancel(&self, _caller: &Caller, _id: Uuid) -> Result<Job, EngineError> {
        todo!()
    }

    /// Forgets an ended job and its artifacts.
    ///
    /// # Errors
    /// [`EngineError::NotFound`], [`EngineError::Running`].
    pub async fn delete(&self, _caller: &Caller, _id: Uuid) -> Result<(), EngineError> {
        todo!()
    }

    /// All that happens to a job after the event `after` (0: from the start), until `done`.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub async fn events(
        &self,
        _caller: &Caller,
        _id: Uuid,
        _after: u64,
    ) -> Result<BoxStream<'static, Event>, EngineError> {
        todo!()
    }

    /// The iterations so far.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub async fn iterations(
        &self,
        _caller: &Caller,
        _id: Uuid,
    ) -> Result<Vec<IterationRow>, EngineError> {
        todo!()
    }

    /// An artifact and the path of its file, which stays readable while it is open.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub async fn artifact(
        &self,
        _caller: &Caller,
        _id: Uuid,
        _name: &str,
    ) -> Result<(Artifact, PathBuf), EngineError> {
        todo!()
    }
}
