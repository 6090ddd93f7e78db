//! Where earlier leaders of a job had ranks that may be at work there still.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::core::msvpu::Stage;
use crate::core::ranks::Ranks;
use crate::id::{Origin, Rank};

/// What an earlier leader had on one node: a step that has begun cannot be stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Former {
    pub(crate) origin: Origin,
    pub(crate) ranks: Ranks,
    /// The latest stage that they may be at.
    pub(crate) stage: Stage,
}

/// All of them, and which ranks they have. That is asked for with every order, and changes rarely.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Former>", into = "Vec<Former>")]
pub(super) struct Formers {
    places: Vec<Former>,
    /// The ranks that may be at work on one node or more, and on two or more.
    once: Ranks,
    twice: Ranks,
}

impl From<Vec<Former>> for Formers {
    fn from(places: Vec<Former>) -> Self {
        let mut nodes = BTreeMap::<Origin, Ranks>::new();
        for former in &places {
            let ranks = nodes.entry(former.origin).or_default();
            *ranks = ranks.union(&former.ranks);
        }
        let (mut once, mut twice) = (Ranks::default(), Ranks::default());
        for ranks in nodes.values() {
            twice = twice.union(&once.intersection(ranks));
            once = once.union(ranks);
        }
        Self {
            places,
            once,
            twice,
        }
    }
}

impl From<Formers> for Vec<Former> {
    fn from(formers: Formers) -> Self {
        formers.places
    }
}

impl Formers {
    pub(super) fn iter(&self) -> impl Iterator<Item = &Former> {
        self.places.iter()
    }

    /// Whether the rank may be at work somewhere.
    pub(super) fn have(&self, rank: Rank) -> bool {
        self.once.contains(rank)
    }

    /// Those that may be at work on two nodes or more.
    pub(super) const fn twice(&self) -> &Ranks {
        &self.twice
    }

    pub(super) fn extend(&mut self, more: Vec<Former>) {
        if !more.is_empty() {
            let mut places = std::mem::take(&mut self.places);
            places.extend(more);
            *self = places.into();
        }
    }

    pub(super) fn retain(&mut self, stays: impl Fn(&Former) -> bool) {
        drop(self.take(|former| !stays(former)));
    }

    /// Takes out those that `goes`.
    pub(super) fn take(&mut self, goes: impl Fn(&Former) -> bool) -> Vec<Former> {
        let gone: Vec<Former> = self.places.extract_if(.., |former| goes(former)).collect();
        if !gone.is_empty() {
            *self = std::mem::take(&mut self.places).into();
        }
        gone
    }
}
