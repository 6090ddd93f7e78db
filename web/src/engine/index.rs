//! What is known of all jobs and uploads without reading them: for lists, rights and retention.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use time::OffsetDateTime;
use uuid::Uuid;

use super::request::{Caller, Filter};
use crate::model::{Job, State, Upload};
use crate::store::{Op, UploadRecord};

/// A job in a list.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Summary {
    pub(super) owner: Option<String>,
    pub(super) service: String,
    pub(super) state: State,
    /// When it ended, and what its artifacts take.
    pub(super) ended: Option<(OffsetDateTime, u64)>,
}

/// An upload, and what needs it.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) upload: Upload,
    /// Its record, if that waits for the record of its first job.
    pub(super) unsaved: Vec<Op>,
    /// Jobs that have not ended.
    users: u32,
    /// It was made, or a job that needed it ended.
    last_use: OffsetDateTime,
}

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
    /// What may go, the oldest first.
    old: BTreeSet<(OffsetDateTime, Old)>,
    /// What all blobs take.
    bytes: u64,
}

impl Index {
    pub(super) const fn blob_bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn job(&self, id: Uuid) -> Option<&Summary> {
        self.jobs.get(&id)
    }

    pub(super) fn upload(&self, id: Uuid) -> Option<&Held> {
        self.uploads.get(&id)
    }

    /// A job has come; its upload is in use until it ends.
    pub(super) fn add_job(&mut self, job: &Job) {
        self.jobs.insert(
            job.id,
            Summary {
                owner: job.owner.clone(),
                service: job.service.clone(),
                state: job.state,
                ended: None,
            },
        );
    }

    /// A job that has ended has been found.
    pub(super) fn add_ended(&mut self, id: Uuid, summary: Summary) {
        if let Some((at, bytes)) = summary.ended {
            self.old.insert((at, Old::Job(id)));
            self.bytes += bytes;
        }
        self.jobs.insert(id, summary);
    }

    pub(super) fn set_state(&mut self, id: Uuid, state: State) {
        if let Some(summary) = self.jobs.get_mut(&id) {
            summary.state = state;
        }
    }

    /// A job has ended.
    pub(super) fn end_job(&mut self, job: &Job) {
        let ended_at = job.ended_at.unwrap_or(job.created_at);
        let bytes = job.artifacts.iter().map(|artifact| artifact.bytes).sum();
        self.release_upload(job.input.upload_id, ended_at);
        self.add_ended(
            job.id,
            Summary {
                owner: job.owner.clone(),
                service: job.service.clone(),
                state: job.state,
                ended: Some((ended_at, bytes)),
            },
        );
    }

    /// A job is gone.
    pub(super) fn remove_job(&mut self, id: Uuid) -> Option<Summary> {
        let summary = self.jobs.remove(&id)?;
        if let Some((at, bytes)) = summary.ended {
            self.old.remove(&(at, Old::Job(id)));
            self.bytes -= bytes;
        }
        Some(summary)
    }

    pub(super) fn add_upload(&mut self, record: UploadRecord, unsaved: Vec<Op>) {
        let upload = record.upload;
        self.bytes += upload.bytes;
        let last_use = upload.created_at;
        self.old.insert((last_use, Old::Upload(upload.id)));
        self.uploads.insert(
            upload.id,
            Held {
                upload,
                unsaved,
                users: 0,
                last_use,
            },
        );
    }

    /// Its record is written.
    pub(super) fn saved(&mut self, id: Uuid) {
        if let Some(held) = self.uploads.get_mut(&id) {
            held.unsaved = Vec::new();
        }
    }

    /// A job needs an upload; nobody removes it meanwhile.
    pub(super) fn use_upload(&mut self, id: Uuid) {
        if let Some(held) = self.uploads.get_mut(&id) {
            held.users += 1;
            self.old.remove(&(held.last_use, Old::Upload(id)));
        }
    }

    /// It does not need it any more.
    pub(super) fn release_upload(&mut self, id: Uuid, at: OffsetDateTime) {
        if let Some(held) = self.uploads.get_mut(&id) {
            held.users = held.users.saturating_sub(1);
            held.last_use = held.last_use.max(at);
            if held.users == 0 {
                self.old.insert((held.last_use, Old::Upload(id)));
            }
        }
    }

    /// An upload is gone; `None` if there is none, `Some(None)` if a job needs it.
    pub(super) fn remove_upload(&mut self, id: Uuid) -> Option<Option<Upload>> {
        let held = self.uploads.get(&id)?;
        if held.users > 0 {
            return Some(None);
        }
        self.old.remove(&(held.last_use, Old::Upload(id)));
        self.bytes -= held.upload.bytes;
        Some(self.uploads.remove(&id).map(|held| held.upload))
    }

    /// The oldest of what may go, and since when it may.
    pub(super) fn oldest(&self) -> Option<(OffsetDateTime, Old)> {
        self.old.first().copied()
    }

    /// Ids of jobs, newest first, `size` at most, older than `after`; and whether there are more.
    pub(super) fn list(
        &self,
        caller: &Caller,
        filter: &Filter,
        size: usize,
        after: Option<Uuid>,
    ) -> (Vec<Uuid>, bool) {
        let fits = |summary: &Summary| {
            caller.sees(summary.owner.as_deref())
                && filter.state.is_none_or(|state| summary.state == state)
                && filter
                    .service
                    .as_ref()
                    .is_none_or(|service| summary.service == *service)
        };
        let end = after.unwrap_or(Uuid::max());
        let mut found = self
            .jobs
            .range(..end)
            .rev()
            .filter(|(_, summary)| fits(summary))
            .map(|(id, _)| *id);
        let ids: Vec<Uuid> = found.by_ref().take(size).collect();
        (ids, found.next().is_some())
    }
}
