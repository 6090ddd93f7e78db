//! Which node is tested when, and what came of it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::core::lease::Member;
use crate::core::performance::{Measured, NodePerformance, PerformanceError, Probe};
use crate::id::Origin;

/// The two sizes of the performance test, which tell latency and bandwidth apart: a thousandth of
/// a second of work on one CPU, and as good as nothing or 64 KiB on the way.
pub(crate) const PROBES: [Probe; 2] = [
    Probe {
        bytes: 64.0,
        work: 1e6,
    },
    Probe {
        bytes: 65_536.0,
        work: 1e6,
    },
];

/// An examination is so many tests, of either size in turn; the shortest of each counts. Whatever
/// else is on the way, and a quota that is used up just then, only ever make it longer.
pub(crate) const TESTS: usize = 3 * PROBES.len();

/// A node is examined again when what is known of it is older than this.
const STALE_AFTER: Duration = Duration::from_secs(60);

/// ... or when rounds take so many times longer or shorter than it foretold.
const DRIFT: f64 = 1.5;

/// ... but not sooner than this: other work on the node makes rounds longer too.
const SETTLED_AFTER: Duration = Duration::from_secs(5);

/// No node is taken to get less of its CPUs.
const SMALLEST_SHARE: f64 = 1e-3;

/// What a node says of its CPUs when it is tested.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Capacity {
    pub(crate) cpus: u32,
    /// What part of the time they may run.
    pub(crate) share: f64,
    /// How many pieces of work ran or waited there when the test came.
    pub(crate) load: u32,
}

impl Capacity {
    /// What part of the time the CPUs are taken to run.
    fn running(&self) -> f64 {
        if self.share > 0.0 {
            self.share.clamp(SMALLEST_SHARE, 1.0)
        } else {
            1.0
        }
    }
}

/// One node, as the balancer has examined it.
#[derive(Debug)]
pub(crate) struct Examination {
    pub(crate) member: Member,
    performance: Option<NodePerformance>,
    /// What it said of its CPUs when it was last tested.
    capacity: Option<Capacity>,
    /// The shortest answers of the examination under way, by size.
    answers: [Option<Measured>; 2],
    /// The test under way: its number, which of [`TESTS`] it is, when it was sent.
    under_way: Option<(u64, usize, Duration)>,
    /// The test to send next.
    due: Option<usize>,
    /// When nothing could be computed from the answers of the latest examination.
    refused: Option<Duration>,
    examined_at: Duration,
}

impl Examination {
    pub(crate) const fn new(member: Member) -> Self {
        Self {
            member,
            performance: None,
            capacity: None,
            answers: [None; 2],
            under_way: None,
            due: Some(0),
            refused: None,
            examined_at: Duration::ZERO,
        }
    }

    /// The same, of a node that now says this of itself.
    pub(crate) fn of(self, member: Member) -> Self {
        Self { member, ..self }
    }

    /// As a program finds it whose steps take longer than a period of its quota.
    pub(crate) fn performance(&self) -> Option<NodePerformance> {
        let running = self.capacity.map_or(1.0, |capacity| capacity.running());
        Some(self.performance?.slowed(1.0 / running))
    }

    /// Whether its latest examination came to nothing, and none before came to something.
    pub(crate) const fn is_refused(&self) -> bool {
        self.performance.is_none() && self.refused.is_some()
    }

    /// How many pieces of work ran or waited there when it was last tested.
    pub(crate) fn load(&self) -> Option<u32> {
        self.capacity.map(|capacity| capacity.load)
    }

    /// Which of [`PROBES`] to send now, if any, under this number; a test without an answer after
    /// `patience` is sent again.
    pub(crate) fn next(&mut self, number: u64, now: Duration, patience: Duration) -> Option<usize> {
        let test = match (self.under_way, self.due) {
            (Some((_, test, sent)), _) if now.saturating_sub(sent) > patience => test,
            (Some(_), _) => return None,
            (None, Some(test)) => test,
            (None, None) if is_over(self.refused, now, patience) => 0,
            (None, None) if now.saturating_sub(self.examined_at) > STALE_AFTER => 0,
            (None, None) => return None,
        };
        self.due = None;
        self.under_way = Some((number, test, now));
        Some(size(test))
    }

    /// Takes an answer of a node. Others than that of the test under way are of no use: when they
    /// were sent is forgotten.
    ///
    /// # Errors
    /// When nothing can be computed from the answers; the node is examined anew after the patience of
    /// [`next`](Self::next), and is meanwhile what it was found to be before.
    pub(crate) fn answer(
        &mut self,
        (origin, number): (Origin, u64),
        capacity: Capacity,
        (compute, waited): (Duration, Duration),
        now: Duration,
    ) -> Result<(), PerformanceError> {
        let Some((expected, test, sent)) = self.under_way else {
            return Ok(());
        };
        if number != expected || origin != self.member.origin {
            return Ok(());
        }
        self.under_way = None;
        self.capacity = Some(capacity);
        let execution = now.saturating_sub(sent).saturating_sub(waited);
        let measured = Measured {
            node: origin.node,
            cpus: capacity.cpus,
            compute,
            // What the clock of the node rounds up, that of the balancer may not see.
            execution: execution.max(compute),
        };
        let shortest = &mut self.answers[size(test)];
        *shortest = match *shortest {
            Some(before) if test >= PROBES.len() => Some(measured.or_shorter(before)),
            _ => Some(measured),
        };
        if test + 1 < TESTS {
            self.due = Some(test + 1);
            return Ok(());
        }
        self.examined_at = now;
        if let [Some(small), Some(large)] = self.answers {
            let (small, large) = ((PROBES[0], small), (PROBES[1], large));
            let measured = NodePerformance::measured_twice(small, large);
            self.refused = measured.is_err().then_some(now);
            self.performance = Some(measured?);
        }
        Ok(())
    }

    /// A round took this long where that was foretold.
    pub(crate) fn compare(&mut self, foretold: f64, took: f64, now: Duration) {
        let drifted = is_drift(took / foretold);
        let settled = now.saturating_sub(self.examined_at) > SETTLED_AFTER;
        if drifted && settled && self.under_way.is_none() && self.due.is_none() {
            self.due = Some(0);
        }
    }
}

/// Which of [`PROBES`] a test sends.
const fn size(test: usize) -> usize {
    test % PROBES.len()
}

fn is_over(since: Option<Duration>, now: Duration, patience: Duration) -> bool {
    since.is_some_and(|since| now.saturating_sub(since) > patience)
}

/// Whether the ratio of two times is that of a node that has changed. No time where none was
/// foretold is no number, and no drift.
pub(crate) fn is_drift(ratio: f64) -> bool {
    !ratio.is_nan() && !(1.0 / DRIFT..=DRIFT).contains(&ratio)
}

#[cfg(test)]
mod tests;
