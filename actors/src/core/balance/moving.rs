//! What the rounds show, and which MsVPUs move for it.

use std::time::Duration;

use super::{Balance, Plan, step_cost};
use crate::core::allotment::Share;
use crate::core::crew::Lap;
use crate::core::examination::Examination;
use crate::core::strategy::{Move, MoveCost, Observed};
use crate::id::{NodeId, Origin, Round, TeamId};

/// Where the messages of a round take less than one part in so many of it, it shows the work.
const LONG: f64 = 10.0;

impl Balance {
    /// Takes in how long each node took for a round with which MsVPUs; tells which are to move.
    pub(crate) fn measured(
        &mut self,
        team: TeamId,
        round: Round,
        laps: &[Lap],
        now: Duration,
    ) -> Option<Plan> {
        // Before this round has taught anything.
        let foretold = self.forecasts(team);
        self.calibrate(team, round, laps);
        let placement = self.teams.get_mut(&team)?;
        let is_first = placement.settled.is_none();
        if round < *placement.settled.get_or_insert(round.next()) && !is_first {
            return None;
        }
        // What was measured may be of a node that was lost since.
        let nodes = &self.nodes;
        let is_there = |origin: &Origin| {
            let node = nodes.get(&origin.node);
            node.is_some_and(|node| node.member.origin == *origin)
        };
        placement.places = laps
            .iter()
            .filter(|lap| is_there(&lap.origin))
            .map(|lap| (lap.origin, lap.ranks.clone()))
            .collect();
        if is_first {
            return None;
        }
        placement.rounds_seen += 1;
        let whole = |lap: &&Lap| lap.whole && lap.took.is_some();
        let laps: Vec<&Lap> = laps.iter().filter(whole).collect();
        for forecast in foretold {
            let lap = laps.iter().find(|lap| lap.origin.node == forecast.node);
            if let Some(node) = self.nodes.get_mut(&forecast.node)
                && let Some(took) = lap.and_then(|lap| lap.took)
            {
                node.compare(forecast.round.as_secs_f64(), took.as_secs_f64(), now);
            }
        }
        let shares = self.rebalance(team, &laps)?;
        let placement = self.teams.get_mut(&team)?;
        // The leader may have begun the next round; then they move when that after it begins.
        placement.settled = Some(Round(round.0.saturating_add(3)));
        for share in &shares {
            for there in placement.places.values_mut() {
                *there = there.without(&share.ranks);
            }
            let there = placement.places.entry(share.origin).or_default();
            *there = there.union(&share.ranks);
        }
        Some(Plan {
            shares,
            forecasts: self.forecasts(team),
        })
    }

    /// Learns how long the program's operations take on nodes that the team had for itself, from
    /// rounds that are long beside the messages in them.
    fn calibrate(&mut self, team: TeamId, round: Round, laps: &[Lap]) {
        let Some(placement) = self.teams.get(&team) else {
            return;
        };
        let (step, tile_bytes) = (step_cost(placement.cost), placement.cost.tile_bytes);
        let first = round == Round(1);
        let mut learned = Vec::new();
        for lap in laps.iter().filter(|lap| lap.whole || first) {
            let (origin, count) = (&lap.origin, lap.ranks.len() as u32);
            let Some(took) = lap.took.filter(|_| count > 0) else {
                continue;
            };
            let shared = self
                .teams
                .iter()
                .any(|(other, at)| *other != team && at.places.contains_key(origin));
            let node = self.nodes.get(&origin.node);
            let node = node.filter(|node| node.member.origin == *origin && !shared);
            let Some(performance) = node.and_then(Examination::performance) else {
                continue;
            };
            let mut messages = performance.transfer_seconds(step);
            if first {
                let network = performance.network();
                messages += network.seconds_per_byte * tile_bytes * f64::from(count);
            }
            let computed = took.as_secs_f64() - messages;
            let waves = f64::from(count.div_ceil(performance.cpus()));
            let foretold = waves * performance.compute_seconds(step.work());
            if computed > LONG * messages {
                learned.push((origin.node, computed / foretold));
            }
        }
        let program = placement.program.clone();
        for (node, ratio) in learned {
            self.calibration.learn(&program, node, ratio, first);
        }
    }

    fn rebalance(&mut self, team: TeamId, laps: &[&Lap]) -> Option<Vec<Share>> {
        let candidates = self.candidates(team);
        let observed: Vec<Observed> = candidates
            .iter()
            .map(|(origin, candidate)| Observed {
                candidate: *candidate,
                round: laps
                    .iter()
                    .find(|lap| lap.origin == *origin)
                    .and_then(|lap| lap.took),
            })
            .collect();
        let placement = self.teams.get_mut(&team)?;
        let cost = step_cost(placement.cost);
        let moving = MoveCost {
            tile_bytes: placement.cost.tile_bytes,
        };
        let moves = placement
            .strategy
            .rebalance(&observed, cost, moving, placement.rounds_seen);
        let mut left = placement.places.clone();
        let of = |node: NodeId| {
            candidates
                .iter()
                .map(|(at, _)| *at)
                .find(|at| at.node == node)
        };
        let shares: Vec<Share> = moves
            .into_iter()
            .filter_map(|Move { from, to, count }| {
                let there = left.get_mut(&of(from)?)?;
                let ranks = there.split_first(count as usize);
                Some(Share {
                    origin: of(to)?,
                    ranks,
                })
            })
            .filter(|share| !share.ranks.is_empty())
            .collect();
        (!shares.is_empty()).then_some(shares)
    }
}
