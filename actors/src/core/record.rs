//! What outlives a leader: where its job stood when it was last heard of.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::core::allotment::Share;
use crate::core::ranks::Ranks;
use crate::id::{Origin, Rank, Round};
use crate::job::NodeReport;
use crate::payload::Payload;

/// A tile that was being worked on when so many nodes went down is given up.
pub(crate) const MAX_LOSSES: u8 = 3;

/// A checkpoint. The task is all the leader's memory, so a new leader goes on from it; who had
/// which ranks and which of them are suspected is kept so that a tile that kills its nodes is found
/// even when they take the leader with them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Counts the records of one leader; each replaces the one before.
    pub(crate) sequence: u64,
    pub(crate) round: Round,
    pub(crate) task: Payload,
    pub(crate) shares: Vec<Share>,
    /// Where earlier leaders had ranks, which may be at work there still.
    pub(crate) former: Vec<Share>,
    pub(crate) suspects: Suspects,
    /// What the nodes have done in the rounds before this one, for the report.
    pub(crate) done: Vec<NodeReport>,
}

/// Tiles that were being worked on when nodes were lost.
///
/// Losing a node says of none of its tiles that it was the cause, and a node that joins again as
/// the same process was not brought down by any. A tile that has gone down with all but one of
/// [`MAX_LOSSES`] nodes runs on *trial*, with nothing else at all at work on its node: if that is
/// lost, too, the tile does not run any more, and is to blame unless one of its nodes comes back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Suspects {
    /// The nodes with which each has gone down.
    losses: BTreeMap<Rank, Vec<Origin>>,
    trial: Option<Rank>,
}

impl Suspects {
    /// Whether the rank may not run now: it waits for its trial, or for what comes of it.
    fn is_held(&self, rank: Rank) -> bool {
        self.trial != Some(rank) && self.has_lost(rank, MAX_LOSSES - 1)
    }

    fn has_lost(&self, rank: Rank, nodes: u8) -> bool {
        let lost = self.losses.get(&rank);
        lost.is_some_and(|lost| lost.len() >= usize::from(nodes))
    }

    /// Those that may not run now.
    pub(crate) fn held(&self) -> Ranks {
        let held = self
            .losses
            .keys()
            .copied()
            .filter(|rank| self.is_held(*rank));
        held.collect()
    }

    /// Whether the rank waits for its trial, which is not over.
    pub(crate) fn awaits_trial(&self, rank: Rank) -> bool {
        self.is_held(rank) && !self.has_lost(rank, MAX_LOSSES)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.losses.is_empty()
    }

    pub(crate) const fn trial(&self) -> Option<Rank> {
        self.trial
    }

    /// Puts a held rank on trial: nothing else is to be at work on its node until that is over.
    pub(crate) const fn try_rank(&mut self, rank: Rank) {
        self.trial = Some(rank);
    }

    /// The trial is off: its node was lost before it began.
    pub(crate) const fn withdraw(&mut self) {
        self.trial = None;
    }

    /// The rank has computed its step: it is not the cause. Tells whether that ended its trial.
    pub(crate) fn clear(&mut self, rank: Rank) -> bool {
        if !self.losses.is_empty() {
            self.losses.remove(&rank);
        }
        let tried = self.trial == Some(rank);
        if tried {
            self.trial = None;
        }
        tried
    }

    /// A node was lost on which these ranks were placed and had not answered: they were at work,
    /// but for the held ones, and but for all others where one was on trial. Told twice it counts
    /// once.
    pub(crate) fn lost(&mut self, origin: Origin, placed: &Ranks) {
        let trial = self.trial.filter(|trial| placed.contains(*trial));
        let at_work = trial.map_or_else(|| placed.without(&self.held()), Ranks::from);
        for rank in at_work.iter() {
            let losses = self.losses.entry(rank).or_default();
            if !losses.contains(&origin) {
                losses.push(origin);
            }
        }
        if trial.is_some() {
            self.trial = None;
        }
    }

    /// A node was lost on which an earlier leader had these ranks. The one on trial is so elsewhere.
    pub(crate) fn lost_former(&mut self, origin: Origin, placed: &Ranks, trial: Option<Rank>) {
        let trial = trial.map_or_else(Ranks::default, Ranks::from);
        self.lost(origin, &placed.without(&trial));
    }

    /// The node's process lives: none of the tiles that were at work there has brought it down.
    pub(crate) fn forgive(&mut self, origin: Origin) {
        self.losses.retain(|_, losses| {
            losses.retain(|lost| *lost != origin);
            !losses.is_empty()
        });
    }

    /// The nodes that tiles are suspected to have brought down.
    pub(crate) fn nodes(&self) -> BTreeSet<Origin> {
        self.losses.values().flatten().copied().collect()
    }

    /// A tile that has gone down with [`MAX_LOSSES`] nodes, all of which are dead.
    pub(crate) fn poison(&self, is_dead: impl Fn(&Origin) -> bool) -> Option<Rank> {
        let mut tried = self
            .losses
            .iter()
            .filter(|(rank, _)| self.has_lost(**rank, MAX_LOSSES));
        let poison = tried.find(|(_, losses)| losses.iter().all(&is_dead));
        poison.map(|(rank, _)| *rank)
    }
}

impl Record {
    /// The leader was lost, and with it what it knew of these nodes, its own among them.
    pub(crate) fn lost(&mut self, is_lost: impl Fn(Origin) -> bool) {
        let trial = self.suspects.trial();
        for share in self.shares.drain(..) {
            if is_lost(share.origin) {
                self.suspects.lost(share.origin, &share.ranks);
            } else {
                self.former.push(share);
            }
        }
        for share in self.former.extract_if(.., |share| is_lost(share.origin)) {
            self.suspects.lost_former(share.origin, &share.ranks, trial);
        }
        // A trial elsewhere: the next leader has reserved no node for it.
        self.suspects.withdraw();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranks(ranks: &[u32]) -> Ranks {
        ranks.iter().copied().map(Rank).collect()
    }

    fn node(node: u32) -> Origin {
        Origin {
            node: crate::id::NodeId(node),
            incarnation: crate::id::Incarnation(1),
        }
    }

    const fn all(_: &Origin) -> bool {
        true
    }

    #[test]
    fn the_tile_that_kills_is_named_and_no_other() {
        let mut suspects = Suspects::default();
        // Ranks 0 to 3 go down together twice.
        suspects.lost(node(1), &ranks(&[0, 1, 2, 3]));
        suspects.lost(node(1), &ranks(&[0, 1, 2, 3]));
        assert_eq!(suspects.held(), ranks(&[]), "told twice");
        suspects.lost(node(2), &ranks(&[0, 1, 2, 3]));
        assert_eq!(suspects.held(), ranks(&[0, 1, 2, 3]));
        // They run one by one.
        suspects.try_rank(Rank(0));
        assert!(suspects.clear(Rank(0)), "it is not the cause");
        suspects.try_rank(Rank(1));
        assert_eq!(suspects.held(), ranks(&[2, 3]));
        assert_eq!(suspects.poison(all), None);
        suspects.lost(node(3), &ranks(&[1, 2, 3, 7]));
        assert_eq!(suspects.poison(all), Some(Rank(1)));
        assert_eq!(suspects.poison(|dead| *dead != node(2)), None, "not yet");
        assert_eq!(suspects.trial(), None);
        let may_be_tried = (0..8).map(Rank).filter(|rank| suspects.awaits_trial(*rank));
        assert_eq!(may_be_tried.collect::<Ranks>(), ranks(&[2, 3]));
        assert_eq!(suspects.held(), ranks(&[1, 2, 3]), "nor does it run again");
        assert!(
            !suspects.losses.contains_key(&Rank(7)),
            "it was not at work"
        );
    }

    #[test]
    fn a_node_that_lives_was_brought_down_by_nobody() {
        let mut suspects = Suspects::default();
        suspects.lost(node(1), &ranks(&[0, 1]));
        suspects.lost(node(2), &ranks(&[0]));
        suspects.try_rank(Rank(0));
        suspects.lost(node(3), &ranks(&[0]));
        suspects.forgive(node(3));
        assert!(
            suspects.awaits_trial(Rank(0)),
            "its trial counts for nothing"
        );
        suspects.forgive(node(1));
        assert_eq!(suspects.held(), ranks(&[]));
        assert_eq!(suspects.nodes(), [node(2)].into());
        suspects.forgive(node(2));
        assert_eq!(suspects, Suspects::default());
    }

    #[test]
    fn a_tile_that_has_computed_is_no_suspect() {
        let mut suspects = Suspects::default();
        for lost in 0..10 {
            suspects.lost(node(lost), &ranks(&[4, 5]));
            assert!(!suspects.clear(Rank(4)));
            assert!(!suspects.clear(Rank(5)));
        }
        assert_eq!(suspects, Suspects::default());
    }

    #[test]
    fn a_trial_that_its_node_survived_otherwise_is_taken_up_again() {
        let mut suspects = Suspects::default();
        suspects.lost(node(1), &ranks(&[1, 2]));
        suspects.lost(node(2), &ranks(&[1, 2]));
        suspects.try_rank(Rank(1));
        // Another node is lost: the trial goes on.
        suspects.lost(node(3), &ranks(&[8]));
        assert_eq!(suspects.trial(), Some(Rank(1)));
    }

    #[test]
    fn a_trial_elsewhere_is_off_when_its_leader_is_lost() {
        let share = |of: u32, ranks_there: &[u32]| Share {
            origin: node(of),
            ranks: ranks(ranks_there),
        };
        let mut suspects = Suspects::default();
        suspects.lost(node(8), &ranks(&[1]));
        suspects.lost(node(9), &ranks(&[1]));
        suspects.try_rank(Rank(1));
        let mut record = Record {
            sequence: 9,
            round: Round(2),
            task: Payload::default(),
            shares: vec![share(0, &[2]), share(1, &[1])],
            former: vec![share(7, &[1, 2]), share(8, &[1, 2])],
            suspects,
            done: Vec::new(),
        };
        record.lost(|origin| origin == node(0) || origin == node(7));
        assert_eq!(record.suspects.trial(), None);
        assert_eq!(record.suspects.held(), ranks(&[1, 2]));
        assert_eq!(record.suspects.losses[&Rank(2)], [node(0), node(7)]);
        assert_eq!(record.former, [share(8, &[1, 2]), share(1, &[1])]);
        // The next leader is where the trial was, and is lost before it has told anything.
        record.lost(|origin| origin == node(0) || origin == node(1));
        assert_eq!(record.suspects.poison(all), None);
        assert_eq!(record.former, [share(8, &[1, 2])]);
    }
}
