//! Which node runs which MsVPUs of a team, as its leader knows it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::core::allotment::Share;
use crate::core::ranks::Ranks;
use crate::id::{Incarnation, NodeId, Origin, Rank};

/// What a node did in a round.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lap {
    pub(crate) origin: Origin,
    pub(crate) ranks: Ranks,
    /// From the task to its last answer; none without an answer.
    pub(crate) took: Option<Duration>,
    /// Whether it had all its MsVPUs with their tiles when the round began: only then does the time
    /// tell how fast it is.
    pub(crate) whole: bool,
}

/// The MsVPUs of one node.
#[derive(Debug, Default)]
pub(crate) struct Crew {
    incarnation: Incarnation,
    /// Asked for, not known to be there.
    pub(crate) starting: Ranks,
    pub(crate) live: Ranks,
    /// Of those that are there, these have not been sent their tiles: the record of where they are
    /// is not safe yet, or others have not started.
    pub(crate) unsent: Ranks,
    /// Those that have no place there any more, until the node says that they are gone.
    retiring: Ranks,
    /// When its latest answer of this round came.
    answered: Option<Duration>,
    /// Whether tiles have come to it in this round.
    refilled: bool,
    /// Whether a word has come since the last tick.
    speaks: bool,
    /// For so many ticks it is not asked, because tiles are on their way to it.
    grace: u32,
    /// How many ticks have passed since then or since it was asked, and how often it was.
    silent: u32,
    asked: u32,
    /// Whether it is to be asked at this tick.
    due: bool,
}

/// The crews of a team, by node.
#[derive(Debug, Default)]
pub(crate) struct Crews {
    crews: BTreeMap<NodeId, Crew>,
    /// The latest incarnation of each node that is known to be lost.
    lost: BTreeMap<NodeId, Incarnation>,
    /// When the order of this round went out.
    asked: Duration,
}

/// So often a node is asked at every tick, because something may have got lost; then it is most
/// likely at work, and is asked ever more rarely.
const EAGER: u32 = 3;

/// Ticks without a sign of tiles that come, after which a node may be asked for them.
const GRACE: u32 = 3;

/// Ticks without an answer after which a node is asked again, at the latest.
const MAX_PATIENCE: u32 = 9;

impl Crew {
    /// A word of it has come: it is not asked at the next tick.
    fn heard(&mut self) {
        (self.silent, self.asked, self.due) = (0, 0, false);
        self.speaks = true;
    }

    fn tick(&mut self) {
        let spoke = std::mem::take(&mut self.speaks);
        self.due = false;
        if self.grace > 0 {
            self.grace -= 1;
            return;
        }
        if spoke {
            return;
        }
        self.silent += 1;
        let patience = match self.asked.checked_sub(EAGER) {
            None => 1,
            Some(more) => (2 << more.min(MAX_PATIENCE)).min(MAX_PATIENCE),
        };
        self.due = self.silent >= patience;
        if self.due {
            (self.silent, self.asked) = (0, self.asked + 1);
        }
    }
}

impl Crews {
    pub(crate) fn get(&self, origin: Origin) -> Option<&Crew> {
        let crew = self.crews.get(&origin.node);
        crew.filter(|crew| crew.incarnation == origin.incarnation)
    }

    fn get_mut(&mut self, origin: Origin) -> Option<&mut Crew> {
        let crew = self.crews.get_mut(&origin.node);
        crew.filter(|crew| crew.incarnation == origin.incarnation)
    }

    pub(crate) fn has(&self, origin: Origin) -> bool {
        self.get(origin).is_some()
    }

    /// Whether the rank is placed there.
    pub(crate) fn runs(&self, origin: Origin, rank: Rank) -> bool {
        self.get(origin)
            .is_some_and(|crew| crew.live.contains(rank))
    }

    /// Puts ranks on a node; `false` when the node is known under another incarnation, or lost: what
    /// was decided before the loss may be heard of after it.
    pub(crate) fn place(&mut self, origin: Origin, ranks: &Ranks) -> bool {
        let lost = self.lost.get(&origin.node);
        if lost.is_some_and(|lost| *lost >= origin.incarnation) {
            return false;
        }
        let crew = self.crews.entry(origin.node).or_insert_with(|| Crew {
            incarnation: origin.incarnation,
            ..Crew::default()
        });
        let same = crew.incarnation == origin.incarnation;
        if same {
            crew.starting = crew.starting.union(ranks);
            crew.retiring = crew.retiring.without(ranks);
        }
        same
    }

    /// Those of `ranks` that had not been there; `None` from a node that has no crew.
    pub(crate) fn started(&mut self, origin: Origin, ranks: &Ranks) -> Option<Ranks> {
        let crew = self.get_mut(origin)?;
        let new = ranks.intersection(&crew.starting);
        crew.refilled |= !new.is_empty();
        crew.starting = crew.starting.without(&new);
        crew.live = crew.live.union(&new);
        crew.heard();
        Some(new)
    }

    /// Those of `ranks` that have started where they have no place: the order to start them has come
    /// after that to stop them.
    pub(crate) fn strays(&mut self, origin: Origin, ranks: &Ranks) -> Ranks {
        let Some(crew) = self.get_mut(origin) else {
            return Ranks::default();
        };
        let strays = ranks.without(&crew.live);
        crew.retiring = crew.retiring.union(&strays);
        strays
    }

    /// Tiles are on their way to it. Many take long, and asking for those that have not come yet
    /// would double them.
    pub(crate) fn loading(&mut self, origin: Origin) {
        if let Some(crew) = self.get_mut(origin) {
            crew.grace = GRACE;
            crew.refilled = true;
        }
    }

    /// Those of `ranks` that were taken to be there are to be started again; tells which.
    pub(crate) fn absent(&mut self, origin: Origin, ranks: &Ranks) -> Ranks {
        let Some(crew) = self.get_mut(origin) else {
            return Ranks::default();
        };
        let absent = ranks.intersection(&crew.live);
        crew.live = crew.live.without(&absent);
        crew.unsent = crew.unsent.without(&absent);
        crew.starting = crew.starting.union(&absent);
        absent
    }

    /// Those of `ranks` that were to stop there have; tells whether there are any.
    pub(crate) fn retired(&mut self, origin: Origin, ranks: &Ranks) -> bool {
        let Some(crew) = self.get_mut(origin) else {
            return false;
        };
        let before = crew.retiring.len();
        crew.retiring = crew.retiring.without(ranks);
        crew.retiring.len() < before
    }

    /// Those that are not known to have stopped where they have no place any more.
    pub(crate) fn iter_retiring(&self) -> impl Iterator<Item = (Origin, &Ranks)> {
        let retiring = self.iter().map(|(origin, crew)| (origin, &crew.retiring));
        retiring.filter(|(_, ranks)| !ranks.is_empty())
    }

    /// Those of the ranks that are there are not to be sent their tiles yet.
    pub(crate) fn hold_back(&mut self, origin: Origin, ranks: &Ranks) {
        if let Some(crew) = self.get_mut(origin) {
            let here = ranks.intersection(&crew.live);
            crew.unsent = crew.unsent.union(&here);
        }
    }

    /// Whether MsVPUs were asked for that are not known to be there.
    pub(crate) fn are_starting(&self) -> bool {
        self.crews.values().any(|crew| !crew.starting.is_empty())
    }

    /// Those that were held back until now.
    pub(crate) fn take_unsent(&mut self) -> Vec<(Origin, Ranks)> {
        let mut unsent = Vec::new();
        for (node, crew) in &mut self.crews {
            let origin = Origin {
                node: *node,
                incarnation: crew.incarnation,
            };
            if !crew.unsent.is_empty() {
                unsent.push((origin, std::mem::take(&mut crew.unsent)));
            }
        }
        unsent
    }

    /// Takes ranks away from all nodes but `except`; tells from which.
    pub(crate) fn remove(&mut self, ranks: &Ranks, except: Origin) -> Vec<(Origin, Ranks)> {
        let mut removed = Vec::new();
        for (node, crew) in &mut self.crews {
            let origin = Origin {
                node: *node,
                incarnation: crew.incarnation,
            };
            let here = crew.live.intersection(ranks);
            if origin != except && !here.is_empty() {
                crew.live = crew.live.without(&here);
                crew.unsent = crew.unsent.without(&here);
                crew.retiring = crew.retiring.union(&here);
                removed.push((origin, here));
            }
        }
        removed
    }

    /// The node is lost, and never comes back under this incarnation.
    pub(crate) fn lose(&mut self, origin: Origin) -> Option<Crew> {
        let latest = self.lost.entry(origin.node).or_default();
        *latest = origin.incarnation.max(*latest);
        self.get(origin)?;
        self.crews.remove(&origin.node)
    }

    /// A round has begun.
    pub(crate) fn ask(&mut self, now: Duration) {
        self.asked = now;
        for crew in self.crews.values_mut() {
            crew.answered = None;
            crew.refilled = !crew.unsent.is_empty();
            crew.heard();
            crew.speaks = false;
        }
    }

    pub(crate) fn answered(&mut self, origin: Origin, now: Duration) {
        if let Some(crew) = self.get_mut(origin) {
            crew.answered = Some(now);
            crew.heard();
        }
    }

    /// Which MsVPUs each node runs at the end of the round, and how long they took for it.
    pub(crate) fn laps(&self) -> Vec<Lap> {
        let lap = |(origin, crew): (Origin, &Crew)| Lap {
            origin,
            ranks: crew.live.clone(),
            took: crew.answered.map(|at| at.saturating_sub(self.asked)),
            whole: !crew.refilled,
        };
        self.iter().map(lap).collect()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Origin, &Crew)> {
        self.crews.iter().map(|(node, crew)| {
            let origin = Origin {
                node: *node,
                incarnation: crew.incarnation,
            };
            (origin, crew)
        })
    }

    /// A tick has passed. The longer a crew is quiet the more rarely it is asked: most are just at
    /// work.
    pub(crate) fn tick(&mut self) {
        self.crews.values_mut().for_each(Crew::tick);
    }

    /// The crews that have been quiet long enough to be asked, at the tick that has just passed.
    pub(crate) fn iter_quiet(&self) -> impl Iterator<Item = (Origin, &Crew)> {
        self.iter().filter(|(_, crew)| crew.due)
    }

    pub(crate) fn place_of(&self, rank: Rank) -> Option<Origin> {
        self.iter()
            .find(|(_, crew)| crew.live.contains(rank))
            .map(|(origin, _)| origin)
    }

    pub(crate) fn origins(&self) -> Vec<Origin> {
        self.iter().map(|(origin, _)| origin).collect()
    }

    pub(crate) fn shares(&self) -> Vec<Share> {
        self.iter()
            .map(|(origin, crew)| Share {
                origin,
                ranks: crew.live.union(&crew.starting),
            })
            .filter(|share| !share.ranks.is_empty())
            .collect()
    }
}

#[cfg(test)]
mod tests;
