//! What the records hold beside the resources.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::model::{Artifact, Job, State, Upload};

/// A job, and what only the engine needs to know of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct JobRecord {
    pub(crate) job: Job,
    /// The idempotency key that it came with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
    /// Whether someone has asked to end it.
    #[serde(default)]
    pub(crate) cancel_asked: bool,
}

/// An upload.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct UploadRecord {
    pub(crate) upload: Upload,
}

/// An ended job, as far as lists and retention need it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ended {
    pub(crate) id: Uuid,
    pub(crate) owner: Option<String>,
    pub(crate) service: String,
    pub(crate) state: State,
    pub(crate) ended_at: OffsetDateTime,
    pub(crate) artifacts: Vec<Artifact>,
}

/// A job that had not ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Unfinished {
    pub(crate) record: JobRecord,
    /// The id of its last event.
    pub(crate) last_event: u64,
}

/// What the records held when they were opened.
#[derive(Debug, Default)]
pub(crate) struct Recovered {
    /// How often the directory was opened, this time included.
    pub(crate) generation: u64,
    pub(crate) ended: Vec<Ended>,
    /// In the order in which they were accepted.
    pub(crate) unfinished: Vec<Unfinished>,
    pub(crate) uploads: Vec<UploadRecord>,
}

/// The parts of a job's record that [`Ended`] needs; the rest, above all the result, is passed over.
#[derive(Deserialize)]
pub(super) struct Head {
    pub(super) job: JobHead,
}

#[derive(Deserialize)]
pub(super) struct JobHead {
    pub(super) id: Uuid,
    #[serde(default)]
    pub(super) owner: Option<String>,
    pub(super) service: String,
    pub(super) state: State,
    #[serde(with = "time::serde::rfc3339::option")]
    pub(super) ended_at: Option<OffsetDateTime>,
    pub(super) artifacts: Vec<Artifact>,
}
