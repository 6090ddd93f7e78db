//! The assignment for the next round: short, and among the short ones even.

use super::waves::{Machine, fill};
use crate::core::performance::mean;

/// A round may get so much longer, in parts of the shortest, for the sake of even total times.
const EVENNESS_PRICE: f64 = 0.05;

/// In so many steps it is tried how many places of last waves are left free.
const SLACK_STEPS: u64 = 16;

/// An assignment of a team.
pub(super) struct Plan {
    /// What each node gets, beside what it has.
    pub(super) counts: Vec<u32>,
    /// Whether totals count; if not, waves are so long that only the length of the round does.
    pub(super) even: bool,
}

/// Assigns `count` further MsVPUs. With `ahead`, the seconds that each node has had too much, it
/// takes the assignment with the most even totals whose round is not much longer than the
/// shortest one; where that is the shortest only, it takes the shortest.
pub(super) fn even_or_short(machines: &[Machine], ahead: &[f64], count: u32) -> Plan {
    let short = fill(machines, count);
    let bound = (1.0 + EVENNESS_PRICE) * longest(machines, &total(machines, &short));
    // Half a wave earlier, so that the last wave ends as often before the level as after it.
    let shifted = machines.iter().zip(ahead).map(|(of, ahead)| Machine {
        start: of.start + ahead - of.wave / 2.0,
        ..*of
    });
    let shifted: Vec<_> = shifted.collect();
    let room: u64 = machines.iter().map(|of| u64::from(of.cpus - 1)).sum();
    let steps = SLACK_STEPS.min(room);
    let mut tried: Vec<_> = (0..=steps)
        .filter_map(|step| with_slack(&shifted, count, room * step / steps.max(1)))
        .filter(|counts| longest(machines, &total(machines, counts)) <= bound)
        .collect();
    let even = !tried.is_empty();
    tried.push(short);
    let worth = |counts: &Vec<u32>| uneven(machines, ahead, &total(machines, counts));
    let best = tried
        .into_iter()
        .min_by(|a, b| worth(a).total_cmp(&worth(b)));
    Plan {
        counts: best.unwrap_or_default(),
        even,
    }
}

/// Fills waves for `slack` more than `count`, then leaves as many out where no wave gets less by
/// it: nodes with several CPUs have a choice of how full their last wave is. Nothing when there
/// are not so many places.
fn with_slack(machines: &[Machine], count: u32, slack: u64) -> Option<Vec<u32>> {
    let more = count.checked_add(u32::try_from(slack).ok()?)?;
    let mut counts = fill(machines, more);
    let mut surplus = more - count;
    for (given, of) in counts.iter_mut().zip(machines) {
        let beside_one = of.already.saturating_add(*given).saturating_sub(1) % of.cpus;
        let out = surplus.min(beside_one).min(*given);
        *given -= out;
        surplus -= out;
    }
    (surplus == 0).then_some(counts)
}

fn total(machines: &[Machine], further: &[u32]) -> Vec<u32> {
    let with = machines.iter().zip(further);
    with.map(|(of, further)| of.already.saturating_add(*further))
        .collect()
}

/// Seconds of a round: those of its slowest node.
pub(super) fn longest(machines: &[Machine], counts: &[u32]) -> f64 {
    let busy = machines.iter().zip(counts).filter(|(_, count)| **count > 0);
    busy.map(|(of, count)| of.time(*count)).fold(0.0, f64::max)
}

/// How far a node's total is from their mean after the round, in seconds, at most.
pub(super) fn uneven(machines: &[Machine], ahead: &[f64], counts: &[u32]) -> f64 {
    let busy = machines
        .iter()
        .zip(ahead)
        .zip(counts)
        .filter(|(_, count)| **count > 0);
    let totals: Vec<f64> = busy
        .map(|((of, ahead), count)| of.time(*count) + ahead)
        .collect();
    let mean = mean(&totals);
    totals
        .iter()
        .map(|total| (total - mean).abs())
        .fold(0.0, f64::max)
}
