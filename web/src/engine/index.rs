//! What is known of all jobs and uploads without reading them: for lists, rights and retention.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use time::OffsetDateTime;
use uuid::Uuid;

use super::generation_of;
use super::request::{Caller, Filter};
use crate::model::{Job, State, Upload};
use crate::store::{Op, UploadRecord};

/// A job in a list.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Summary {
    pub(super) owner: Option<String>,
    pub(super) service: String,
    pub(super) state: State,
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
    blob_bytes: u64,
    /// What the records and events of all jobs take that have ended.
    record_bytes: u64,
    /// How many jobs have ended.
    ended: usize,
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
    pub(super) const fn ended(&self) -> usize {
        self.ended
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
        if let Some(kept) = summary.ended {
            self.old.insert((kept.at, Old::Job(id)));
            self.blob_bytes += kept.blob_bytes;
            self.record_bytes += kept.record_bytes;
            self.ended += 1;
        }
        self.jobs.insert(id, summary);
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
            self.old.remove(&(kept.at, Old::Job(id)));
            self.blob_bytes -= kept.blob_bytes;
            self.record_bytes -= kept.record_bytes;
            self.ended -= 1;
        }
        Some(summary)
    }

    pub(super) fn add_upload(&mut self, record: UploadRecord, unsaved: Vec<Op>) {
        let upload = record.upload;
        self.blob_bytes += upload.bytes;
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
    pub(super) fn remove_upload(&mut self, id: Uuid) -> Option<Option<Held>> {
        let held = self.uploads.get(&id)?;
        if held.users > 0 {
            return Some(None);
        }
        self.old.remove(&(held.last_use, Old::Upload(id)));
        self.blob_bytes -= held.upload.bytes;
        Some(self.uploads.remove(&id))
    }

    /// The oldest of what may go, and since when it may.
    pub(super) fn oldest(&self) -> Option<(OffsetDateTime, Old)> {
        self.old.first().copied()
    }

    /// The oldest of the jobs that may go, and since when it may.
    pub(super) fn oldest_job(&self) -> Option<(OffsetDateTime, Old)> {
        let mut jobs = self.old.iter();
        jobs.find(|(_, old)| matches!(old, Old::Job(_))).copied()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_fits_little_lets_others_have_the_index_meanwhile() {
        let mut index = Index::default();
        for number in 1..=10 {
            let summary = Summary {
                owner: None,
                service: if number == 2 { "rare" } else { "common" }.to_owned(),
                state: State::Pending,
                ended: None,
            };
            index.add_ended(Uuid::from_u128(number), summary);
        }
        let caller = Caller {
            name: None,
            admin: false,
        };
        let filter = Filter {
            state: None,
            service: Some("rare".to_owned()),
        };
        let (mut found, mut after, mut walks) = (Vec::new(), None, 0);
        loop {
            let walk = index.list(&caller, &filter, 5, after, 3);
            found.extend(walk.ids);
            walks += 1;
            after = walk.last;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(found, [Uuid::from_u128(2)]);
        assert_eq!(walks, 4);
    }
}
