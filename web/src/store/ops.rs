//! What is written to the records.

use bytes::Bytes;
use redb::{Database, Error, ReadableTable as _};
use uuid::Uuid;

use super::tables::{BLOBS, EVENTS, JOBS, KEYS, META, TEAMS, UPLOADS, json, owner_key};
use super::{JobRecord, StoreError, UploadRecord};
use crate::model::{Event, TeamTimes};

/// One change of the records.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    /// Writes a job.
    Job { id: Uuid, json: Vec<u8> },
    /// Writes an upload.
    Upload { id: Uuid, json: Vec<u8> },
    /// Adds events to a job.
    Events {
        job: Uuid,
        first: u64,
        json: Vec<u8>,
    },
    /// Writes what the team of a job did over time.
    Team { job: Uuid, json: Vec<u8> },
    /// Remembers a key.
    Key {
        owner: String,
        key: String,
        digest: String,
        job: Uuid,
    },
    /// Removes a job, its events, its team and its key.
    ForgetJob { id: Uuid, owner: Option<String> },
    /// Removes an upload.
    ForgetUpload { id: Uuid },
    /// Keeps the content of a small file, until the file itself is on the disk. An upload's has no name.
    Blob {
        of: Uuid,
        name: String,
        content: Bytes,
    },
    /// The files of these uploads and jobs are on the disk.
    Settled { of: Vec<Uuid> },
    /// The process lets go of the records: what is found unfinished has brought nothing down.
    Closed,
}

impl Op {
    /// Writes a job.
    pub(crate) fn job(record: &JobRecord) -> Result<Self, StoreError> {
        Ok(Self::Job {
            id: record.job.id,
            json: json(record)?,
        })
    }

    /// Writes an upload.
    pub(crate) fn upload(record: &UploadRecord) -> Result<Self, StoreError> {
        Ok(Self::Upload {
            id: record.upload.id,
            json: json(record)?,
        })
    }

    /// Adds events to a job; nothing if there are none.
    pub(crate) fn events(job: Uuid, events: &[Event]) -> Result<Option<Self>, StoreError> {
        let Some(first) = events.first() else {
            return Ok(None);
        };
        Ok(Some(Self::Events {
            job,
            first: first.id,
            json: json(&events)?,
        }))
    }

    /// Writes what the team of a job did over time.
    pub(crate) fn team(job: Uuid, times: &TeamTimes) -> Result<Self, StoreError> {
        Ok(Self::Team {
            job,
            json: json(times)?,
        })
    }

    /// What it takes, in bytes, roughly.
    pub(crate) fn size_bytes(&self) -> usize {
        match self {
            Self::Job { json, .. }
            | Self::Upload { json, .. }
            | Self::Events { json, .. }
            | Self::Team { json, .. } => json.len(),
            Self::Blob { content, .. } => content.len(),
            Self::Key { .. }
            | Self::ForgetJob { .. }
            | Self::ForgetUpload { .. }
            | Self::Closed => 256,
            Self::Settled { of } => 256 * of.len(),
        }
    }
}

/// Writes all of `ops` or nothing, with one forced write.
pub(super) fn apply<'o>(
    database: &Database,
    ops: impl Iterator<Item = &'o Op>,
) -> Result<(), Error> {
    let transaction = database.begin_write()?;
    {
        let mut jobs = transaction.open_table(JOBS)?;
        let mut uploads = transaction.open_table(UPLOADS)?;
        let mut events = transaction.open_table(EVENTS)?;
        let mut teams = transaction.open_table(TEAMS)?;
        let mut keys = transaction.open_table(KEYS)?;
        let mut blobs = transaction.open_table(BLOBS)?;
        let files = |id: u128| (id, "")..(id.saturating_add(1), "");
        for op in ops {
            match op {
                Op::Job { id, json } => {
                    jobs.insert(id.as_u128(), json.as_slice())?;
                }
                Op::Upload { id, json } => {
                    uploads.insert(id.as_u128(), json.as_slice())?;
                }
                Op::Events { job, first, json } => {
                    events.insert((job.as_u128(), *first), json.as_slice())?;
                }
                Op::Team { job, json } => {
                    teams.insert(job.as_u128(), json.as_slice())?;
                }
                Op::Key {
                    owner,
                    key,
                    digest,
                    job,
                } => {
                    let value = (digest.as_str(), job.as_u128());
                    keys.insert((owner.as_str(), key.as_str()), value)?;
                }
                Op::ForgetJob { id, owner } => {
                    let id = id.as_u128();
                    let key = jobs
                        .remove(id)?
                        .and_then(|json| serde_json::from_slice::<KeyOf>(json.value()).ok())
                        .and_then(|record| record.key);
                    if let Some(key) = key {
                        keys.remove((owner_key(owner.as_deref()).as_str(), key.as_str()))?;
                    }
                    events.retain_in((id, 0)..=(id, u64::MAX), |_, _| false)?;
                    teams.remove(id)?;
                    blobs.retain_in(files(id), |_, _| false)?;
                }
                Op::ForgetUpload { id } => {
                    uploads.remove(id.as_u128())?;
                    blobs.remove((id.as_u128(), ""))?;
                }
                Op::Blob { of, name, content } => {
                    blobs.insert((of.as_u128(), name.as_str()), content.as_ref())?;
                }
                Op::Settled { of } => {
                    for id in of {
                        blobs.retain_in(files(id.as_u128()), |_, _| false)?;
                    }
                }
                Op::Closed => {
                    let mut meta = transaction.open_table(META)?;
                    let generation = meta.get("generation")?.map_or(0, |found| found.value());
                    meta.insert("closed", generation)?;
                }
            }
        }
    }
    Ok(transaction.commit()?)
}

/// The part of a job's record that leads to its key.
#[derive(serde::Deserialize)]
struct KeyOf {
    #[serde(default)]
    key: Option<String>,
}
