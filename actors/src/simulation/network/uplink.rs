//! One lane of a node's line to the broker: what is sent while another message is on it waits, and goes
//! by turns between jobs.

use std::sync::Arc;
use std::time::Duration;

use super::{Network, Travelling, seconds};
use crate::core::fair::{FairQueue, Flow};
use crate::message::queue::Queue;
use crate::simulation::timeline::{Action, Process, Stages};

pub(super) struct Uplink {
    busy_until: Duration,
    waiting: FairQueue<Outgoing>,
}

/// A message that is to go through the line of its sender.
pub(super) struct Outgoing {
    pub(super) message: Box<Travelling>,
    pub(super) queue: Queue,
    /// From line to line.
    pub(super) latency: Duration,
    /// It occupies the line, and comes nowhere.
    pub(super) is_lost: bool,
}

/// A lane may be free, and something waits for it.
struct Freed {
    network: Arc<Network>,
    sender: Process,
    lane: usize,
}

impl Default for Uplink {
    fn default() -> Self {
        Self {
            busy_until: Duration::ZERO,
            waiting: FairQueue::new(),
        }
    }
}

impl Uplink {
    /// The process has ended, and with it what waited.
    pub(super) fn clear(&mut self, now: Duration) {
        self.busy_until = now;
        self.waiting = FairQueue::new();
    }
}

impl Stages for Freed {
    fn happen(self: Box<Self>) {
        let Self {
            network,
            sender,
            lane,
        } = *self;
        if !network.timeline.is_current(sender) {
            return;
        }
        let next = network.line(sender.node, |line| line.up[lane].waiting.pop());
        if let Some((.., next)) = next.flatten() {
            network.occupy(next);
        }
    }
}

impl Network {
    /// Sends a message through the line of its sender, as soon as that is its turn.
    pub(super) fn depart(self: &Arc<Self>, flow: Flow, outgoing: Outgoing) {
        let (sender, lane) = (outgoing.message.from, outgoing.message.lane);
        let now = self.timeline.now();
        let mut guard = self.state();
        let Some(line) = guard.lines.get_mut(sender.node) else {
            return;
        };
        let handling = self.communication.handling;
        let takes = handling + seconds(8.0 * outgoing.message.bytes / line.bandwidth);
        let uplink = &mut line.up[lane];
        let is_first = uplink.waiting.len() == 0;
        if is_first && uplink.busy_until <= now {
            drop(guard);
            return self.occupy(outgoing);
        }
        let (cost, free) = (takes.as_nanos() as f64, uplink.busy_until);
        uplink.waiting.push(flow, cost, outgoing);
        drop(guard);
        if is_first {
            self.await_turn(free, sender, lane);
        }
    }

    fn await_turn(self: &Arc<Self>, free: Duration, sender: Process, lane: usize) {
        let freed = Freed {
            network: Arc::clone(self),
            sender,
            lane,
        };
        let freed = Action::Stage(Box::new(freed));
        self.timeline.schedule(free, None, freed);
    }

    /// A message goes onto its lane, which is free.
    fn occupy(self: &Arc<Self>, outgoing: Outgoing) {
        let Outgoing {
            message,
            queue,
            latency,
            is_lost,
        } = outgoing;
        let (sender, to, lane) = (message.from, message.receiver.node, message.lane);
        let now = self.timeline.now();
        let handling = self.communication.handling;
        let on_line = self.line(sender.node, |line| {
            let takes = handling + seconds(8.0 * message.bytes / line.bandwidth);
            let uplink = &mut line.up[lane];
            uplink.busy_until = now + takes;
            if line.latest.len() <= to {
                line.latest.resize(to + 1, [Duration::ZERO; Queue::COUNT]);
            }
            let latest = &mut line.latest[to][queue as usize];
            *latest = (*latest).max(uplink.busy_until + latency);
            let waits = uplink.waiting.len() > 0;
            (*latest, waits.then_some(uplink.busy_until))
        });
        let Some((there, free)) = on_line else {
            return;
        };
        if let Some(free) = free {
            self.await_turn(free, sender, lane);
        }
        if !is_lost {
            // An idle line is taken by who comes to it first, and not by who has begun to send first.
            self.timeline.schedule(there, None, Action::Stage(message));
        }
    }
}
