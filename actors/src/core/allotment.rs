//! How many MsVPUs each node gets.

use std::cmp::Reverse;
use std::ops::Range;

use crate::id::NodeId;

/// A node's part of a team: the ranks that it runs.
#[doc(alias = "NLI")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Share {
    pub(crate) node: NodeId,
    pub(crate) ranks: Range<u32>,
}

/// Splits `team_size` MsVPUs over nodes in proportion to their weights (eq. 8).
///
/// The paper rounds each node by itself, so that its sum can miss the team size. Here every node
/// first gets the whole part of its quota, and the seats left over go to the largest remainders
/// (ties to the earlier node), so that the sum is always exact. Ranks are contiguous per node;
/// nodes that get none are left out. Weights are integers, so that no rounding decides a seat.
///
/// Returns nothing when there is no weight to go by.
pub(crate) fn allot(team_size: u32, weights: &[(NodeId, u32)]) -> Vec<Share> {
    let total: u64 = weights.iter().map(|(_, weight)| u64::from(*weight)).sum();
    if total == 0 {
        return Vec::new();
    }
    let quota = |weight: u32| u64::from(team_size) * u64::from(weight);
    let mut seats: Vec<u64> = weights.iter().map(|(_, w)| quota(*w) / total).collect();
    let left = u64::from(team_size) - seats.iter().sum::<u64>();
    let mut by_remainder: Vec<usize> = (0..weights.len()).collect();
    by_remainder.sort_by_key(|&i| Reverse(quota(weights[i].1) % total));
    // Fewer seats are left than there are nodes with a remainder.
    for &i in by_remainder.iter().take(left as usize) {
        seats[i] += 1;
    }
    let mut next = 0_u32;
    weights
        .iter()
        .zip(seats)
        .filter_map(|((node, _), seats)| {
            let ranks = next..next + seats as u32;
            next = ranks.end;
            (!ranks.is_empty()).then_some(Share { node: *node, ranks })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn counts(team_size: u32, weights: &[u32]) -> Vec<(u32, u32)> {
        let weights: Vec<_> = (0..).map(NodeId).zip(weights.iter().copied()).collect();
        allot(team_size, &weights)
            .into_iter()
            .map(|share| (share.node.0, share.ranks.len() as u32))
            .collect()
    }

    #[test]
    fn seats_follow_weights_and_the_largest_remainder() {
        assert_eq!(counts(10, &[1, 1]), [(0, 5), (1, 5)]);
        // Quotas 3.33, 3.33, 3.33: the seat left over goes to the first.
        assert_eq!(counts(10, &[2, 2, 2]), [(0, 4), (1, 3), (2, 3)]);
        // Quotas 0.7, 2.8, 3.5: two seats are left, for the remainders .8 and .7.
        assert_eq!(counts(7, &[1, 4, 5]), [(0, 1), (1, 3), (2, 3)]);
        assert_eq!(counts(1, &[0, 3]), [(1, 1)]);
        assert_eq!(counts(3, &[0, 0]), []);
    }

    proptest! {
        #[test]
        fn every_rank_has_exactly_one_node(
            team_size in 0_u32..5000,
            weights in prop::collection::vec(0_u32..=u32::MAX, 1..40),
        ) {
            prop_assume!(weights.iter().any(|w| *w > 0));
            let weights: Vec<_> = (0..).map(NodeId).zip(weights).collect();
            let shares = allot(team_size, &weights);
            let ranks: Vec<u32> = shares.iter().flat_map(|share| share.ranks.clone()).collect();
            prop_assert_eq!(ranks, (0..team_size).collect::<Vec<_>>());
        }

        #[test]
        fn no_node_is_more_than_one_seat_off_its_quota(
            team_size in 0_u32..5000,
            weights in prop::collection::vec(1_u32..1000, 1..40),
        ) {
            let total: u64 = weights.iter().map(|w| u64::from(*w)).sum();
            let named: Vec<_> = (0..).map(NodeId).zip(weights).collect();
            let shares = allot(team_size, &named);
            for (node, weight) in named {
                let seats = shares.iter().find(|share| share.node == node).map_or(0, |s| s.ranks.len());
                let quota = f64::from(team_size) * f64::from(weight) / total as f64;
                prop_assert!((seats as f64 - quota).abs() < 1.0);
            }
        }
    }
}
