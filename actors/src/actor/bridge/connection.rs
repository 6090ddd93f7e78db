//! One generation of connections to the broker: opened together, given up together.

use std::future::Future;
use std::time::Duration;

use futures_util::future::{join_all, try_join_all};
use lapin::options::{
    BasicConsumeOptions, BasicQosOptions, ConfirmSelectOptions, ExchangeDeclareOptions,
    QueueBindOptions, QueueDeclareOptions,
};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, Consumer, Error, ErrorKind, ExchangeKind};
use tokio::runtime::Handle;
use tokio::time::timeout;
use tokio::try_join;

use super::broker::{Broker, BrokerError};
use super::line::{Line, Purpose};
use crate::id::NodeId;
use crate::wire::queues::{HEAD, Queue, directory, exchange};

/// A step of an attempt that takes longer is given up, and the attempt with it: the broker may never
/// answer. A step is a few ways to the broker and back, however many there are of them.
const PATIENCE: Duration = Duration::from_secs(3);

/// How many messages of a queue may be unacknowledged: what this process may hold that it has not
/// taken in. Of tiles, each of which may be as long as a part, 64 MiB; of others, which are short,
/// enough to keep the broker busy.
pub(super) const fn prefetch(queue: Queue) -> u16 {
    match queue {
        Queue::Data => 64,
        Queue::Control | Queue::Tasks | Queue::Results => 256,
    }
}

/// RESOURCE_LOCKED: another connection has that exclusive queue.
const LOCKED: u16 = 405;

/// Whose connections, and which.
#[derive(Clone)]
pub(super) struct Membership {
    pub(super) broker: Broker,
    pub(super) vm: String,
    pub(super) node: NodeId,
    /// Whether to hear, beside the head if there is one, what nodes tell the head.
    pub(super) overhears: bool,
}

/// Separate connections for what is published, what is consumed, and what must not wait for
/// either: a broker that is short of memory stops whole connections.
pub(super) struct Connections {
    pub(super) lines: [Line; 3],
    /// Where control messages are published.
    pub(super) control: Channel,
    /// Where all else is published.
    pub(super) data: Channel,
    pub(super) consumers: Vec<(Queue, Consumer)>,
    pub(super) bindings: Vec<Binding>,
}

/// What lets the exchange put messages into a queue of this process.
///
/// With an exchange that somebody deletes all bindings go, and nobody is told: whoever publishes next, or
/// binds, loses its channel and makes the exchange anew, with its own bindings only. So each is to be made
/// again now and then; while it is there, that changes nothing.
pub(super) struct Binding {
    pub(super) queue: Queue,
    channel: Channel,
    name: String,
    exchange: String,
    routing_key: String,
}

impl Binding {
    /// # Errors
    /// When the exchange is not there, which ends the channel and with it what is consumed there, or the
    /// channel has ended.
    pub(super) async fn make(&self) -> Result<(), Error> {
        let bound = self.channel.queue_bind(
            self.name.clone().into(),
            self.exchange.clone().into(),
            self.routing_key.clone().into(),
            QueueBindOptions::default(),
            FieldTable::default(),
        );
        bound.await
    }
}

/// What is made on the connections.
struct Prepared {
    control: Channel,
    data: Channel,
    consumers: Vec<(Queue, Consumer)>,
    bindings: Vec<Binding>,
}

/// Why a step failed.
enum Failed {
    Said(Error),
    Silent,
}

/// One step of an attempt.
async fn step<T>(what: impl Future<Output = Result<T, Error>>) -> Result<T, Failed> {
    match timeout(PATIENCE, what).await {
        Ok(result) => result.map_err(Failed::Said),
        Err(_) => Err(Failed::Silent),
    }
}

impl Membership {
    /// Opens connections, declares what belongs to this process, and begins to consume. Where the
    /// future is dropped, nothing of it is left.
    pub(super) async fn open(
        &self,
        generation: u64,
        runtime: &Handle,
    ) -> Result<Connections, BrokerError> {
        let line = |purpose: Purpose| {
            let name = format!("msvpu {} node {}: {purpose}", self.vm, self.node);
            step(Line::open(purpose, &self.broker, name, runtime))
        };
        let opened = try_join!(
            line(Purpose::Control),
            line(Purpose::Publish),
            line(Purpose::Consume)
        );
        let lines: [Line; 3] = opened.map_err(|failed| self.explain(failed))?.into();
        match self
            .prepare(generation, lines.each_ref().map(Line::connection))
            .await
        {
            Ok(prepared) => Ok(Connections {
                lines,
                control: prepared.control,
                data: prepared.data,
                consumers: prepared.consumers,
                bindings: prepared.bindings,
            }),
            Err(failed) => {
                close(lines).await;
                Err(self.explain(failed))
            }
        }
    }

    fn explain(&self, failed: Failed) -> BrokerError {
        match failed {
            Failed::Said(error) if self.is_lock(&error) => BrokerError::HeadPresent {
                vm: self.vm.clone(),
                broker: self.broker.to_string(),
            },
            Failed::Said(error) => self.broker.explain(&error),
            Failed::Silent => self
                .broker
                .unreachable(format!("no answer for {} s", PATIENCE.as_secs())),
        }
    }

    fn is_lock(&self, error: &Error) -> bool {
        let locked =
            |error: &lapin::protocol::AMQPError| self.node == HEAD && error.get_id() == LOCKED;
        matches!(error.kind(), ErrorKind::ProtocolError(error) if locked(error))
    }

    async fn prepare(
        &self,
        generation: u64,
        [control, publish, consume]: [&Connection; 3],
    ) -> Result<Prepared, Failed> {
        let channel = publishing(control).await?;
        if self.node == HEAD {
            let options = exclusive();
            let name = directory(&self.vm);
            step(channel.queue_declare(name.into(), options, FieldTable::default())).await?;
        }
        let options = ExchangeDeclareOptions {
            auto_delete: true,
            ..ExchangeDeclareOptions::default()
        };
        let (name, kind) = (exchange(&self.vm), ExchangeKind::Direct);
        step(channel.exchange_declare(name.into(), kind, options, FieldTable::default())).await?;
        let queues = [
            (control, Queue::Control),
            (consume, Queue::Data),
            (consume, Queue::Tasks),
            (consume, Queue::Results),
        ];
        let consumers = queues.map(|(connection, queue)| async move {
            let (consumer, bindings) = self.consume(connection, queue, generation).await?;
            Ok::<_, Failed>(((queue, consumer), bindings))
        });
        let (data, consumers) = try_join!(publishing(publish), try_join_all(consumers))?;
        let (consumers, bindings): (_, Vec<_>) = consumers.into_iter().unzip();
        Ok(Prepared {
            control: channel,
            data,
            consumers,
            bindings: bindings.into_iter().flatten().collect(),
        })
    }

    /// Each queue has a channel of its own: acknowledging all until one is by channel.
    async fn consume(
        &self,
        connection: &Connection,
        queue: Queue,
        generation: u64,
    ) -> Result<(Consumer, Vec<Binding>), Failed> {
        let channel = step(connection.create_channel()).await?;
        let name = queue.name(&self.vm, self.node, generation);
        step(channel.queue_declare(name.clone().into(), exclusive(), FieldTable::default()))
            .await?;
        let overheard = self.overhears && queue == Queue::Control;
        let mut bindings = Vec::new();
        for node in [Some(self.node), overheard.then_some(HEAD)]
            .into_iter()
            .flatten()
        {
            let binding = Binding {
                queue,
                channel: channel.clone(),
                name: name.clone(),
                exchange: exchange(&self.vm),
                routing_key: queue.routing_key(node),
            };
            step(binding.make()).await?;
            bindings.push(binding);
        }
        step(channel.basic_qos(prefetch(queue), BasicQosOptions::default())).await?;
        let consumer = step(channel.basic_consume(
            name.into(),
            queue.to_string().into(),
            BasicConsumeOptions {
                exclusive: true,
                ..BasicConsumeOptions::default()
            },
            FieldTable::default(),
        ));
        Ok((consumer.await?, bindings))
    }
}

/// A queue that dies with its connection: what is lost with it is asked for again.
fn exclusive() -> QueueDeclareOptions {
    QueueDeclareOptions {
        exclusive: true,
        auto_delete: true,
        ..QueueDeclareOptions::default()
    }
}

/// Without confirmations a message that was never taken would look like one that was.
async fn publishing(connection: &Connection) -> Result<Channel, Failed> {
    let channel = step(connection.create_channel()).await?;
    step(channel.confirm_select(ConfirmSelectOptions::default())).await?;
    Ok(channel)
}

impl Connections {
    /// Ends the connections, and with them their queues.
    pub(super) fn close(self) -> impl Future<Output = ()> + Send + 'static {
        close(self.lines)
    }
}

async fn close(lines: [Line; 3]) {
    join_all(lines.map(Line::close)).await;
}
