//! A set of ranks, as the ranges that it is made of.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::id::Rank;

/// A set of ranks: sorted ranges that neither touch nor overlap, so that a team of a million on
/// one node is two numbers on the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Range<u32>>")]
pub(crate) struct Ranks(Vec<Range<u32>>);

/// No team has more: whoever says so wants to keep us busy.
const MOST: usize = 1 << 24;

/// What was read is not a set of ranks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum NotRanks {
    #[error("an empty or reversed range of ranks")]
    Empty,
    #[error("ranges of ranks that touch, overlap or are out of order")]
    Order,
    #[error("more than {MOST} ranks")]
    Many,
}

impl TryFrom<Vec<Range<u32>>> for Ranks {
    type Error = NotRanks;

    fn try_from(ranges: Vec<Range<u32>>) -> Result<Self, NotRanks> {
        if ranges.iter().any(Range::is_empty) {
            return Err(NotRanks::Empty);
        }
        if ranges.windows(2).any(|pair| pair[0].end >= pair[1].start) {
            return Err(NotRanks::Order);
        }
        let ranks = Self(ranges);
        if ranks.len() > MOST {
            return Err(NotRanks::Many);
        }
        Ok(ranks)
    }
}

impl Ranks {
    pub(crate) fn len(&self) -> usize {
        self.0.iter().map(|range| range.len()).sum()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Rank> {
        self.0.iter().cloned().flatten().map(Rank)
    }

    /// One more than the highest; 0 where there is none.
    pub(crate) fn end(&self) -> u32 {
        self.0.last().map_or(0, |range| range.end)
    }

    pub(crate) fn ranges(&self) -> &[Range<u32>] {
        &self.0
    }

    /// The index of the first range that ends after `rank`.
    fn place(&self, rank: u32) -> usize {
        self.0.partition_point(|range| range.end <= rank)
    }

    pub(crate) fn contains(&self, rank: Rank) -> bool {
        self.0
            .get(self.place(rank.0))
            .is_some_and(|range| range.contains(&rank.0))
    }

    pub(crate) fn union(&self, other: &Self) -> Self {
        let mut ranges: Vec<Range<u32>> = self.0.iter().chain(&other.0).cloned().collect();
        ranges.sort_by_key(|range| range.start);
        let mut united = Self::default();
        for range in ranges {
            match united.0.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => united.0.push(range),
            }
        }
        united
    }

    /// Those of `self` that are not in `other`.
    pub(crate) fn without(&self, other: &Self) -> Self {
        let mut left = Vec::new();
        let mut cuts = other.0.iter().peekable();
        for range in &self.0 {
            let mut start = range.start;
            while let Some(cut) = cuts.peek() {
                if cut.start >= range.end {
                    break;
                }
                if cut.end > start {
                    if cut.start > start {
                        left.push(start..cut.start);
                    }
                    start = cut.end;
                }
                if cut.end > range.end {
                    break;
                }
                cuts.next();
            }
            if start < range.end {
                left.push(start..range.end);
            }
        }
        Self(left)
    }

    pub(crate) fn intersection(&self, other: &Self) -> Self {
        self.without(&self.without(other))
    }

    /// Takes the first `count` out, or all when there are fewer.
    pub(crate) fn split_first(&mut self, count: usize) -> Self {
        let (mut taken, mut count) = (Self::default(), count);
        while count > 0 && !self.0.is_empty() {
            let range = &mut self.0[0];
            let part = range.len().min(count) as u32;
            taken.0.push(range.start..range.start + part);
            count -= part as usize;
            range.start += part;
            if range.start >= range.end {
                self.0.remove(0);
            }
        }
        taken
    }
}

impl From<Range<u32>> for Ranks {
    fn from(range: Range<u32>) -> Self {
        Self(if range.is_empty() {
            Vec::new()
        } else {
            vec![range]
        })
    }
}

impl From<Rank> for Ranks {
    fn from(rank: Rank) -> Self {
        // No team has the last.
        (rank.0..rank.0.saturating_add(1)).into()
    }
}

/// From ranks in any order.
impl FromIterator<Rank> for Ranks {
    fn from_iter<I: IntoIterator<Item = Rank>>(ranks: I) -> Self {
        let mut sorted: Vec<u32> = ranks.into_iter().map(|rank| rank.0).collect();
        // No team has it.
        sorted.retain(|rank| *rank < u32::MAX);
        sorted.sort_unstable();
        sorted.dedup();
        let mut set = Self::default();
        for rank in sorted {
            match set.0.last_mut() {
                Some(last) if last.end == rank => last.end += 1,
                _ => set.0.push(rank..rank + 1),
            }
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn set(ranks: &Ranks) -> BTreeSet<u32> {
        ranks.iter().map(|rank| rank.0).collect()
    }

    fn is_sound(ranks: &Ranks) -> bool {
        ranks.0.iter().all(|range| !range.is_empty())
            && ranks.0.windows(2).all(|pair| pair[0].end < pair[1].start)
    }

    fn some() -> impl Strategy<Value = BTreeSet<u32>> {
        prop::collection::btree_set(0_u32..40, 0..30)
    }

    #[test]
    #[allow(clippy::reversed_empty_ranges, clippy::single_range_in_vec_init)]
    fn what_is_no_set_is_not_read_as_one() {
        for (ranges, wrong) in [
            (vec![5..3], NotRanks::Empty),
            (vec![0..2, 4..4], NotRanks::Empty),
            (vec![0..2, 2..3], NotRanks::Order),
            (vec![0..4, 2..6], NotRanks::Order),
            (vec![7..9, 0..2], NotRanks::Order),
            (vec![0..u32::MAX], NotRanks::Many),
        ] {
            let bytes = postcard::to_allocvec(&ranges).unwrap();
            assert!(postcard::from_bytes::<Ranks>(&bytes).is_err(), "{ranges:?}");
            assert_eq!(Ranks::try_from(ranges), Err(wrong));
        }
    }

    /// Nothing of what comes from another process is to panic.
    #[test]
    fn the_last_rank_that_can_be_said_is_in_no_set() {
        let last = Rank(u32::MAX);
        assert!(Ranks::from(last).is_empty());
        let set: Ranks = [last, Rank(u32::MAX - 1)].into_iter().collect();
        assert_eq!(set, Ranks::from(Rank(u32::MAX - 1)));
        assert!(!set.contains(last));
    }

    proptest! {
        #[test]
        fn they_are_a_set(a in some(), b in some(), count in 0_usize..45) {
            let ranks = |set: &BTreeSet<u32>| set.iter().copied().map(Rank).collect::<Ranks>();
            let (x, y) = (ranks(&a), ranks(&b));
            prop_assert_eq!(x.len(), a.len());
            prop_assert_eq!(x.end(), a.last().map_or(0, |last| last + 1));
            let bytes = postcard::to_allocvec(&x).unwrap();
            prop_assert_eq!(postcard::from_bytes::<Ranks>(&bytes).unwrap(), x.clone());
            for rank in 0..42 {
                prop_assert_eq!(x.contains(Rank(rank)), a.contains(&rank));
            }
            for (found, expected) in [
                (x.union(&y), &a | &b),
                (x.without(&y), &a - &b),
                (x.intersection(&y), &a & &b),
            ] {
                prop_assert!(is_sound(&found), "{found:?}");
                prop_assert_eq!(set(&found), expected);
            }
            let mut rest = x.clone();
            let first = rest.split_first(count);
            prop_assert!(is_sound(&first) && is_sound(&rest));
            prop_assert_eq!(first.len(), count.min(a.len()));
            prop_assert_eq!(set(&first), a.iter().copied().take(count).collect::<BTreeSet<_>>());
            prop_assert_eq!(set(&rest), a.iter().copied().skip(count).collect::<BTreeSet<_>>());
        }
    }
}
