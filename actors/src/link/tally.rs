//! What links count.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

/// What the link has done so far; see [`Counters`].
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(super) sent: AtomicU64,
    pub(super) undeliverable: AtomicU64,
    pub(super) misdirected: AtomicU64,
    pub(super) repeated: AtomicU64,
    pub(super) duplicates: AtomicU64,
    pub(super) stale: AtomicU64,
    pub(super) stale_answers: AtomicU64,
    pub(super) strangers: AtomicU64,
    pub(super) given_up: AtomicU64,
}

/// Message counts since the machine started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Counters {
    /// Messages put into a mailbox.
    pub sent: u64,
    /// Messages whose mailbox was gone; normal for what a cancelled step still answers.
    pub undeliverable: u64,
    /// Messages that the actor at their address does not understand; none in a healthy machine.
    pub misdirected: u64,
    /// Messages that the way between two nodes delivered once more; dropped.
    pub repeated: u64,
    /// Messages that had been acted on before, or came late, such as answers of MsVPUs; dropped.
    pub duplicates: u64,
    /// What a replaced leader or a lost node still said, or was still told, and what was said of MsVPUs that
    /// are elsewhere now; dropped.
    pub stale: u64,
    /// Of those, results of MsVPUs whose place is elsewhere: their node was given up, or they have moved.
    pub stale_answers: u64,
    /// Answers of ranks that the team does not have; none in a healthy machine.
    pub strangers: u64,
    /// Nodes that were given up because their lease had run out, by the directory.
    pub nodes_given_up: u64,
}

impl Tally {
    /// Messages put into a mailbox.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    pub(crate) fn counters(&self) -> Counters {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counters {
            sent: read(&self.sent),
            undeliverable: read(&self.undeliverable),
            misdirected: read(&self.misdirected),
            repeated: read(&self.repeated),
            duplicates: read(&self.duplicates),
            stale: read(&self.stale),
            stale_answers: read(&self.stale_answers),
            strangers: read(&self.strangers),
            nodes_given_up: read(&self.given_up),
        }
    }
}

pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
