//! How many MsVPUs each node gets.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};

use crate::core::ranks::Ranks;
use crate::id::Origin;

/// A node's part of a team: the ranks that it runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Share {
    pub(crate) origin: Origin,
    pub(crate) ranks: Ranks,
}

/// Splits MsVPUs over nodes in proportion to their weights (eq. 8).
///
/// The paper rounds each node by itself, so that its sum can miss the team size. Here every node
/// first gets the whole part of its quota, and the seats left over go to the largest remainders
/// (ties to the earlier node), so that the sum is always exact. Weights are integers, so that no
/// rounding decides a seat.
///
/// Returns nothing when there is no weight to go by.
pub(crate) fn seats(count: u32, weights: &[u32]) -> Vec<u32> {
    let total: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
    if total == 0 {
        return Vec::new();
    }
    let quota = |weight: u32| u64::from(count) * u64::from(weight);
    let mut seats: Vec<u64> = weights.iter().map(|w| quota(*w) / total).collect();
    let left = u64::from(count) - seats.iter().sum::<u64>();
    let mut by_remainder: Vec<usize> = (0..weights.len()).collect();
    by_remainder.sort_by_key(|&i| Reverse(quota(weights[i]) % total));
    // Fewer seats are left than there are nodes with a remainder.
    for &i in by_remainder.iter().take(left as usize) {
        seats[i] += 1;
    }
    seats.into_iter().map(|seats| seats as u32).collect()
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

/// Splits MsVPUs over nodes in proportion to their weights.
pub(crate) fn allot(ranks: Ranks, weights: &[(Origin, u32)]) -> Vec<Share> {
    let plain: Vec<u32> = weights.iter().map(|(_, weight)| *weight).collect();
    let seats = seats(ranks.len() as u32, &plain);
    let origins = weights.iter().map(|(origin, _)| *origin);
    deal(ranks, &origins.zip(seats).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{Incarnation, NodeId};
    use proptest::prelude::*;

    fn origin(node: u32) -> Origin {
        Origin {
            node: NodeId(node),
            incarnation: Incarnation(1),
        }
    }

    #[test]
    fn seats_follow_weights_and_the_largest_remainder() {
        assert_eq!(seats(10, &[1, 1]), [5, 5]);
        // Quotas 3.33, 3.33, 3.33: the seat left over goes to the first.
        assert_eq!(seats(10, &[2, 2, 2]), [4, 3, 3]);
        // Quotas 0.7, 2.8, 3.5: two seats are left, for the remainders .8 and .7.
        assert_eq!(seats(7, &[1, 4, 5]), [1, 3, 3]);
        assert_eq!(seats(1, &[0, 3]), [0, 1]);
        assert_eq!(seats(3, &[0, 0]), []);
    }

    proptest! {
        #[test]
        fn every_rank_has_exactly_one_node(
            team_size in 0_u32..5000,
            weights in prop::collection::vec(0_u32..=u32::MAX, 1..40),
        ) {
            prop_assume!(weights.iter().any(|w| *w > 0));
            let weights: Vec<_> = (0..).map(origin).zip(weights).collect();
            let shares = allot((0..team_size).into(), &weights);
            let ranks: Vec<u32> =
                shares.iter().flat_map(|share| share.ranks.iter()).map(|rank| rank.0).collect();
            prop_assert_eq!(ranks, (0..team_size).collect::<Vec<_>>());
        }

        #[test]
        fn no_node_is_more_than_one_seat_off_its_quota(
            team_size in 0_u32..5000,
            weights in prop::collection::vec(1_u32..1000, 1..40),
        ) {
            let total: u64 = weights.iter().map(|w| u64::from(*w)).sum();
            for (weight, seats) in weights.iter().zip(seats(team_size, &weights)) {
                let quota = f64::from(team_size) * f64::from(*weight) / total as f64;
                prop_assert!((f64::from(seats) - quota).abs() < 1.0);
            }
        }
    }
}
