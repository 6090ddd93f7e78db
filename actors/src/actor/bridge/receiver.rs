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
use tokio::time::{Instant, timeout_at};

use super::burial::{Burial, Dead};
use super::connection::prefetch;
use super::publisher::HEADER;
use super::tally::BridgeTally;
use crate::clock::Clock;
use crate::core::assembly::{Assembly, Refused};
use crate::link::Link;
use crate::message::Envelope;
use crate::wire::frame::{PART_BYTES, PartHead, WireError, open};
use crate::wire::queues::Queue;

/// So many messages are taken in at once, if there are so many.
const BATCH: usize = 64;

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

impl Receiver {
    /// Ends when the queue or its connection does.
    pub(super) async fn run(self, consumer: Consumer) {
        let mut assembly = Assembly::new(MAX_INCOMPLETE_BYTES);
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
                self.take(delivery, &mut assembly);
            }
            // It is acknowledged when it is in a mailbox: there it lasts as long as this process,
            // and so as long as the queue.
            if let Some(last) = last {
                // On a connection that was lost meanwhile nothing is to be acknowledged.
                let _ = acknowledge.send((last, count));
            }
        }
    }

    fn take(&self, delivery: Delivery, assembly: &mut Assembly) {
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
        match self.read(&properties, body.clone(), assembly) {
            Ok(Some(envelope)) => {
                let is_new = self.link.deliver(envelope);
                tally.deduplicated.add((!is_new).into());
            }
            Ok(None) => {}
            Err(error) => {
                tally.dead.add(1);
                let body = if body.len() <= PART_BYTES {
                    body.to_vec()
                } else {
                    Vec::new()
                };
                self.burial.take(Dead {
                    queue: self.queue,
                    reason: error.to_string(),
                    properties,
                    body,
                });
            }
        }
    }

    fn read(
        &self,
        properties: &BasicProperties,
        body: Bytes,
        assembly: &mut Assembly,
    ) -> Result<Option<Envelope>, Unreadable> {
        let headers = properties.headers().as_ref();
        let head = headers.and_then(|headers| headers.inner().get(HEADER));
        let head = match head {
            Some(AMQPValue::LongString(head)) => PartHead::decode(head.as_bytes())?,
            _ => return Err(WireError::NoHead.into()),
        };
        let kind = properties.kind().as_ref().map(|kind| kind.as_str());
        if body.len() > PART_BYTES {
            let bytes = body.len();
            return Err(WireError::Long { bytes }.into());
        }
        let PartHead {
            from,
            sequence,
            part,
            parts,
        } = head;
        let whole = assembly.take((from, sequence), (part, parts), body, self.clock.now())?;
        Ok(match whole {
            Some(parts) => Some(open(kind.unwrap_or_default(), from, sequence, parts)?),
            None => None,
        })
    }
}
