//! What went through the broker so far.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

use super::line::Purpose;
use crate::wire::queues::Queue;

/// What went through the queues of one kind, since the process began to use the broker.
///
/// Counted are the broker's messages, unless it says otherwise: a long message of ours goes in
/// several of those, and short ones that wait for the same queue go in one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct QueueCounters {
    /// Messages handed to the broker for queues of this kind.
    pub published: u64,
    /// Their bodies, in bytes.
    pub published_bytes: u64,
    /// Of those, what the broker has confirmed.
    pub confirmed: u64,
    /// What came back, because no such queue was there.
    pub returned: u64,
    /// What the broker refused.
    pub refused: u64,
    /// What was sent again after a connection was lost.
    pub resent: u64,
    /// How many messages of ours, or parts of long ones, went with others in one of these.
    pub bundled: u64,
    /// Messages of ours, or parts of long ones, that were too many to keep while there was no
    /// connection, or under way already; and those of which only a part came.
    pub dropped: u64,
    /// Messages that came out of this process's queue.
    pub received: u64,
    /// Their bodies, in bytes.
    pub received_bytes: u64,
    /// Of those, what the broker delivered once more.
    pub redelivered: u64,
    /// Of whole messages that came out of it, those that had come before; dropped.
    pub deduplicated: u64,
    /// Messages that nobody here could read; of those that came with others, each of ours.
    pub dead: u64,
    /// Duplicates of messages of ours that were put in on purpose.
    pub injected: u64,
}

/// What happened to one of a process's connections, each time anew, since the process began to use
/// the broker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ConnectionCounters {
    /// Messages handed to the broker.
    pub published: u64,
    /// Of those, what the broker has confirmed.
    pub confirmed: u64,
    /// Messages that came.
    pub received: u64,
    /// How often the broker held it up, for want of memory or disk.
    pub blocked: u64,
    /// How often it was the one that was lost; the others are then given up with it.
    pub lost: u64,
}

/// What went through the broker, by queues and by connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct BrokerCounters {
    /// Leases, placements, performance tests.
    pub control: QueueCounters,
    /// Tiles, inputs and results.
    pub data: QueueCounters,
    /// What leaders order.
    pub tasks: QueueCounters,
    /// What MsVPUs answer.
    pub results: QueueCounters,
    /// Through which control messages go and come.
    pub control_connection: ConnectionCounters,
    /// Through which all others go.
    pub publish_connection: ConnectionCounters,
    /// Through which all others come.
    pub consume_connection: ConnectionCounters,
    /// How often all three connections were opened.
    pub connections: u64,
    /// How often the broker held up what is published, for want of memory or disk.
    pub blocked: u64,
    /// Messages that nobody could read, and that could not be kept either.
    pub not_kept: u64,
}

macro_rules! counted {
    ($($name:ident),* $(,)?) => {
        /// Of one kind of queue.
        #[derive(Debug, Default)]
        pub(super) struct QueueTally {
            $(pub(super) $name: Counter,)*
        }

        impl QueueTally {
            fn counters(&self) -> QueueCounters {
                QueueCounters { $($name: self.$name.read(),)* }
            }
        }
    };
}

counted!(
    published,
    published_bytes,
    confirmed,
    returned,
    refused,
    resent,
    bundled,
    dropped,
    received,
    received_bytes,
    redelivered,
    deduplicated,
    dead,
    injected,
);

#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn add(&self, number: u64) {
        self.0.fetch_add(number, Ordering::Relaxed);
    }

    fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Shared by all that use the broker in this process.
#[derive(Clone, Debug, Default)]
pub(crate) struct BridgeTally(Arc<Tallies>);

#[derive(Debug, Default)]
struct Tallies {
    queues: [QueueTally; 4],
    lines: [LineTally; 3],
    connections: Counter,
    not_kept: Counter,
}

/// Of one connection.
#[derive(Debug, Default)]
struct LineTally {
    blocked: Counter,
    lost: Counter,
}

impl BridgeTally {
    pub(super) fn of(&self, queue: Queue) -> &QueueTally {
        let [control, data, tasks, results] = &self.0.queues;
        match queue {
            Queue::Control => control,
            Queue::Data => data,
            Queue::Tasks => tasks,
            Queue::Results => results,
        }
    }

    fn line(&self, purpose: Purpose) -> &LineTally {
        let [control, publish, consume] = &self.0.lines;
        match purpose {
            Purpose::Control => control,
            Purpose::Publish => publish,
            Purpose::Consume => consume,
        }
    }

    pub(super) fn connected(&self) {
        self.0.connections.add(1);
    }

    pub(super) fn blocked(&self, purpose: Purpose) {
        self.line(purpose).blocked.add(1);
    }

    pub(super) fn lost(&self, purpose: Purpose) {
        self.line(purpose).lost.add(1);
    }

    pub(super) fn not_kept(&self) {
        self.0.not_kept.add(1);
    }

    pub(crate) fn counters(&self) -> BrokerCounters {
        let of = |queue| self.of(queue).counters();
        let (control, data, tasks, results) = (
            of(Queue::Control),
            of(Queue::Data),
            of(Queue::Tasks),
            of(Queue::Results),
        );
        let line = |purpose| {
            let LineTally { blocked, lost } = self.line(purpose);
            let both = [control];
            let others = [data, tasks, results];
            let (out, back): (&[QueueCounters], &[QueueCounters]) = match purpose {
                Purpose::Control => (&both, &both),
                Purpose::Publish => (&others, &[]),
                Purpose::Consume => (&[], &others),
            };
            ConnectionCounters {
                published: out.iter().map(|of| of.published).sum(),
                confirmed: out.iter().map(|of| of.confirmed).sum(),
                received: back.iter().map(|of| of.received).sum(),
                blocked: blocked.read(),
                lost: lost.read(),
            }
        };
        let [control_connection, publish_connection, consume_connection] =
            [Purpose::Control, Purpose::Publish, Purpose::Consume].map(line);
        BrokerCounters {
            control,
            data,
            tasks,
            results,
            control_connection,
            publish_connection,
            consume_connection,
            connections: self.0.connections.read(),
            blocked: [control_connection, publish_connection, consume_connection]
                .iter()
                .map(|of| of.blocked)
                .sum(),
            not_kept: self.0.not_kept.read(),
        }
    }
}
