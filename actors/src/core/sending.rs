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
/// turns between jobs, so that a small one does not wait for the tiles of a big one; each job keeps its order,
/// and the parts of a message stay together, so that whoever receives has few that are not whole.
#[derive(Debug)]
pub(crate) struct Sending<T> {
    limits: WindowLimits,
    /// What goes first: the rest of a message that has begun, and before that what an earlier connection has
    /// not confirmed.
    begun: VecDeque<T>,
    /// Messages, each by its first part and the others.
    waiting: FairQueue<(T, Vec<T>)>,
    waiting_parts: usize,
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
            begun: VecDeque::new(),
            waiting: FairQueue::new(),
            waiting_parts: 0,
            unconfirmed: BTreeMap::new(),
            unconfirmed_bytes: 0,
            sent: 0,
            connected: false,
        }
    }

    /// There is a message to send, of these parts. Returns what had to be dropped for it.
    #[must_use]
    pub(crate) fn push(&mut self, first: T, others: Vec<T>) -> Vec<T> {
        let flow = first.flow();
        let parts = || std::iter::once(&first).chain(&others);
        // What little a short one takes besides its bytes counts too.
        let bytes: usize = parts().map(|part| part.len_bytes() + HEAD_BYTES).sum();
        self.waiting_parts += parts().count();
        self.waiting.push(flow, bytes as f64, (first, others));
        if self.connected {
            Vec::new()
        } else {
            self.drop_excess()
        }
    }

    fn drop_excess(&mut self) -> Vec<T> {
        let excess = self.len().saturating_sub(self.limits.kept);
        (0..excess).map_while(|_| self.pop()).collect()
    }

    /// How many parts wait.
    fn len(&self) -> usize {
        self.begun.len() + self.waiting_parts
    }

    fn pop(&mut self) -> Option<T> {
        if self.begun.is_empty() {
            let (.., (first, others)) = self.waiting.pop()?;
            self.waiting_parts -= 1 + others.len();
            self.begun.extend(others);
            return Some(first);
        }
        self.begun.pop_front()
    }

    fn pop_if(&mut self, may: impl FnOnce(&T) -> bool) -> Option<T> {
        let waiting = || self.waiting.front().map(|(first, _)| first);
        let front = self.begun.front().or_else(waiting);
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
                self.begun.push_front(part);
            }
        }
        self.drop_excess()
    }
}

#[cfg(test)]
mod tests;
