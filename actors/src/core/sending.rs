//! What is to be sent through a broker: what waits, and what was sent and is not confirmed.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::core::fair::{FairQueue, Flow};

/// How much may be unconfirmed at once, how much goes in one message, and how much may wait while
/// there is no connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WindowLimits {
    pub(crate) messages: usize,
    pub(crate) bytes: usize,
    pub(crate) bundle: BundleLimits,
    /// More than this is dropped while there is no connection, what would go first: it is asked for
    /// again by whoever misses it.
    pub(crate) kept: usize,
}

/// What a part takes besides its bytes, roughly.
const HEAD_BYTES: usize = 64;

/// How much of what waits goes in one message, if there is more than one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BundleLimits {
    pub(crate) parts: usize,
    pub(crate) bytes: usize,
}

/// A sliding window over what is sent. Nothing waits for a single confirmation, nor for company:
/// what is there when the window has room is sent, as much at once as may go together. What waits goes by
/// turns between jobs, so that a small one does not wait for the tiles of a big one; each job keeps its order.
#[derive(Debug)]
pub(crate) struct Sending<T> {
    limits: WindowLimits,
    /// What an earlier connection has not confirmed goes first.
    again: VecDeque<T>,
    waiting: FairQueue<T>,
    /// By the number under which it was sent.
    unconfirmed: BTreeMap<u64, Unconfirmed<T>>,
    unconfirmed_bytes: usize,
    sent: u64,
    connected: bool,
}

/// A message that was sent, of one part or of several.
#[derive(Debug)]
struct Unconfirmed<T> {
    parts: Arc<Vec<T>>,
    bytes: usize,
}

/// What is sent.
pub(crate) trait Part {
    /// In bytes.
    fn len_bytes(&self) -> usize;

    /// Whose it is.
    fn flow(&self) -> Flow;

    /// Whether it may go in one message with this one.
    fn joins(&self, other: &Self) -> bool;

    /// It is going to be sent once more.
    fn again(&mut self) {}
}

impl<T: Part + Clone> Sending<T> {
    pub(crate) fn new(limits: WindowLimits) -> Self {
        Self {
            limits,
            again: VecDeque::new(),
            waiting: FairQueue::new(),
            unconfirmed: BTreeMap::new(),
            unconfirmed_bytes: 0,
            sent: 0,
            connected: false,
        }
    }

    /// There is something to send. Returns what had to be dropped for it.
    #[must_use]
    pub(crate) fn push(&mut self, part: T) -> Option<T> {
        // What little a short message takes besides its bytes counts too.
        let cost = (part.len_bytes() + HEAD_BYTES) as f64;
        self.waiting.push(part.flow(), cost, part);
        if !self.connected && self.len() > self.limits.kept {
            return self.pop();
        }
        None
    }

    /// How much waits.
    fn len(&self) -> usize {
        self.again.len() + self.waiting.len()
    }

    fn pop(&mut self) -> Option<T> {
        let again = self.again.pop_front();
        again.or_else(|| self.waiting.pop().map(|(.., part)| part))
    }

    fn pop_if(&mut self, may: impl FnOnce(&T) -> bool) -> Option<T> {
        let front = self.again.front().or_else(|| self.waiting.front());
        front.is_some_and(may).then(|| self.pop())?
    }

    /// What may be sent now, in one message, and under which number its fate is to be told.
    pub(crate) fn next(&mut self) -> Option<(u64, Arc<Vec<T>>)> {
        let has_room = self.unconfirmed.is_empty()
            || (self.unconfirmed.len() < self.limits.messages
                && self.unconfirmed_bytes < self.limits.bytes);
        if !self.connected || !has_room {
            return None;
        }
        let first = self.pop()?;
        let BundleLimits { parts, bytes: most } = self.limits.bundle;
        let mut bytes = first.len_bytes();
        let mut bundle = vec![first];
        while let Some(next) = self.pop_if(|next| {
            bundle.len() < parts
                && bytes + next.len_bytes() <= most
                && bundle.first().is_some_and(|first| next.joins(first))
        }) {
            bytes += next.len_bytes();
            bundle.push(next);
        }
        self.sent += 1;
        self.unconfirmed_bytes += bytes;
        let parts = Arc::new(bundle);
        let unconfirmed = Unconfirmed {
            parts: Arc::clone(&parts),
            bytes,
        };
        self.unconfirmed.insert(self.sent, unconfirmed);
        Some((self.sent, parts))
    }

    /// The broker has it, or has refused it for good.
    pub(crate) fn settled(&mut self, number: u64) -> Option<Arc<Vec<T>>> {
        let Unconfirmed { parts, bytes } = self.unconfirmed.remove(&number)?;
        self.unconfirmed_bytes -= bytes;
        Some(parts)
    }

    /// Whether nothing waits, and all is confirmed.
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0 && self.unconfirmed.is_empty()
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
        let unconfirmed = std::mem::take(&mut self.unconfirmed);
        for (_, Unconfirmed { parts, .. }) in unconfirmed.into_iter().rev() {
            for mut part in Arc::unwrap_or_clone(parts).into_iter().rev() {
                part.again();
                self.again.push_front(part);
            }
        }
        let excess = self.len().saturating_sub(self.limits.kept);
        (0..excess).map_while(|_| self.pop()).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use uuid::Uuid;

    use super::*;
    use crate::id::JobId;

    /// As many bytes as it says; even ones go with even ones.
    impl Part for usize {
        fn len_bytes(&self) -> usize {
            *self
        }

        fn joins(&self, other: &Self) -> bool {
            self % 2 == other % 2
        }

        fn flow(&self) -> Flow {
            Flow::of(None)
        }
    }

    /// Of a job, so many bytes.
    #[derive(Clone, Copy, Debug, PartialEq)]
    struct Of(u128, usize);

    impl Part for Of {
        fn len_bytes(&self) -> usize {
            self.1
        }

        fn joins(&self, _other: &Self) -> bool {
            false
        }

        fn flow(&self) -> Flow {
            Flow::of(Some(JobId::new(Uuid::from_u128(self.0))))
        }
    }

    const LIMITS: WindowLimits = WindowLimits {
        messages: 3,
        bytes: 100,
        bundle: BundleLimits {
            parts: 4,
            bytes: 50,
        },
        kept: 5,
    };

    /// What is sent now.
    fn sent(sending: &mut Sending<usize>) -> Vec<(u64, Vec<usize>)> {
        let next = || {
            sending
                .next()
                .map(|(number, parts)| (number, parts.to_vec()))
        };
        std::iter::from_fn(next).collect()
    }

    fn push(sending: &mut Sending<usize>, parts: &[usize]) {
        for part in parts {
            assert_eq!(sending.push(*part), None);
        }
    }

    #[test]
    fn the_window_is_bounded_by_number_and_by_bytes() {
        let mut sending = Sending::new(LIMITS);
        assert_eq!(sent(&mut sending), []);
        sending.connect();
        push(&mut sending, &[10, 11, 12, 13, 14]);
        let first = [(1, vec![10]), (2, vec![11]), (3, vec![12])];
        assert_eq!(sent(&mut sending), first);
        assert_eq!(sending.settled(2), Some(vec![11].into()));
        assert_eq!(sending.settled(2), None);
        assert_eq!(sent(&mut sending), [(4, vec![13])]);
        for number in [1, 3, 4] {
            sending.settled(number);
        }
        assert_eq!(sent(&mut sending), [(5, vec![14])]);
        push(&mut sending, &[1000, 1000]);
        let however_long = [(6, vec![1000])];
        assert_eq!(sent(&mut sending), however_long, "it fills the window");
    }

    #[test]
    fn what_waits_goes_together_as_far_as_it_may() {
        let mut sending = Sending::new(LIMITS);
        sending.connect();
        push(&mut sending, &[2]);
        assert_eq!(sent(&mut sending), [(1, vec![2])], "not waiting for more");
        push(&mut sending, &[2, 4, 6, 8, 10, 1, 3, 40, 12]);
        let full = [(2, vec![2, 4, 6, 8]), (3, vec![10])];
        assert_eq!(sent(&mut sending), full, "four are the most");
        for number in 1..=3 {
            sending.settled(number);
        }
        let bytes = [(4, vec![1, 3]), (5, vec![40]), (6, vec![12])];
        assert_eq!(sent(&mut sending), bytes, "and 50 bytes; in their order");
        assert_eq!(sending.unconfirmed_bytes, 56);
        assert_eq!(sending.disconnect(), [0; 0]);
        sending.connect();
        assert_eq!(
            sent(&mut sending),
            [(7, vec![1, 3]), (8, vec![40]), (9, vec![12])]
        );
    }

    #[test]
    fn jobs_take_turns_and_keep_their_order() {
        let mut sending = Sending::new(WindowLimits {
            messages: 100,
            ..LIMITS
        });
        sending.connect();
        let big = (0..20).map(|i| Of(1, 30 + i));
        let small = (0..3).map(|i| Of(2, 10 + i));
        for part in big.clone().chain(small.clone()) {
            assert_eq!(sending.push(part), None);
        }
        let mut sent = Vec::new();
        while let Some((number, parts)) = sending.next() {
            sent.extend(parts.iter().copied());
            sending.settled(number);
        }
        let of = |job| sent.iter().copied().filter(move |part| part.0 == job);
        assert!(of(1).eq(big) && of(2).eq(small), "{sent:?}");
        let last = sent.iter().rposition(|part| part.0 == 2);
        assert!(last < Some(7), "{sent:?}");
    }

    proptest! {
        #[test]
        fn nothing_is_lost_by_a_lost_connection_unless_it_is_said(
            steps in prop::collection::vec(0_u8..6, 0..300),
        ) {
            let mut sending = Sending::new(WindowLimits {
                bytes: 5000,
                bundle: BundleLimits { parts: 3, bytes: 1000 },
                ..LIMITS
            });
            let (mut pushed, mut settled, mut dropped) = (0, Vec::new(), Vec::new());
            // Ever greater; four at a time may go together.
            let part = |number: usize| 2 * number + number / 4 % 2;
            let mut under_way = Vec::new();
            for step in steps {
                match step {
                    0 | 1 => {
                        pushed += 1;
                        dropped.extend(sending.push(part(pushed)));
                    }
                    2 => under_way.extend(sending.next()),
                    3 => if let Some((number, parts)) = under_way.pop() {
                        let told = sending.settled(number);
                        prop_assert_eq!(told.as_ref(), Some(&parts));
                        prop_assert!(parts.is_sorted());
                        settled.extend(parts.to_vec());
                    },
                    4 => sending.connect(),
                    _ => {
                        dropped.extend(sending.disconnect());
                        under_way.clear();
                    }
                }
                prop_assert!(sending.unconfirmed.len() <= LIMITS.messages);
                let parts = || sending.unconfirmed.values();
                let bytes = parts().flat_map(|sent| sent.parts.iter()).sum::<usize>();
                prop_assert_eq!(bytes, sending.unconfirmed_bytes);
            }
            let settled_all = settled.len() + dropped.len() == pushed;
            let mut all: Vec<usize> = settled;
            all.extend(dropped);
            let unconfirmed = sending.unconfirmed.values();
            all.extend(unconfirmed.flat_map(|sent| sent.parts.iter()));
            prop_assert_eq!(sending.is_empty(), settled_all);
            let waiting: Vec<usize> = std::iter::from_fn(|| sending.pop()).collect();
            prop_assert!(waiting.is_sorted());
            all.extend(waiting);
            all.sort_unstable();
            prop_assert_eq!(all, (1..=pushed).map(part).collect::<Vec<_>>());
        }
    }
}
