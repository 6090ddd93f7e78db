//! What outlives a leader: where its job stood when it was last heard of.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::core::allotment::Share;
use crate::core::ranks::Ranks;
use crate::error::JobError;
use crate::id::{Origin, Rank, Round};
use crate::payload::Payload;

/// A tile that was being worked on when so many nodes were lost is given up.
pub(crate) const MAX_LOSSES: u8 = 3;

/// A checkpoint. The task is all the leader's memory, so a new leader goes on from it; who had
/// which ranks and which of them are suspected is kept so that a tile that kills its nodes is found
/// even when they take the leader with them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Counts the records of one leader; each replaces the one before.
    pub(crate) sequence: u64,
    pub(crate) round: Round,
    pub(crate) task: Payload,
    pub(crate) shares: Vec<Share>,
    pub(crate) suspects: Suspects,
}

/// Tiles that were being worked on when nodes were lost.
///
/// Losing a node says of none of its tiles that it was the cause. A tile that has gone down with
/// all but one of [`MAX_LOSSES`] nodes therefore runs on *trial*, with nothing else at all at work
/// on its node: if the node is lost once more, that tile and no other has reached the limit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Suspects {
    losses: BTreeMap<Rank, u8>,
    trial: Option<Rank>,
}

impl Suspects {
    /// Whether the rank may not run now, because it waits for its trial.
    fn is_held(&self, rank: Rank) -> bool {
        self.trial != Some(rank) && self.losses.get(&rank).is_some_and(|n| *n >= MAX_LOSSES - 1)
    }

    /// Those that wait for their trial.
    pub(crate) fn held(&self) -> Ranks {
        let held = self
            .losses
            .keys()
            .copied()
            .filter(|rank| self.is_held(*rank));
        held.collect()
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
        if self.losses.is_empty() {
            return false;
        }
        self.losses.remove(&rank);
        let tried = self.trial == Some(rank);
        if tried {
            self.trial = None;
        }
        tried
    }

    /// A node was lost on which these ranks were placed and had not answered: they were at work,
    /// but for the held ones, and but for all others where one was on trial.
    ///
    /// # Errors
    /// When one of them has gone down with [`MAX_LOSSES`] nodes.
    pub(crate) fn lost(&mut self, placed: &Ranks) -> Result<(), JobError> {
        let trial = self.trial.filter(|trial| placed.contains(*trial));
        let at_work = trial.map_or_else(|| placed.without(&self.held()), Ranks::from);
        let mut poison = None;
        for rank in at_work.iter() {
            let losses = self.losses.entry(rank).or_default();
            *losses += 1;
            if *losses >= MAX_LOSSES {
                poison = Some(rank);
            }
        }
        if trial.is_some() {
            self.trial = None;
        }
        match poison {
            Some(rank) => Err(JobError::PoisonTile {
                rank,
                losses: MAX_LOSSES,
            }),
            None => Ok(()),
        }
    }
}

impl Record {
    /// The leader's node was lost, and with it the MsVPUs there.
    ///
    /// # Errors
    /// When one of its tiles has gone down with [`MAX_LOSSES`] nodes.
    pub(crate) fn lost(&mut self, leader: Origin) -> Result<(), JobError> {
        for share in self.shares.iter().filter(|share| share.origin == leader) {
            self.suspects.lost(&share.ranks)?;
        }
        // A trial elsewhere: the next leader has reserved no node for it.
        self.suspects.withdraw();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranks(ranks: &[u32]) -> Ranks {
        ranks.iter().copied().map(Rank).collect()
    }

    #[test]
    fn the_tile_that_kills_is_named_and_no_other() {
        let mut suspects = Suspects::default();
        // Ranks 0 to 3 go down together twice.
        assert_eq!(suspects.lost(&ranks(&[0, 1, 2, 3])), Ok(()));
        assert_eq!(suspects.held(), ranks(&[]));
        assert_eq!(suspects.lost(&ranks(&[0, 1, 2, 3])), Ok(()));
        assert_eq!(suspects.held(), ranks(&[0, 1, 2, 3]));
        // They run one by one.
        suspects.try_rank(Rank(0));
        assert!(suspects.clear(Rank(0)), "it is not the cause");
        suspects.try_rank(Rank(1));
        assert_eq!(suspects.held(), ranks(&[2, 3]));
        let poison = suspects.lost(&ranks(&[1, 2, 3, 7]));
        assert_eq!(
            poison,
            Err(JobError::PoisonTile {
                rank: Rank(1),
                losses: 3
            })
        );
        let losses = [(1, 3), (2, 2), (3, 2)].map(|(rank, losses)| (Rank(rank), losses));
        assert_eq!(suspects.losses, losses.into(), "no other was at work");
    }

    #[test]
    fn a_tile_that_has_computed_is_no_suspect() {
        let mut suspects = Suspects::default();
        for _ in 0..10 {
            assert_eq!(suspects.lost(&ranks(&[4, 5])), Ok(()));
            assert!(!suspects.clear(Rank(4)));
            assert!(!suspects.clear(Rank(5)));
        }
        assert_eq!(suspects, Suspects::default());
    }

    #[test]
    fn a_trial_that_its_node_survived_otherwise_is_taken_up_again() {
        let mut suspects = Suspects::default();
        suspects.lost(&ranks(&[1, 2])).unwrap();
        suspects.lost(&ranks(&[1, 2])).unwrap();
        suspects.try_rank(Rank(1));
        // Another node is lost: the trial goes on.
        suspects.lost(&ranks(&[8])).unwrap();
        assert_eq!(suspects.trial(), Some(Rank(1)));
    }

    #[test]
    fn a_trial_elsewhere_is_off_when_its_leader_is_lost() {
        let origin = |node| Origin {
            node: crate::id::NodeId(node),
            incarnation: crate::id::Incarnation(1),
        };
        let share = |node, of: &[u32]| Share {
            origin: origin(node),
            ranks: ranks(of),
        };
        let mut suspects = Suspects::default();
        suspects.lost(&ranks(&[1])).unwrap();
        suspects.lost(&ranks(&[1])).unwrap();
        suspects.try_rank(Rank(1));
        let mut record = Record {
            sequence: 9,
            round: Round(2),
            task: Payload::default(),
            shares: vec![share(0, &[2]), share(1, &[1])],
            suspects,
        };
        assert_eq!(record.lost(origin(0)), Ok(()));
        assert_eq!(record.suspects.trial(), None);
        assert_eq!(record.suspects.held(), ranks(&[1]));
        // The next leader is where the trial was, and is lost before it has told anything.
        assert_eq!(record.lost(origin(1)), Ok(()));
    }
}
