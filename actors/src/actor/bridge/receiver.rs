//! What comes in through one queue: put together, read, and put into the mailbox that it is for.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use lapin::message::Delivery;
use lapin::options::BasicAckOptions;
use lapin::types::AMQPValue;
use lapin::{Acker, BasicProperties, Consumer};
use thiserror::Error;
use tokio::sync::mpsc;
use tokio::task::yield_now;
use tokio::time::{Instant, timeout_at};

use super::burial::{Burial, Dead};
use super::connection::prefetch;
use super::publisher::{HEADER, properties};
use super::tally::BridgeTally;
use crate::clock::Clock;
use crate::core::assembly::{Assembly, Refused};
use crate::link::Link;
use crate::wire::bundle::{self, Unpacked};
use crate::wire::frame::{PART_BYTES, PartHead, WireError, open};
use crate::wire::queues::Queue;

/// So many messages are taken in before they are acknowledged, if there are so many: a quarter of
/// the tiles that may be unacknowledged, so that the broker has never to wait for all of them.
const BATCH: usize = 16;

/// A message is acknowledged after so long at the latest, or when a quarter of those are there that
/// may be unacknowledged.
const ACKNOWLEDGED_AFTER: Duration = Duration::from_millis(5);

/// What incomplete messages may take in one queue.
const MAX_INCOMPLETE_BYTES: usize = 4 << 30;

#[derive(Debug, Error)]
enum Unreadable {
    #[error(transparent)]
    Wire(#[from] WireError),
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// Reads a queue for as long as there is a connection.
pub(super) struct Receiver {
    pub(super) queue: Queue,
    pub(super) link: Link,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) tally: BridgeTally,
    pub(super) burial: Burial,
}

/// Acknowledges all until the last that was taken, not each by itself: for the broker that is as
/// much work as the message.
async fn acknowledge_all(enough: usize, mut taken: mpsc::UnboundedReceiver<(Acker, usize)>) {
    while let Some((mut last, mut count)) = taken.recv().await {
        let until = Instant::now() + ACKNOWLEDGED_AFTER;
        while count < enough {
            match timeout_at(until, taken.recv()).await {
                Ok(Some((later, more))) => {
                    last = later;
                    count += more;
                }
                Ok(None) | Err(_) => break,
            }
        }
        let multiple = BasicAckOptions { multiple: true };
        if last.ack(multiple).await.is_err() {
            return;
        }
    }
}

/// What has come of messages through one connection. What is incomplete ends with it, and counts.
struct Incoming {
    assembly: Assembly,
    queue: Queue,
    tally: BridgeTally,
}

impl Drop for Incoming {
    fn drop(&mut self) {
        let lost = self.assembly.incomplete();
        self.tally.of(self.queue).dropped.add(lost);
    }
}

impl Receiver {
    /// Ends when the queue or its connection does.
    pub(super) async fn run(self, consumer: Consumer) {
        let mut incoming = Incoming {
            assembly: Assembly::new(MAX_INCOMPLETE_BYTES),
            queue: self.queue,
            tally: self.tally.clone(),
        };
        let assembly = &mut incoming.assembly;
        let (acknowledge, taken) = mpsc::unbounded_channel();
        let enough = usize::from(prefetch(self.queue)) / 4;
        actix::spawn(acknowledge_all(enough, taken));
        let mut batches = consumer.ready_chunks(BATCH);
        while let Some(batch) = batches.next().await {
            let (mut last, count) = (None, batch.len());
            let given_up = assembly.expire(self.clock.now());
            self.tally.of(self.queue).dropped.add(given_up);
            for delivery in batch {
                let Ok(delivery) = delivery else {
                    return;
                };
                last = Some(delivery.acker.clone());
                if self.take(delivery, assembly) > 1 {
                    // First what comes of these: no sign of life is to wait in a mailbox behind
                    // all tiles that the broker has.
                    yield_now().await;
                }
            }
            // It is acknowledged when it is in a mailbox: there it lasts as long as this process,
            // and so as long as the queue.
            if let Some(last) = last {
                // On a connection that was lost meanwhile nothing is to be acknowledged.
                let _ = acknowledge.send((last, count));
            }
        }
    }

    /// Tells how many messages of ours, or parts of them, it was.
    fn take(&self, delivery: Delivery, assembly: &mut Assembly) -> usize {
        let Delivery {
            properties,
            data,
            redelivered,
            ..
        } = delivery;
        let tally = self.tally.of(self.queue);
        tally.received.add(1);
        tally.received_bytes.add(data.len() as u64);
        tally.redelivered.add(redelivered.into());
        let body = Bytes::from(data);
        let kind = properties.kind().as_ref().map_or("", |kind| kind.as_str());
        let result = if kind == bundle::KIND {
            self.take_bundle(&properties, body.clone(), assembly)
        } else {
            let taken = self.take_part(&properties, kind, body.clone(), assembly);
            taken.map(|()| 1)
        };
        result.unwrap_or_else(|error| {
            self.bury(&error, properties, body);
            1
        })
    }

    fn take_part(
        &self,
        properties: &BasicProperties,
        kind: &str,
        body: Bytes,
        assembly: &mut Assembly,
    ) -> Result<(), Unreadable> {
        let head = PartHead::decode(header(properties)?)?;
        self.put(kind, head, body, assembly)
    }

    /// What cannot be read of it is told one by one, as if it had come by itself.
    fn take_bundle(
        &self,
        properties_of_all: &BasicProperties,
        body: Bytes,
        assembly: &mut Assembly,
    ) -> Result<usize, Unreadable> {
        bundle::check(header(properties_of_all)?)?;
        fits(&body)?;
        let mut taken = 0;
        for Unpacked { kind, parts } in bundle::unpack(body)? {
            taken += parts.len();
            for (head, body) in parts {
                if let Err(error) = self.put(&kind, head, body.clone(), assembly) {
                    let header = head.encode().unwrap_or_default();
                    self.bury(&error, properties(&kind, header), body);
                }
            }
        }
        Ok(taken)
    }

    /// Puts the part to the others of its message, and the message into its mailbox if it is whole.
    fn put(
        &self,
        kind: &str,
        head: PartHead,
        body: Bytes,
        assembly: &mut Assembly,
    ) -> Result<(), Unreadable> {
        fits(&body)?;
        let PartHead {
            from,
            sequence,
            part,
            parts,
        } = head;
        let whole = assembly.take((from, sequence), (part, parts), body, self.clock.now())?;
        if let Some(parts) = whole {
            let is_new = self.link.deliver(open(kind, from, sequence, parts)?);
            let tally = self.tally.of(self.queue);
            tally.deduplicated.add((!is_new).into());
        }
        Ok(())
    }

    fn bury(&self, error: &Unreadable, properties: BasicProperties, body: Bytes) {
        self.tally.of(self.queue).dead.add(1);
        self.burial.take(Dead {
            queue: self.queue,
            reason: error.to_string(),
            properties,
            body: match fits(&body) {
                Ok(()) => body.to_vec(),
                Err(_) => Vec::new(),
            },
        });
    }
}

/// What of a message is ours to read.
fn header(properties: &BasicProperties) -> Result<&[u8], WireError> {
    let headers = properties.headers().as_ref();
    match headers.and_then(|headers| headers.inner().get(HEADER)) {
        Some(AMQPValue::LongString(header)) => Ok(header.as_bytes()),
        _ => Err(WireError::NoHead),
    }
}

const fn fits(body: &Bytes) -> Result<(), WireError> {
    let bytes = body.len();
    if bytes > PART_BYTES {
        return Err(WireError::Long { bytes });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{Incarnation, NodeId, Origin};

    #[test]
    fn what_was_incomplete_when_a_connection_ended_is_counted() {
        let (tally, queue) = (BridgeTally::default(), Queue::Data);
        let mut incoming = Incoming {
            assembly: Assembly::new(1 << 20),
            queue,
            tally: tally.clone(),
        };
        let from = Origin {
            node: NodeId(1),
            incarnation: Incarnation(1),
        };
        for (sequence, part) in [(1, 0), (1, 1), (2, 0), (3, 1)] {
            let taken =
                incoming
                    .assembly
                    .take((from, sequence), (part, 2), Bytes::new(), Duration::ZERO);
            assert!(taken.is_ok());
        }
        drop(incoming);
        assert_eq!(tally.counters().data.dropped, 2);
    }
}
