//! What is known of all jobs and uploads without reading them: for lists, rights and retention.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use time::OffsetDateTime;
use uuid::Uuid;

use super::generation_of;
use super::request::{Caller, Filter};
use crate::model::{Job, State};
use crate::store::{Op, UploadRecord};

/// A job in a list.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Summary {
    pub(super) owner: Option<String>,
    pub(super) service: String,
    pub(super) state: State,
    /// What it works on.
    pub(super) upload: Uuid,
    /// If it has ended.
    pub(super) ended: Option<Kept>,
}

/// What there is of a job that has ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Kept {
    /// Since when.
    pub(super) at: OffsetDateTime,
    /// In which start of the server it ended.
    pub(super) generation: u64,
    /// What its artifacts take.
    pub(super) blob_bytes: u64,
    /// What its record and its events take.
    pub(super) record_bytes: u64,
}

/// An upload, and what needs it.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) record: UploadRecord,
    /// Its record, if that waits for the record of its first job.
    pub(super) unsaved: Vec<Op>,
    /// Jobs that have not ended.
    users: u32,
    /// Jobs that are kept, ended or not.
    jobs: u32,
    /// It was made, or a job that needed it ended.
    last_use: OffsetDateTime,
}

/// What an upload takes beside its content: the end of its last block and its inode, its record, its place here.
const UPLOAD_BYTES: u64 = 5 << 10;

/// What may be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Old {
    Job(Uuid),
    Upload(Uuid),
}

/// All jobs and uploads.
#[derive(Debug, Default)]
pub(super) struct Index {
    jobs: BTreeMap<Uuid, Summary>,
    uploads: HashMap<Uuid, Held>,
    /// The jobs that have ended, the oldest first.
    old_jobs: BTreeSet<(OffsetDateTime, Uuid)>,
    /// The uploads that no job needs, the oldest first.
    old_uploads: BTreeSet<(OffsetDateTime, Uuid)>,
    /// The uploads that wait for the record of their first job, by when they were made.
    unsaved: BTreeSet<(OffsetDateTime, Uuid)>,
    /// What all blobs take.
    blob_bytes: u64,
    /// What the records and events of all jobs take that have ended, and what uploads take beside their content.
    record_bytes: u64,
}

/// A part of a list, as far as it was looked for at once.
pub(super) struct Walk {
    /// Those that fit, newest first.
    pub(super) ids: Vec<Uuid>,
    /// The last that was looked at; `None` when there is no more.
    pub(super) last: Option<Uuid>,
}

impl Index {
    pub(super) const fn blob_bytes(&self) -> u64 {
        self.blob_bytes
    }

    /// What all takes that may go one day.
    pub(super) const fn bytes(&self) -> u64 {
        self.blob_bytes + self.record_bytes
    }

    /// How many jobs have ended.
    pub(super) fn ended(&self) -> usize {
        self.old_jobs.len()
    }

    /// How many uploads no job needs.
    pub(super) fn unused(&self) -> usize {
        self.old_uploads.len()
    }

    pub(super) fn job(&self, id: Uuid) -> Option<&Summary> {
        self.jobs.get(&id)
    }

    pub(super) fn upload(&self, id: Uuid) -> Option<&Held> {
        self.uploads.get(&id)
    }

    /// A job has come; its upload is in use until it ends.
    pub(super) fn add_job(&mut self, job: &Job) {
        let summary = Summary {
            owner: job.owner.clone(),
            service: job.service.clone(),
            state: job.state,
            upload: job.input.upload_id,
            ended: None,
        };
        self.insert(job.id, summary);
    }

    /// A job that has ended has been found.
    pub(super) fn add_ended(&mut self, id: Uuid, summary: Summary) {
        if let Some(kept) = summary.ended {
            self.old_jobs.insert((kept.at, id));
            self.blob_bytes += kept.blob_bytes;
            self.record_bytes += kept.record_bytes;
            self.touch(summary.upload, kept.at);
        }
        self.insert(id, summary);
    }

    fn insert(&mut self, id: Uuid, summary: Summary) {
        let upload = summary.upload;
        let is_new = self.jobs.insert(id, summary).is_none();
        if is_new && let Some(held) = self.uploads.get_mut(&upload) {
            held.jobs += 1;
        }
    }

    /// An upload was needed until then.
    fn touch(&mut self, id: Uuid, at: OffsetDateTime) {
        let Some(held) = self.uploads.get_mut(&id) else {
            return;
        };
        let before = held.last_use;
        held.last_use = before.max(at);
        if self.old_uploads.remove(&(before, id)) {
            self.old_uploads.insert((held.last_use, id));
        }
    }

    pub(super) fn set_state(&mut self, id: Uuid, state: State) {
        if let Some(summary) = self.jobs.get_mut(&id) {
            summary.state = state;
        }
    }

    /// A job has ended; its record and its events take so many bytes.
    pub(super) fn end_job(&mut self, job: &Job, record_bytes: u64) {
        let ended_at = job.ended_at.unwrap_or(job.created_at);
        let blob_bytes = job.artifacts.iter().map(|artifact| artifact.bytes).sum();
        self.release_upload(job.input.upload_id, ended_at);
        self.add_ended(
            job.id,
            Summary {
                owner: job.owner.clone(),
                service: job.service.clone(),
                state: job.state,
                upload: job.input.upload_id,
                ended: Some(Kept {
                    at: ended_at,
                    generation: generation_of(job.revision),
                    blob_bytes,
                    record_bytes,
                }),
            },
        );
    }

    /// A job is gone.
    pub(super) fn remove_job(&mut self, id: Uuid) -> Option<Summary> {
        let summary = self.jobs.remove(&id)?;
        if let Some(kept) = summary.ended {
            self.old_jobs.remove(&(kept.at, id));
            self.blob_bytes -= kept.blob_bytes;
            self.record_bytes -= kept.record_bytes;
        }
        if let Some(held) = self.uploads.get_mut(&summary.upload) {
            held.jobs = held.jobs.saturating_sub(1);
        }
        Some(summary)
    }

    pub(super) fn add_upload(&mut self, record: UploadRecord, unsaved: Vec<Op>) {
        let last_use = record.upload.created_at;
        self.put_back(Held {
            record,
            unsaved,
            users: 0,
            jobs: 0,
            last_use,
        });
    }

    /// An upload could not be removed. Jobs that need it may have gone meanwhile, or be about to come back.
    pub(super) fn restore(&mut self, mut held: Held) {
        let id = held.record.upload.id;
        let jobs = self.jobs.values().filter(|job| job.upload == id);
        held.jobs = jobs.count() as u32;
        self.put_back(held);
    }

    /// An upload that nobody needs is there, or there again.
    fn put_back(&mut self, held: Held) {
        let upload = &held.record.upload;
        self.blob_bytes += upload.bytes;
        self.record_bytes += UPLOAD_BYTES;
        self.old_uploads.insert((held.last_use, upload.id));
        if !held.unsaved.is_empty() {
            self.unsaved.insert((upload.created_at, upload.id));
        }
        self.uploads.insert(upload.id, held);
    }

    /// Its record is written.
    pub(super) fn saved(&mut self, id: Uuid) {
        if let Some(held) = self.uploads.get_mut(&id) {
            held.unsaved = Vec::new();
            self.unsaved.remove(&(held.record.upload.created_at, id));
        }
    }

    /// A job needs an upload; nobody removes it meanwhile.
    pub(super) fn use_upload(&mut self, id: Uuid) {
        if let Some(held) = self.uploads.get_mut(&id) {
            held.users += 1;
            self.old_uploads.remove(&(held.last_use, id));
        }
    }

    /// It does not need it any more.
    pub(super) fn release_upload(&mut self, id: Uuid, at: OffsetDateTime) {
        if let Some(held) = self.uploads.get_mut(&id) {
            held.users = held.users.saturating_sub(1);
            held.last_use = held.last_use.max(at);
            if held.users == 0 {
                self.old_uploads.insert((held.last_use, id));
            }
        }
    }

    /// The upload that came with a job and that no job is left of is gone as well.
    pub(super) fn remove_left(&mut self, id: Uuid) -> Option<Held> {
        let held = self.uploads.get(&id)?;
        if !held.record.is_of_job || held.jobs > 0 {
            return None;
        }
        self.remove_upload(id)?
    }

    /// An upload is gone; `None` if there is none, `Some(None)` if a job needs it.
    pub(super) fn remove_upload(&mut self, id: Uuid) -> Option<Option<Held>> {
        let held = self.uploads.get(&id)?;
        if held.users > 0 {
            return Some(None);
        }
        self.old_uploads.remove(&(held.last_use, id));
        self.unsaved.remove(&(held.record.upload.created_at, id));
        self.blob_bytes -= held.record.upload.bytes;
        self.record_bytes -= UPLOAD_BYTES;
        Some(self.uploads.remove(&id))
    }

    /// The oldest of what may go, and since when it may.
    pub(super) fn oldest(&self) -> Option<(OffsetDateTime, Old)> {
        // Of the same age, the job.
        let either = [self.oldest_job(), self.oldest_upload()];
        either.into_iter().flatten().min()
    }

    /// The oldest of the jobs that may go, and since when it may.
    pub(super) fn oldest_job(&self) -> Option<(OffsetDateTime, Old)> {
        let first = self.old_jobs.first();
        first.map(|(since, id)| (*since, Old::Job(*id)))
    }

    /// The oldest of the uploads whose first job has not come, and since when.
    pub(super) fn oldest_unsaved(&self) -> Option<(OffsetDateTime, Old)> {
        let is_waiting = |id: &Uuid| self.uploads.get(id).is_some_and(|held| held.users == 0);
        let first = self.unsaved.iter().find(|(_, id)| is_waiting(id));
        first.map(|(since, id)| (*since, Old::Upload(*id)))
    }

    /// The oldest of the uploads that may go, and since when it may.
    pub(super) fn oldest_upload(&self) -> Option<(OffsetDateTime, Old)> {
        let first = self.old_uploads.first();
        first.map(|(since, id)| (*since, Old::Upload(*id)))
    }

    /// Ids of jobs, newest first, `size` at most, older than `after`; no more than `most` are looked at.
    pub(super) fn list(
        &self,
        caller: &Caller,
        filter: &Filter,
        size: usize,
        after: Option<Uuid>,
        most: usize,
    ) -> Walk {
        let fits = |summary: &Summary| {
            caller.sees(summary.owner.as_deref())
                && filter.state.is_none_or(|state| summary.state == state)
                && filter
                    .service
                    .as_ref()
                    .is_none_or(|service| summary.service == *service)
        };
        let end = after.unwrap_or(Uuid::max());
        let mut ids = Vec::new();
        for (place, (id, summary)) in self.jobs.range(..end).rev().enumerate() {
            if fits(summary) {
                ids.push(*id);
            }
            if ids.len() >= size || place + 1 >= most {
                let last = Some(*id);
                return Walk { ids, last };
            }
        }
        Walk { ids, last: None }
    }
}
