//! Messages that nobody can read, kept where people can look at them.

use std::sync::Arc;
use std::time::Duration;

use lapin::options::{
    BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions, QueueBindOptions,
    QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Error, ExchangeKind};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::broker::Broker;
use super::line::{Line, Purpose};
use super::tally::BridgeTally;
use crate::wire::queues::{Queue, dead};

/// How many unreadable messages are kept for people to look at, for how long, and how many bytes.
const MESSAGES: i32 = 1000;
const EXPIRES_MS: i32 = 7 * 24 * 3600 * 1000;
const BYTES: i32 = 64 << 20;

/// So many wait to be kept, of so many bytes; of more there are enough to look at.
const WAITING: usize = 1000;
const WAITING_BYTES: usize = 64 << 20;

/// What takes longer is not kept.
const PATIENCE: Duration = Duration::from_secs(3);

/// A message that nobody here can read.
pub(super) struct Dead {
    pub(super) queue: Queue,
    pub(super) reason: String,
    pub(super) properties: BasicProperties,
    /// Empty where it is longer than any message of ours.
    pub(super) body: Vec<u8>,
}

/// Takes dead messages. They go through a connection of their own, made when there is the first:
/// a broker that forbids to keep them closes a channel, which must not be one that work goes through.
#[derive(Clone)]
pub(super) struct Burial {
    /// `None`: there will be no more.
    dead: mpsc::Sender<Option<Waiting>>,
    /// The bytes that may wait beside those that do.
    room: Arc<Semaphore>,
    tally: BridgeTally,
}

/// A dead message that waits to be kept, and the room that it takes until then.
struct Waiting {
    message: Dead,
    _room: OwnedSemaphorePermit,
}

/// Who keeps them.
struct Keeper {
    broker: Broker,
    /// The name of the queue, and of an exchange that knows no other: the default exchange would
    /// take a permission on a name that is not ours.
    name: String,
    runtime: Handle,
    open: Option<(Line, Channel)>,
    tally: BridgeTally,
}

impl Burial {
    /// Also tells when its connection has ended.
    pub(super) fn start(
        broker: Broker,
        vm: &str,
        runtime: &Handle,
        tally: BridgeTally,
    ) -> (Self, JoinHandle<()>) {
        let (dead_messages, messages) = mpsc::channel(WAITING);
        let keeper = Keeper {
            broker,
            name: dead(vm),
            runtime: runtime.clone(),
            open: None,
            tally: tally.clone(),
        };
        let ended = runtime.spawn(keeper.run(messages));
        let burial = Self {
            dead: dead_messages,
            room: Arc::new(Semaphore::new(WAITING_BYTES)),
            tally,
        };
        (burial, ended)
    }

    /// Keeps what waits, and ends the connection.
    pub(super) async fn end(&self) {
        // It has ended already if it cannot be told.
        let _ = self.dead.send(None).await;
    }

    pub(super) fn take(&self, message: Dead) {
        let Dead { queue, reason, .. } = &message;
        log::warn!("{queue}: an unreadable message: {reason}");
        if !self.has_taken(message) {
            self.tally.not_kept();
        }
    }

    fn has_taken(&self, message: Dead) -> bool {
        let Ok(bytes) = u32::try_from(message.body.len()) else {
            return false;
        };
        let Ok(room) = Arc::clone(&self.room).try_acquire_many_owned(bytes) else {
            return false;
        };
        let waiting = Waiting {
            message,
            _room: room,
        };
        self.dead.try_send(Some(waiting)).is_ok()
    }
}

impl Keeper {
    async fn run(mut self, mut messages: mpsc::Receiver<Option<Waiting>>) {
        while let Some(Some(waiting)) = messages.recv().await {
            let kept = timeout(PATIENCE, self.keep(&waiting.message)).await;
            let error = match kept {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => error.to_string(),
                Err(_) => "the broker does not answer".to_owned(),
            };
            log::warn!("an unreadable message could not be kept: {error}");
            self.tally.not_kept();
            self.close().await;
        }
        self.close().await;
    }

    async fn keep(&mut self, message: &Dead) -> Result<(), Error> {
        let channel = match &self.open {
            Some((_, channel)) if channel.status().connected() => channel.clone(),
            _ => self.open().await?,
        };
        let options = BasicPublishOptions::default();
        // Persistent.
        let properties = message.properties.clone().with_delivery_mode(2);
        let exchange = self.name.clone().into();
        let published =
            channel.basic_publish(exchange, "".into(), options, &message.body, properties);
        published.await?.await?;
        Ok(())
    }

    async fn open(&mut self) -> Result<Channel, Error> {
        self.close().await;
        let name = self.name.clone();
        let line = Line::open(Purpose::Publish, &self.broker, name, &self.runtime).await?;
        let channel = line.connection().create_channel().await?;
        self.open = Some((line, channel.clone()));
        channel
            .confirm_select(ConfirmSelectOptions::default())
            .await?;
        let mut arguments = FieldTable::default();
        let bounds = [
            ("x-max-length", MESSAGES),
            ("x-max-length-bytes", BYTES),
            ("x-expires", EXPIRES_MS),
        ];
        for (name, bound) in bounds {
            arguments.insert(name.into(), AMQPValue::LongInt(bound));
        }
        let options = QueueDeclareOptions {
            durable: true,
            ..QueueDeclareOptions::default()
        };
        let name = || self.name.clone().into();
        channel.queue_declare(name(), options, arguments).await?;
        let options = ExchangeDeclareOptions {
            durable: true,
            // With the queue, when that has expired.
            auto_delete: true,
            ..ExchangeDeclareOptions::default()
        };
        let (kind, arguments) = (ExchangeKind::Fanout, FieldTable::default());
        channel
            .exchange_declare(name(), kind, options, arguments)
            .await?;
        let (options, arguments) = (QueueBindOptions::default(), FieldTable::default());
        channel
            .queue_bind(name(), name(), "".into(), options, arguments)
            .await?;
        Ok(channel)
    }

    async fn close(&mut self) {
        if let Some((line, _)) = self.open.take() {
            line.close().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_to_be_kept_is_bounded_in_bytes() {
        const EACH: usize = 1 << 20;
        let (dead, mut waiting) = mpsc::channel(WAITING);
        let burial = Burial {
            dead,
            room: Arc::new(Semaphore::new(WAITING_BYTES)),
            tally: BridgeTally::default(),
        };
        let message = |bytes: usize| Dead {
            queue: Queue::Data,
            reason: "a test".to_owned(),
            properties: BasicProperties::default(),
            body: vec![7; bytes],
        };
        for _ in 0..WAITING_BYTES / EACH {
            burial.take(message(EACH));
        }
        let not_kept = || burial.tally.counters().not_kept;
        assert_eq!(not_kept(), 0);
        burial.take(message(1));
        assert_eq!(not_kept(), 1);
        burial.take(message(0));
        assert_eq!(not_kept(), 1, "it takes no room");
        // One is kept.
        drop(waiting.try_recv().unwrap());
        burial.take(message(EACH));
        assert_eq!(not_kept(), 1);
    }
}
