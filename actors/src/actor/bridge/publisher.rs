//! One lane of what goes out: a window of unconfirmed messages, kept over lost connections.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use lapin::options::BasicPublishOptions;
use lapin::types::{AMQPValue, FieldTable, LongString, ShortString};
use lapin::{BasicProperties, Channel, Confirmation};
use tokio::select;
use tokio::sync::{mpsc, oneshot};

use super::tally::BridgeTally;
use crate::core::sending::{Sending, Weighed, WindowLimits};
use crate::id::{Incarnation, NodeId, Rank, TeamId};
use crate::wire::frame::{Parcel, PartHead};
use crate::wire::queues::{Queue, exchange};

/// The header of an AMQP message in which [`PartHead`] stands.
pub(super) const HEADER: &str = "msvpu";

/// So many commands are taken from the mailbox at once.
const BATCH: usize = 64;

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
    body: Bytes,
    /// Whether an earlier connection was lost before it was confirmed.
    again: bool,
}

type Tile = (NodeId, Option<Incarnation>, TeamId, Rank);

impl Weighed for Outgoing {
    fn len_bytes(&self) -> usize {
        self.body.len()
    }

    fn again(&mut self) {
        self.again = true;
    }
}

/// What became of a part.
enum Fate {
    Confirmed,
    Returned,
    Refused,
    /// The connection was lost first: it is told of elsewhere, and the part is sent again.
    Unknown,
}

pub(super) struct Publisher {
    exchange: ShortString,
    tally: BridgeTally,
    sending: Sending<Outgoing>,
    channel: Option<Channel>,
    /// Tiles that wait or are unconfirmed: their like is asked for again by who waits for them, and
    /// need not go twice.
    tiles: BTreeMap<Tile, ()>,
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
            tiles: BTreeMap::new(),
            flushing: Vec::new(),
        }
    }

    /// Runs until nobody can tell it anything any more.
    pub(super) async fn run(mut self, mut commands: mpsc::UnboundedReceiver<Command>) {
        let mut under_way = FuturesUnordered::new();
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            if let Some(channel) = self.channel.clone() {
                while let Some((number, part)) = self.sending.next() {
                    let tally = self.tally.of(part.queue);
                    tally.published.add(1);
                    tally.published_bytes.add(part.body.len() as u64);
                    tally.resent.add(part.again.into());
                    under_way.push(publish(
                        channel.clone(),
                        self.exchange.clone(),
                        number,
                        part,
                    ));
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
            parts,
        } = parcel;
        let tile = tile.map(|(incarnation, team, rank)| (to, incarnation, team, rank));
        if let Some(tile) = tile
            && self.tiles.insert(tile, ()).is_some()
        {
            return self.tally.of(queue).dropped.add(1);
        }
        let count = parts.len() as u32;
        for (part, body) in (0..).zip(parts) {
            let dropped = self.sending.push(Outgoing {
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
                body,
                again: false,
            });
            if let Some(part) = dropped {
                self.dropped(part);
            }
        }
    }

    fn dropped(&mut self, part: Outgoing) {
        self.tally.of(part.queue).dropped.add(1);
        if let Some(tile) = part.tile {
            self.tiles.remove(&tile);
        }
    }

    fn settle(&mut self, number: u64, fate: &Fate) {
        if let Fate::Unknown = fate {
            return;
        }
        let Some(part) = self.sending.settled(number) else {
            return;
        };
        let tally = self.tally.of(part.queue);
        match fate {
            Fate::Confirmed => tally.confirmed.add(1),
            Fate::Returned => tally.returned.add(1),
            Fate::Refused | Fate::Unknown => tally.refused.add(1),
        }
        if let Some(tile) = part.tile {
            self.tiles.remove(&tile);
        }
    }
}

async fn publish(
    channel: Channel,
    exchange: ShortString,
    number: u64,
    part: Outgoing,
) -> (u64, Fate) {
    (number, fate(&channel, exchange, part).await)
}

async fn fate(channel: &Channel, exchange: ShortString, part: Outgoing) -> Fate {
    let Ok(head) = part.head.encode() else {
        return Fate::Refused;
    };
    let mut headers = FieldTable::default();
    headers.insert(HEADER.into(), AMQPValue::LongString(LongString::from(head)));
    let properties = BasicProperties::default()
        .with_type(part.kind.into())
        .with_headers(headers);
    let options = BasicPublishOptions {
        mandatory: true,
        ..BasicPublishOptions::default()
    };
    let key = part.queue.routing_key(part.to).into();
    let published = channel
        .basic_publish(exchange, key, options, &part.body, properties)
        .await;
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
