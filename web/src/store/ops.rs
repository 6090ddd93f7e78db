//! What is written to the records.

use bytes::Bytes;
use redb::{
    Database, Error, Key, ReadableTable as _, Table, TableDefinition, Value, WriteTransaction,
};
use uuid::Uuid;

use super::details::Details;
use super::packed::pack;
use super::tables::{BLOBS, DETAILS, EVENTS, JOBS, KEYS, META, UPLOADS, json, owner_key};
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
        packed: Vec<u8>,
    },
    /// Writes what a job leaves beside its record.
    Details { job: Uuid, packed: Vec<u8> },
    /// Remembers a key.
    Key {
        owner: String,
        key: String,
        digest: String,
        job: Uuid,
    },
    /// Removes a job, its events, its details and its key.
    ForgetJob { id: Uuid, owner: Option<String> },
    /// Removes an upload.
    ForgetUpload { id: Uuid },
    /// Keeps the content of a small upload, until its file is on the disk.
    Blob { upload: Uuid, content: Bytes },
    /// The files of these uploads are on the disk.
    Settled { uploads: Vec<Uuid> },
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
            packed: pack(&json(&events)?),
        }))
    }

    /// Writes what a job leaves beside its record: the events that are not written yet, what its team did over time, and
    /// its artifacts, if they are small together. Also tells what the events and the team take of it, in bytes.
    pub(crate) fn details(
        job: Uuid,
        events: &[Event],
        team: Option<&TeamTimes>,
        artifacts: &[(String, Bytes)],
    ) -> Result<(Self, usize), StoreError> {
        let events = json(&events)?;
        let team = team.map(json).transpose()?.unwrap_or_default();
        let named = artifacts.iter();
        let details = Details {
            events: &events,
            team: &team,
            artifacts: named.map(|(name, of)| (name.as_str(), &of[..])).collect(),
        };
        let packed = details.pack()?;
        let told = events.len() + team.len();
        let all = told + artifacts.iter().map(|(_, of)| of.len()).sum::<usize>();
        let share = packed.len() * told / all;
        Ok((Self::Details { job, packed }, share))
    }

    /// The job whose record it writes, if it does.
    pub(super) const fn record_of(&self) -> Option<Uuid> {
        match self {
            Self::Job { id, .. } => Some(*id),
            _ => None,
        }
    }

    /// What it takes, in bytes, roughly.
    pub(crate) fn size_bytes(&self) -> usize {
        match self {
            Self::Job { json, .. } | Self::Upload { json, .. } => json.len(),
            Self::Events { packed, .. } | Self::Details { packed, .. } => packed.len(),
            Self::Blob { content, .. } => content.len(),
            Self::Key { .. }
            | Self::ForgetJob { .. }
            | Self::ForgetUpload { .. }
            | Self::Closed => 256,
            Self::Settled { uploads } => 256 * uploads.len(),
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
        // Each table that is opened costs something at the commit, even if nothing is written to it.
        let mut jobs = Lazy::new(&transaction, JOBS);
        let mut uploads = Lazy::new(&transaction, UPLOADS);
        let mut events = Lazy::new(&transaction, EVENTS);
        let mut details = Lazy::new(&transaction, DETAILS);
        let mut keys = Lazy::new(&transaction, KEYS);
        let mut blobs = Lazy::new(&transaction, BLOBS);
        for op in ops {
            match op {
                Op::Job { id, json } => {
                    jobs.open()?.insert(id.as_u128(), json.as_slice())?;
                }
                Op::Upload { id, json } => {
                    uploads.open()?.insert(id.as_u128(), json.as_slice())?;
                }
                Op::Events { job, first, packed } => {
                    let place = (job.as_u128(), *first);
                    events.open()?.insert(place, packed.as_slice())?;
                }
                Op::Details { job, packed } => {
                    details.open()?.insert(job.as_u128(), packed.as_slice())?;
                }
                Op::Key {
                    owner,
                    key,
                    digest,
                    job,
                } => {
                    let value = (digest.as_str(), job.as_u128());
                    keys.open()?.insert((owner.as_str(), key.as_str()), value)?;
                }
                Op::ForgetJob { id, owner } => {
                    let id = id.as_u128();
                    let key = jobs
                        .open()?
                        .remove(id)?
                        .and_then(|json| serde_json::from_slice::<KeyOf>(json.value()).ok())
                        .and_then(|record| record.key);
                    if let Some(key) = key {
                        keys.open()?
                            .remove((owner_key(owner.as_deref()).as_str(), key.as_str()))?;
                    }
                    let all_events = (id, 0)..=(id, u64::MAX);
                    events.open()?.retain_in(all_events, |_, _| false)?;
                    details.open()?.remove(id)?;
                }
                Op::ForgetUpload { id } => {
                    uploads.open()?.remove(id.as_u128())?;
                    blobs.open()?.remove(id.as_u128())?;
                }
                Op::Blob { upload, content } => {
                    blobs.open()?.insert(upload.as_u128(), content.as_ref())?;
                }
                Op::Settled { uploads } => {
                    for id in uploads {
                        blobs.open()?.remove(id.as_u128())?;
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

/// A table that is opened when it is needed.
struct Lazy<'t, K: Key + 'static, V: Value + 'static> {
    transaction: &'t WriteTransaction,
    definition: TableDefinition<'static, K, V>,
    table: Option<Table<'t, K, V>>,
}

impl<'t, K: Key + 'static, V: Value + 'static> Lazy<'t, K, V> {
    const fn new(
        transaction: &'t WriteTransaction,
        definition: TableDefinition<'static, K, V>,
    ) -> Self {
        Self {
            transaction,
            definition,
            table: None,
        }
    }

    fn open(&mut self) -> Result<&mut Table<'t, K, V>, Error> {
        let table = match self.table.take() {
            Some(table) => table,
            None => self.transaction.open_table(self.definition)?,
        };
        Ok(self.table.insert(table))
    }
}

/// The part of a job's record that leads to its key.
#[derive(serde::Deserialize)]
struct KeyOf {
    #[serde(default)]
    key: Option<String>,
}
