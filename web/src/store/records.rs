//! What the records hold beside the resources.

use std::collections::BTreeMap;

use msvpu_actors::Priority;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use time::OffsetDateTime;
use uuid::Uuid;

use super::SMALL_ARTIFACTS_BYTES;
use crate::model::{Artifact, Failure, Input, Job, Phase, Progress, State, Upload};

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
    /// How often the process ended without closing the store while it ran.
    #[serde(default)]
    pub(crate) crashes: u32,
    /// What its events take, in bytes, once it has ended.
    #[serde(default)]
    pub(crate) event_bytes: u64,
}

/// An upload.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct UploadRecord {
    pub(crate) upload: Upload,
    /// It came in one request with a job, and goes with the last that needs it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_of_job: bool,
}

/// An ended job, as far as lists and retention need it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ended {
    pub(crate) id: Uuid,
    pub(crate) owner: Option<String>,
    pub(crate) service: String,
    pub(crate) state: State,
    pub(crate) upload: Uuid,
    pub(crate) ended_at: OffsetDateTime,
    pub(crate) artifacts: Vec<Artifact>,
    pub(crate) revision: u64,
    /// What its record and events take, in bytes.
    pub(crate) record_bytes: u64,
}

impl Ended {
    fn artifact_bytes(&self) -> u64 {
        self.artifacts.iter().map(|artifact| artifact.bytes).sum()
    }

    /// Whether its artifacts are files, and not in the records.
    pub(super) fn has_files(&self) -> bool {
        self.artifact_bytes() > SMALL_ARTIFACTS_BYTES
    }
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
    /// Whether whoever had it before let go of it, or there was nobody.
    pub(crate) was_closed: bool,
    pub(crate) ended: Vec<Ended>,
    /// In the order in which they were accepted.
    pub(crate) unfinished: Vec<Unfinished>,
    pub(crate) uploads: Vec<UploadRecord>,
}

impl Recovered {
    /// What ended jobs take in the records, in bytes.
    pub(super) fn ended_bytes(&self) -> u64 {
        let of = |job: &Ended| {
            let artifacts = if job.has_files() {
                0
            } else {
                job.artifact_bytes()
            };
            job.record_bytes + artifacts
        };
        self.ended.iter().map(of).sum()
    }
}

/// The parts of a job's record that [`Ended`] needs; the rest, above all the result, is passed over.
#[derive(Deserialize)]
pub(super) struct Head {
    pub(super) job: JobHead,
    #[serde(default)]
    pub(super) event_bytes: u64,
}

#[derive(Deserialize)]
pub(super) struct JobHead {
    pub(super) id: Uuid,
    #[serde(default)]
    pub(super) owner: Option<String>,
    pub(super) service: String,
    pub(super) state: State,
    pub(super) input: InputHead,
    #[serde(with = "time::serde::rfc3339::option")]
    pub(super) ended_at: Option<OffsetDateTime>,
    pub(super) artifacts: Vec<Artifact>,
    pub(super) revision: u64,
}

#[derive(Deserialize)]
pub(super) struct InputHead {
    pub(super) upload_id: Uuid,
}

/// A job's record as lists need it.
#[derive(Deserialize)]
pub(super) struct Listed {
    #[serde(with = "JobListed")]
    pub(super) job: Job,
}

/// [`Job`] without its result, which may be larger than all the rest of a list.
#[derive(Deserialize)]
#[serde(remote = "Job")]
struct JobListed {
    id: Uuid,
    service: String,
    state: State,
    phase: Option<Phase>,
    reason: String,
    #[serde(default)]
    owner: Option<String>,
    input: Input,
    params: Map<String, Value>,
    outputs: Vec<String>,
    metadata: BTreeMap<String, String>,
    priority: Priority,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    started_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    ended_at: Option<OffsetDateTime>,
    progress: Progress,
    attempts: u32,
    #[serde(skip_deserializing)]
    result: Option<Value>,
    error: Option<Failure>,
    artifacts: Vec<Artifact>,
    revision: u64,
}
