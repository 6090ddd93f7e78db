//! What happens to the MsVPUs of nodes that are about to leave.

use super::{Balance, Plan};
use crate::core::allotment::{Share, deal};
use crate::core::ranks::Ranks;
use crate::id::{NodeId, Origin, TeamId};

impl Balance {
    /// Finds other places for what is placed on nodes that are about to leave; tells each leader.
    /// Where there are no others, it stays until the node has gone.
    pub(crate) fn evacuate(&mut self) -> Vec<(TeamId, NodeId, Plan)> {
        let leaving: Vec<Origin> = self
            .nodes
            .values()
            .filter(|node| node.member.draining)
            .map(|node| node.member.origin)
            .collect();
        let teams: Vec<TeamId> = self.teams.keys().copied().collect();
        let mut plans = Vec::new();
        for team in teams {
            let Some(placement) = self.teams.get(&team) else {
                continue;
            };
            let leader = placement.leader;
            let moving = leaving
                .iter()
                .filter_map(|origin| placement.places.get(origin))
                .fold(Ranks::default(), |all, ranks| all.union(ranks));
            if moving.is_empty() || self.candidates(team).is_empty() {
                continue;
            }
            let Some(counts) = self.counts(team, moving.len() as u32) else {
                continue;
            };
            let shares: Vec<Share> = deal(moving, &counts);
            let shares: Vec<Share> = shares
                .into_iter()
                .filter(|share| !share.ranks.is_empty())
                .collect();
            if let Some(placement) = self.teams.get_mut(&team) {
                for origin in &leaving {
                    placement.places.remove(origin);
                }
                for share in &shares {
                    let there = placement.places.entry(share.origin).or_default();
                    *there = there.union(&share.ranks);
                }
            }
            let forecasts = self.forecasts(team);
            plans.push((team, leader, Plan { shares, forecasts }));
        }
        plans
    }
}
