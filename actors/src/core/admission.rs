//! Which jobs run and which wait.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::id::JobId;
use crate::job::{JobOptions, Limits, Priority};

/// Bounded queues, one an owner, before a bounded number of running jobs.
///
/// When a place gets free it goes to the owner with the fewest running jobs, over the weight of the
/// one that would be next; of an owner's jobs the more urgent are first, then those that came first.
#[derive(Debug)]
pub(crate) struct Admission {
    max_running: usize,
    max_queued: usize,
    max_queued_per_owner: usize,
    running: HashMap<JobId, Arc<str>>,
    queued: HashMap<JobId, (Arc<str>, Turn)>,
    /// Those who have jobs here.
    owners: BTreeMap<Arc<str>, Owner>,
    submitted: u64,
}

#[derive(Debug, Default)]
struct Owner {
    running: usize,
    /// The next first.
    queued: BTreeSet<(Turn, JobId)>,
}

/// The more urgent first, then who came first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Turn(std::cmp::Reverse<Priority>, u64);

/// What to do with a job that was just submitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admitted {
    /// Start it.
    Run,
    /// It starts when its turn comes.
    Wait,
    /// So many wait already, which is the most.
    Refused { limit: usize },
    /// So many of its owner's wait already, which is the most.
    OwnerRefused { limit: usize },
}

/// How much more than one of low priority a job weighs.
const fn weight(priority: Priority) -> usize {
    match priority {
        Priority::Low => 1,
        Priority::Normal => 4,
        Priority::High => 16,
    }
}

impl Admission {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            max_running: limits.max_running_jobs.max(1),
            max_queued: limits.max_queued_jobs,
            max_queued_per_owner: limits.max_queued_jobs_per_owner,
            running: HashMap::new(),
            queued: HashMap::new(),
            owners: BTreeMap::new(),
            submitted: 0,
        }
    }

    pub(crate) fn submit(&mut self, job: JobId, options: &JobOptions) -> Admitted {
        let known = self.owners.get_key_value(options.owner.as_str());
        let name = known.map_or_else(
            || options.owner.as_str().into(),
            |(name, _)| Arc::clone(name),
        );
        let of_owner = known.map_or(0, |(_, owner)| owner.queued.len());
        if self.running.len() < self.max_running {
            self.owners.entry(Arc::clone(&name)).or_default().running += 1;
            self.running.insert(job, name);
            return Admitted::Run;
        }
        if self.queued.len() >= self.max_queued {
            let limit = self.max_queued;
            return Admitted::Refused { limit };
        }
        if of_owner >= self.max_queued_per_owner {
            let limit = self.max_queued_per_owner;
            return Admitted::OwnerRefused { limit };
        }
        self.submitted += 1;
        let turn = Turn(std::cmp::Reverse(options.priority), self.submitted);
        let owner = self.owners.entry(Arc::clone(&name)).or_default();
        owner.queued.insert((turn, job));
        self.queued.insert(job, (name, turn));
        Admitted::Wait
    }

    /// Takes an ended or cancelled job out; returns the one that may start in its place.
    pub(crate) fn end(&mut self, job: JobId) -> Option<JobId> {
        if let Some((name, turn)) = self.queued.remove(&job) {
            self.change(&name, |owner| {
                owner.queued.remove(&(turn, job));
            });
            return None;
        }
        let name = self.running.remove(&job)?;
        self.change(&name, |owner| owner.running -= 1);
        self.start_next()
    }

    fn start_next(&mut self) -> Option<JobId> {
        let next = |(name, owner): (&Arc<str>, &Owner)| {
            let (turn, job) = *owner.queued.first()?;
            Some((owner.running, turn, job, Arc::clone(name)))
        };
        // Running jobs over weight, without division; ties by urgency and age.
        let share = |running: usize, Turn(other, _): Turn| running.saturating_mul(weight(other.0));
        let nexts = self.owners.iter().filter_map(next);
        let (_, turn, job, name) = nexts.min_by(|(a, of_a, ..), (b, of_b, ..)| {
            let order = share(*a, *of_b).cmp(&share(*b, *of_a));
            order.then(of_a.cmp(of_b))
        })?;
        self.queued.remove(&job);
        self.change(&name, |owner| {
            owner.queued.remove(&(turn, job));
            owner.running += 1;
        });
        self.running.insert(job, name);
        Some(job)
    }

    /// Who has nothing here any more is forgotten.
    fn change(&mut self, name: &Arc<str>, change: impl FnOnce(&mut Owner)) {
        if let Some(owner) = self.owners.get_mut(name) {
            change(owner);
            if owner.running == 0 && owner.queued.is_empty() {
                self.owners.remove(name);
            }
        }
    }
}

#[cfg(test)]
mod tests;
