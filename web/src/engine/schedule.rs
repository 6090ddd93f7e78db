//! What waits, what runs, and how much more may.

use std::collections::HashMap;
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
    max_bytes: usize,
    now: Mutex<Now>,
    /// The queue has changed.
    pub(super) changed: Notify,
}

#[derive(Default)]
struct Now {
    queue: Queue,
    /// Jobs that are being accepted.
    coming: Held,
    /// What the requests of all jobs take in memory that have not ended.
    weights: Held,
    load: Load,
    /// Jobs that have run and have not ended.
    ending: usize,
    is_stopped: bool,
}

/// How much each owner has of something.
#[derive(Default)]
struct Held(HashMap<Option<String>, usize>);

impl Held {
    fn all(&self) -> usize {
        self.0.values().sum()
    }

    fn of(&self, owner: &Option<String>) -> usize {
        self.0.get(owner).copied().unwrap_or(0)
    }

    fn add(&mut self, owner: &Option<String>, amount: usize) {
        *self.0.entry(owner.clone()).or_default() += amount;
    }

    fn give_back(&mut self, owner: &Option<String>, amount: usize) {
        if let Some(held) = self.0.get_mut(owner) {
            *held = held.saturating_sub(amount);
            if *held == 0 {
                self.0.remove(owner);
            }
        }
    }
}

/// Whether an owner that has `own` may take `more` of what is left: not when others would be left with less than it
/// has. Whoever has nothing may have all. Where nobody has a name there are no others.
const fn is_fair(is_named: bool, own: usize, more: usize, left: usize) -> bool {
    !is_named || own == 0 || own.saturating_add(more) <= left
}

/// A place in the queue, kept while a job is being accepted.
pub(super) struct Place<'s> {
    schedule: &'s Schedule,
    owner: Option<String>,
    weight: usize,
    is_kept: bool,
}

impl Place<'_> {
    /// The job is accepted: what it takes in memory it takes until [it has ended](Schedule::let_go).
    pub(super) fn keep(mut self) {
        self.is_kept = true;
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut now = self.schedule.lock();
        now.coming.give_back(&self.owner, 1);
        if !self.is_kept {
            now.weights.give_back(&self.owner, self.weight);
        }
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
            max_bytes: config.max_queued_bytes,
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
        (
            now.queue.len() + now.coming.all(),
            now.load.jobs + now.ending,
        )
    }

    /// Keeps a place in the queue for a job of this owner, whose request takes so many bytes of memory.
    pub(super) fn place(
        &self,
        owner: Option<String>,
        weight: usize,
    ) -> Result<Place<'_>, EngineError> {
        let mut now = self.lock();
        if now.is_stopped {
            return Err(EngineError::Stopped);
        }
        let queued = now.queue.len() + now.coming.all();
        let left = self.max_queued.saturating_sub(queued);
        if left == 0 {
            return Err(EngineError::QueueFull {
                limit: self.max_queued,
            });
        }
        let own = now.queue.len_of(&owner) + now.coming.of(&owner);
        if !is_fair(owner.is_some(), own, 1, left) {
            return Err(EngineError::OwnerQueueFull { own, left });
        }
        let (held, own) = (now.weights.all(), now.weights.of(&owner));
        let left = self.max_bytes.saturating_sub(held);
        if weight > left || !is_fair(owner.is_some(), own, weight, left) {
            return Err(EngineError::ParametersFull {
                asked: weight,
                held,
                own,
                limit: self.max_bytes,
            });
        }
        now.coming.add(&owner, 1);
        now.weights.add(&owner, weight);
        drop(now);
        Ok(Place {
            schedule: self,
            owner,
            weight,
            is_kept: false,
        })
    }

    /// A job was found whose request takes so many bytes of memory, however much that is with all others.
    pub(super) fn hold(&self, owner: &Option<String>, weight: usize) {
        self.lock().weights.add(owner, weight);
    }

    /// A job has ended whose request took so many bytes of memory.
    pub(super) fn let_go(&self, owner: &Option<String>, weight: usize) {
        self.lock().weights.give_back(owner, weight);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule() -> Schedule {
        let config = EngineConfig {
            max_queued_jobs: 8,
            max_queued_bytes: 1000,
            ..EngineConfig::new("")
        };
        Schedule::new(&config)
    }

    fn named(name: &str) -> Option<String> {
        Some(name.to_owned())
    }

    #[test]
    fn nobody_takes_the_places_of_others() {
        let schedule = schedule();
        let mut places = Vec::new();
        let mut take = |owner: &Option<String>| {
            let place = schedule.place(owner.clone(), 1);
            place.map(|place| places.push(place))
        };
        for _ in 0..4 {
            take(&named("ann")).unwrap();
        }
        let refused = take(&named("ann")).unwrap_err();
        assert!(matches!(
            refused,
            EngineError::OwnerQueueFull { own: 4, left: 4 }
        ));
        for name in ["bob", "bob", "cid", "dan"] {
            take(&named(name)).unwrap();
        }
        let refused = take(&named("eve")).unwrap_err();
        assert!(matches!(refused, EngineError::QueueFull { limit: 8 }));
        places.clear();
        for _ in 0..8 {
            places.push(schedule.place(None, 1).unwrap());
        }
        assert!(schedule.place(None, 1).is_err());
    }

    #[test]
    fn what_requests_take_in_memory_is_bounded_until_their_jobs_end() {
        let schedule = schedule();
        let ann = named("ann");
        // One that is not accepted gives back what it took.
        drop(schedule.place(ann.clone(), 900).unwrap());
        schedule.place(ann.clone(), 600).unwrap().keep();
        for (owner, weight) in [("ann", 1), ("bob", 401)] {
            let refused = schedule.place(named(owner), weight).err();
            let is_full = matches!(refused, Some(EngineError::ParametersFull { held: 600, .. }));
            assert!(is_full, "{refused:?}");
        }
        assert!(schedule.place(named("bob"), 400).is_ok());
        assert_eq!(schedule.counts(), (0, 0));
        schedule.let_go(&ann, 600);
        assert!(schedule.place(ann, 1000).is_ok());
    }
}
