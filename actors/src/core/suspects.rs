//! Which tiles may have brought down nodes, and which may do so yet.

mod former;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::core::allotment::Share;
use crate::core::msvpu::Stage;
use crate::core::ranks::Ranks;
use crate::id::{Incarnation, Origin, Rank};

pub(crate) use former::Former;
use former::Formers;

/// A tile that was being worked on when so many nodes went down is given up.
pub(crate) const MAX_LOSSES: u8 = 3;

/// Tiles that were being worked on when nodes were lost, and where earlier leaders left some at work.
///
/// Losing a node says of none of its tiles that it was the cause, and a node that joins again as
/// the same process was not brought down by any. A tile that has gone down with all but one of
/// [`MAX_LOSSES`] nodes runs on *trial*, with nothing else at all at work on its node: if that is
/// lost, too, the tile does not run any more, and is to blame unless one of its nodes comes back.
///
/// No tile takes down more than [`MAX_LOSSES`]: the nodes that it has gone down with, and those where
/// it may be at work, are at no time more. So what an earlier leader has left at work counts like a
/// loss, until it is known that nothing of it is: a tile that comes to as many as call for a trial is
/// *held*, and tried when no other than losses are left.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Suspects {
    losses: BTreeMap<Rank, Vec<Loss>>,
    former: Formers,
    trial: Option<Rank>,
}

/// A node with which a tile has gone down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Loss {
    origin: Origin,
    /// The process, once it is known.
    process: Option<Incarnation>,
    /// What the tile was at, or the latest that it may have been at: when it has got past that
    /// elsewhere, it was not the cause.
    stage: Stage,
}

impl Suspects {
    /// Those that may not run now: they wait for their trial, for what comes of it, or for what an
    /// earlier leader has left at work.
    pub(crate) fn held(&self) -> Ranks {
        let places = |rank, losses: &Vec<Loss>| losses.len() + usize::from(self.former.have(rank));
        let lost = self.losses.iter();
        let lost = lost.filter(|(rank, losses)| places(**rank, losses) + 1 >= MAX_LOSSES.into());
        let held: Ranks = lost.map(|(rank, _)| *rank).collect();
        let held = match self.former.twice() {
            none if none.is_empty() => held,
            twice => held.union(twice),
        };
        match self.trial {
            Some(trial) => held.without(&trial.into()),
            None => held,
        }
    }

    fn losses(&self, rank: Rank) -> usize {
        self.losses.get(&rank).map_or(0, Vec::len)
    }

    /// Whether the rank waits for its trial, which is not over, and for nothing else.
    pub(crate) fn awaits_trial(&self, rank: Rank) -> bool {
        let is_due = self.losses(rank) + 1 == usize::from(MAX_LOSSES);
        is_due && self.trial != Some(rank) && !self.former.have(rank)
    }

    /// Whether no tile has gone down with a node.
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

    /// The rank has got past that stage: it is not the cause of what was lost in it or before. Tells
    /// whether that ended its trial.
    pub(crate) fn clear(&mut self, rank: Rank, stage: Stage) -> bool {
        if let Some(losses) = self.losses.get_mut(&rank) {
            losses.retain(|loss| loss.stage > stage);
            if losses.is_empty() {
                self.losses.remove(&rank);
            }
        }
        self.trial.take_if(|trial| *trial == rank).is_some()
    }

    /// All have got past that stage.
    pub(crate) fn clear_all(&mut self, stage: Stage) {
        self.former.retain(|former| former.stage > stage);
    }

    /// A node was lost on which these ranks were placed and had not answered in this stage: they were
    /// at work, but for the held ones, and but for all others where one was on trial. Told twice it
    /// counts once.
    pub(crate) fn lost(&mut self, origin: Origin, placed: &Ranks, stage: Stage) {
        let at_work = self.at_work(placed, &self.held());
        self.suspect(origin, &at_work, stage);
        self.trial.take_if(|trial| placed.contains(*trial));
    }

    fn at_work(&self, placed: &Ranks, held: &Ranks) -> Ranks {
        let trial = self.trial.filter(|trial| placed.contains(*trial));
        trial.map_or_else(|| placed.without(held), Ranks::from)
    }

    fn suspect(&mut self, origin: Origin, at_work: &Ranks, stage: Stage) {
        for rank in at_work.iter() {
            let losses = self.losses.entry(rank).or_default();
            match losses.iter_mut().find(|loss| loss.origin == origin) {
                Some(loss) => loss.stage = loss.stage.max(stage),
                None => losses.push(Loss {
                    origin,
                    process: None,
                    stage,
                }),
            }
        }
    }

    /// The leader is lost, which had these ranks there, and was in that stage at most: they may be at
    /// work there still. So may the one on trial, but no other on its node; the next leader has
    /// reserved no node for it.
    pub(crate) fn leave(&mut self, shares: Vec<Share>, stage: Stage) {
        let held = self.held();
        let left = shares.into_iter().map(|share| Former {
            origin: share.origin,
            ranks: self.at_work(&share.ranks, &held),
            stage,
        });
        let left = left.filter(|former| !former.ranks.is_empty());
        self.former.extend(left.collect());
        self.trial = None;
    }

    /// Nodes were lost on which earlier leaders had ranks: of those these are suspected; the others
    /// are at work elsewhere, or will be, and it is to be told again when they are not.
    pub(crate) fn lost_former(
        &mut self,
        is_lost: impl Fn(Origin) -> bool,
        suspected: impl Fn(&Former) -> Ranks,
        at_work: &Ranks,
    ) {
        let mut stay = Vec::new();
        for mut former in self.former.take(|former| is_lost(former.origin)) {
            let suspected = suspected(&former);
            let idle = suspected.without(at_work);
            self.suspect(former.origin, &idle, former.stage);
            former.ranks = suspected.without(&idle);
            if !former.ranks.is_empty() {
                stay.push(former);
            }
        }
        self.former.extend(stay);
    }

    /// Nothing of earlier leaders is at work there any more. Tells whether anything could have been.
    pub(crate) fn settled(&mut self, origin: Origin) -> bool {
        !self
            .former
            .take(|former| former.origin == origin)
            .is_empty()
    }

    /// Where something of earlier leaders may be at work.
    pub(crate) fn former(&self) -> impl Iterator<Item = &Former> {
        self.former.iter()
    }

    /// The nodes where that is.
    pub(crate) fn unsettled(&self) -> BTreeSet<Origin> {
        self.former().map(|former| former.origin).collect()
    }

    /// The process of a node that was lost is known. One that was lost under several incarnations has gone
    /// down once, if at all.
    pub(crate) fn unite(&mut self, origin: Origin, process: Incarnation) {
        for losses in self.losses.values_mut() {
            let Some(told) = losses.iter_mut().find(|loss| loss.origin == origin) else {
                continue;
            };
            told.process = Some(process);
            let is_of =
                |loss: &Loss| loss.origin.node == origin.node && loss.process == Some(process);
            let same = losses.iter().filter(|loss| is_of(loss)).copied();
            let united = same.reduce(|one, other| Loss {
                origin: one.origin.max(other.origin),
                stage: one.stage.max(other.stage),
                ..one
            });
            losses.retain(|loss| !is_of(loss));
            losses.extend(united);
        }
    }

    /// The node's process lives, and nothing of what was at work there is any more: none of the tiles
    /// has brought it down.
    pub(crate) fn forgive(&mut self, origin: Origin) {
        self.losses.retain(|_, losses| {
            losses.retain(|loss| loss.origin != origin);
            !losses.is_empty()
        });
    }

    /// The nodes that tiles are suspected to have brought down.
    pub(crate) fn nodes(&self) -> BTreeSet<Origin> {
        let losses = self.losses.values().flatten();
        losses.map(|loss| loss.origin).collect()
    }

    /// A tile that has gone down with [`MAX_LOSSES`] nodes, all of which are dead.
    pub(crate) fn poison(&self, is_dead: impl Fn(&Origin) -> bool) -> Option<Rank> {
        let tried = |losses: &Vec<Loss>| losses.len() >= usize::from(MAX_LOSSES);
        let mut tried = self.losses.iter().filter(|(_, losses)| tried(losses));
        let poison = tried.find(|(_, losses)| losses.iter().all(|loss| is_dead(&loss.origin)));
        poison.map(|(rank, _)| *rank)
    }
}

#[cfg(test)]
mod tests;
