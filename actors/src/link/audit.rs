//! Whether anything is taken of those who may say nothing any more.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::id::{Epoch, Incarnation, JobId, NodeId, Origin, TeamId};

/// Keeps an account of its own of who may say nothing any more, from what the directory grants and
/// what leaders are told, and counts what is taken of them all the same. It is there to doubt the
/// checks that are to keep that out, and asks none of them: results are the same bits whoever
/// computed them, so that nothing else would show what slips through.
///
/// The nodes of a simulation share one. Where processes share nothing there is none.
#[derive(Debug, Default)]
pub(crate) struct Audit {
    known: Mutex<Known>,
    taken_stale: AtomicU64,
}

#[derive(Debug, Default)]
struct Known {
    /// The latest that was granted for each job.
    epochs: HashMap<JobId, Epoch>,
    /// The latest incarnation of a node that the leader of a team was told is lost.
    lost: HashMap<(TeamId, NodeId), Incarnation>,
    /// The latest leader of a job for which a node has begun anything.
    served: HashMap<(JobId, Origin), Epoch>,
}

impl Audit {
    fn known(&self) -> MutexGuard<'_, Known> {
        // Nothing that could panic runs under the lock.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The directory has granted this epoch.
    pub(crate) fn granted(&self, job: JobId, epoch: Epoch) {
        let mut known = self.known();
        let latest = known.epochs.entry(job).or_default();
        *latest = epoch.max(*latest);
    }

    /// The leader of the team was told that these are lost.
    pub(crate) fn lost(&self, team: TeamId, origins: &[Origin]) {
        let mut known = self.known();
        for origin in origins {
            let latest = known.lost.entry((team, origin.node)).or_default();
            *latest = origin.incarnation.max(*latest);
        }
    }

    /// The proxy takes a word of the team's leader.
    pub(crate) fn takes_word(&self, team: TeamId) {
        let latest = self.known().epochs.get(&team.job).copied();
        self.count(latest.is_some_and(|latest| team.epoch < latest));
    }

    /// The leader of the team takes answers.
    pub(crate) fn takes_answers(&self, team: TeamId, of: Origin) {
        let lost = self.known().lost.get(&(team, of.node)).copied();
        self.count(lost.is_some_and(|lost| of.incarnation <= lost));
    }

    /// A supervisor takes an order for this incarnation of its node.
    pub(crate) fn takes_order(&self, of: Option<Incarnation>, by: Origin) {
        self.count(of.is_some_and(|of| of < by.incarnation));
    }

    /// A supervisor begins something for the team.
    pub(crate) fn serves(&self, team: TeamId, by: Origin) {
        let mut known = self.known();
        let latest = known.served.entry((team.job, by)).or_default();
        let stale = team.epoch < *latest;
        *latest = team.epoch.max(*latest);
        drop(known);
        self.count(stale);
    }

    fn count(&self, stale: bool) {
        self.taken_stale
            .fetch_add(u64::from(stale), Ordering::Relaxed);
    }

    pub(crate) fn taken_stale(&self) -> u64 {
        self.taken_stale.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_may_say_nothing_any_more_is_counted() {
        let audit = Audit::default();
        let job = JobId::new(uuid::Uuid::from_u128(1));
        let team = |epoch| TeamId {
            job,
            epoch: Epoch(epoch),
        };
        let node = |incarnation| Origin {
            node: NodeId(1),
            incarnation: Incarnation(incarnation),
        };
        audit.granted(job, Epoch(2));
        audit.lost(team(2), &[node(5), node(4)]);
        audit.takes_word(team(2));
        audit.takes_answers(team(2), node(6));
        audit.takes_answers(team(1), node(5));
        audit.takes_order(None, node(5));
        audit.takes_order(Some(Incarnation(5)), node(5));
        audit.serves(team(2), node(5));
        audit.serves(team(2), node(5));
        audit.serves(team(1), node(6));
        assert_eq!(audit.taken_stale(), 0);
        audit.takes_word(team(1));
        assert_eq!(audit.taken_stale(), 1);
        audit.takes_answers(team(2), node(5));
        audit.takes_answers(team(2), node(4));
        assert_eq!(audit.taken_stale(), 3);
        audit.takes_order(Some(Incarnation(4)), node(5));
        assert_eq!(audit.taken_stale(), 4);
        audit.serves(team(1), node(5));
        assert_eq!(audit.taken_stale(), 5);
    }
}
