//! What happened to a job: written by the proxy, read from any thread, complete for late readers.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::error::JobError;
use crate::id::JobId;
use crate::job::{Finished, JobState, What};

/// One entry, with the time since the job was submitted.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) elapsed: Duration,
    pub(crate) what: What,
}

/// What an entry takes in the journal.
const fn size_bytes(what: &What) -> usize {
    size_of::<Event>()
        + match what {
            What::Round { task, .. } => task.len_bytes(),
            What::State(_) | What::Tiles { .. } => 0,
        }
}

/// The record of one job.
#[derive(Debug)]
pub(crate) struct Journal {
    job: JobId,
    /// tokio's clock, so that virtual time counts where there is one.
    submitted: Instant,
    /// What the events may take together.
    max_bytes: usize,
    pages: Mutex<Pages>,
    /// How many events there are; changes wake the readers.
    length: watch::Sender<usize>,
}

#[derive(Debug)]
struct Pages {
    events: Vec<Event>,
    /// What they take.
    bytes: usize,
    state: JobState,
    result: Option<Result<Finished, JobError>>,
}

impl Journal {
    pub(crate) fn new(job: JobId, submitted: Instant, max_bytes: usize) -> Self {
        Self {
            job,
            submitted,
            max_bytes,
            pages: Mutex::new(Pages {
                events: Vec::new(),
                bytes: 0,
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
    ///
    /// # Errors
    /// [`JobError::JournalFull`], with which the journal then ends.
    pub(crate) fn write(&self, what: What) -> Result<(), JobError> {
        let bytes = size_bytes(&what);
        if bytes > self.max_bytes.saturating_sub(self.pages().bytes) {
            let limit = self.max_bytes;
            self.end(Err(JobError::JournalFull { limit }));
            return Err(JobError::JournalFull { limit });
        }
        self.append(what, None);
        Ok(())
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
        pages.bytes += size_bytes(&what);
        pages.events.push(Event {
            elapsed: self.submitted.elapsed(),
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
