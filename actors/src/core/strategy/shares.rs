//! Strategies that place a team once, by what is known beforehand.

use super::fluid::{Part, divide};
use super::waves::{Machine, fill};
use super::{Candidate, Strategy};
use crate::core::allotment::whole;
use crate::core::performance::{StepCost, load_indices, performance_indices};

/// The paper's: shares in proportion to the performance indices (eq. 8), which take the network by
/// its single point (eq. 6).
///
/// What is there already counts: work of other jobs takes up to half of a node, as long as it
/// lasts, and the team's own MsVPUs take their place in the share. On nodes with nothing on them
/// the shares are those of eq. 8. A remainder costs a node with several CPUs a whole wave more;
/// the paper does not care, and neither does this strategy.
#[derive(Clone, Copy, Debug)]
pub(super) struct PerformanceIndex;

/// The same number of MsVPUs for each node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Uniform;

/// Each MsVPU goes where the least work per CPU is, however fast the node.
///
/// What is there is what other jobs have placed, or what the node itself had at work when it was
/// last tested, whichever is more: placed MsVPUs may be idle, and not all work is that of MsVPUs. Of
/// that only the number of pieces is known; each is taken for a step of this team.
#[derive(Clone, Copy, Debug)]
pub(super) struct LeastLoaded;

impl Strategy for PerformanceIndex {
    fn name(&self) -> &'static str {
        "performance-index"
    }

    fn place(&self, candidates: &[Candidate], cost: StepCost, count: u32) -> Vec<u32> {
        let times: Vec<f64> = candidates
            .iter()
            .map(|candidate| candidate.performance.execution_seconds(cost))
            .collect();
        let indices = performance_indices(&times);
        if candidates
            .iter()
            .all(|of| of.placed == 0.0 && of.already == 0)
        {
            return whole(count, &load_indices(f64::from(count), &indices));
        }
        let parts = candidates
            .iter()
            .zip(&indices)
            .map(|(candidate, index)| Part {
                rate: *index,
                // A team without work has nothing to wait for.
                others: if cost.work() > 0.0 {
                    candidate.placed / cost.work()
                } else {
                    0.0
                },
                already: f64::from(candidate.already),
            });
        let parts: Vec<_> = parts.collect();
        whole(count, &divide(&parts, f64::from(count)))
    }
}

impl Strategy for Uniform {
    fn name(&self) -> &'static str {
        "uniform"
    }

    fn place(&self, candidates: &[Candidate], _: StepCost, count: u32) -> Vec<u32> {
        let part = |candidate: &Candidate| Part {
            rate: 1.0,
            others: 0.0,
            already: f64::from(candidate.already),
        };
        let parts: Vec<_> = candidates.iter().map(part).collect();
        whole(count, &divide(&parts, f64::from(count)))
    }
}

impl Strategy for LeastLoaded {
    fn name(&self) -> &'static str {
        "least-loaded"
    }

    fn place(&self, candidates: &[Candidate], cost: StepCost, count: u32) -> Vec<u32> {
        let machine = |candidate: &Candidate| {
            let foreign = candidate.at_work.saturating_sub(candidate.already);
            let there = candidate.placed.max(f64::from(foreign) * cost.work());
            Machine {
                start: there / f64::from(candidate.performance.cpus()),
                wave: cost.work(),
                others: 0.0,
                cpus: candidate.performance.cpus(),
                already: candidate.already,
            }
        };
        let machines: Vec<_> = candidates.iter().map(machine).collect();
        fill(&machines, count)
    }
}
