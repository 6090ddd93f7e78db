//! The answers of one node's MsVPUs, gathered into one message a round.

use std::time::Duration;

/// In a round that lasts longer, what is there is sent at this pace, so that watchers see progress.
const PACE: Duration = Duration::from_millis(100);

/// Answers on their way to the leader.
#[derive(Debug)]
pub(crate) struct Outbox<A> {
    /// How many orders have neither been answered nor dropped.
    outstanding: usize,
    gathered: Vec<A>,
    /// How many were sent together at most; about as many will be again, and get their room at once.
    most: usize,
    sent_at: Duration,
}

impl<A> Outbox<A> {
    pub(crate) const fn new() -> Self {
        Self {
            outstanding: 0,
            gathered: Vec::new(),
            most: 0,
            sent_at: Duration::ZERO,
        }
    }

    /// So many MsVPUs are given an order; each ends in [`put`](Self::put) or [`drop_order`](Self::drop_order).
    pub(crate) fn order(&mut self, msvpus: usize, now: Duration) {
        if self.outstanding == 0 {
            self.sent_at = now;
        }
        self.outstanding += msvpus;
    }

    /// An order was answered; returns what is to be sent now, if anything.
    pub(crate) fn put(&mut self, answer: A, now: Duration) -> Option<Vec<A>> {
        if self.gathered.is_empty() {
            self.gathered.reserve_exact(self.most.min(self.outstanding));
        }
        self.gathered.push(answer);
        self.outstanding = self.outstanding.saturating_sub(1);
        self.flush(now)
    }

    /// An order ended without an answer; returns what is to be sent now, if anything.
    pub(crate) fn drop_order(&mut self, now: Duration) -> Option<Vec<A>> {
        self.outstanding = self.outstanding.saturating_sub(1);
        self.flush(now)
    }

    /// Time has passed: whatever is there is to be sent, so that nothing waits for a step that
    /// takes long, and is lost with the node, or held against its tile.
    pub(crate) fn tick(&mut self, now: Duration) -> Option<Vec<A>> {
        self.send(now)
    }

    /// Nothing is kept back once every order has ended.
    fn flush(&mut self, now: Duration) -> Option<Vec<A>> {
        let due = self.outstanding == 0 || now.saturating_sub(self.sent_at) >= PACE;
        if due { self.send(now) } else { None }
    }

    fn send(&mut self, now: Duration) -> Option<Vec<A>> {
        if self.gathered.is_empty() {
            return None;
        }
        self.sent_at = now;
        self.most = self.most.max(self.gathered.len());
        Some(std::mem::take(&mut self.gathered))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Duration = Duration::from_secs(5);

    #[test]
    fn a_round_is_one_message() {
        let mut outbox = Outbox::new();
        for _ in 0..3 {
            outbox.order(3, NOW);
            assert_eq!(outbox.put('a', NOW), None);
            assert_eq!(outbox.put('b', NOW), None);
            assert_eq!(outbox.put('c', NOW), Some(vec!['a', 'b', 'c']));
        }
    }

    #[test]
    fn a_long_round_sends_what_is_there() {
        let mut outbox = Outbox::new();
        outbox.order(4, NOW);
        assert_eq!(outbox.put('a', NOW), None);
        assert_eq!(outbox.put('b', NOW + PACE), Some(vec!['a', 'b']));
        assert_eq!(outbox.put('c', NOW + PACE), None);
        assert_eq!(outbox.put('d', NOW + PACE), Some(vec!['c', 'd']));
    }

    #[test]
    fn what_is_there_does_not_wait_for_a_step_that_takes_long() {
        let mut outbox = Outbox::new();
        outbox.order(3, NOW);
        assert_eq!(outbox.tick(NOW), None);
        assert_eq!(outbox.put('a', NOW), None);
        assert_eq!(outbox.tick(NOW), Some(vec!['a']));
        assert_eq!(outbox.tick(NOW + PACE), None, "once");
        assert_eq!(outbox.put('b', NOW), None);
        assert_eq!(outbox.put('c', NOW), Some(vec!['b', 'c']));
    }

    #[test]
    fn an_order_without_an_answer_keeps_nothing_back() {
        let mut outbox = Outbox::new();
        outbox.order(2, NOW);
        assert_eq!(outbox.put('a', NOW), None);
        assert_eq!(outbox.drop_order(NOW), Some(vec!['a']));
        outbox.order(1, NOW);
        assert_eq!(outbox.drop_order(NOW), None);
    }

    proptest! {
        #[test]
        fn nothing_stays_behind_whatever_the_order(
            steps in prop::collection::vec((1_usize..5, any::<bool>(), 0_u64..300), 1..50),
        ) {
            let (mut outbox, mut open, mut sent, mut put) = (Outbox::new(), 0, 0, 0);
            let mut now = NOW;
            for (count, answered, later) in steps {
                now += Duration::from_millis(later);
                outbox.order(count, now);
                open += count;
                let flushed = if answered { put += 1; outbox.put((), now) } else { outbox.drop_order(now) };
                open -= 1;
                sent += flushed.map_or(0, |answers| answers.len());
            }
            for _ in 0..open {
                put += 1;
                sent += outbox.put((), now).map_or(0, |answers| answers.len());
            }
            prop_assert_eq!(sent, put);
        }
    }
}
