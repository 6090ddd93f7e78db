//! Why something could not be done.

use thiserror::Error;

use crate::model::FieldError;
use crate::service::ProbeError;
use crate::store::StoreError;

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
        /// [`EngineConfig::max_upload_bytes`](super::EngineConfig::max_upload_bytes).
        limit: u64,
    },
    /// As many jobs wait as may.
    #[error("{limit} jobs wait already, and no more may; try again when some have ended")]
    QueueFull {
        /// [`EngineConfig::max_queued_jobs`](super::EngineConfig::max_queued_jobs).
        limit: usize,
    },
    /// One owner has as many of the places as are left for all.
    #[error(
        "{own} jobs of yours wait already, and the {left} places that are left are for others; try again when some \
         have ended"
    )]
    OwnerQueueFull {
        /// How many jobs of this owner wait.
        own: usize,
        /// How many more may wait.
        left: usize,
    },
    /// The parameters of all jobs take as much memory as they may.
    #[error(
        "the parameters of this job take {asked} bytes of memory, those of the jobs that have not ended {held}, yours \
         {own}: all together may take {limit}, and nobody's more than is left then; try again when some have ended"
    )]
    ParametersFull {
        /// What this job takes.
        asked: usize,
        /// What all others take.
        held: usize,
        /// What those of this owner take.
        own: usize,
        /// [`EngineConfig::max_queued_bytes`](super::EngineConfig::max_queued_bytes).
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

impl From<StoreError> for EngineError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::DiskFull => Self::DiskFull,
            StoreError::Closed => Self::Stopped,
            StoreError::Failed(reason) => Self::Store(reason),
        }
    }
}

impl From<std::io::Error> for EngineError {
    fn from(error: std::io::Error) -> Self {
        StoreError::from(error).into()
    }
}
