//! What a node is measured to do, and what it will do with other work: equations 1 to 9.
//!
//! All intervals come from a monotonic clock of one node; no two clocks are compared. Times are in
//! seconds, work is in elementary operations, sizes are in bytes.

#[cfg(test)]
mod tests;

use std::time::Duration;

use thiserror::Error;

use crate::id::NodeId;

/// No interval of a measurement is longer: 10⁹ s, some 30 years.
const LONGEST_SECONDS: f64 = 1e9;
/// No work or size is larger; then all predicted times are finite.
pub(crate) const LARGEST: f64 = 1e30;

/// `D0`, the data of the performance test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Probe {
    /// `Z0`, its size in bytes, there and back; at least 1.
    pub(crate) bytes: f64,
    /// `C0`, the work on it in elementary operations; at least 1.
    pub(crate) work: f64,
}

/// One answer to a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Measured {
    /// Who answered.
    pub(crate) node: NodeId,
    /// `NC`: how many steps the node runs at once.
    pub(crate) cpus: u32,
    /// `Tp`: the work, on one CPU, by the node's clock.
    pub(crate) compute: Duration,
    /// `TE = t1 − t0`: from sending to the answer, by the balancer's clock.
    pub(crate) execution: Duration,
}

impl Measured {
    /// The shorter work and the shorter way of this and an earlier answer.
    pub(crate) fn or_shorter(self, earlier: Self) -> Self {
        let way = |of: Self| of.execution.saturating_sub(of.compute);
        let compute = self.compute.min(earlier.compute);
        Self {
            compute,
            execution: compute + way(self).min(way(earlier)),
            ..self
        }
    }
}

/// `C_k` and `Z_k`: what one MsVPU of a team costs in a round.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct StepCost {
    work: f64,
    bytes: f64,
}

/// A program stated a cost that no share can be computed from.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
#[error("{what} of a step is {value}, but must be a number from 0 to {LARGEST:e}")]
pub(crate) struct CostError {
    what: &'static str,
    value: f64,
}

/// A measurement that no share can be computed from.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub(crate) enum PerformanceError {
    #[error("node {node}: {what} is {value}, but must be {right}")]
    OutOfRange {
        node: NodeId,
        what: &'static str,
        value: f64,
        right: &'static str,
    },
    #[error("node {node}: the second answer is from node {other}; both must be from one node")]
    OtherNode { node: NodeId, other: NodeId },
    #[error(
        "node {node}: both probes have {bytes} bytes; two sizes tell latency from bandwidth apart"
    )]
    OneSize { node: NodeId, bytes: f64 },
}

impl StepCost {
    /// # Errors
    /// When a value is negative, not a number, or beyond 10³⁰.
    pub(crate) fn new(work: f64, bytes: f64) -> Result<Self, CostError> {
        for (what, value) in [("the work", work), ("the number of bytes", bytes)] {
            if !(0.0..=LARGEST).contains(&value) {
                return Err(CostError { what, value });
            }
        }
        Ok(Self { work, bytes })
    }

    /// `C_k`, in elementary operations.
    pub(crate) const fn work(self) -> f64 {
        self.work
    }
}

/// The way between a node and the balancer: `TL = α + β·Z` for Z bytes there and back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct NetworkCost {
    /// α: what a message of no bytes takes.
    pub(crate) latency: Duration,
    /// β; not negative.
    pub(crate) seconds_per_byte: f64,
}

impl NetworkCost {
    /// Fits α and β, neither negative, to two points (bytes, seconds) of different sizes.
    ///
    /// Two points give one line. Where noise makes that line impossible, the least squares under
    /// the bound are taken: for a negative slope β = 0 and α is the mean of both times; for a
    /// negative intercept α = 0 and β is the slope of the best line through the origin.
    fn fit([(za, ta), (zb, tb)]: [(f64, f64); 2]) -> Self {
        let slope = (tb - ta) / (zb - za);
        let intercept = ta - slope * za;
        let (latency, seconds_per_byte) = if slope < 0.0 {
            (f64::midpoint(ta, tb), 0.0)
        } else if intercept < 0.0 {
            // Scaled by the larger size, so that no square overflows.
            let (a, b) = (za / za.max(zb), zb / za.max(zb));
            (0.0, (a * ta + b * tb) / (a * a + b * b) / za.max(zb))
        } else {
            (intercept, slope)
        };
        Self {
            latency: Duration::from_secs_f64(latency),
            seconds_per_byte,
        }
    }

    /// α + β·Z, in seconds.
    pub(crate) fn seconds(&self, bytes: f64) -> f64 {
        self.latency.as_secs_f64() + self.seconds_per_byte * bytes
    }
}

/// What is known of a node; all values have been checked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct NodePerformance {
    node: NodeId,
    cpus: u32,
    probe: Probe,
    compute_seconds: f64,
    latency_seconds: f64,
    network: NetworkCost,
}

impl NodePerformance {
    /// From `Tp` and `TL` of a probe, in seconds.
    ///
    /// # Errors
    /// Names the node and the value: no CPU, a compute time that is not more than 0, a negative
    /// latency, anything that is infinite, not a number or longer than 10⁹ s, an empty probe.
    pub(crate) fn new(
        node: NodeId,
        cpus: u32,
        probe: Probe,
        compute_seconds: f64,
        latency_seconds: f64,
    ) -> Result<Self, PerformanceError> {
        let size = 1.0..=LARGEST;
        let time = 0.0..=LONGEST_SECONDS;
        let right_size = "a number from 1 to 1e30";
        let right_time = "a number of seconds from 0 to 1e9";
        let compute = (f64::MIN_POSITIVE..=LONGEST_SECONDS).contains(&compute_seconds);
        for (what, value, fits, right) in [
            (
                "the number of CPUs",
                f64::from(cpus),
                cpus > 0,
                "at least 1",
            ),
            (
                "the size of the probe",
                probe.bytes,
                size.contains(&probe.bytes),
                right_size,
            ),
            (
                "the work of the probe",
                probe.work,
                size.contains(&probe.work),
                right_size,
            ),
            (
                "the compute time",
                compute_seconds,
                compute,
                "more than 0 s and at most 1e9 s",
            ),
            (
                "the latency",
                latency_seconds,
                time.contains(&latency_seconds),
                right_time,
            ),
        ] {
            if !fits {
                return Err(PerformanceError::OutOfRange {
                    node,
                    what,
                    value,
                    right,
                });
            }
        }
        let network = NetworkCost {
            latency: Duration::ZERO,
            seconds_per_byte: latency_seconds / probe.bytes,
        };
        Ok(Self {
            node,
            cpus,
            probe,
            compute_seconds,
            latency_seconds,
            network,
        })
    }

    /// From the answer to one probe: `TL = TE − Tp`, all of it taken for bandwidth as in eq. 6.
    ///
    /// # Errors
    /// As [`Self::new`]; an execution shorter than its computation is a negative latency.
    pub(crate) fn measured(probe: Probe, answer: Measured) -> Result<Self, PerformanceError> {
        let compute = answer.compute.as_secs_f64();
        let latency = answer.execution.as_secs_f64() - compute;
        Self::new(answer.node, answer.cpus, probe, compute, latency)
    }

    /// From answers to probes of two sizes, which tell latency and bandwidth apart; all else is of
    /// the larger. Eq. 6 takes all of TL for bandwidth: of a small probe it would make nothing but
    /// latency so many times as long.
    ///
    /// # Errors
    /// As [`Self::measured`]; also for answers of two nodes, and for probes of one size.
    pub(crate) fn measured_twice(
        first: (Probe, Measured),
        second: (Probe, Measured),
    ) -> Result<Self, PerformanceError> {
        let (one, two) = (
            Self::measured(first.0, first.1)?,
            Self::measured(second.0, second.1)?,
        );
        let (node, bytes) = (one.node, one.probe.bytes);
        if two.node != node {
            return Err(PerformanceError::OtherNode {
                node,
                other: two.node,
            });
        }
        if two.probe.bytes == bytes {
            return Err(PerformanceError::OneSize { node, bytes });
        }
        let points = [one, two].map(|of| (of.probe.bytes, of.latency_seconds));
        let larger = if two.probe.bytes > bytes { two } else { one };
        Ok(Self {
            network: NetworkCost::fit(points),
            ..larger
        })
    }

    /// The same node where all work takes so many times as long.
    pub(crate) fn slowed(self, factor: f64) -> Self {
        let seconds = (self.compute_seconds * factor).clamp(f64::MIN_POSITIVE, LONGEST_SECONDS);
        Self {
            compute_seconds: seconds,
            ..self
        }
    }

    pub(crate) const fn node(&self) -> NodeId {
        self.node
    }

    /// `NC`.
    pub(crate) const fn cpus(&self) -> u32 {
        self.cpus
    }

    pub(crate) const fn network(&self) -> NetworkCost {
        self.network
    }

    /// What `work` elementary operations take on one CPU, in seconds (eq. 5):
    /// `Tp' = Tp · C_k / C_0`.
    pub(crate) fn compute_seconds(&self, work: f64) -> f64 {
        self.compute_seconds * (work / self.probe.work)
    }

    /// The communication of one MsVPU in a round by the paper's single point, in seconds (eq. 6):
    /// `TL' = TL · Z_k / Z_0`.
    pub(crate) fn latency_seconds(&self, cost: StepCost) -> f64 {
        self.latency_seconds * (cost.bytes / self.probe.bytes)
    }

    /// The same by the line through two sizes: `TL' = α + β·Z_k`. With one size it is eq. 6.
    pub(crate) fn transfer_seconds(&self, cost: StepCost) -> f64 {
        self.network.seconds(cost.bytes)
    }

    /// One MsVPU in a round, in seconds (eq. 7): `TE' = Tp' / NC + TL'`, with eq. 6.
    pub(crate) fn execution_seconds(&self, cost: StepCost) -> f64 {
        self.compute_seconds(cost.work) / f64::from(self.cpus) + self.latency_seconds(cost)
    }

    /// What one wave takes, in seconds: as many MsVPUs as there are CPUs compute at once, while the
    /// messages of the wave before are under way, so that the slower of both sets the pace.
    pub(crate) fn wave_seconds(&self, cost: StepCost) -> f64 {
        let messages = f64::from(self.cpus) * self.network.seconds_per_byte * cost.bytes;
        self.compute_seconds(cost.work).max(messages)
    }

    /// How long the node takes for a round of `count` MsVPUs, in seconds; 0 without any.
    ///
    /// An MsVPU runs on one CPU, so they pass in ⌈count / NC⌉ waves, unlike in eq. 7, which divides
    /// the work of each over all CPUs. The messages of all waves but the last hide behind the
    /// computing: `⌈count / NC⌉ · wave + TL'`.
    pub(crate) fn round_seconds(&self, count: u32, cost: StepCost) -> f64 {
        if count == 0 {
            return 0.0;
        }
        let waves = f64::from(count.div_ceil(self.cpus));
        waves * self.wave_seconds(cost) + self.transfer_seconds(cost)
    }
}

/// Performance indices of nodes by their execution times (eq. 1 with TE, eq. 4 with TE'):
/// `NPI_i = min(TE) / TE_i`, in (0, 1], 1 for the fastest.
///
/// Times are finite and not negative; one of 0 counts as the shortest that there is.
pub(crate) fn performance_indices(seconds: &[f64]) -> Vec<f64> {
    let shortest = f64::MIN_POSITIVE;
    let min = seconds
        .iter()
        .copied()
        .fold(f64::INFINITY, f64::min)
        .max(shortest);
    seconds
        .iter()
        .map(|time| (min / time.max(shortest)).max(shortest))
        .collect()
}

/// The mean (eq. 9 of performance indices); 0 of nothing.
pub(crate) fn mean(values: &[f64]) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    values.iter().sum::<f64>() / values.len() as f64
}

/// Load indices before rounding (eq. 8): `NLI_i = nbMs / n · NPI_i / mean NPI`. Their sum is
/// `msvpus`; [`whole`](super::allotment::whole) makes them whole.
pub(crate) fn load_indices(msvpus: f64, indices: &[f64]) -> Vec<f64> {
    let each = msvpus / indices.len() as f64 / mean(indices);
    indices.iter().map(|index| each * index).collect()
}

/// How far the time of each node is from the mean: `ε_i = |T_i − mean T| / mean T`. All 0 where no
/// time passed.
pub(crate) fn deviations(seconds: &[f64]) -> Vec<f64> {
    let mean = mean(seconds);
    let relative = |time: &f64| {
        if mean > 0.0 {
            (time - mean).abs() / mean
        } else {
            0.0
        }
    };
    seconds.iter().map(relative).collect()
}
