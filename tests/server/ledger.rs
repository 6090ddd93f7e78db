//! What the clients were promised.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard};

use msvpu_web::model::Job;
use uuid::Uuid;

/// What was asked for after a job was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Nothing: it succeeds.
    Runs,
    /// To be cancelled; there is no answer yet.
    MayBeCancelled,
    /// To be cancelled, and that was accepted.
    Cancelled,
    /// To be forgotten; there is no answer yet.
    MayBeDeleted,
    /// It was forgotten.
    Deleted,
}

/// A job that was accepted.
#[derive(Clone, Debug)]
pub(crate) struct Accepted {
    pub(crate) id: Uuid,
    pub(crate) fate: Fate,
    /// As it was seen to have ended.
    pub(crate) ended: Option<Job>,
}

impl Accepted {
    pub(crate) const fn new(id: Uuid) -> Self {
        Self {
            id,
            fate: Fate::Runs,
            ended: None,
        }
    }
}

/// All that was promised.
#[derive(Clone, Debug, Default)]
pub(crate) struct Entries {
    /// By key.
    pub(crate) jobs: BTreeMap<String, Accepted>,
    /// Keys that were sent and not answered yet.
    pub(crate) asked: BTreeSet<String>,
    /// Uploads that are there, for no job.
    pub(crate) uploads: BTreeSet<Uuid>,
    /// Those that were removed.
    pub(crate) removed: BTreeSet<Uuid>,
}

/// The same, for all clients.
#[derive(Default)]
pub(crate) struct Ledger(Mutex<Entries>);

impl Ledger {
    pub(crate) fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap()
    }

    pub(crate) fn ask(&self, key: &str) {
        self.entries().asked.insert(key.to_owned());
    }

    /// One that was found after a kill, before its client had an answer, is the same.
    pub(crate) fn accept(&self, key: &str, id: Uuid) {
        let mut entries = self.entries();
        entries.asked.remove(key);
        let accepted = entries.jobs.entry(key.to_owned());
        let accepted = accepted.or_insert_with(|| Accepted::new(id));
        assert_eq!(accepted.id, id, "two jobs under one key");
    }

    pub(crate) fn turn(&self, key: &str, fate: Fate) {
        self.entries().jobs.get_mut(key).unwrap().fate = fate;
    }

    pub(crate) fn end(&self, key: &str, job: Job) {
        self.entries().jobs.get_mut(key).unwrap().ended = Some(job);
    }
}
