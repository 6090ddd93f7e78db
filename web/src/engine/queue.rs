//! Which waiting job runs next.
//!
//! Owners take turns, whatever number of jobs each has, and so do the priorities of an owner (start-time fair
//! queueing: whoever had least for its weight is next); within a priority the first to come is the first to go.
//! A job that does not fit into the memory that is left lets others pass, but only so many of them: then nothing
//! runs before it. Of several places one is kept for small jobs, so that they wait for no big one.
//! Of the jobs that ran when the process crashed one runs at a time, and at last alone, so that none of them is
//! blamed for another.

use std::collections::{BTreeMap, VecDeque};

use msvpu_actors::Priority;
use uuid::Uuid;

/// So many jobs may pass one that does not fit.
const MAX_PASSES: u32 = 16;
/// A job is small when its input takes at most this part of the memory for all.
const SMALL_PART: u64 = 256;
/// What a turn of normal priority costs.
const TURN: u64 = 1 << 20;

/// What a job may run beside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Beside {
    /// Everything.
    #[default]
    All,
    /// All that have not run in a crash either.
    Innocent,
    /// Nothing.
    Nobody,
}

/// What a job takes while it runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Share {
    /// What its decoded input takes.
    pub(super) bytes: u64,
    pub(super) beside: Beside,
}

impl From<u64> for Share {
    fn from(bytes: u64) -> Self {
        Self {
            bytes,
            beside: Beside::All,
        }
    }
}

/// What is known of a job that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Waiting {
    pub(super) id: Uuid,
    pub(super) share: Share,
    /// How many jobs ran before it although it was their better.
    passes: u32,
}

/// How much may run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    pub(super) max_jobs: usize,
    pub(super) max_bytes: u64,
}

/// What runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Load {
    pub(super) jobs: usize,
    pub(super) big_jobs: usize,
    /// With what jobs that have ended have not let go of.
    pub(super) bytes: u64,
    /// Of the jobs, those that have run in a crash.
    pub(super) suspects: usize,
    /// The only job wants to be that.
    pub(super) is_alone: bool,
}

impl Room {
    pub(super) const fn is_small(self, bytes: u64) -> bool {
        bytes <= self.max_bytes / SMALL_PART
    }

    fn fits(self, load: Load, share: Share) -> bool {
        let bytes = share.bytes;
        let is_let = !load.is_alone
            && match share.beside {
                Beside::All => true,
                Beside::Innocent => load.suspects == 0,
                Beside::Nobody => load.jobs == 0,
            };
        let has_place = load.jobs < self.max_jobs
            && (self.is_small(bytes)
                || self.max_jobs == 1
                || load.big_jobs < self.max_jobs.saturating_sub(1));
        // Not by the jobs that run: what one that was given up still takes is taken.
        let has_memory = load.bytes == 0 || load.bytes.saturating_add(bytes) <= self.max_bytes;
        is_let && has_place && has_memory
    }
}

impl Load {
    pub(super) fn add(&mut self, room: Room, share: Share) {
        self.jobs += 1;
        self.big_jobs += usize::from(!room.is_small(share.bytes));
        self.suspects += usize::from(share.beside != Beside::All);
        self.is_alone |= share.beside == Beside::Nobody;
        self.bytes = self.bytes.saturating_add(share.bytes);
    }

    /// A job has ended; what it takes is still [to be freed](Self::free).
    pub(super) fn leave(&mut self, room: Room, share: Share) {
        self.jobs = self.jobs.saturating_sub(1);
        self.big_jobs = self
            .big_jobs
            .saturating_sub(usize::from(!room.is_small(share.bytes)));
        self.suspects = self
            .suspects
            .saturating_sub(usize::from(share.beside != Beside::All));
        self.is_alone &= share.beside != Beside::Nobody;
    }

    pub(super) fn free(&mut self, share: Share) {
        self.bytes = self.bytes.saturating_sub(share.bytes);
    }
}

/// Jobs of one owner and priority, in the order in which they came.
#[derive(Clone, Debug, Default)]
struct Lane {
    jobs: VecDeque<Waiting>,
    /// What it has had, divided by its weight.
    had: u64,
}

#[derive(Clone, Debug, Default)]
struct Owner {
    lanes: BTreeMap<Priority, Lane>,
    had: u64,
    /// What the lane that was last served had had.
    clock: u64,
}

impl Owner {
    fn is_idle(&self) -> bool {
        self.lanes.values().all(|lane| lane.jobs.is_empty())
    }
}

/// The jobs that wait.
#[derive(Clone, Debug, Default)]
pub(super) struct Queue {
    owners: BTreeMap<Option<String>, Owner>,
    /// What the owner that was last served had had.
    clock: u64,
    len: usize,
}

/// The price of a turn.
const fn price(priority: Priority) -> u64 {
    match priority {
        Priority::Low => TURN * 4,
        Priority::Normal => TURN,
        Priority::High => TURN / 4,
    }
}

impl Queue {
    /// How many wait.
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// How many of an owner wait.
    pub(super) fn len_of(&self, owner: &Option<String>) -> usize {
        let lanes = self.owners.get(owner).map(|owner| owner.lanes.values());
        lanes
            .into_iter()
            .flatten()
            .map(|lane| lane.jobs.len())
            .sum()
    }

    /// Adds a job behind those of its owner and priority.
    pub(super) fn push(
        &mut self,
        owner: Option<String>,
        priority: Priority,
        id: Uuid,
        share: impl Into<Share>,
    ) {
        let clock = self.clock;
        let owner = self.owners.entry(owner).or_default();
        if owner.is_idle() {
            // Who was away has saved nothing up.
            owner.had = owner.had.max(clock);
        }
        let clock = owner.clock;
        let lane = owner.lanes.entry(priority).or_default();
        if lane.jobs.is_empty() {
            lane.had = lane.had.max(clock);
        }
        lane.jobs.push_back(Waiting {
            id,
            share: share.into(),
            passes: 0,
        });
        self.len += 1;
    }

    /// Takes out the job that runs next, if there is room for one.
    pub(super) fn pop(&mut self, room: Room, load: Load) -> Option<Waiting> {
        // Who has nothing and owes nothing need not be remembered.
        let clock = self.clock;
        self.owners
            .retain(|_, owner| !owner.is_idle() || owner.had > clock);
        let mut owners: Vec<(u64, Option<String>)> = self
            .owners
            .iter()
            .map(|(name, owner)| (owner.had, name.clone()))
            .collect();
        owners.sort();
        let mut passed = Vec::new();
        let mut found = None;
        'search: for (_, name) in &owners {
            let Some(owner) = self.owners.get(name) else {
                continue;
            };
            let mut lanes: Vec<(u64, Priority)> = owner
                .lanes
                .iter()
                .map(|(priority, lane)| (lane.had, *priority))
                .collect();
            lanes.sort_by_key(|(had, priority)| (*had, std::cmp::Reverse(*priority)));
            for (_, priority) in lanes {
                let Some(lane) = owner.lanes.get(&priority) else {
                    continue;
                };
                for (place, job) in lane.jobs.iter().enumerate() {
                    if room.fits(load, job.share) {
                        found = Some((name.clone(), priority, place));
                        break 'search;
                    }
                    // It waits for one like it, however long that takes, and not for room.
                    if job.share.beside == Beside::Innocent && load.suspects > 0 {
                        continue;
                    }
                    if job.passes >= MAX_PASSES {
                        return None;
                    }
                    passed.push((name.clone(), priority, place));
                }
            }
        }
        let (name, priority, place) = found?;
        for (name, priority, place) in passed {
            let lane = self
                .owners
                .get_mut(&name)
                .and_then(|owner| owner.lanes.get_mut(&priority));
            if let Some(job) = lane.and_then(|lane| lane.jobs.get_mut(place)) {
                job.passes += 1;
            }
        }
        self.take(&name, priority, place, true)
    }

    /// Takes out a job that is not to run.
    pub(super) fn remove(&mut self, id: Uuid) -> bool {
        let found = self.owners.iter().find_map(|(name, owner)| {
            owner.lanes.iter().find_map(|(priority, lane)| {
                let place = lane.jobs.iter().position(|job| job.id == id)?;
                Some((name.clone(), *priority, place))
            })
        });
        found.is_some_and(|(name, priority, place)| {
            self.take(&name, priority, place, false).is_some()
        })
    }

    fn take(
        &mut self,
        name: &Option<String>,
        priority: Priority,
        place: usize,
        is_turn: bool,
    ) -> Option<Waiting> {
        let owner = self.owners.get_mut(name)?;
        let lane = owner.lanes.get_mut(&priority)?;
        let job = lane.jobs.remove(place)?;
        self.len -= 1;
        if is_turn {
            self.clock = self.clock.max(owner.had);
            owner.clock = owner.clock.max(lane.had);
            owner.had += price(priority);
            lane.had += price(priority);
        }
        if self.len == 0 {
            // Nobody waits, so nobody waited for anybody's turn.
            self.owners.clear();
        }
        Some(job)
    }

    /// The jobs in the order in which they would run if each took the same time and all fitted.
    pub(super) fn order(&self) -> Vec<Uuid> {
        let mut queue = self.clone();
        let room = Room {
            max_jobs: 1,
            max_bytes: u64::MAX,
        };
        std::iter::from_fn(|| queue.pop(room, Load::default()).map(|job| job.id)).collect()
    }
}

#[cfg(test)]
mod tests;
