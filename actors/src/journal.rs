//! What happened to a job: written by the proxy, read from any thread, complete for late readers.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dashmap::DashMap;
use tokio::sync::{Notify, watch};

use crate::clock::Clock;
use crate::core::timesheet::Timesheet;
use crate::error::JobError;
use crate::id::JobId;
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
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Wake, Waker};

    use super::*;
    use crate::clock::SystemClock;
    use crate::core::fair::Flow;
    use crate::id::Round;
    use crate::payload::Payload;

    fn journal(max_bytes: usize) -> Journal {
        let clock = Arc::new(SystemClock::new());
        let job = clock.job_id();
        Journal::new(job, clock, Duration::ZERO, max_bytes)
    }

    const fn tiles(round: u32, answered: u32) -> What {
        What::Tiles {
            round: Round(round),
            answered,
            team_size: 1_000_000,
        }
    }

    /// What a reader gets from that number on.
    fn read(journal: &Journal, mut from: usize) -> Vec<String> {
        let mut seen = Vec::new();
        while let Some((number, event)) = journal.event(from) {
            from = number + 1;
            seen.push(match event.what {
                What::State(state) => state.to_string(),
                What::Round { round, .. } => format!("round {round}"),
                What::Tiles { answered, .. } => answered.to_string(),
            });
        }
        seen
    }

    #[test]
    fn a_round_may_last_as_long_as_it_likes() {
        let journal = journal(16 * size_of::<Event>());
        let (round, task) = (Round(1), Payload::default());
        journal.write(What::Round { round, task }).unwrap();
        for answered in 1..1000 {
            journal.write(tiles(1, answered)).unwrap();
            // One who reads along sees each; what is overtaken before it is read is not read.
            assert_eq!(journal.watch().borrow().to_owned(), 1 + answered as usize);
            assert_eq!(read(&journal, answered as usize), [answered.to_string()]);
        }
        assert_eq!(read(&journal, 0), ["round 1", "999"]);
        journal.write(What::State(JobState::Pending)).unwrap();
        journal.write(tiles(1, 1000)).unwrap();
        assert_eq!(read(&journal, 0), ["round 1", "pending", "1000"]);
        let (round, task) = (Round(2), Payload::default());
        journal.write(What::Round { round, task }).unwrap();
        journal.write(tiles(2, 1)).unwrap();
        journal.write(tiles(2, 2)).unwrap();
        assert_eq!(
            read(&journal, 0),
            ["round 1", "pending", "1000", "round 2", "2"],
            "each round keeps its last"
        );
        assert_eq!(journal.pages().bytes, 5 * size_of::<Event>());
        assert_eq!(journal.span().1, 2);
    }

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn who_waits_for_the_end_sleeps_through_the_rounds() {
        let clock = Arc::new(SystemClock::new());
        let journal = Journal::new(Flow::NOBODYS.job, clock, Duration::ZERO, usize::MAX);
        let wakes = Arc::<Wakes>::default();
        let waker = Waker::from(Arc::clone(&wakes));
        let mut context = Context::from_waker(&waker);
        let mut end = pin!(journal.ended());
        assert!(end.as_mut().poll(&mut context).is_pending());
        for round in 1..4 {
            let (round, task) = (Round(round), Payload::default());
            journal.write(What::Round { round, task }).unwrap();
        }
        assert_eq!(wakes.0.load(Ordering::SeqCst), 0);
        journal.end(Err(JobError::Cancelled));
        assert_eq!(wakes.0.load(Ordering::SeqCst), 1);
        assert_eq!(end.as_mut().poll(&mut context), Poll::Ready(()));
        let mut late = pin!(journal.ended());
        assert_eq!(late.as_mut().poll(&mut context), Poll::Ready(()));
    }
}
