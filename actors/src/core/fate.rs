//! What became of nodes that were lost: their process may live on, though nothing was heard of it.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::core::lease::Member;
use crate::id::{Incarnation, JobId, NodeId, Origin};

/// What became of an incarnation that was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Fate {
    /// Its process has joined again: it could not be heard, or stood still, and that was all.
    Survived,
    /// So it has, but what it was at work on for the job may be so still, and bring it down yet.
    Busy,
    /// There is another process in its place.
    Died,
}

/// What is known of an incarnation that was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Finding {
    pub(crate) of: Origin,
    /// The incarnation under which its process came up: all of them go down at once.
    pub(crate) process: Incarnation,
    /// Not known while nothing was heard of the node since, or while it is gone again.
    pub(crate) fate: Option<Fate>,
}

/// So many processes of a node are remembered; earlier ones count as dead.
const MAX_LIVES: usize = 8;

/// The processes that a node has had.
#[derive(Debug, Default)]
pub(crate) struct Lives {
    /// The latest process last.
    nodes: BTreeMap<NodeId, VecDeque<Life>>,
    /// Since when nodes are not there.
    gone: BTreeMap<NodeId, Duration>,
}

/// The first and the latest incarnation of one process, and what is at work there of what was stopped.
#[derive(Clone, Debug)]
struct Life {
    process: Incarnation,
    latest: Incarnation,
    lingering: Vec<(JobId, Incarnation)>,
}

impl Life {
    fn has(&self, incarnation: Incarnation) -> bool {
        (self.process..=self.latest).contains(&incarnation)
    }

    /// Whether something of the job that was stopped under that incarnation, or an earlier one, is at work.
    fn lingers(&self, job: JobId, incarnation: Incarnation) -> bool {
        let mut lingering = self.lingering.iter();
        lingering.any(|(of, first)| *of == job && *first <= incarnation)
    }
}

impl Lives {
    /// A node has joined, or is there.
    pub(crate) fn seen(&mut self, member: &Member) {
        let Origin { node, incarnation } = member.origin;
        let lives = self.nodes.entry(node).or_default();
        match lives.back_mut() {
            Some(life) if life.process >= member.process => {
                // What is late may say that nothing lingers of what had not been stopped then.
                if life.process == member.process && life.latest <= incarnation {
                    life.latest = incarnation;
                    life.lingering.clone_from(&member.lingering);
                }
            }
            _ => {
                lives.push_back(Life {
                    process: member.process,
                    latest: incarnation,
                    lingering: member.lingering.clone(),
                });
                if lives.len() > MAX_LIVES {
                    lives.pop_front();
                }
            }
        }
    }

    /// Forgets nodes that have not been there for `memory`.
    pub(crate) fn forget(
        &mut self,
        is_there: impl Fn(NodeId) -> bool,
        now: Duration,
        memory: Duration,
    ) {
        let gone = &mut self.gone;
        self.nodes.retain(|node, _| {
            if is_there(*node) {
                gone.remove(node);
                return true;
            }
            let since = *gone.entry(*node).or_insert(now);
            let remembered = now.saturating_sub(since) <= memory;
            if !remembered {
                gone.remove(node);
            }
            remembered
        });
    }

    /// What is known of an incarnation that was lost, on which the job had something at work; `is_there`: whether the
    /// node is, under whichever.
    pub(crate) fn finding(&self, job: JobId, of: Origin, is_there: bool) -> Option<Finding> {
        let Origin { node, incarnation } = of;
        let lives = self.nodes.get(&node)?;
        let last = lives.back()?;
        let life = lives.iter().find(|life| life.has(incarnation));
        let fate = match life {
            // Nothing was heard of it since, or of another in its place.
            Some(life) if life.latest == incarnation && life.process == last.process => None,
            Some(life) if life.latest == incarnation => Some(Fate::Died),
            Some(life) if !life.lingers(job, incarnation) => Some(Fate::Survived),
            Some(life) if life.process == last.process => is_there.then_some(Fate::Busy),
            // What it was at work on then may have brought it down later.
            Some(_) => Some(Fate::Died),
            None => (last.latest > incarnation).then_some(Fate::Died),
        };
        let process = life.map_or(incarnation, |life| life.process);
        let is_known = life.is_some() || fate.is_some();
        is_known.then_some(Finding { of, process, fate })
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn origin(incarnation: u64) -> Origin {
        Origin {
            node: NodeId(1),
            incarnation: Incarnation(incarnation),
        }
    }

    fn seen(lives: &mut Lives, process: u64, incarnation: u64) {
        busy(lives, process, incarnation, &[]);
    }

    const JOBS: [JobId; 2] = [
        JobId::new(Uuid::from_u128(1)),
        JobId::new(Uuid::from_u128(2)),
    ];

    fn busy(lives: &mut Lives, process: u64, incarnation: u64, lingering: &[(JobId, u64)]) {
        let lingering = lingering.iter();
        lives.seen(&Member {
            origin: origin(incarnation),
            process: Incarnation(process),
            lingering: lingering
                .map(|(job, of)| (*job, Incarnation(*of)))
                .collect(),
            name: String::new(),
            cpus: 1,
            draining: false,
        });
    }

    #[test]
    fn a_process_that_joins_again_has_survived_and_one_that_is_followed_has_died() {
        let mut lives = Lives::default();
        let fates = |lives: &Lives| [10, 11, 20, 21].map(|of| fate(lives, of, true));
        assert_eq!(fates(&lives), [None; 4]);
        seen(&mut lives, 10, 10);
        assert_eq!(fates(&lives), [None; 4], "nothing was heard since");
        seen(&mut lives, 10, 11);
        let survived = Some(Fate::Survived);
        assert_eq!(fates(&lives), [survived, None, None, None]);
        seen(&mut lives, 20, 20);
        let died = Some(Fate::Died);
        assert_eq!(fates(&lives), [survived, died, None, None]);
        // Late news of an earlier process, and of the node as it was.
        seen(&mut lives, 10, 12);
        seen(&mut lives, 20, 20);
        assert_eq!(fates(&lives), [survived, died, None, None]);
        seen(&mut lives, 20, 21);
        assert_eq!(fates(&lives), [survived, died, survived, None]);
    }

    fn fate(lives: &Lives, of: u64, is_there: bool) -> Option<Fate> {
        lives.finding(JOBS[0], origin(of), is_there)?.fate
    }

    #[test]
    fn a_process_has_survived_when_what_it_was_at_work_on_has_ended() {
        let mut lives = Lives::default();
        let fates = |lives: &Lives| [10, 11, 12].map(|of| fate(lives, of, true));
        let (survived, died) = (Some(Fate::Survived), Some(Fate::Died));
        let still = Some(Fate::Busy);
        seen(&mut lives, 10, 11);
        assert_eq!(fates(&lives), [survived, None, None]);
        busy(&mut lives, 10, 12, &[(JOBS[0], 10), (JOBS[1], 10)]);
        assert_eq!(fates(&lives), [still, still, None]);
        busy(&mut lives, 10, 12, &[(JOBS[0], 11), (JOBS[1], 10)]);
        assert_eq!(fates(&lives), [survived, still, None]);
        seen(&mut lives, 10, 11);
        assert_eq!(fates(&lives), [survived, still, None], "late");
        let gone = [10, 11].map(|of| fate(&lives, of, false));
        assert_eq!(gone, [survived, None], "it may have been brought down");
        seen(&mut lives, 20, 20);
        assert_eq!(fates(&lives), [survived, died, died]);
    }

    #[test]
    fn what_lingers_of_another_job_is_no_matter() {
        let mut lives = Lives::default();
        busy(&mut lives, 10, 11, &[(JOBS[1], 10)]);
        assert_eq!(fate(&lives, 10, true), Some(Fate::Survived));
        let of_other = lives.finding(JOBS[1], origin(10), true).unwrap();
        assert_eq!(of_other.fate, Some(Fate::Busy));
    }

    #[test]
    fn incarnations_of_one_process_are_known_as_such() {
        let mut lives = Lives::default();
        seen(&mut lives, 10, 12);
        let process = |lives: &Lives, of| {
            let word = lives.finding(JOBS[0], origin(of), true);
            word.map(|word| word.process.0)
        };
        assert_eq!(
            [10, 11, 12, 13].map(|of| process(&lives, of)),
            [Some(10), Some(10), Some(10), None]
        );
        seen(&mut lives, 20, 20);
        assert_eq!(
            [9, 12, 20].map(|of| process(&lives, of)),
            [Some(9), Some(10), Some(20)]
        );
    }

    #[test]
    fn a_node_that_has_been_gone_for_long_is_forgotten() {
        let mut lives = Lives::default();
        seen(&mut lives, 10, 11);
        let at = Duration::from_secs;
        let pass = |lives: &mut Lives, now, there| {
            lives.forget(|node| there && node == NodeId(1), at(now), at(100));
            (lives.nodes.len(), lives.gone.len())
        };
        assert_eq!(pass(&mut lives, 0, true), (1, 0));
        assert_eq!(pass(&mut lives, 500, false), (1, 1));
        assert_eq!(pass(&mut lives, 590, true), (1, 0), "it was back");
        assert_eq!(pass(&mut lives, 600, false), (1, 1));
        assert_eq!(pass(&mut lives, 700, false), (1, 1));
        assert_eq!(pass(&mut lives, 701, false), (0, 0));
        assert_eq!(lives.finding(JOBS[0], origin(10), false), None);
    }

    #[test]
    fn memory_is_bounded() {
        let mut lives = Lives::default();
        for process in 0..100 {
            seen(&mut lives, 10 * process, 10 * process);
        }
        assert_eq!(lives.nodes[&NodeId(1)].len(), MAX_LIVES);
        assert_eq!(fate(&lives, 980, true), Some(Fate::Died));
    }
}
