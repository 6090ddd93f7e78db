//! One lane of what goes out: a window of unconfirmed messages, kept over lost connections.

use std::collections::BTreeSet;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use lapin::options::BasicPublishOptions;
use lapin::types::{AMQPValue, FieldTable, LongString, ShortString};
use lapin::{BasicProperties, Channel, Confirmation};
use tokio::select;
use tokio::sync::{mpsc, oneshot};

use super::tally::BridgeTally;
use crate::core::fair::Flow;
use crate::core::sending::{Part, Sending, WindowLimits};
use crate::id::{Incarnation, JobId, NodeId, Rank, TeamId};
use crate::wire::body::Body;
use crate::wire::bundle;
use crate::wire::frame::{Parcel, PartHead};
use crate::wire::queues::{Queue, exchange};

/// The header of an AMQP message in which [`PartHead`] stands, or that of a bundle.
pub(super) const HEADER: &str = "msvpu";

/// So many commands are taken from the mailbox at once: enough to fill a bundle.
const BATCH: usize = bundle::MAX_PARTS;

/// What a lane is told.
pub(super) enum Command {
    Send(NodeId, Parcel),
    Connected(Channel),
    Disconnected,
    /// Answered when nothing waits any more and all is confirmed.
    Flush(oneshot::Sender<()>),
}

/// A part on its way.
#[derive(Clone)]
struct Outgoing {
    to: NodeId,
    queue: Queue,
    kind: &'static str,
    head: PartHead,
    /// Which tile this is the last part of.
    tile: Option<Tile>,
    job: Option<JobId>,
    body: Body,
    /// Whether an earlier connection was lost before it was confirmed.
    again: bool,
}

type Tile = (NodeId, Option<Incarnation>, TeamId, Rank);

impl Part for Outgoing {
    fn len_bytes(&self) -> usize {
        self.body.len()
    }

    fn flow(&self) -> Flow {
        Flow::of(self.job)
    }

    fn joins(&self, other: &Self) -> bool {
        (self.to, self.queue) == (other.to, other.queue)
    }

    fn again(&mut self) {
        self.again = true;
    }
}

/// A message as the broker gets it.
struct Written {
    key: ShortString,
    properties: BasicProperties,
    body: Bytes,
}

/// What became of a message.
enum Fate {
    Confirmed,
    Returned,
    Refused,
    /// The connection was lost first: it is told of elsewhere, and the message is sent again.
    Unknown,
}

pub(super) struct Publisher {
    exchange: ShortString,
    tally: BridgeTally,
    sending: Sending<Outgoing>,
    channel: Option<Channel>,
    /// Tiles that wait or are unconfirmed: their like is asked for again by who waits for them, and
    /// need not go twice.
    tiles: BTreeSet<Tile>,
    /// Who waits for all to be confirmed.
    flushing: Vec<oneshot::Sender<()>>,
}

impl Publisher {
    pub(super) fn new(vm: &str, limits: WindowLimits, tally: BridgeTally) -> Self {
        Self {
            exchange: exchange(vm).into(),
            tally,
            sending: Sending::new(limits),
            channel: None,
            tiles: BTreeSet::new(),
            flushing: Vec::new(),
        }
    }

    /// Runs until nobody can tell it anything any more.
    pub(super) async fn run(mut self, mut commands: mpsc::UnboundedReceiver<Command>) {
        let mut under_way = FuturesUnordered::new();
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            if let Some(channel) = self.channel.clone() {
                while let Some((number, parts)) = self.sending.next() {
                    match self.write(&parts) {
                        Some(written) => {
                            let (channel, exchange) = (channel.clone(), self.exchange.clone());
                            under_way.push(publish(channel, exchange, number, written));
                        }
                        None => self.settle(number, &Fate::Refused),
                    }
                }
            }
            if self.sending.is_empty() {
                for waiting in self.flushing.drain(..) {
                    // Whoever waits no more need not know.
                    let _ = waiting.send(());
                }
            }
            select! {
                received = commands.recv_many(&mut batch, BATCH) => {
                    if received == 0 {
                        return;
                    }
                    for command in batch.drain(..) {
                        match command {
                            Command::Send(to, parcel) => self.push(to, parcel),
                            Command::Connected(channel) => {
                                self.channel = Some(channel);
                                self.sending.connect();
                            }
                            Command::Flush(waiting) => self.flushing.push(waiting),
                            Command::Disconnected => {
                                self.channel = None;
                                under_way.clear();
                                let excess = self.sending.disconnect();
                                excess.into_iter().for_each(|part| self.dropped(part));
                            }
                        }
                    }
                }
                Some((number, fate)) = under_way.next(), if !under_way.is_empty() => {
                    self.settle(number, &fate);
                }
            }
        }
    }

    fn push(&mut self, to: NodeId, parcel: Parcel) {
        let Parcel {
            queue,
            kind,
            from,
            sequence,
            tile,
            job,
            parts,
        } = parcel;
        let tile = tile.map(|(incarnation, team, rank)| (to, incarnation, team, rank));
        if let Some(tile) = tile
            && !self.tiles.insert(tile)
        {
            return self.tally.of(queue).dropped.add(1);
        }
        let count = parts.len() as u32;
        let outgoing = |(part, body)| Outgoing {
            to,
            queue,
            kind,
            head: PartHead {
                from,
                sequence,
                part,
                parts: count,
            },
            tile: tile.filter(|_| part + 1 == count),
            job,
            body,
            again: false,
        };
        let mut parts = (0..).zip(parts).map(outgoing);
        let Some(first) = parts.next() else {
            return;
        };
        let dropped = self.sending.push(first, parts.collect());
        dropped.into_iter().for_each(|part| self.dropped(part));
    }

    fn dropped(&mut self, part: Outgoing) {
        self.tally.of(part.queue).dropped.add(1);
        if let Some(tile) = part.tile {
            self.tiles.remove(&tile);
        }
    }

    /// Parts that go together, for one queue, as one message; `None` does not occur, because there
    /// are parts, and their heads can be encoded.
    fn write(&self, parts: &[Outgoing]) -> Option<Written> {
        let first = parts.first()?;
        let (properties, body) = match parts {
            [only] => (
                properties(only.kind, only.head.encode().ok()?),
                only.body.gather(),
            ),
            _ => {
                let body = bundle::pack(parts.iter().map(|p| (p.kind, p.head, &p.body))).ok()?;
                (properties(bundle::KIND, bundle::header().to_vec()), body)
            }
        };
        let tally = self.tally.of(first.queue);
        tally.published.add(1);
        tally.published_bytes.add(body.len() as u64);
        tally.resent.add(parts.iter().any(|part| part.again).into());
        if parts.len() > 1 {
            tally.bundled.add(parts.len() as u64);
        }
        Some(Written {
            key: first.queue.routing_key(first.to).into(),
            properties,
            body,
        })
    }

    fn settle(&mut self, number: u64, fate: &Fate) {
        if let Fate::Unknown = fate {
            return;
        }
        let Some(parts) = self.sending.settled(number) else {
            return;
        };
        if let Some(first) = parts.first() {
            let tally = self.tally.of(first.queue);
            match fate {
                Fate::Confirmed => tally.confirmed.add(1),
                Fate::Returned => tally.returned.add(1),
                Fate::Refused | Fate::Unknown => tally.refused.add(1),
            }
        }
        for tile in parts.iter().filter_map(|part| part.tile) {
            self.tiles.remove(&tile);
        }
    }
}

/// As they are read on the other side.
pub(super) fn properties(kind: &str, header: Vec<u8>) -> BasicProperties {
    let mut headers = FieldTable::default();
    let header = AMQPValue::LongString(LongString::from(header));
    headers.insert(HEADER.into(), header);
    BasicProperties::default()
        .with_type(kind.into())
        .with_headers(headers)
}

async fn publish(
    channel: Channel,
    exchange: ShortString,
    number: u64,
    written: Written,
) -> (u64, Fate) {
    (number, fate(&channel, exchange, written).await)
}

async fn fate(channel: &Channel, exchange: ShortString, written: Written) -> Fate {
    let Written {
        key,
        properties,
        body,
    } = written;
    let options = BasicPublishOptions {
        mandatory: true,
        ..BasicPublishOptions::default()
    };
    let published = channel
        .basic_publish(exchange, key, options, &body, properties)
        .await;
    // It is written: what may have to be sent again is kept elsewhere.
    drop(body);
    let Ok(confirm) = published else {
        return Fate::Unknown;
    };
    match confirm.await {
        // A message that came back is confirmed all the same, after that.
        Ok(Confirmation::Ack(None)) => Fate::Confirmed,
        Ok(Confirmation::Ack(Some(_)) | Confirmation::Nack(Some(_))) => Fate::Returned,
        Ok(Confirmation::Nack(None) | Confirmation::NotRequested) => Fate::Refused,
        Err(_) => Fate::Unknown,
    }
}

/// The two ways out: control does not wait behind data.
#[derive(Clone)]
pub(super) struct Lanes {
    pub(super) control: mpsc::UnboundedSender<Command>,
    pub(super) data: mpsc::UnboundedSender<Command>,
}

impl Lanes {
    pub(super) fn send(&self, to: NodeId, parcel: Parcel) {
        let lane = match parcel.queue {
            Queue::Control => &self.control,
            Queue::Data | Queue::Tasks | Queue::Results => &self.data,
        };
        // A lane that has ended has ended with the machine.
        let _ = lane.send(Command::Send(to, parcel));
    }

    /// Waits until all control messages that were sent so far are confirmed.
    pub(super) async fn control_is_through(&self) {
        let (flushing, flushed) = oneshot::channel();
        // A lane that has ended has ended with the machine.
        let _ = self.control.send(Command::Flush(flushing));
        let _ = flushed.await;
    }

    pub(super) fn both(&self) -> [&mpsc::UnboundedSender<Command>; 2] {
        [&self.control, &self.data]
    }
}
