//! The answers of one node's MsVPUs, gathered into one message a round.

use std::time::Duration;

use crate::id::Round;

/// In a round that lasts longer, what is there is sent at this pace, so that watchers see progress.
const PACE: Duration = Duration::from_millis(100);

/// What an answer belongs to, in the order of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    Round(Round),
    Collecting,
}

/// Answers on their way to the leader.
#[derive(Debug)]
pub(crate) struct Outbox<A> {
    /// How many MsVPUs the node runs.
    expected: usize,
    gathered: Vec<A>,
    /// The latest stage seen, and how many answers of it have come.
    stage: Stage,
    answered: usize,
    sent_at: Duration,
}

impl<A> Outbox<A> {
    pub(crate) const fn new(expected: usize) -> Self {
        Self {
            expected,
            gathered: Vec::new(),
            stage: Stage::Round(Round(0)),
            answered: 0,
            sent_at: Duration::ZERO,
        }
    }

    /// Takes an answer; returns what is to be sent now, if anything. `now` counts from any moment.
    ///
    /// Nothing is kept back for good: once as many answers of a stage have come as there are
    /// MsVPUs, every further one of it is sent at once, and one of an earlier stage always is.
    pub(crate) fn put(&mut self, stage: Stage, answer: A, now: Duration) -> Option<Vec<A>> {
        if stage > self.stage {
            (self.stage, self.answered, self.sent_at) = (stage, 0, now);
        }
        self.gathered.push(answer);
        let late = stage < self.stage;
        self.answered += usize::from(!late);
        if late || self.answered >= self.expected || now.saturating_sub(self.sent_at) >= PACE {
            self.sent_at = now;
            Some(std::mem::take(&mut self.gathered))
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Duration = Duration::from_secs(5);

    fn round(round: u32) -> Stage {
        Stage::Round(Round(round))
    }

    #[test]
    fn a_round_is_one_message() {
        let mut outbox = Outbox::new(3);
        for stage in [round(1), round(2), Stage::Collecting] {
            assert_eq!(outbox.put(stage, 'a', NOW), None);
            assert_eq!(outbox.put(stage, 'b', NOW), None);
            assert_eq!(outbox.put(stage, 'c', NOW), Some(vec!['a', 'b', 'c']));
        }
    }

    #[test]
    fn a_long_round_sends_what_is_there() {
        let mut outbox = Outbox::new(4);
        assert_eq!(outbox.put(round(1), 'a', NOW), None);
        assert_eq!(outbox.put(round(1), 'b', NOW + PACE), Some(vec!['a', 'b']));
        assert_eq!(outbox.put(round(1), 'c', NOW + PACE), None);
        assert_eq!(outbox.put(round(1), 'd', NOW + PACE), Some(vec!['c', 'd']));
    }

    proptest! {
        /// However answers repeat and mix: when each rank has answered the last stage, nothing is
        /// left behind.
        #[test]
        fn nothing_is_kept_back(
            expected in 1_usize..6,
            noise in prop::collection::vec((1_u32..5, 0_usize..6), 0..40),
            order in Just((0..5_usize).collect::<Vec<_>>()).prop_shuffle(),
        ) {
            let mut outbox = Outbox::new(expected);
            let (mut put, mut sent) = (0, 0);
            let mut answer = |stage, outbox: &mut Outbox<()>| {
                put += 1;
                sent += outbox.put(stage, (), NOW).map_or(0, |answers| answers.len());
                (put, sent)
            };
            for (stage, _) in noise {
                answer(round(stage), &mut outbox);
            }
            let mut end = (0, 0);
            for _ in order.iter().filter(|rank| **rank < expected) {
                end = answer(round(5), &mut outbox);
            }
            if expected <= order.len() {
                prop_assert_eq!(end.0, end.1);
            }
        }
    }
}
