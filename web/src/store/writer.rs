//! The one thread that writes records: all that waits, in one transaction.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};

use super::database::Records;
use super::ops::Op;
use super::settler::Settler;
use super::{DataDir, StoreError, blocking};

/// After so many bytes a transaction takes nothing more.
const MAX_TRANSACTION_BYTES: usize = 16 << 20;
/// How long what nobody waits for stays unwritten: longer than a small job takes, so that its begin need not be written.
const LATER: Duration = Duration::from_millis(50);
/// How often it is tried whether the disk takes something again.
const TRY_EVERY: Duration = Duration::from_secs(2);

/// Ops that are written all or not at all.
struct Entry {
    ops: Vec<Op>,
    /// Whoever waits for it.
    done: Option<oneshot::Sender<Result<(), StoreError>>>,
}

/// What became of the last transaction, or of the thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Health {
    /// It could be written.
    Writable,
    /// It could not.
    ReadOnly,
    /// There will be none any more.
    Ended,
}

/// Tells that the thread has ended, in whichever way.
struct Ended(Arc<watch::Sender<Health>>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.send_replace(Health::Ended);
    }
}

/// The handle of the thread.
pub(super) struct Writer {
    entries: Mutex<Option<Sender<Entry>>>,
    thread: Mutex<Option<thread::JoinHandle<()>>>,
    health: Arc<watch::Sender<Health>>,
}

impl Writer {
    pub(super) fn start(dir: &DataDir, records: Arc<Records>) -> Result<Self, StoreError> {
        // Without a bound of its own: who writes waits for the answer, and what nobody waits for are the marks of
        // running jobs, which are few.
        let (entries, incoming) = channel();
        let health = Arc::new(watch::Sender::new(Health::Writable));
        let settler = Settler::start(dir)?;
        let mut committer = Committer {
            records,
            settler,
            health: Arc::clone(&health),
        };
        let ended = Ended(Arc::clone(&health));
        let thread = thread::Builder::new()
            .name("msvpu-records".to_owned())
            .spawn(move || {
                let _ended = ended;
                run(&committer, &incoming);
                committer.stop();
            })?;
        Ok(Self {
            entries: Mutex::new(Some(entries)),
            thread: Mutex::new(Some(thread)),
            health,
        })
    }

    pub(super) fn is_writable(&self) -> bool {
        *self.health.borrow() == Health::Writable
    }

    async fn is(&self, wanted: Health) {
        let mut health = self.health.subscribe();
        // The sender lives as long as `self`.
        let _ = health.wait_for(|health| *health == wanted).await;
    }

    /// Waits until the thread has ended.
    pub(super) async fn ended(&self) {
        self.is(Health::Ended).await;
    }

    #[cfg(test)]
    pub(super) async fn writable(&self) {
        self.is(Health::Writable).await;
    }

    fn sender(&self) -> Option<Sender<Entry>> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.clone()
    }

    /// Takes its place before all that is written later, even before the answer is waited for.
    pub(super) fn write(
        &self,
        ops: Vec<Op>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send + use<> {
        let (done, answer) = oneshot::channel();
        let sent = self.send(Entry {
            ops,
            done: Some(done),
        });
        async move {
            sent?;
            answer.await.unwrap_or(Err(StoreError::Closed))
        }
    }

    pub(super) fn write_later(&self, ops: Vec<Op>) {
        if ops.is_empty() {
            return;
        }
        // Nobody waits for it, so nobody misses it when the store is closed.
        let _ = self.send(Entry { ops, done: None });
    }

    fn send(&self, entry: Entry) -> Result<(), StoreError> {
        let sender = self.sender().ok_or(StoreError::Closed)?;
        sender.send(entry).map_err(|_| StoreError::Closed)
    }

    /// Writes what waits, and ends the thread.
    pub(super) async fn stop(&self) {
        let thread = self.take();
        let joined = blocking(move || {
            join(thread);
            Ok(())
        });
        // It fails only if the runtime ends.
        let _ = joined.await;
    }

    fn take(&self) -> Option<thread::JoinHandle<()>> {
        *self.entries.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        thread.take()
    }
}

impl Drop for Writer {
    /// The directory is free only when the thread has let go of the file.
    fn drop(&mut self) {
        join(self.take());
    }
}

fn join(thread: Option<thread::JoinHandle<()>>) {
    if let Some(thread) = thread
        && thread.join().is_err()
    {
        log::error!("the thread that writes records panicked");
    }
}

/// What nobody waits for, until it is written: in the order in which it came, and of a job only the latest record.
#[derive(Default)]
struct Later {
    ops: Vec<Op>,
    /// When the first of them is to be written.
    due: Option<Instant>,
}

impl Later {
    fn add(&mut self, ops: Vec<Op>) {
        self.overtake(&ops);
        self.ops.extend(ops);
        self.due.get_or_insert_with(|| Instant::now() + LATER);
    }

    /// These are written before: a record must not be replaced by an earlier one.
    fn overtake(&mut self, by: &[Op]) {
        let records = by.iter().filter_map(Op::record_of);
        for id in records {
            self.ops.retain(|op| op.record_of() != Some(id));
        }
        if self.ops.is_empty() {
            self.due = None;
        }
    }

    /// Those whose time has come, or all.
    fn take(&mut self, all: bool) -> Vec<Op> {
        if all || self.due.is_some_and(|due| due <= Instant::now()) {
            self.due = None;
            return std::mem::take(&mut self.ops);
        }
        Vec::new()
    }
}

/// Entries that are written together.
#[derive(Default)]
struct Batch {
    entries: Vec<Entry>,
    bytes: usize,
}

impl Batch {
    fn add(&mut self, entry: Entry) {
        self.bytes += entry.ops.iter().map(Op::size_bytes).sum::<usize>();
        self.entries.push(entry);
    }

    /// Takes an entry that somebody waits for.
    fn take(&mut self, entry: Entry, later: &mut Later) {
        if entry.done.is_some() {
            later.overtake(&entry.ops);
            self.add(entry);
        } else {
            later.add(entry.ops);
        }
    }

    /// Adds what waits.
    fn fill(&mut self, incoming: &Receiver<Entry>, later: &mut Later) {
        while self.bytes < MAX_TRANSACTION_BYTES {
            match incoming.try_recv() {
                Ok(entry) => self.take(entry, later),
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return,
            }
        }
    }
}

fn run(committer: &Committer, incoming: &Receiver<Entry>) {
    let mut later = Later::default();
    // When it is tried again whether the disk takes something.
    let mut trial: Option<Instant> = None;
    loop {
        let entry = match later.due.into_iter().chain(trial).min() {
            None => incoming.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(due) => incoming.recv_timeout(due.saturating_duration_since(Instant::now())),
        };
        let is_last = matches!(entry, Err(RecvTimeoutError::Disconnected));
        let mut batch = Batch::default();
        if let Ok(entry) = entry {
            batch.take(entry, &mut later);
            if batch.entries.is_empty() {
                continue;
            }
        }
        batch.fill(incoming, &mut later);
        let due = later.take(is_last);
        if !due.is_empty() {
            let done = None;
            batch.add(Entry { ops: due, done });
        }
        let entries = batch.entries;
        // Where nobody writes anything, an empty transaction finds out whether the disk takes something again.
        if !entries.is_empty() || (committer.is_read_only() && !is_last) {
            committer.commit(entries);
        }
        if is_last {
            return;
        }
        trial = committer.is_read_only().then(|| Instant::now() + TRY_EVERY);
    }
}

/// What the thread has.
struct Committer {
    records: Arc<Records>,
    settler: Settler,
    health: Arc<watch::Sender<Health>>,
}

impl Committer {
    fn is_read_only(&self) -> bool {
        *self.health.borrow() == Health::ReadOnly
    }

    fn commit(&self, batch: Vec<Entry>) {
        let settled = self.settler.settled();
        let forget = Op::Settled {
            uploads: settled.clone(),
        };
        let ops = || batch.iter().flat_map(|entry| &entry.ops);
        let outcome = self.records.commit(ops().chain([&forget]));
        match &outcome {
            Ok(()) => self.settler.copied(ops()),
            Err(error) => {
                log::error!("cannot write records: {error}");
                self.settler.put_back(settled);
            }
        }
        self.health.send_replace(match outcome {
            Ok(()) => Health::Writable,
            Err(_) => Health::ReadOnly,
        });
        for entry in batch {
            if let Some(done) = entry.done {
                // Whoever asked may have gone.
                let _ = done.send(outcome.clone());
            }
        }
    }

    /// Leaves no copies behind, and says that this was no crash.
    fn stop(&mut self) {
        self.settler.stop();
        let uploads = self.settler.settled();
        let last = [Op::Settled { uploads }, Op::Closed];
        if let Err(error) = self.records.commit(last.iter()) {
            log::warn!("the next start takes this end for a crash: {error}");
        }
    }
}
