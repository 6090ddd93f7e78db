//! What happened to a job: written by the proxy, read from any thread, complete for late readers.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dashmap::DashMap;
use tokio::sync::{Notify, watch};

use crate::clock::Clock;
use crate::error::JobError;
use crate::id::{JobId, Round};
use crate::job::{Finished, JobState};
use crate::payload::Payload;

/// The journals of the jobs that have not ended. Shared with the machine, which ends those that
/// the proxy cannot end any more.
pub(crate) type Journals = Arc<OpenJournals>;

#[derive(Default)]
pub(crate) struct OpenJournals {
    open: DashMap<JobId, Arc<Journal>>,
    opened: Notify,
}

impl OpenJournals {
    pub(crate) fn insert(&self, journal: Arc<Journal>) {
        self.open.insert(journal.job(), journal);
        self.opened.notify_one();
    }

    pub(crate) fn get(&self, job: JobId) -> Option<Arc<Journal>> {
        self.open.get(&job).map(|journal| Arc::clone(&journal))
    }

    pub(crate) fn remove(&self, job: JobId) -> Option<Arc<Journal>> {
        self.open.remove(&job).map(|(_, journal)| journal)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Waits until one is opened.
    pub(crate) async fn opened(&self) {
        self.opened.notified().await;
    }

    pub(crate) fn end_all(&self, error: &JobError) {
        for journal in self.open.iter() {
            journal.end(Err(error.clone()));
        }
        self.open.clear();
    }
}

/// One entry, with the time since the job was submitted.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) elapsed: Duration,
    pub(crate) what: What,
}

#[derive(Clone, Debug)]
pub(crate) enum What {
    State(JobState),
    Round {
        round: Round,
        task: Payload,
    },
    Tiles {
        round: Round,
        answered: u32,
        team_size: u32,
    },
}

/// The record of one job.
pub(crate) struct Journal {
    job: JobId,
    clock: Arc<dyn Clock>,
    submitted: Duration,
    pages: Mutex<Pages>,
    /// How many events there are; changes wake the readers.
    length: watch::Sender<usize>,
}

#[derive(Debug)]
struct Pages {
    events: Vec<Event>,
    state: JobState,
    result: Option<Result<Finished, JobError>>,
}

impl Journal {
    pub(crate) fn new(job: JobId, clock: Arc<dyn Clock>, submitted: Duration) -> Self {
        Self {
            job,
            clock,
            submitted,
            pages: Mutex::new(Pages {
                events: Vec::new(),
                state: JobState::Pending,
                result: None,
            }),
            length: watch::Sender::new(0),
        }
    }

    pub(crate) const fn job(&self) -> JobId {
        self.job
    }

    /// Writes an entry; nothing is written after the end.
    pub(crate) fn write(&self, what: What) {
        self.append(what, None);
    }

    /// Ends the job; the first end counts.
    pub(crate) fn end(&self, result: Result<Finished, JobError>) {
        let state = match &result {
            Ok(_) => JobState::Succeeded,
            Err(JobError::Cancelled) => JobState::Cancelled,
            Err(error) => JobState::Failed(error.clone()),
        };
        self.append(What::State(state), Some(result));
    }

    fn append(&self, what: What, result: Option<Result<Finished, JobError>>) {
        let mut pages = self.pages();
        if pages.state.is_terminal() {
            return;
        }
        if let What::State(state) = &what {
            pages.state = state.clone();
        }
        pages.result = result;
        pages.events.push(Event {
            elapsed: self.clock.now().saturating_sub(self.submitted),
            what,
        });
        let length = pages.events.len();
        drop(pages);
        self.length.send_replace(length);
    }

    pub(crate) fn state(&self) -> JobState {
        self.pages().state.clone()
    }

    pub(crate) fn event(&self, index: usize) -> Option<Event> {
        self.pages().events.get(index).cloned()
    }

    pub(crate) fn result(&self) -> Option<Result<Finished, JobError>> {
        self.pages().result.clone()
    }

    pub(crate) fn watch(&self) -> watch::Receiver<usize> {
        self.length.subscribe()
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        // Every change to the pages is a push or an assignment: a panic leaves nothing half done.
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
