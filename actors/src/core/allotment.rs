//! How many MsVPUs each node gets.

use serde::{Deserialize, Serialize};

use crate::core::ranks::Ranks;
use crate::id::Origin;

/// A node's part of a team: the ranks that it runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Share {
    pub(crate) origin: Origin,
    pub(crate) ranks: Ranks,
}

/// Deals ranks out, so many to each node, in order; nodes that get none are left out.
pub(crate) fn deal(mut ranks: Ranks, counts: &[(Origin, u32)]) -> Vec<Share> {
    counts
        .iter()
        .map(|(origin, count)| Share {
            origin: *origin,
            ranks: ranks.split_first(*count as usize),
        })
        .filter(|share| !share.ranks.is_empty())
        .collect()
}

/// Rounds real quotas to whole seats whose sum is exactly `seats`, by the largest remainder.
///
/// Quotas are finite, not negative, and their sum is `seats` up to rounding errors; what those
/// errors leave over or claim twice is settled by the remainders too. Ties go to the earlier one.
/// Returns an empty list for an empty one.
pub(crate) fn whole(seats: u32, quotas: &[f64]) -> Vec<u32> {
    let mut counts: Vec<u32> = quotas.iter().map(|quota| quota.floor() as u32).collect();
    let mut by_remainder: Vec<usize> = (0..quotas.len()).collect();
    by_remainder.sort_by(|&a, &b| quotas[b].fract().total_cmp(&quotas[a].fract()));
    let given: u64 = counts.iter().copied().map(u64::from).sum();
    if given > u64::from(seats) {
        let mut over = given - u64::from(seats);
        for &i in by_remainder.iter().rev() {
            let back = over.min(u64::from(counts[i]));
            counts[i] -= back as u32;
            over -= back;
        }
    } else {
        let left = u64::from(seats) - given;
        for &i in
            by_remainder
                .iter()
                .cycle()
                .take(if counts.is_empty() { 0 } else { left as usize })
        {
            counts[i] += 1;
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{Incarnation, NodeId, Rank};
    use proptest::prelude::*;

    #[test]
    fn quotas_become_whole_by_the_largest_remainder() {
        // 0 + 2 + 3 = 5 whole seats; the two left go to the remainders .8 and .7.
        assert_eq!(whole(7, &[0.7, 2.8, 3.5]), [1, 3, 3]);
        assert_eq!(whole(10, &[10.0 / 3.0; 3]), [4, 3, 3]);
        // What rounding errors add or take away is settled too.
        assert_eq!(whole(3, &[2.0, 2.0]), [2, 1]);
        assert_eq!(whole(5, &[2.0, 1.999]), [3, 2]);
        assert!(whole(5, &[]).is_empty());
    }

    proptest! {
        #[test]
        fn every_rank_has_exactly_one_node(
            team_size in 0_u32..5000,
            weights in prop::collection::vec(0_u32..1000, 1..40),
        ) {
            let total: u32 = weights.iter().sum();
            prop_assume!(total > 0);
            let quotas: Vec<f64> = weights
                .iter()
                .map(|weight| f64::from(team_size) * f64::from(*weight) / f64::from(total))
                .collect();
            let counts = whole(team_size, &quotas);
            for (count, quota) in counts.iter().zip(&quotas) {
                prop_assert!((f64::from(*count) - quota).abs() < 1.0);
            }
            let origins = (0..).map(|node| Origin { node: NodeId(node), incarnation: Incarnation(1) });
            let counts: Vec<_> = origins.zip(counts).collect();
            let shares = deal((0..team_size).into(), &counts);
            let ranks: Vec<Rank> = shares.iter().flat_map(|share| share.ranks.iter()).collect();
            prop_assert_eq!(ranks, (0..team_size).map(Rank).collect::<Vec<_>>());
        }
    }
}
