//! What the rounds of a team have shown of its nodes.

use std::collections::BTreeMap;

use super::Observed;
use super::waves::Machine;
use crate::core::performance::{StepCost, mean};
use crate::id::NodeId;

/// A time that is off by this factor is a change of the node, not noise: what was before it is
/// forgotten at once.
const CHANGE: f64 = 1.5;
/// Noise of so many standard deviations is noise.
const SIGMAS: f64 = 4.0;
/// A new time weighs at least so much in the smoothed one; at first all weigh alike.
const SMOOTHING: f64 = 1.0 / 8.0;
/// Taken for the standard deviation until two rounds have shown it.
const FIRST_SIGMA: f64 = 0.025;
/// Total times that differ by no more than this part of their mean are even.
const EVEN: f64 = 0.0025;

/// Smoothed times per wave and total times of the nodes of one team.
#[derive(Debug)]
pub(super) struct History {
    nodes: BTreeMap<NodeId, Node>,
    /// Variance of a node's time of a round around the smoothed one, relative to it.
    variance: f64,
    rounds: u32,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    /// Seconds of a wave.
    wave: f64,
    /// Times since it joined or changed.
    seen: u32,
    /// Seconds of all rounds.
    total: f64,
    /// Seconds of a wave by the probe that was known when it was last seen.
    predicted: f64,
}

impl Default for History {
    fn default() -> Self {
        Self {
            nodes: BTreeMap::new(),
            variance: FIRST_SIGMA * FIRST_SIGMA,
            rounds: 0,
        }
    }
}

impl History {
    /// Takes the times of a round.
    pub(super) fn observe(&mut self, observed: &[Observed], cost: StepCost) {
        let known = |node: &NodeId| {
            observed
                .iter()
                .any(|of| of.candidate.performance.node() == *node)
        };
        self.nodes.retain(|node, _| known(node));
        // Who joins has no past to make up for.
        let totals: Vec<f64> = self.nodes.values().map(|node| node.total).collect();
        let joined = mean(&totals);
        let rounds: Vec<f64> = observed
            .iter()
            .filter_map(|of| Some(of.round?.as_secs_f64()))
            .collect();
        let passed = mean(&rounds);
        let threshold = CHANGE.ln().max(SIGMAS * self.variance.sqrt());
        let mut squares = Vec::new();
        for of in observed {
            let name = of.candidate.performance.node();
            let Some(round) = of.round.filter(|_| of.candidate.already > 0) else {
                // Nor does one make up for a round of which nothing is known.
                if let Some(node) = self.nodes.get_mut(&name) {
                    node.total += passed;
                }
                continue;
            };
            let seconds = round.as_secs_f64();
            let sample = wave_of(of, seconds, cost);
            let node = self.nodes.entry(name).or_insert(Node {
                wave: sample,
                seen: 0,
                total: joined,
                predicted: 0.0,
            });
            node.predicted = of.candidate.performance.wave_seconds(cost);
            node.total += seconds;
            if (sample / node.wave).ln().abs() > threshold {
                node.wave = sample;
                node.seen = 1;
                continue;
            }
            if node.seen > 0 {
                squares.push((sample / node.wave - 1.0).powi(2));
            }
            node.seen = node.seen.saturating_add(1);
            node.wave += weight(node.seen) * (sample - node.wave);
        }
        if !squares.is_empty() {
            self.rounds = self.rounds.saturating_add(1);
            self.variance += weight(self.rounds) * (mean(&squares) - self.variance);
        }
    }

    /// The nodes as machines with nothing on them: by their own times where there are any, else by
    /// what is known beforehand.
    pub(super) fn machines(&self, observed: &[Observed], cost: StepCost) -> Vec<Machine> {
        let machine = |of: &Observed| {
            let performance = &of.candidate.performance;
            let beforehand = super::adaptive::machine(&of.candidate, cost);
            match self.nodes.get(&performance.node()) {
                // A node without MsVPUs shows nothing; that it is fast again, a new probe tells.
                Some(node)
                    if of.candidate.already > 0
                        || node.predicted == performance.wave_seconds(cost) =>
                {
                    Machine {
                        start: overhead(of, node.wave, cost),
                        wave: node.wave,
                        others: 0.0,
                        already: 0,
                        ..beforehand
                    }
                }
                _ => Machine {
                    already: 0,
                    ..beforehand
                },
            }
        };
        observed.iter().map(machine).collect()
    }

    /// What of a predicted time may be noise.
    pub(super) fn noise(&self) -> f64 {
        let seen = self.nodes.values().map(|node| node.seen).min().unwrap_or(0);
        SIGMAS * (self.variance * weight(seen)).sqrt()
    }

    /// How far the total times are ahead of their mean, in seconds, within a wave; 0 where that
    /// is even enough, or may be noise.
    pub(super) fn ahead(&self, observed: &[Observed]) -> Vec<f64> {
        let totals: Vec<f64> = self.nodes.values().map(|node| node.total).collect();
        let mean = mean(&totals);
        let rounds = f64::from(self.rounds.max(1));
        let negligible = mean * EVEN.max(SIGMAS * (self.variance / rounds).sqrt());
        let ahead = |of: &Observed| match self.nodes.get(&of.candidate.performance.node()) {
            Some(node) if (node.total - mean).abs() > negligible => {
                (node.total - mean).clamp(-node.wave, node.wave)
            }
            _ => 0.0,
        };
        observed.iter().map(ahead).collect()
    }
}

/// All of the first `n` times weigh alike, the last ones more later.
fn weight(n: u32) -> f64 {
    (1.0 / f64::from(n.max(1))).max(SMOOTHING)
}

/// Seconds of a wave, from those of a round.
fn wave_of(of: &Observed, seconds: f64, cost: StepCost) -> f64 {
    let waves = f64::from(
        of.candidate
            .already
            .div_ceil(of.candidate.performance.cpus()),
    );
    let messages = of.candidate.performance.transfer_seconds(cost);
    // A network that is estimated too slow does not leave a node without any time for its work.
    ((seconds - messages.min(seconds / 2.0)) / waves).max(1e-12)
}

/// What passes before and after the waves, as [`wave_of`] splits it.
fn overhead(of: &Observed, wave: f64, cost: StepCost) -> f64 {
    let waves = f64::from(
        of.candidate
            .already
            .div_ceil(of.candidate.performance.cpus())
            .max(1),
    );
    of.candidate
        .performance
        .transfer_seconds(cost)
        .min(wave * waves)
}
