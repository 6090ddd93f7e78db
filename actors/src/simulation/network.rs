//! The way between simulated nodes: a star, as around a broker.

mod uplink;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::core::fair::Flow;
use crate::id::NodeId;
use crate::link::{Link, Transport};
use crate::message::queue::Queue;
use crate::message::{Envelope, Message, SupervisorMessage};
use crate::random::Random;
use crate::simulation::overlapping::Overlapping;
use crate::simulation::spec::{Communication, Direction, NodeSpec};
use crate::simulation::timeline::{Action, Process, Stages, Timeline};

use uplink::{Outgoing, Uplink};

/// A message that is overtaken comes up to so many latencies later, and a little more. Half of them
/// come within 2.5; a few so late that their node has been given up and has joined anew.
const OVERTAKEN: f64 = 40.0;
const OVERTAKEN_AT_LEAST: Duration = Duration::from_millis(1);

/// A line has a lane for data, and one for control, so that tiles hold up no lease: as a node has
/// two connections to the broker. What little control weighs is not taken from the data.
const LANES: usize = 2;

/// All links between nodes and the broker in the middle. Each message occupies its lane of its
/// sender's line, by turns between jobs as [`Sending`](crate::core::sending::Sending) has it, and then
/// of its receiver's, in the order of coming there as a broker's queue has it, for the time that handling it
/// takes and `bytes / bandwidth`.
pub(crate) struct Network {
    timeline: Arc<Timeline>,
    communication: Communication,
    jitter: f64,
    state: Mutex<State>,
}

struct State {
    lines: Vec<Line>,
    random: Random,
    lost: u64,
    repeated: u64,
    overtaken: u64,
}

/// A node's line to the broker.
struct Line {
    /// `None` while no process runs there.
    link: Option<Arc<Link>>,
    latency: Duration,
    /// Bits per second.
    bandwidth: f64,
    up: [Uplink; LANES],
    /// Until when each lane is busy.
    down_busy: [Duration; LANES],
    /// How many faults cut it at present, each way.
    cuts_in: u32,
    cuts_out: u32,
    flaws: Overlapping<Flaws>,
    /// When the latest message came to the line of each receiver, by node and queue: each keeps its
    /// order, however long its messages take, and overtakes the others.
    latest: Vec<[Duration; Queue::COUNT]>,
    traffic: Traffic,
}

/// What a line does to messages, as probabilities.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Flaws {
    pub(crate) loss: f64,
    pub(crate) duplication: f64,
    pub(crate) reordering: f64,
}

/// What went over a node's line.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Traffic {
    pub(crate) messages_sent: u64,
    pub(crate) bytes_sent: f64,
    pub(crate) bytes_received: f64,
}

/// A message on its way from the line of its sender to that of its receiver and through that, and what is
/// to happen to it.
struct Travelling {
    network: Arc<Network>,
    /// Whether it is on the line of its receiver.
    there: bool,
    /// Whether it has come before.
    again: bool,
    bytes: f64,
    lane: usize,
    receiver: Process,
    from: Process,
    /// It is overtaken for so long.
    delay: Duration,
    /// It comes once more, so much later.
    echo: Option<Duration>,
    envelope: Envelope,
}

/// What the network did to messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mishaps {
    pub(crate) lost: u64,
    pub(crate) repeated: u64,
    pub(crate) overtaken: u64,
}

impl Network {
    /// Node 0 is the head, which sits at the broker: no latency, and no bound to its bandwidth.
    pub(crate) fn new(
        timeline: Arc<Timeline>,
        communication: Communication,
        jitter: f64,
        nodes: &[NodeSpec],
        random: Random,
    ) -> Self {
        let line = |latency, bandwidth| Line {
            link: None,
            latency,
            bandwidth,
            up: Default::default(),
            down_busy: [Duration::ZERO; LANES],
            cuts_in: 0,
            cuts_out: 0,
            flaws: Overlapping::default(),
            latest: Vec::new(),
            traffic: Traffic::default(),
        };
        let mut lines = vec![line(Duration::ZERO, f64::INFINITY)];
        lines.extend(nodes.iter().map(|n| line(n.latency, n.bandwidth)));
        Self {
            timeline,
            communication,
            jitter,
            state: Mutex::new(State {
                lines,
                random,
                lost: 0,
                repeated: 0,
                overtaken: 0,
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that could panic runs under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn line<T>(&self, node: usize, change: impl FnOnce(&mut Line) -> T) -> Option<T> {
        self.state().lines.get_mut(node).map(change)
    }

    pub(crate) fn connect(&self, node: usize, link: Link) {
        self.line(node, |line| line.link = Some(Arc::new(link)));
    }

    /// The node's process has ended.
    pub(crate) fn disconnect(&self, node: usize) -> Option<Arc<Link>> {
        let now = self.timeline.now();
        self.line(node, |line| {
            line.up.iter_mut().for_each(|lane| lane.clear(now));
            line.down_busy = [now; LANES];
            line.latest.clear();
            line.link.take()
        })?
    }

    /// Cuts a line; it passes messages again when it was [healed](Self::heal) as often.
    pub(crate) fn cut(&self, node: usize, direction: Direction) {
        self.change_cuts(node, direction, |cuts| cuts + 1);
    }

    pub(crate) fn heal(&self, node: usize, direction: Direction) {
        self.change_cuts(node, direction, |cuts| cuts.saturating_sub(1));
    }

    fn change_cuts(&self, node: usize, direction: Direction, change: fn(u32) -> u32) {
        self.line(node, |line| {
            if direction != Direction::Out {
                line.cuts_in = change(line.cuts_in);
            }
            if direction != Direction::In {
                line.cuts_out = change(line.cuts_out);
            }
        });
    }

    /// From now on the line has the flaws of this fault.
    pub(crate) fn flaw(&self, node: usize, fault: usize, flaws: Flaws) {
        self.line(node, |line| line.flaws.begin(fault, flaws));
    }

    /// That fault is over.
    pub(crate) fn mend(&self, node: usize, fault: usize) {
        self.line(node, |line| line.flaws.end(fault));
    }

    /// From now on traffic counts from nothing.
    pub(crate) fn forget_traffic(&self) {
        for line in &mut self.state().lines {
            line.traffic = Traffic::default();
        }
    }

    pub(crate) fn traffic(&self, node: usize) -> Traffic {
        self.line(node, |line| line.traffic).unwrap_or_default()
    }

    pub(crate) fn mishaps(&self) -> Mishaps {
        let state = self.state();
        Mishaps {
            lost: state.lost,
            repeated: state.repeated,
            overtaken: state.overtaken,
        }
    }

    fn bytes(&self, envelope: &Envelope) -> f64 {
        let payload = size_bytes(&envelope.message);
        let started = match &envelope.message {
            Message::Supervisor(SupervisorMessage::StartMsvpus { ranks, .. }) => ranks.len(),
            _ => 0,
        };
        self.communication.envelope_bytes
            + self.communication.expansion * payload
            + self.communication.migration_bytes * started as f64
    }

    /// Sends a message on its way; at its end it is delivered, perhaps twice, or not at all.
    fn send(self: &Arc<Self>, from: Process, to: usize, envelope: Envelope) {
        if !self.timeline.is_current(from) {
            return;
        }
        let bytes = self.bytes(&envelope);
        let queue = Queue::of(&envelope.message);
        let lane = lane(queue);
        let receiver = self.timeline.process(to);
        let mut guard = self.state();
        let state = &mut *guard;
        let (Some(sender), Some(target)) = (state.lines.get(from.node), state.lines.get(to)) else {
            return;
        };
        let flaws = [sender, target].map(|line| line.flaws.now().unwrap_or_default());
        let cut = sender.cuts_out > 0 || target.cuts_in > 0 || target.link.is_none();
        let latency = sender.latency + target.latency;
        let random = &mut state.random;
        // Drawn always, so that one flaw more or less changes no other fate.
        let [lost, twice, late] = [(); 3].map(|()| random.uniform());
        let strays = latency.mul_f64(OVERTAKEN) + OVERTAKEN_AT_LEAST;
        let [delay, echo] = [(); 2].map(|()| strays.mul_f64(random.uniform().powi(4)));
        let stretch = 1.0 + self.jitter * random.uniform();
        let happens = |draw: f64, of: fn(&Flaws) -> f64| {
            draw < 1.0 - flaws.iter().map(|flaws| 1.0 - of(flaws)).product::<f64>()
        };
        let is_lost = cut || happens(lost, |flaws| flaws.loss);
        let is_late = !is_lost && happens(late, |flaws| flaws.reordering);
        let comes_twice = !is_lost && happens(twice, |flaws| flaws.duplication);
        state.lost += u64::from(is_lost);
        state.overtaken += u64::from(is_late);
        let traffic = &mut state.lines[from.node].traffic;
        traffic.messages_sent += 1;
        traffic.bytes_sent += bytes;
        drop(guard);
        let flow = Flow::of(envelope.job());
        let message = Travelling {
            network: Arc::clone(self),
            there: false,
            again: false,
            bytes,
            lane,
            receiver,
            from,
            delay: if is_late { delay } else { Duration::ZERO },
            echo: comes_twice.then_some(echo),
            envelope,
        };
        let outgoing = Outgoing {
            message: Box::new(message),
            queue,
            latency: latency.mul_f64(stretch),
            is_lost,
        };
        self.depart(flow, outgoing);
    }

    /// The message has come to the line of its receiver.
    fn come(&self, mut message: Box<Travelling>) {
        let receiver = message.receiver;
        if !self.timeline.is_current(receiver) {
            return;
        }
        let now = self.timeline.now();
        let arrival = self.line(receiver.node, |line| {
            line.traffic.bytes_received += message.bytes;
            let busy = &mut line.down_busy[message.lane];
            let takes = seconds(8.0 * message.bytes / line.bandwidth);
            *busy = (*busy).max(now) + self.communication.handling + takes;
            *busy + message.delay
        });
        let Some(arrival) = arrival else {
            return;
        };
        message.there = true;
        let arrive = |at, message| {
            self.timeline
                .schedule(at, Some(receiver), Action::Stage(message));
        };
        if let Some(echo) = message.echo {
            let again = Box::new(message.echo());
            arrive(arrival + echo + Duration::from_nanos(1), again);
        }
        arrive(arrival, message);
    }

    /// The message has come through the line of its receiver.
    fn arrive(&self, message: Travelling) {
        let receiver = message.receiver.node;
        let link = self.line(receiver, |line| line.link.clone()).flatten();
        if let Some(link) = link {
            if message.again {
                self.state().repeated += 1;
            }
            let (from, to) = (message.from.node as u64, receiver as u64);
            let again = u64::from(message.again);
            self.timeline
                .note(&[1, from, to, message.envelope.sequence, again]);
            link.deliver(message.envelope);
        }
    }
}

impl Stages for Travelling {
    fn happen(self: Box<Self>) {
        let network = Arc::clone(&self.network);
        if self.there {
            network.arrive(*self);
        } else {
            network.come(self);
        }
    }
}

impl Travelling {
    /// The same message once more.
    fn echo(&self) -> Self {
        Self {
            network: Arc::clone(&self.network),
            again: true,
            envelope: self.envelope.clone(),
            ..*self
        }
    }
}

/// Which lane of a line a queue takes.
const fn lane(queue: Queue) -> usize {
    match queue {
        Queue::Control => 1,
        Queue::Data | Queue::Tasks | Queue::Results => 0,
    }
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX / 4)
}

/// How long a message is in its travelling form.
pub(crate) fn size_bytes(message: &Message) -> f64 {
    // What cannot be encoded cannot be sent either; nothing in these types can fail.
    postcard::experimental::serialized_size(message).unwrap_or_default() as f64
}

/// The network as one process sees it.
pub(crate) struct Port {
    pub(crate) network: Arc<Network>,
    pub(crate) process: Process,
}

impl Transport for Port {
    fn send(&self, to: NodeId, envelope: Envelope) {
        self.network.send(self.process, to.0 as usize, envelope);
    }
}

#[cfg(test)]
mod tests;
