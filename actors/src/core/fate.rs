//! What became of nodes that were lost: their process may live on, though nothing was heard of it.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::core::lease::Member;
use crate::id::{Incarnation, NodeId, Origin};

/// What became of an incarnation that was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Fate {
    /// Its process has joined again: it could not be heard, or stood still, and that was all.
    Survived,
    /// So it has, but what it was at work on may be so still, and bring it down yet.
    Busy,
    /// There is another process in its place.
    Died,
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

/// The first and the latest incarnation of one process, and that before which it has ended all.
#[derive(Clone, Copy, Debug)]
struct Life {
    process: Incarnation,
    settled: Incarnation,
    latest: Incarnation,
}

impl Lives {
    /// A node has joined, or is there.
    pub(crate) fn seen(&mut self, member: &Member) {
        let Origin { node, incarnation } = member.origin;
        let lives = self.nodes.entry(node).or_default();
        match lives.back_mut() {
            Some(life) if life.process >= member.process => {
                if life.process == member.process {
                    life.latest = life.latest.max(incarnation);
                    life.settled = life.settled.max(member.settled);
                }
            }
            _ => {
                lives.push_back(Life {
                    process: member.process,
                    settled: member.settled,
                    latest: incarnation,
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

    /// What became of an incarnation that was lost; `None` while nothing was heard of the node since,
    /// or while it is gone again, unless it `is_there`.
    pub(crate) fn fate(&self, lost: Origin, is_there: bool) -> Option<Fate> {
        let lives = self.nodes.get(&lost.node)?;
        let last = lives.back()?;
        let joined_again = |life: &&Life| (life.process..life.latest).contains(&lost.incarnation);
        match lives.iter().find(joined_again) {
            Some(life) if life.settled > lost.incarnation => Some(Fate::Survived),
            Some(life) if life.process == last.process => is_there.then_some(Fate::Busy),
            // What it was at work on then may have brought it down later.
            Some(_) => Some(Fate::Died),
            None => (last.latest > lost.incarnation).then_some(Fate::Died),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(incarnation: u64) -> Origin {
        Origin {
            node: NodeId(1),
            incarnation: Incarnation(incarnation),
        }
    }

    fn seen(lives: &mut Lives, process: u64, incarnation: u64) {
        settled(lives, process, incarnation, incarnation);
    }

    fn settled(lives: &mut Lives, process: u64, incarnation: u64, settled: u64) {
        lives.seen(&Member {
            origin: origin(incarnation),
            process: Incarnation(process),
            settled: Incarnation(settled),
            name: String::new(),
            cpus: 1,
            draining: false,
        });
    }

    #[test]
    fn a_process_that_joins_again_has_survived_and_one_that_is_followed_has_died() {
        let mut lives = Lives::default();
        let fates = |lives: &Lives| [10, 11, 20, 21].map(|of| lives.fate(origin(of), true));
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

    #[test]
    fn a_process_has_survived_when_what_it_was_at_work_on_has_ended() {
        let mut lives = Lives::default();
        let fates = |lives: &Lives| [10, 11, 12].map(|of| lives.fate(origin(of), true));
        let (survived, busy, died) = (Fate::Survived, Fate::Busy, Fate::Died);
        settled(&mut lives, 10, 12, 10);
        assert_eq!(fates(&lives), [Some(busy), Some(busy), None]);
        settled(&mut lives, 10, 12, 11);
        assert_eq!(fates(&lives), [Some(survived), Some(busy), None]);
        settled(&mut lives, 10, 12, 10);
        assert_eq!(fates(&lives), [Some(survived), Some(busy), None], "late");
        let gone = [10, 11].map(|of| lives.fate(origin(of), false));
        assert_eq!(
            gone,
            [Some(survived), None],
            "it may have been brought down"
        );
        seen(&mut lives, 20, 20);
        assert_eq!(fates(&lives), [survived, died, died].map(Some));
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
        assert_eq!(lives.fate(origin(10), false), None);
    }

    #[test]
    fn memory_is_bounded() {
        let mut lives = Lives::default();
        for process in 0..100 {
            seen(&mut lives, 10 * process, 10 * process);
        }
        assert_eq!(lives.nodes[&NodeId(1)].len(), MAX_LIVES);
        assert_eq!(lives.fate(origin(980), true), Some(Fate::Died));
    }
}
