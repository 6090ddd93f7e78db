//! What is to be sent through a broker: what waits, and what was sent and is not confirmed.

use std::collections::{BTreeMap, VecDeque};

/// How much may be unconfirmed at once, and how much may wait while there is no connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WindowLimits {
    pub(crate) messages: usize,
    pub(crate) bytes: usize,
    /// More than this is dropped while there is no connection, the oldest first: it is asked for
    /// again by whoever misses it.
    pub(crate) kept: usize,
}

/// A sliding window over what is sent. Nothing waits for a single confirmation.
#[derive(Debug)]
pub(crate) struct Sending<T> {
    limits: WindowLimits,
    waiting: VecDeque<T>,
    /// By the number under which it was sent.
    unconfirmed: BTreeMap<u64, T>,
    unconfirmed_bytes: usize,
    sent: u64,
    connected: bool,
}

/// What has a size on the wire.
pub(crate) trait Weighed {
    /// In bytes.
    fn len_bytes(&self) -> usize;

    /// It is going to be sent once more.
    fn again(&mut self) {}
}

impl<T: Weighed + Clone> Sending<T> {
    pub(crate) const fn new(limits: WindowLimits) -> Self {
        Self {
            limits,
            waiting: VecDeque::new(),
            unconfirmed: BTreeMap::new(),
            unconfirmed_bytes: 0,
            sent: 0,
            connected: false,
        }
    }

    /// There is something to send. Returns what had to be dropped for it.
    #[must_use]
    pub(crate) fn push(&mut self, part: T) -> Option<T> {
        self.waiting.push_back(part);
        if !self.connected && self.waiting.len() > self.limits.kept {
            return self.waiting.pop_front();
        }
        None
    }

    /// What may be sent now, and under which number its fate is to be told.
    pub(crate) fn next(&mut self) -> Option<(u64, T)> {
        let has_room = self.unconfirmed.is_empty()
            || (self.unconfirmed.len() < self.limits.messages
                && self.unconfirmed_bytes < self.limits.bytes);
        if !self.connected || !has_room {
            return None;
        }
        let part = self.waiting.pop_front()?;
        self.sent += 1;
        self.unconfirmed_bytes += part.len_bytes();
        self.unconfirmed.insert(self.sent, part.clone());
        Some((self.sent, part))
    }

    /// The broker has it, or has refused it for good.
    pub(crate) fn settled(&mut self, number: u64) -> Option<T> {
        let part = self.unconfirmed.remove(&number)?;
        self.unconfirmed_bytes -= part.len_bytes();
        Some(part)
    }

    /// Whether nothing waits, and all is confirmed.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.unconfirmed.is_empty()
    }

    pub(crate) const fn connect(&mut self) {
        self.connected = true;
    }

    /// The connection is lost: what was not confirmed is sent again with the next, in its order.
    /// Returns what is too much to keep.
    #[must_use]
    pub(crate) fn disconnect(&mut self) -> Vec<T> {
        self.connected = false;
        self.unconfirmed_bytes = 0;
        for (_, mut part) in std::mem::take(&mut self.unconfirmed).into_iter().rev() {
            part.again();
            self.waiting.push_front(part);
        }
        let excess = self.waiting.len().saturating_sub(self.limits.kept);
        self.waiting.drain(..excess).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    impl Weighed for usize {
        fn len_bytes(&self) -> usize {
            *self
        }
    }

    const LIMITS: WindowLimits = WindowLimits {
        messages: 3,
        bytes: 100,
        kept: 5,
    };

    #[test]
    fn the_window_is_bounded_by_number_and_by_bytes() {
        let mut sending = Sending::new(LIMITS);
        assert_eq!(sending.next(), None);
        sending.connect();
        for _ in 0..5 {
            assert_eq!(sending.push(10), None);
        }
        let sent: Vec<_> = std::iter::from_fn(|| sending.next()).collect();
        assert_eq!(sent, [(1, 10), (2, 10), (3, 10)]);
        assert_eq!(sending.settled(2), Some(10));
        assert_eq!(sending.settled(2), None);
        assert_eq!(sending.next(), Some((4, 10)));
        for number in [1, 3, 4] {
            sending.settled(number);
        }
        for _ in 0..2 {
            assert_eq!(sending.push(1000), None);
        }
        assert_eq!(sending.next(), Some((5, 10)));
        assert_eq!(sending.next(), Some((6, 1000)), "however long it is");
        assert_eq!(sending.next(), None, "it fills the window");
    }

    proptest! {
        #[test]
        fn nothing_is_lost_by_a_lost_connection_unless_it_is_said(
            steps in prop::collection::vec(0_u8..6, 0..300),
        ) {
            let mut sending = Sending::new(LIMITS);
            let (mut pushed, mut settled, mut dropped) = (0, Vec::new(), Vec::new());
            let mut under_way = Vec::new();
            for step in steps {
                match step {
                    0 | 1 => {
                        pushed += 1;
                        dropped.extend(sending.push(pushed));
                    }
                    2 => under_way.extend(sending.next()),
                    3 => if let Some((number, _)) = under_way.pop() {
                        settled.extend(sending.settled(number));
                    },
                    4 => sending.connect(),
                    _ => {
                        dropped.extend(sending.disconnect());
                        under_way.clear();
                    }
                }
                prop_assert!(sending.unconfirmed.len() <= LIMITS.messages);
            }
            let settled_all = settled.len() + dropped.len() == pushed;
            let mut all: Vec<usize> = settled;
            all.extend(dropped);
            all.extend(sending.unconfirmed.values());
            all.extend(&sending.waiting);
            all.sort_unstable();
            prop_assert_eq!(sending.is_empty(), settled_all);
            prop_assert_eq!(all, (1..=pushed).collect::<Vec<_>>());
            prop_assert!(sending.waiting.iter().is_sorted());
        }
    }
}
