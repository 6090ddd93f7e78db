//! The order of what waits for a node's CPUs, or for its line: fair between owners, then between the jobs of an owner.
//!
//! Start-time fair queueing (Goyal, Vin, Cheng: "Start-time Fair Queuing: A Scheduling Algorithm
//! for Integrated Services Packet Switching Networks", SIGCOMM 1996) on two levels. What waits
//! first in a flow has a start tag: where the flow's last piece ended, in cost over weight, but
//! not before the virtual time, which is the start tag of the piece taken last. The smallest tag
//! is taken next. So a flow that was idle gets no credit for it, one that comes and goes gets none
//! either, and two flows that both wait are never further apart than one piece of each.
//!
//! An owner weighs as much as the weightiest of its waiting jobs: a background job takes nothing
//! from its owner's other jobs, and more jobs give an owner no more of the node.

mod level;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};

use slab::Slab;
use uuid::Uuid;

use crate::id::JobId;
use crate::job::Priority;

use level::{Level, Ticks, ticks};

/// Whose work it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flow {
    /// The owner, as a number of the caller's choice.
    pub(crate) owner: u64,
    pub(crate) job: JobId,
    /// Counts when the job is first seen.
    pub(crate) weight: Priority,
}

impl Flow {
    /// Of what belongs to no job: tests of the node, and what jobs have left behind.
    pub(crate) const NOBODYS: Self = Self {
        owner: 0,
        job: JobId::new(Uuid::nil()),
        weight: Priority::High,
    };

    /// On a line, which does not know owners and priorities.
    pub(crate) const fn of(job: Option<JobId>) -> Self {
        match job {
            Some(job) => Self {
                owner: 0,
                job,
                weight: Priority::Normal,
            },
            None => Self::NOBODYS,
        }
    }
}

#[derive(Debug)]
struct Job<T> {
    id: JobId,
    weight: Priority,
    /// Where its last piece ended.
    end: Ticks,
    pieces: VecDeque<(f64, T)>,
}

#[derive(Debug)]
struct Owner<T> {
    id: u64,
    level: Level,
    jobs: Slab<Job<T>>,
    /// Where the last piece of its jobs ended.
    end: Ticks,
    /// How many jobs wait, by weight.
    waiting: [u32; 3],
    /// With more jobs than this it is time to look for those that can be forgotten.
    crowd: usize,
}

/// Looking for what can be forgotten takes as long as there is much of it, so it is done when there
/// is twice as much as was left the last time, and a few.
const fn crowd(left: usize) -> usize {
    2 * left + 16
}

/// Room for more pieces than this is not kept while nothing waits.
const SPARE: usize = 4096;

impl<T> Owner<T> {
    const fn weight(&self) -> Priority {
        match self.waiting {
            [_, _, high] if high > 0 => Priority::High,
            [_, normal, _] if normal > 0 => Priority::Normal,
            _ => Priority::Low,
        }
    }
}

/// What waits for one node, in two levels of fair queues.
///
/// [`push`](Self::push) and [`pop`](Self::pop) take O(log owners + log jobs of the owner). One that
/// has had more than its share is remembered while it is idle, until the others have caught up or
/// none of them waits any more: a queue in which nothing waits remembers nothing.
#[derive(Debug)]
pub(crate) struct FairQueue<T> {
    level: Level,
    owners: Slab<Owner<T>>,
    owner_keys: HashMap<u64, usize>,
    /// Keys of its owner, and there.
    job_keys: HashMap<JobId, (usize, usize)>,
    /// The job of the last push, which is mostly that of the next.
    last: Option<(JobId, (usize, usize))>,
    len: usize,
    /// Room for the pieces of the next job: a round mostly begins with an empty queue, and would have to be
    /// given memory anew.
    spare: VecDeque<(f64, T)>,
    /// With more owners than this it is time to look for those that can be forgotten.
    crowd: usize,
}

impl<T> FairQueue<T> {
    pub(crate) fn new() -> Self {
        Self {
            level: Level::default(),
            owners: Slab::new(),
            owner_keys: HashMap::new(),
            job_keys: HashMap::new(),
            last: None,
            len: 0,
            spare: VecDeque::new(),
            crowd: crowd(0),
        }
    }

    /// How many pieces wait.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// Lets a piece wait behind those of its job; `cost` in elementary operations. What is not a
    /// number or not positive counts as next to nothing.
    pub(crate) fn push(&mut self, flow: Flow, cost: f64, piece: T) {
        let (owner_key, key) = self.key(flow);
        let owner = &mut self.owners[owner_key];
        let job = &mut owner.jobs[key];
        job.pieces.push_back((cost, piece));
        self.len += 1;
        if job.pieces.len() == 1 {
            if owner.level.is_empty() {
                self.level.arrive(owner_key, owner.end);
            }
            owner.level.arrive(key, job.end);
            owner.waiting[job.weight as usize] += 1;
        }
    }

    /// The piece whose turn it is.
    #[cfg(feature = "amqp")]
    pub(crate) fn front(&self) -> Option<&T> {
        let owner = &self.owners[self.level.next()?];
        let job = &owner.jobs[owner.level.next()?];
        job.pieces.front().map(|(_, piece)| piece)
    }

    /// Takes the piece whose turn it is, with its flow and cost.
    pub(crate) fn pop(&mut self) -> Option<(Flow, f64, T)> {
        let owner_key = self.level.next()?;
        let owner = &mut self.owners[owner_key];
        let weight = owner.weight();
        let job = &mut owner.jobs[owner.level.next()?];
        let (cost, piece) = job.pieces.pop_front()?;
        let flow = Flow {
            owner: owner.id,
            job: job.id,
            weight: job.weight,
        };
        self.len -= 1;
        let job_waits = !job.pieces.is_empty();
        job.end = owner.level.take(ticks(cost, job.weight), job_waits);
        if !job_waits {
            owner.waiting[job.weight as usize] -= 1;
        }
        let owner_waits = !owner.level.is_empty();
        owner.end = self.level.take(ticks(cost, weight), owner_waits);
        if !job_waits {
            self.settle(owner_key);
        }
        Some((flow, cost, piece))
    }

    /// Takes out what waits of a job, in order.
    pub(crate) fn drain(&mut self, id: JobId) -> VecDeque<(Flow, f64, T)> {
        let Some((owner_key, key)) = self.job_keys.get(&id).copied() else {
            return VecDeque::new();
        };
        let owner = &mut self.owners[owner_key];
        let job = &mut owner.jobs[key];
        let pieces = std::mem::take(&mut job.pieces);
        let flow = Flow {
            owner: owner.id,
            job: id,
            weight: job.weight,
        };
        if !pieces.is_empty() {
            owner.waiting[job.weight as usize] -= 1;
            owner.level.leave(key);
            if owner.level.is_empty() {
                self.level.leave(owner_key);
            }
            self.len -= pieces.len();
            self.settle(owner_key);
        }
        let pieces = pieces.into_iter();
        pieces.map(|(cost, piece)| (flow, cost, piece)).collect()
    }

    /// Forgets a job; returns what waits of it.
    pub(crate) fn remove(&mut self, job: JobId) -> VecDeque<T> {
        let pieces = self.drain(job);
        if let Some((owner, key)) = self.job_keys.remove(&job) {
            self.last = None;
            self.owners[owner].jobs.remove(key);
        }
        pieces.into_iter().map(|(.., piece)| piece).collect()
    }

    /// A job of this owner has become idle: forgets those that had no more than their share, and
    /// so begin like all others when they come back.
    fn settle(&mut self, owner_key: usize) {
        if self.len == 0 {
            // A time in which something waited is over, for all alike.
            let jobs = self
                .owners
                .iter_mut()
                .flat_map(|(_, owner)| &mut owner.jobs);
            let rooms = jobs.map(|(_, job)| std::mem::take(&mut job.pieces));
            let spare = rooms.filter(|room| room.capacity() <= SPARE);
            self.spare = spare
                .chain([std::mem::take(&mut self.spare)])
                .max_by_key(VecDeque::capacity)
                .unwrap_or_default();
            self.owners.clear();
            self.owner_keys.clear();
            self.job_keys.clear();
            self.last = None;
            self.crowd = crowd(0);
            return;
        }
        let owner = &mut self.owners[owner_key];
        let (idle, now) = (owner.level.is_empty(), owner.level.now);
        if idle || owner.jobs.len() > owner.crowd {
            let keys = &mut self.job_keys;
            owner.jobs.retain(|_, job| {
                let keep = !job.pieces.is_empty() || (!idle && job.end > now);
                if !keep {
                    keys.remove(&job.id);
                }
                keep
            });
            owner.crowd = crowd(owner.jobs.len());
            self.last = None;
        }
        if self.owners.len() > self.crowd {
            let (keys, now) = (&mut self.owner_keys, self.level.now);
            // One without jobs that wait has none at all, for it is at rest.
            self.owners.retain(|_, owner| {
                let keep = !owner.level.is_empty() || owner.end > now;
                if !keep {
                    keys.remove(&owner.id);
                }
                keep
            });
            self.crowd = crowd(self.owners.len());
        }
    }

    fn key(&mut self, flow: Flow) -> (usize, usize) {
        if let Some((job, key)) = self.last
            && job == flow.job
        {
            return key;
        }
        let key = match self.job_keys.get(&flow.job) {
            Some(key) => *key,
            None => self.open(flow),
        };
        self.last = Some((flow.job, key));
        key
    }

    fn open(&mut self, flow: Flow) -> (usize, usize) {
        let owner = *self.owner_keys.entry(flow.owner).or_insert_with(|| {
            self.owners.insert(Owner {
                id: flow.owner,
                level: Level::default(),
                jobs: Slab::new(),
                end: 0,
                waiting: [0; 3],
                crowd: crowd(0),
            })
        });
        let key = self.owners[owner].jobs.insert(Job {
            id: flow.job,
            weight: flow.weight,
            end: 0,
            pieces: std::mem::take(&mut self.spare),
        });
        self.job_keys.insert(flow.job, (owner, key));
        (owner, key)
    }
}
