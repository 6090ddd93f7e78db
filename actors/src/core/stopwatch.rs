//! What an MsVPU spends on an answer, as its node measures it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What was spent on an answer. Travels with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Effort {
    /// From the order to the answer without computing: for the tile, for a CPU.
    pub(crate) waited: Duration,
    /// Loading the tile, if that was new, and the step.
    pub(crate) computed: Duration,
    /// When the answer was there, by the node's clock: to be compared with when it was sent.
    pub(crate) ended: Duration,
}

impl Effort {
    /// As it is when the node sends the answer; `sent` is by its clock.
    pub(crate) const fn sent(self, sent: Duration) -> Spent {
        Spent {
            waited: self.waited,
            computed: self.computed,
            kept: sent.saturating_sub(self.ended),
        }
    }
}

/// What was spent on an answer on the node, all in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spent {
    pub(crate) waited: Duration,
    pub(crate) computed: Duration,
    /// How long the answer lay on the node before it was sent.
    pub(crate) kept: Duration,
}

/// Measures what an MsVPU spends on the answer that it owes.
#[derive(Debug, Default)]
pub(crate) struct Stopwatch {
    /// When the first order came that leads to the answer.
    since: Option<Duration>,
    computed: Duration,
    last: Option<Effort>,
}

impl Stopwatch {
    /// An order has come that is to be worked on.
    pub(crate) fn ordered(&mut self, now: Duration) {
        self.since.get_or_insert(now);
    }

    /// Something was computed.
    pub(crate) fn computed(&mut self, took: Duration) {
        self.computed += took;
    }

    /// The answer is there.
    pub(crate) fn answered(&mut self, now: Duration) -> Effort {
        let since = self.since.take().unwrap_or(now);
        let computed = std::mem::take(&mut self.computed);
        let effort = Effort {
            waited: now.saturating_sub(since).saturating_sub(computed),
            computed,
            ended: now,
        };
        self.last = Some(effort);
        effort
    }

    /// What was spent on the latest answer.
    pub(crate) const fn last(&self) -> Option<Effort> {
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn what_is_not_computed_is_waited() {
        let mut stopwatch = Stopwatch::default();
        // The tile comes, is loaded, and then the task comes.
        stopwatch.ordered(ms(100));
        stopwatch.computed(ms(20));
        stopwatch.ordered(ms(150));
        stopwatch.computed(ms(7));
        let effort = stopwatch.answered(ms(160));
        assert_eq!((effort.waited, effort.computed), (ms(33), ms(27)));
        assert_eq!(effort.sent(ms(165)).kept, ms(5));
        assert_eq!(stopwatch.last(), Some(effort), "to be told again");
        // The next round begins from nothing.
        stopwatch.ordered(ms(300));
        stopwatch.computed(ms(9));
        let effort = stopwatch.answered(ms(310));
        assert_eq!((effort.waited, effort.computed), (ms(1), ms(9)));
    }

    #[test]
    fn a_clock_that_stands_gives_no_less_than_nothing() {
        let mut stopwatch = Stopwatch::default();
        stopwatch.ordered(ms(100));
        stopwatch.computed(ms(20));
        let effort = stopwatch.answered(ms(110));
        assert_eq!((effort.waited, effort.computed), (ms(0), ms(20)));
        assert_eq!(effort.sent(ms(90)).kept, ms(0));
    }
}
