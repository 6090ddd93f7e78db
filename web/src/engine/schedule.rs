//! What waits, what runs, and how much more may.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use uuid::Uuid;

use super::EngineConfig;
use super::EngineError;
use super::live::Live;
use super::queue::{Beside, Load, Queue, Room, Share};

/// Jobs that have run and whose end is being written; beyond them nothing is begun.
const MAX_ENDING: usize = 64;

/// What waits, what runs, and how much more may.
pub(super) struct Schedule {
    room: Room,
    max_queued: usize,
    now: Mutex<Now>,
    /// The queue has changed.
    pub(super) changed: Notify,
}

#[derive(Default)]
struct Now {
    queue: Queue,
    /// Jobs that are being accepted.
    coming: usize,
    load: Load,
    /// Jobs that have run and have not ended.
    ending: usize,
    is_stopped: bool,
}

/// A place in the queue, kept while a job is being accepted.
pub(super) struct Place<'s> {
    schedule: &'s Schedule,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.schedule.lock().coming -= 1;
    }
}

impl Schedule {
    pub(super) fn new(config: &EngineConfig) -> Self {
        Self {
            room: Room {
                max_jobs: config.max_running_jobs.max(1),
                max_bytes: config.max_decoded_bytes,
            },
            max_queued: config.max_queued_jobs,
            now: Mutex::default(),
            changed: Notify::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Jobs that wait, and jobs that run.
    pub(super) fn counts(&self) -> (usize, usize) {
        let now = self.lock();
        (now.queue.len() + now.coming, now.load.jobs + now.ending)
    }

    /// Keeps a place in the queue.
    pub(super) fn place(&self) -> Result<Place<'_>, EngineError> {
        let mut now = self.lock();
        if now.is_stopped {
            return Err(EngineError::Stopped);
        }
        if now.queue.len() + now.coming >= self.max_queued {
            return Err(EngineError::QueueFull {
                limit: self.max_queued,
            });
        }
        now.coming += 1;
        Ok(Place { schedule: self })
    }

    /// Adds a job.
    pub(super) fn push(&self, live: &Live, beside: Beside) {
        let job = live.job();
        let share = Share {
            bytes: job.input.info.decoded_bytes,
            beside,
        };
        let mut now = self.lock();
        now.queue.push(job.owner, job.priority, job.id, share);
        drop(now);
        self.changed.notify_one();
    }

    /// The job that is to run now, if there is one, and what it takes.
    pub(super) fn next(&self) -> Option<(Uuid, Share)> {
        let mut now = self.lock();
        if now.is_stopped || now.ending >= MAX_ENDING {
            return None;
        }
        let load = now.load;
        let job = now.queue.pop(self.room, load)?;
        now.load.add(self.room, job.share);
        drop(now);
        self.changed.notify_one();
        Some((job.id, job.share))
    }

    /// A job has run; its end is to be written. What it takes is still [to be freed](Self::free).
    pub(super) fn ran(&self, share: Share) {
        let mut now = self.lock();
        now.load.leave(self.room, share);
        now.ending += 1;
    }

    /// What a job has taken is free.
    pub(super) fn free(&self, share: Share) {
        self.lock().load.free(share);
    }

    /// Its end is written.
    pub(super) fn ended(&self) {
        self.lock().ending -= 1;
    }

    /// Takes a job out of the queue; `false` if it is not there.
    pub(super) fn remove(&self, id: Uuid) -> bool {
        let removed = self.lock().queue.remove(id);
        self.changed.notify_one();
        removed
    }

    /// Begins nothing more.
    pub(super) fn stop(&self) {
        self.lock().is_stopped = true;
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.lock().is_stopped
    }

    /// The jobs that wait, in the order in which they will run, and how many run.
    pub(super) fn order(&self) -> (Vec<Uuid>, usize) {
        let now = self.lock();
        let (queue, running) = (now.queue.clone(), now.load.jobs);
        drop(now);
        (queue.order(), running)
    }
}
