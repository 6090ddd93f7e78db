//! Where leaders and MsVPUs go: what the balancer knows, and what it decides by its strategy.

mod outlook;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::core::allotment::{Share, deal, whole};
use crate::core::examination::Examination;
use crate::core::lease::Member;
use crate::core::performance::{NodePerformance, PerformanceError, StepCost};
use crate::core::ranks::Ranks;
use crate::core::strategy::{
    Candidate, Move, MoveCost, Observed, Strategy, UnknownStrategy, by_name,
};
use crate::id::{JobId, NodeId, Origin, Round, TeamId};
use crate::job::{Cost, Forecast};

/// The balancer's memory.
pub(crate) struct Balance {
    strategy: String,
    /// Whether nodes are tested; where there is but one there is nothing to compare.
    tests: bool,
    nodes: BTreeMap<NodeId, Examination>,
    teams: BTreeMap<TeamId, Placement>,
    /// Where the leaders of jobs were put.
    leaders: BTreeMap<JobId, Origin>,
    tested: u64,
}

/// How a team is placed.
struct Placement {
    leader: NodeId,
    cost: Cost,
    places: BTreeMap<Origin, Ranks>,
    strategy: Box<dyn Strategy>,
    rounds_seen: u32,
    /// The round in which MsVPUs were last told to move; they do when the next begins.
    moved: Round,
}

/// What a leader is told.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) shares: Vec<Share>,
    pub(crate) forecasts: Vec<Forecast>,
}

impl Balance {
    /// # Errors
    /// When there is no such strategy.
    pub(crate) fn new(strategy: &str, tests: bool) -> Result<Self, UnknownStrategy> {
        by_name(strategy)?;
        Ok(Self {
            strategy: strategy.to_owned(),
            tests,
            nodes: BTreeMap::new(),
            teams: BTreeMap::new(),
            leaders: BTreeMap::new(),
            tested: 0,
        })
    }

    /// Takes in who is there now; tells who was and is not any more.
    pub(crate) fn members(&mut self, members: Vec<Member>) -> Vec<Origin> {
        let before: Vec<Origin> = self.nodes.values().map(|node| node.member.origin).collect();
        let mut known = std::mem::take(&mut self.nodes);
        for member in members {
            let same = |node: &Examination| node.member.origin == member.origin;
            let examined = known.remove(&member.origin.node).filter(same);
            let mut examination = examined.unwrap_or_else(|| Examination::new(member));
            examination.member = member;
            self.nodes.insert(member.origin.node, examination);
        }
        // Also those that have come back already, under another incarnation.
        let gone = |origin: &Origin| !self.is_there(*origin);
        let lost: Vec<Origin> = before.into_iter().filter(gone).collect();
        for origin in &lost {
            for placement in self.teams.values_mut() {
                placement.places.remove(origin);
            }
        }
        lost
    }

    pub(crate) fn is_there(&self, origin: Origin) -> bool {
        let node = self.nodes.get(&origin.node);
        node.is_some_and(|node| node.member.origin == origin)
    }

    /// The teams under way, and where their leaders are.
    pub(crate) fn teams(&self) -> impl Iterator<Item = (TeamId, NodeId)> {
        self.teams.iter().map(|(team, place)| (*team, place.leader))
    }

    /// The tests to send now: to whom, under which number, which of [`PROBES`].
    pub(crate) fn tests_due(
        &mut self,
        now: Duration,
        patience: Duration,
    ) -> Vec<(NodeId, u64, usize)> {
        if !self.tests {
            return Vec::new();
        }
        let mut due = Vec::new();
        for (node, examination) in &mut self.nodes {
            if let Some(size) = examination.next(self.tested + 1, now, patience) {
                self.tested += 1;
                due.push((*node, self.tested, size));
            }
        }
        due
    }

    /// Takes a node's answer to a test.
    ///
    /// # Errors
    /// When nothing can be computed from it.
    pub(crate) fn tested(
        &mut self,
        test: (Origin, u64),
        cpus: u32,
        times: (Duration, Duration),
        now: Duration,
    ) -> Result<(), PerformanceError> {
        match self.nodes.get_mut(&test.0.node) {
            Some(examination) => examination.answer(test, cpus, times, now),
            None => Ok(()),
        }
    }

    /// The node with the most CPUs for each leader that is there; of equals the first.
    pub(crate) fn place_leader(&mut self, job: JobId) -> Option<Origin> {
        self.leaders.remove(&job);
        let crowd = |origin: Origin| self.leaders.values().filter(|at| **at == origin).count();
        let free = |examination: &Examination| {
            let member = examination.member;
            f64::from(member.cpus) / (1 + crowd(member.origin)) as f64
        };
        let best = self.nodes.values().rev();
        let best = best.max_by(|a, b| free(a).total_cmp(&free(b)))?;
        let origin = best.member.origin;
        self.leaders.insert(job, origin);
        Some(origin)
    }

    /// Finds places for MsVPUs. Asked for the same ones again it gives the same answer, unless the
    /// place is lost. `None` while no node was tested: to be asked again. `None` also for what is
    /// asked late, when the job is over or has another leader.
    pub(crate) fn allot(
        &mut self,
        team: TeamId,
        leader: NodeId,
        ranks: &Ranks,
        cost: Cost,
    ) -> Option<Plan> {
        let replaced = |known: &TeamId| known.job == team.job && known.epoch > team.epoch;
        if !self.leaders.contains_key(&team.job) || self.teams.keys().any(replaced) {
            return None;
        }
        self.teams
            .retain(|known, _| known.job != team.job || known.epoch == team.epoch);
        let placement = match self.teams.remove(&team) {
            Some(placement) => placement,
            None => Placement {
                leader,
                cost,
                places: BTreeMap::new(),
                strategy: by_name(&self.strategy).ok()?,
                rounds_seen: 0,
                moved: Round(0),
            },
        };
        self.teams.insert(team, placement);
        let placed = self.teams.get(&team)?.places.clone();
        let mut shares: Vec<Share> = placed
            .iter()
            .map(|(origin, there)| Share {
                origin: *origin,
                ranks: there.intersection(ranks),
            })
            .filter(|share| !share.ranks.is_empty())
            .collect();
        let known = shares
            .iter()
            .fold(Ranks::default(), |known, share| known.union(&share.ranks));
        let new = ranks.without(&known);
        if !new.is_empty() {
            shares.extend(deal(new.clone(), &self.counts(team, new.len() as u32)?));
        }
        let placement = self.teams.get_mut(&team)?;
        for share in &shares {
            let there = placement.places.entry(share.origin).or_default();
            *there = there.union(&share.ranks);
        }
        Some(Plan {
            shares,
            forecasts: self.forecasts(team),
        })
    }

    /// How many of `count` more MsVPUs each node gets.
    fn counts(&self, team: TeamId, count: u32) -> Option<Vec<(Origin, u32)>> {
        let placement = self.teams.get(&team)?;
        let candidates = self.candidates(team);
        let (origins, counts): (Vec<Origin>, Vec<u32>) = if candidates.is_empty() {
            if self.tests {
                return None;
            }
            let cpus = self.nodes.values().map(|node| f64::from(node.member.cpus));
            let all: f64 = cpus.clone().sum();
            let quotas: Vec<f64> = cpus.map(|cpus| f64::from(count) * cpus / all).collect();
            let origins = self.nodes.values().map(|node| node.member.origin);
            (origins.collect(), whole(count, &quotas))
        } else {
            let cost = step_cost(placement.cost);
            let (origins, candidates): (Vec<_>, Vec<_>) = candidates.into_iter().unzip();
            let counts = placement.strategy.place(&candidates, cost, count);
            (origins, counts)
        };
        Some(origins.into_iter().zip(counts).collect())
    }

    /// The tested nodes as the team may find them.
    fn candidates(&self, team: TeamId) -> Vec<(Origin, Candidate)> {
        let tested = self.nodes.values().filter_map(|node| {
            let (origin, performance) = (node.member.origin, node.performance()?);
            let candidate = self.candidate(team, origin, performance).ok()?;
            Some((origin, candidate))
        });
        tested.collect()
    }

    fn candidate(
        &self,
        team: TeamId,
        origin: Origin,
        performance: NodePerformance,
    ) -> Result<Candidate, PerformanceError> {
        let count = |placement: &Placement| placement.places.get(&origin).map_or(0, Ranks::len);
        let others = self.teams.iter().filter(|(other, _)| **other != team);
        let placed =
            others.map(|(_, placement)| count(placement) as f64 * placement.cost.complexity);
        let already = self.teams.get(&team).map_or(0, count);
        Candidate::new(performance, placed.sum(), already as u32)
    }

    /// Takes in how long each node took for a round with which MsVPUs; tells which are to move.
    pub(crate) fn measured(
        &mut self,
        team: TeamId,
        round: Round,
        times: &[(Origin, Ranks, Duration)],
        now: Duration,
    ) -> Option<Plan> {
        let placement = self.teams.get_mut(&team)?;
        if round.0 <= placement.moved.0 + 1 {
            // MsVPUs were on the move; what the next round shows is of their new places.
            return None;
        }
        placement.rounds_seen += 1;
        placement.places = times
            .iter()
            .map(|(origin, ranks, _)| (*origin, ranks.clone()))
            .collect();
        for forecast in self.forecasts(team) {
            let time = times
                .iter()
                .find(|(origin, ..)| origin.node == forecast.node);
            if let Some(node) = self.nodes.get_mut(&forecast.node)
                && let Some((.., took)) = time
            {
                node.compare(forecast.round.as_secs_f64(), took.as_secs_f64(), now);
            }
        }
        let shares = self.rebalance(team, times)?;
        let placement = self.teams.get_mut(&team)?;
        placement.moved = round.next();
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

    fn rebalance(
        &mut self,
        team: TeamId,
        times: &[(Origin, Ranks, Duration)],
    ) -> Option<Vec<Share>> {
        let candidates = self.candidates(team);
        let observed: Vec<Observed> = candidates
            .iter()
            .map(|(origin, candidate)| Observed {
                candidate: *candidate,
                round: times
                    .iter()
                    .find(|(at, ..)| at == origin)
                    .map(|(.., took)| *took),
            })
            .collect();
        let placement = self.teams.get_mut(&team)?;
        let cost = step_cost(placement.cost);
        let moving = MoveCost {
            tile_bytes: placement.cost.tile_bytes,
            load_work: 0.0,
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

    /// The job is over, or gets another leader.
    pub(crate) fn forget(&mut self, job: JobId) {
        self.teams.retain(|team, _| team.job != job);
        self.leaders.remove(&job);
    }
}

/// What programs state was checked when they did; a cost beyond all bounds counts as the bound.
fn step_cost(cost: Cost) -> StepCost {
    let bounded = |value: f64| value.clamp(0.0, 1e30);
    StepCost::new(bounded(cost.complexity), bounded(cost.bytes_exchanged)).unwrap_or_default()
}

#[cfg(test)]
mod tests;
