//! What happened to a job: written by the proxy, read from any thread, complete for late readers.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dashmap::DashMap;
use tokio::sync::{Notify, watch};

use crate::clock::Clock;
use crate::core::timesheet::Timesheet;
use crate::error::JobError;
use crate::id::{Epoch, JobId};
use crate::job::{Finished, JobState, NodeReport, What};

/// The journals of the jobs that have not ended. Shared with the machine, which ends those that
/// the proxy cannot end any more.
pub(crate) type Journals = Arc<OpenJournals>;

#[derive(Default)]
pub(crate) struct OpenJournals {
    open: DashMap<JobId, Arc<Journal>>,
    /// How many there are; the map would have to count.
    count: AtomicUsize,
    opened: Notify,
}

impl OpenJournals {
    pub(crate) fn insert(&self, journal: Arc<Journal>) {
        self.count.fetch_add(1, Ordering::SeqCst);
        self.open.insert(journal.job(), journal);
        self.opened.notify_one();
    }

    pub(crate) fn get(&self, job: JobId) -> Option<Arc<Journal>> {
        self.open.get(&job).map(|journal| Arc::clone(&journal))
    }

    pub(crate) fn remove(&self, job: JobId) -> Option<Arc<Journal>> {
        let (_, journal) = self.open.remove(&job)?;
        self.count.fetch_sub(1, Ordering::SeqCst);
        Some(journal)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count.load(Ordering::SeqCst) == 0
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
        self.count.store(0, Ordering::SeqCst);
    }
}

/// One entry, with the time since the job was submitted.
///
/// How far a round has got is of interest until it has got further: such a note takes the place of
/// the one before, so that a round may last as long as it likes.
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
pub(crate) struct Journal {
    job: JobId,
    clock: Arc<dyn Clock>,
    submitted: Duration,
    /// What the events may take together.
    max_bytes: usize,
    pages: Mutex<Pages>,
    /// How many events have been written; changes wake the readers.
    length: watch::Sender<usize>,
    /// Whether the job has ended; who waits for nothing else need not wake every round.
    ended: watch::Sender<bool>,
}

#[derive(Debug)]
struct Pages {
    /// By number, in which those are missing in whose place later ones have come.
    events: Vec<(usize, Event)>,
    written: usize,
    /// What they take.
    bytes: usize,
    state: JobState,
    result: Option<Result<Finished, JobError>>,
    nodes: Vec<NodeReport>,
    times: Timesheet,
    leaders_lost: u32,
    epoch: Epoch,
}

impl Pages {
    /// Takes out the note in whose place this one comes, if it is such a note.
    fn make_room_for(&mut self, what: &What) {
        let What::Tiles { round, .. } = what else {
            return;
        };
        let before = self
            .events
            .iter()
            .rposition(|(_, event)| matches!(event.what, What::Round { .. } | What::Tiles { .. }));
        if let Some(index) = before
            && let What::Tiles { round: of, .. } = self.events[index].1.what
            && of == *round
        {
            let (_, event) = self.events.remove(index);
            self.bytes -= size_bytes(&event.what);
        }
    }
}

impl Journal {
    pub(crate) fn new(
        job: JobId,
        clock: Arc<dyn Clock>,
        submitted: Duration,
        max_bytes: usize,
    ) -> Self {
        Self {
            job,
            clock,
            submitted,
            max_bytes,
            pages: Mutex::new(Pages {
                events: Vec::new(),
                written: 0,
                bytes: 0,
                state: JobState::Pending,
                result: None,
                nodes: Vec::new(),
                times: Timesheet::default(),
                leaders_lost: 0,
                epoch: Epoch::default(),
            }),
            length: watch::Sender::new(0),
            ended: watch::Sender::new(false),
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
        let fits = {
            let mut pages = self.pages();
            if pages.state.is_terminal() {
                return Ok(());
            }
            pages.make_room_for(&what);
            size_bytes(&what) <= self.max_bytes.saturating_sub(pages.bytes)
        };
        if !fits {
            let limit = self.max_bytes;
            self.end(Err(JobError::JournalFull { limit }));
            return Err(JobError::JournalFull { limit });
        }
        self.append(what, None);
        Ok(())
    }

    /// Puts down what the nodes have done; to be called before the end.
    pub(crate) fn report(&self, nodes: Vec<NodeReport>) {
        self.pages().nodes = nodes;
    }

    /// Puts down what the MsVPUs did; to be called before the end.
    pub(crate) fn times(&self, news: Timesheet) {
        self.pages().times.absorb(news);
    }

    /// What the MsVPUs did, as far as it was told.
    pub(crate) fn timesheet(&self) -> Timesheet {
        self.pages().times.clone()
    }

    /// How long the job took, or has taken, and how many rounds it has begun.
    pub(crate) fn span(&self) -> (Duration, u32) {
        let pages = self.pages();
        let rounds = pages
            .events
            .iter()
            .rev()
            .find_map(|(_, event)| match &event.what {
                What::Round { round, .. } => Some(round.0),
                What::State(_) | What::Tiles { .. } => None,
            });
        let took = match pages.events.last() {
            Some((_, last)) if pages.state.is_terminal() => last.elapsed,
            _ => self.clock.now().saturating_sub(self.submitted),
        };
        (took, rounds.unwrap_or_default())
    }

    /// From now on the job's leader speaks under this epoch.
    pub(crate) fn led(&self, epoch: Epoch) {
        self.pages().epoch = epoch;
    }

    /// Under which epoch the job's leader speaks; 0 while there was none.
    pub(crate) fn epoch(&self) -> Epoch {
        self.pages().epoch
    }

    /// The job gets another leader, whose clock is another.
    pub(crate) fn leader_lost(&self) {
        let mut pages = self.pages();
        pages.leaders_lost += 1;
        pages.times = Timesheet::default();
    }

    /// How often the job got another leader.
    pub(crate) fn leaders_lost(&self) -> u32 {
        self.pages().leaders_lost
    }

    /// What the nodes have done; empty before the end.
    pub(crate) fn nodes(&self) -> Vec<NodeReport> {
        self.pages().nodes.clone()
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
        let event = Event {
            elapsed: self.clock.now().saturating_sub(self.submitted),
            what,
        };
        let number = pages.written;
        pages.events.push((number, event));
        pages.written += 1;
        let (length, ended) = (pages.written, pages.result.is_some());
        drop(pages);
        self.length.send_replace(length);
        if ended {
            self.ended.send_replace(true);
        }
    }

    pub(crate) fn state(&self) -> JobState {
        self.pages().state.clone()
    }

    /// The first event of that number or a later one, and its number.
    pub(crate) fn event(&self, number: usize) -> Option<(usize, Event)> {
        let pages = self.pages();
        let first = pages.events.partition_point(|(of, _)| *of < number);
        pages.events.get(first).cloned()
    }

    pub(crate) fn result(&self) -> Option<Result<Finished, JobError>> {
        self.pages().result.clone()
    }

    pub(crate) fn watch(&self) -> watch::Receiver<usize> {
        self.length.subscribe()
    }

    /// Waits for the end of the job.
    pub(crate) async fn ended(&self) {
        // The sender is in `self`.
        let _ = self.ended.subscribe().wait_for(|ended| *ended).await;
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        // Every change to the pages is small and cannot panic: nothing is left half done.
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
