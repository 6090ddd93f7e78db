//! One answer of each rank: the first counts, a second must be the same.

use crate::core::ranks::Ranks;
use crate::id::Rank;

/// What became of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// The first of its rank; others are still awaited.
    First,
    /// The first of its rank, and the last that was awaited.
    Last,
    /// Came before with the same bytes; dropped.
    Duplicate,
    /// Came before with other bytes: the program is not deterministic.
    Conflict,
    /// No such rank in this team.
    Stranger,
}

/// Answers of a team, in rank order.
#[derive(Debug)]
pub(crate) struct Gather<T> {
    answers: Vec<Option<T>>,
    awaited: usize,
}

impl<T: PartialEq> Gather<T> {
    pub(crate) fn new(team_size: usize) -> Self {
        Self {
            answers: (0..team_size).map(|_| None).collect(),
            awaited: team_size,
        }
    }

    pub(crate) fn take(&mut self, rank: Rank, answer: T) -> Taken {
        match self.answers.get_mut(rank.index()) {
            None => Taken::Stranger,
            Some(Some(first)) if *first == answer => Taken::Duplicate,
            Some(Some(_)) => Taken::Conflict,
            Some(slot) => {
                *slot = Some(answer);
                self.awaited -= 1;
                if self.awaited == 0 {
                    Taken::Last
                } else {
                    Taken::First
                }
            }
        }
    }

    pub(crate) fn has(&self, rank: Rank) -> bool {
        self.answers.get(rank.index()).is_some_and(Option::is_some)
    }

    /// Those of the ranks that have not answered.
    pub(crate) fn missing(&self, ranks: &Ranks) -> Ranks {
        if self.awaited == self.answers.len() {
            return ranks.clone();
        }
        ranks.iter().filter(|rank| !self.has(*rank)).collect()
    }

    /// How many ranks have answered.
    pub(crate) fn answered(&self) -> usize {
        self.answers.len() - self.awaited
    }

    /// Takes the answers out, in rank order; those of ranks that have not answered are left out. What stays
    /// has room for as many.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = T> {
        self.awaited = self.answers.len();
        self.answers.iter_mut().filter_map(Option::take)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_second_answer_must_be_the_first_again() {
        let mut gather = Gather::new(2);
        assert_eq!(gather.take(Rank(1), 7), Taken::First);
        assert_eq!(gather.take(Rank(1), 7), Taken::Duplicate);
        assert_eq!(gather.take(Rank(1), 8), Taken::Conflict);
        assert_eq!(gather.take(Rank(2), 0), Taken::Stranger);
        assert_eq!(gather.take(Rank(0), 5), Taken::Last);
        assert_eq!(gather.drain().collect::<Vec<_>>(), [5, 7]);
    }

    #[test]
    fn once_its_answers_are_out_it_is_as_new() {
        let mut gather = Gather::new(3);
        gather.take(Rank(2), 1);
        assert_eq!(gather.drain().collect::<Vec<_>>(), [1]);
        assert_eq!(gather.answered(), 0);
        assert!(!gather.has(Rank(2)));
        for rank in 0..2 {
            assert_eq!(gather.take(Rank(rank), 2), Taken::First);
        }
        assert_eq!(gather.take(Rank(2), 3), Taken::Last);
        assert_eq!(gather.drain().collect::<Vec<_>>(), [2, 2, 3]);
    }

    proptest! {
        #[test]
        fn answers_come_out_in_rank_order_however_they_arrive(
            order in Just((0_u8..50).collect::<Vec<_>>()).prop_shuffle(),
            repeats in prop::collection::vec(0_usize..50, 0..20),
        ) {
            let mut gather = Gather::new(order.len());
            for (i, rank) in order.iter().enumerate() {
                let last = i + 1 == order.len();
                let taken = gather.take(Rank(u32::from(*rank)), *rank);
                prop_assert_eq!(taken, if last { Taken::Last } else { Taken::First });
                for rank in repeats.iter().filter_map(|at| order[..=i].get(*at)) {
                    let taken = gather.take(Rank(u32::from(*rank)), *rank);
                    prop_assert_eq!(taken, Taken::Duplicate);
                }
            }
            let expected: Vec<_> = (0..50).collect();
            prop_assert_eq!(gather.drain().collect::<Vec<_>>(), expected);
        }
    }
}
