//! Where leaders and MsVPUs go: what the balancer knows, and what it decides by its strategy.

mod draining;
mod moving;
mod status;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::core::allotment::{Share, deal, whole};
use crate::core::calibration::Calibration;
use crate::core::examination::{Capacity, Examination, is_drift};
use crate::core::fate::{Finding, Lives};
use crate::core::lease::Member;
use crate::core::performance::{
    LARGEST, NodePerformance, PerformanceError, StepCost, load_indices, performance_indices,
};
use crate::core::ranks::Ranks;
use crate::core::strategy::{Candidate, Strategy, UnknownStrategy, by_name};
use crate::id::{JobId, NodeId, Origin, Round, TeamId};
use crate::job::{Cost, Forecast};

/// The balancer's memory.
pub(crate) struct Balance {
    strategy: &'static str,
    /// Whether nodes are tested; where there is but one there is nothing to compare.
    tests: bool,
    nodes: BTreeMap<NodeId, Examination>,
    teams: BTreeMap<TeamId, Placement>,
    calibration: Calibration,
    lives: Lives,
    /// Where the leaders of jobs were put.
    leaders: BTreeMap<JobId, Origin>,
    tested: u64,
    /// Why nodes were passed over since this was last asked for.
    refusals: Vec<PerformanceError>,
}

/// How a team is placed.
struct Placement {
    leader: NodeId,
    program: String,
    cost: Cost,
    places: BTreeMap<Origin, Ranks>,
    strategy: Box<dyn Strategy>,
    rounds_seen: u32,
    /// The first round that shows the nodes as they are, with all tiles where they are to be; none
    /// until the first that is heard of, in which they were loaded.
    settled: Option<Round>,
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
        Ok(Self {
            strategy: by_name(strategy)?.name(),
            tests,
            nodes: BTreeMap::new(),
            teams: BTreeMap::new(),
            calibration: Calibration::default(),
            lives: Lives::default(),
            leaders: BTreeMap::new(),
            tested: 0,
            refusals: Vec::new(),
        })
    }

    /// Takes in who is there now; tells who was and is not any more.
    pub(crate) fn members(&mut self, members: Vec<Member>) -> Vec<Origin> {
        let mut before = std::mem::take(&mut self.nodes);
        let origins: Vec<Origin> = before.values().map(|known| known.member.origin).collect();
        for member in members {
            self.lives.seen(&member);
            let known = before.remove(&member.origin.node);
            let known = known.filter(|known| known.member.origin == member.origin);
            let node = member.origin.node;
            let examination = match known {
                Some(known) => known.of(member),
                None => Examination::new(member),
            };
            self.nodes.insert(node, examination);
        }
        let gone = |origin: &Origin| !self.is_there(*origin);
        let lost: Vec<Origin> = origins.into_iter().filter(gone).collect();
        for origin in &lost {
            for placement in self.teams.values_mut() {
                placement.places.remove(origin);
            }
        }
        let nodes = &self.nodes;
        self.calibration.retain(|node| nodes.contains_key(&node));
        lost
    }

    pub(crate) fn is_there(&self, origin: Origin) -> bool {
        let node = self.nodes.get(&origin.node);
        node.is_some_and(|node| node.member.origin == origin)
    }

    /// Forgets what became of nodes that have not been there for `memory`.
    pub(crate) fn forget_lost(&mut self, now: Duration, memory: Duration) {
        let nodes = &self.nodes;
        self.lives
            .forget(|node| nodes.contains_key(&node), now, memory);
    }

    /// What became of a node that was lost, on which the job had something at work.
    pub(crate) fn finding(&self, job: JobId, of: Origin) -> Option<Finding> {
        let is_there = self.nodes.contains_key(&of.node);
        self.lives.finding(job, of, is_there)
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
        let computing = self
            .nodes
            .iter_mut()
            .filter(|(_, node)| node.member.cpus > 0);
        for (node, examination) in computing {
            if let Some(size) = examination.next(self.tested + 1, now, patience) {
                self.tested += 1;
                due.push((*node, self.tested, size));
            }
        }
        due
    }

    /// Takes a node's answer to a test: what it says of its CPUs, how long it computed and waited.
    ///
    /// # Errors
    /// When nothing can be computed from it.
    pub(crate) fn tested(
        &mut self,
        test: (Origin, u64),
        capacity: Capacity,
        times: (Duration, Duration),
        now: Duration,
    ) -> Result<(), PerformanceError> {
        let at = test.0.node;
        let Some(examination) = self.nodes.get_mut(&at) else {
            return Ok(());
        };
        let before = examination.performance();
        let answered = examination.answer(test, capacity, times, now);
        if let (Some(before), Some(after)) = (before, examination.performance())
            && is_drift(after.compute_seconds(1.0) / before.compute_seconds(1.0))
        {
            // The node is another than that of which the rounds have told.
            self.calibration.forget(at);
        }
        answered
    }

    /// A node that runs leaders only; or else that with the most CPUs for each leader that is
    /// there; of equals the first.
    pub(crate) fn place_leader(&mut self, job: JobId) -> Option<Origin> {
        self.leaders.remove(&job);
        let crowd = |origin: Origin| self.leaders.values().filter(|at| **at == origin).count();
        let free = |examination: &Examination| {
            let member = &examination.member;
            match member.cpus {
                0 => f64::INFINITY,
                cpus => f64::from(cpus) / (1 + crowd(member.origin)) as f64,
            }
        };
        let stays = |node: &&Examination| !node.member.draining;
        let best = self.nodes.values().rev().filter(stays);
        let best = best.max_by(|a, b| free(a).total_cmp(&free(b)))?;
        let origin = best.member.origin;
        self.leaders.insert(job, origin);
        Some(origin)
    }

    /// Whether there is a node that could run MsVPUs, tested or not: not one whose tests come to nothing.
    pub(crate) fn has_cpus(&self) -> bool {
        let takes = |node: &Examination| {
            node.member.cpus > 0 && !node.member.draining && !node.is_refused()
        };
        self.nodes.values().any(takes)
    }

    /// Finds places for MsVPUs. Asked for the same ones again it gives the same answer, unless the
    /// place is lost. `None` while no node was tested: to be asked again. `None` also for what is
    /// asked late, when the job is over or has another leader.
    pub(crate) fn allot(
        &mut self,
        team: TeamId,
        leader: NodeId,
        ranks: &Ranks,
        (program, cost): (&str, Cost),
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
                program: program.to_owned(),
                cost: bounded(cost),
                places: BTreeMap::new(),
                strategy: by_name(self.strategy).ok()?,
                rounds_seen: 0,
                settled: None,
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

    /// Why nodes were passed over when MsVPUs were placed, since this was last asked.
    pub(crate) fn take_refusals(&mut self) -> Vec<PerformanceError> {
        std::mem::take(&mut self.refusals)
    }

    /// How many of `count` more MsVPUs each node gets.
    fn counts(&mut self, team: TeamId, count: u32) -> Option<Vec<(Origin, u32)>> {
        let candidates = self.candidates(team);
        let placement = self.teams.get(&team)?;
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

    /// A node as it was tested, and as it was found by teams of the same program.
    fn performance(&self, team: TeamId, node: &Examination) -> Option<NodePerformance> {
        let performance = node.performance()?;
        let program = self.teams.get(&team).map(|placement| &*placement.program);
        let at = node.member.origin.node;
        let factor = program.map_or(1.0, |program| self.calibration.factor(program, at));
        Some(performance.slowed(factor))
    }

    /// The tested nodes as the team may find them.
    fn candidates(&mut self, team: TeamId) -> Vec<(Origin, Candidate)> {
        let (mut found, mut refusals) = (Vec::new(), Vec::new());
        for node in self.nodes.values().filter(|node| !node.member.draining) {
            let origin = node.member.origin;
            let Some(performance) = self.performance(team, node) else {
                continue;
            };
            match self.candidate(team, origin, performance) {
                Ok(candidate) => found.push((origin, candidate.at_work(node.load().unwrap_or(0)))),
                Err(refusal) => refusals.push(refusal),
            }
        }
        self.refusals.extend(refusals);
        found
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
        // Of two that are as busy as can be said neither is busier.
        let placed = match placed.sum::<f64>() {
            placed if placed > LARGEST => LARGEST,
            placed => placed,
        };
        Candidate::new(performance, placed, already as u32)
    }

    fn forecasts(&self, team: TeamId) -> Vec<Forecast> {
        let Some(placement) = self.teams.get(&team) else {
            return Vec::new();
        };
        let cost = step_cost(placement.cost);
        let nodes: Vec<(NodeId, u32, NodePerformance)> = self
            .nodes
            .values()
            .filter_map(|node| {
                let here = placement
                    .places
                    .get(&node.member.origin)
                    .map_or(0, Ranks::len);
                Some((
                    node.member.origin.node,
                    here as u32,
                    self.performance(team, node)?,
                ))
            })
            .collect();
        let seconds: Vec<f64> = nodes
            .iter()
            .map(|(.., p)| p.execution_seconds(cost))
            .collect();
        let indices = performance_indices(&seconds);
        let all: u32 = nodes.iter().map(|(_, count, _)| count).sum();
        let loads = load_indices(f64::from(all), &indices);
        let forecast = nodes.iter().zip(indices).zip(loads).map(
            |(((node, count, performance), performance_index), load_index)| Forecast {
                node: *node,
                performance_index,
                load_index,
                round: Duration::try_from_secs_f64(performance.round_seconds(*count, cost))
                    .unwrap_or(Duration::MAX),
            },
        );
        forecast.collect()
    }

    /// The job is over, or gets another leader.
    pub(crate) fn forget(&mut self, job: JobId) {
        self.teams.retain(|team, _| team.job != job);
        self.leaders.remove(&job);
    }
}

/// What programs state is checked when they do; what a message has beyond all bounds counts as the bound,
/// and what is no number as nothing: the places of other teams depend on it.
fn bounded(cost: Cost) -> Cost {
    let bounded = |value: f64| match value.is_nan() {
        true => 0.0,
        false => value.clamp(0.0, LARGEST),
    };
    Cost {
        complexity: bounded(cost.complexity),
        bytes_exchanged: bounded(cost.bytes_exchanged),
        tile_bytes: bounded(cost.tile_bytes),
    }
}

/// Of a placement, whose cost is bounded.
fn step_cost(cost: Cost) -> StepCost {
    StepCost::new(cost.complexity, cost.bytes_exchanged).unwrap_or_default()
}

#[cfg(test)]
mod tests;
