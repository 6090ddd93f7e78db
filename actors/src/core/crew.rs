//! Which node runs which MsVPUs of a team, as its leader knows it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::core::allotment::Share;
use crate::core::ranks::Ranks;
use crate::id::{Incarnation, NodeId, Origin, Rank};

/// The MsVPUs of one node.
#[derive(Debug, Default)]
pub(crate) struct Crew {
    incarnation: Incarnation,
    /// Asked for, not known to be there.
    pub(crate) starting: Ranks,
    pub(crate) live: Ranks,
    /// When its latest answer of this round came.
    answered: Option<Duration>,
    /// How many ticks have passed without one, and at which tick it is asked next.
    quiet: u32,
    patience: u32,
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

/// Ticks without an answer after which a node is asked again, at the latest.
const MAX_PATIENCE: u32 = 8;

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
        }
        same
    }

    /// Those of `ranks` that had not been there; `None` from a node that has no crew.
    pub(crate) fn started(&mut self, origin: Origin, ranks: &Ranks) -> Option<Ranks> {
        let crew = self.get_mut(origin)?;
        let new = ranks.intersection(&crew.starting);
        crew.starting = crew.starting.without(&new);
        crew.live = crew.live.union(&new);
        (crew.quiet, crew.patience) = (0, 0);
        Some(new)
    }

    /// Those of `ranks` that were taken to be there are to be started again; tells which.
    pub(crate) fn absent(&mut self, origin: Origin, ranks: &Ranks) -> Ranks {
        let Some(crew) = self.get_mut(origin) else {
            return Ranks::default();
        };
        let absent = ranks.intersection(&crew.live);
        crew.live = crew.live.without(&absent);
        crew.starting = crew.starting.union(&absent);
        absent
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
            (crew.quiet, crew.patience) = (0, 0);
        }
    }

    pub(crate) fn answered(&mut self, origin: Origin, now: Duration) {
        if let Some(crew) = self.get_mut(origin) {
            crew.answered = Some(now);
            (crew.quiet, crew.patience) = (0, 0);
        }
    }

    /// Which MsVPUs each node ran in the round, and how long it took.
    pub(crate) fn times(&self) -> Vec<(Origin, Ranks, Duration)> {
        self.iter()
            .filter_map(|(origin, crew)| {
                let time = crew.answered?.saturating_sub(self.asked);
                Some((origin, crew.live.clone(), time))
            })
            .collect()
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
        for crew in self.crews.values_mut() {
            crew.quiet += 1;
            if crew.quiet > crew.patience {
                crew.quiet = 0;
                crew.patience = (2 * crew.patience + 1).min(MAX_PATIENCE);
            }
        }
    }

    /// The crews that have been quiet long enough to be asked, at the tick that has just passed.
    pub(crate) fn iter_quiet(&self) -> impl Iterator<Item = (Origin, &Crew)> {
        self.iter().filter(|(_, crew)| crew.quiet == 0)
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
