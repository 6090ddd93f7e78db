//! Measured round times feed back.

use super::history::History;
use super::plan::{even_or_short, longest, uneven};
use super::waves::Machine;
use super::{Candidate, Move, MoveCost, Observed, Strategy};
use crate::core::performance::StepCost;

/// Parts of a plan that are weighed when all of it is too dear.
const PARTS: [f64; 4] = [1.0, 0.5, 0.25, 0.125];

/// Places whole MsVPUs on whole CPUs, and moves them by what the rounds show.
///
/// *What it aims at.* A job is done when its last node is, so no round may be long: what counts
/// first is the longest time of a node. Within a twentieth of the shortest round there are mostly
/// several assignments; among them it takes the one after which the *total* times of the nodes
/// are the most even, because ε_i of Table III is of the whole job. A single round cannot be
/// more even than half a wave of a node over its time, `1 / (2 · waves)`: 1000 tiles on ten
/// uneven nodes leave a slow one with 40 of one CPU, and 1.25 %. Over R rounds single MsVPUs go to
/// and fro, and the bound falls to `1 / (2 · waves · R)`.
///
/// *When it moves.* The number of rounds to come is unknown; as many are expected as were seen, as
/// in the ski-rental problem: who pays for a change when the loss so far has grown to its price
/// pays at most twice as much as one who knew. Moving costs its transfers, on the node
/// where they take longest. Nothing moves for what may be noise.
#[derive(Debug, Default)]
pub(super) struct Adaptive {
    history: History,
}

/// A node by what is known beforehand, with what is on it.
pub(super) fn machine(candidate: &Candidate, cost: StepCost) -> Machine {
    let Candidate {
        performance,
        placed,
        already,
        ..
    } = *candidate;
    Machine {
        start: performance.transfer_seconds(cost),
        wave: performance.wave_seconds(cost),
        others: performance.compute_seconds(placed) / f64::from(performance.cpus()),
        cpus: performance.cpus(),
        already,
    }
}

impl Strategy for Adaptive {
    fn name(&self) -> &'static str {
        "adaptive"
    }

    fn place(&self, candidates: &[Candidate], cost: StepCost, count: u32) -> Vec<u32> {
        let machines: Vec<_> = candidates.iter().map(|of| machine(of, cost)).collect();
        even_or_short(&machines, &vec![0.0; machines.len()], count).counts
    }

    fn rebalance(
        &mut self,
        nodes: &[Observed],
        cost: StepCost,
        moving: MoveCost,
        rounds_seen: u32,
    ) -> Vec<Move> {
        self.history.observe(nodes, cost);
        let machines = self.history.machines(nodes, cost);
        let ahead = self.history.ahead(nodes);
        let noise = self.history.noise().max(1e-9);
        let now: Vec<u32> = nodes.iter().map(|of| of.candidate.already).collect();
        let plan = even_or_short(&machines, &ahead, now.iter().sum());
        let longest_now = longest(&machines, &now);
        let uneven_now = uneven(&machines, &ahead, &now);
        let gain = |counts: &[u32]| {
            let shorter = longest_now - longest(&machines, counts);
            let more_even = uneven_now - uneven(&machines, &ahead, counts);
            let significant = |gain: f64| {
                if gain > noise * longest_now {
                    gain
                } else {
                    0.0
                }
            };
            let each_round = f64::from(rounds_seen.max(1)) * significant(shorter);
            let once = if plan.even {
                significant(more_even)
            } else {
                0.0
            };
            each_round.max(once)
        };
        let all = moves(nodes, &now, &plan.counts);
        let mut best = (0.0, Vec::new());
        for part in PARTS {
            let some = partial(&all, part);
            let counts = after(&now, &some);
            let net = gain(&counts) - price(nodes, &some, moving);
            if net > best.0 {
                best = (net, some);
            }
        }
        let name = |of: usize| nodes[of].candidate.performance.node();
        let (_, best) = best;
        best.into_iter()
            .map(|Transfer { from, to, count }| Move {
                from: name(from),
                to: name(to),
                count,
            })
            .collect()
    }
}

/// A [`Move`] between nodes by their places in the list.
#[derive(Clone, Copy, Debug)]
struct Transfer {
    from: usize,
    to: usize,
    count: u32,
}

/// From the nodes that have too many, in their order, to those that have too few.
fn moves(nodes: &[Observed], now: &[u32], then: &[u32]) -> Vec<Transfer> {
    let mut takers = (0..nodes.len()).filter(|i| then[*i] > now[*i]);
    let mut to = takers.next();
    let mut wanted = to.map_or(0, |i| then[i] - now[i]);
    let mut moves = Vec::new();
    for from in 0..nodes.len() {
        let mut left = now[from].saturating_sub(then[from]);
        while left > 0
            && let Some(taker) = to
        {
            let count = left.min(wanted);
            moves.push(Transfer {
                from,
                to: taker,
                count,
            });
            left -= count;
            wanted -= count;
            if wanted == 0 {
                to = takers.next();
                wanted = to.map_or(0, |i| then[i] - now[i]);
            }
        }
    }
    moves
}

fn partial(all: &[Transfer], part: f64) -> Vec<Transfer> {
    let some = all.iter().map(|of| Transfer {
        count: (f64::from(of.count) * part) as u32,
        ..*of
    });
    some.filter(|of| of.count > 0).collect()
}

fn after(now: &[u32], moves: &[Transfer]) -> Vec<u32> {
    let mut counts = now.to_vec();
    for Transfer { from, to, count } in moves {
        counts[*from] -= count;
        counts[*to] += count;
    }
    counts
}

/// Seconds until all have moved. Nodes send and receive at the same time as each other;
/// whether a tile comes from the node that it leaves or from the leader is taken for the same.
fn price(nodes: &[Observed], moves: &[Transfer], moving: MoveCost) -> f64 {
    let mut seconds = vec![0.0; nodes.len()];
    let mut began = vec![false; nodes.len()];
    for Transfer { from, to, count } in moves {
        for end in [*from, *to] {
            let performance = &nodes[end].candidate.performance;
            let network = performance.network();
            if !std::mem::replace(&mut began[end], true) {
                seconds[end] += network.latency.as_secs_f64();
            }
            seconds[end] += f64::from(*count) * network.seconds_per_byte * moving.tile_bytes;
        }
    }
    seconds.into_iter().fold(0.0, f64::max)
}
