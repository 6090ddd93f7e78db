//! Which reservation of a node's CPUs a team has, whatever gets lost, repeated or overtaken.

use serde::{Deserialize, Serialize};

use crate::core::ranks::Ranks;
use crate::id::Rank;

/// Counts the reservations that one leader asks for, on whatever nodes: an answer to an earlier
/// question says nothing about the latest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct ReservationId(pub(crate) u64);

impl ReservationId {
    pub(crate) const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// What a node remembers of one team's reservations.
#[derive(Debug, Default)]
pub(crate) struct Reservations {
    /// The latest that was asked for.
    asked: ReservationId,
    /// The rank that it is for.
    rank: Option<Rank>,
    /// The latest that is over.
    released: ReservationId,
}

/// What an order to reserve calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// A new reservation. One before it is over, though the order to release it has not come.
    New,
    /// The one that is there or under way.
    Again,
    /// That one is over.
    Late,
}

impl Reservations {
    pub(crate) fn reserve(&mut self, id: ReservationId, rank: Rank) -> Asked {
        if id < self.asked || id <= self.released {
            return Asked::Late;
        }
        if id == self.asked {
            return Asked::Again;
        }
        (self.asked, self.rank) = (id, Some(rank));
        Asked::New
    }

    /// Tells whether the latest that was asked for is over now.
    pub(crate) fn release(&mut self, id: ReservationId) -> bool {
        self.released = self.released.max(id);
        self.asked <= self.released
    }

    /// Those that may be given orders: from the moment that the CPUs are asked for, an order to
    /// another rank has been overtaken, and its leader will repeat it.
    pub(crate) fn admitted(&self, ranks: &Ranks) -> Ranks {
        let only = self.rank.filter(|_| self.asked > self.released);
        only.map_or_else(|| ranks.clone(), |only| ranks.intersection(&only.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_and_repeated_orders_change_nothing() {
        let mut of = Reservations::default();
        let id = ReservationId;
        assert_eq!(of.reserve(id(1), Rank(1)), Asked::New);
        assert_eq!(of.reserve(id(1), Rank(1)), Asked::Again);
        assert!(of.release(id(1)));
        assert_eq!(
            of.reserve(id(1), Rank(1)),
            Asked::Late,
            "overtaken by its release"
        );
        assert_eq!(of.reserve(id(3), Rank(3)), Asked::New);
        assert!(!of.release(id(1)), "the release of an earlier one");
        assert_eq!(of.reserve(id(2), Rank(2)), Asked::Late);
        assert_eq!(
            of.reserve(id(4), Rank(4)),
            Asked::New,
            "the release of 3 was lost"
        );
        assert!(!of.release(id(3)));
        assert_eq!(of.reserve(id(4), Rank(4)), Asked::Again);
        assert!(of.release(id(5)), "a release that has overtaken its order");
        assert_eq!(of.reserve(id(5), Rank(5)), Asked::Late);
    }

    #[test]
    fn orders_go_to_the_one_alone_that_the_cpus_are_reserved_for() {
        let mut of = Reservations::default();
        let all = Ranks::from(0..5);
        assert_eq!(of.admitted(&all), all);
        of.reserve(ReservationId(1), Rank(3));
        assert_eq!(of.admitted(&all), Rank(3).into());
        assert_eq!(of.admitted(&Ranks::from(0..3)), Ranks::default());
        of.reserve(ReservationId(2), Rank(1));
        of.release(ReservationId(1));
        assert_eq!(of.admitted(&all), Rank(1).into());
        of.release(ReservationId(2));
        assert_eq!(of.admitted(&all), all);
    }
}
