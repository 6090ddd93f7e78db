//! One generation of connections to the broker: opened together, given up together.

use std::future::Future;
use std::time::Duration;

use async_rs::Runtime;
use lapin::options::{
    BasicConsumeOptions, BasicQosOptions, ConfirmSelectOptions, ExchangeDeclareOptions,
    QueueBindOptions, QueueDeclareOptions,
};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, ConnectionProperties, Consumer, Error, ErrorKind, ExchangeKind};
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::broker::{Broker, BrokerError};
use crate::id::NodeId;
use crate::wire::queues::{HEAD, Queue, directory, exchange};

/// An attempt that takes longer is given up: the broker may never answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long to wait for the broker to agree that a connection ends.
pub(super) const FAREWELL: Duration = Duration::from_secs(1);

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
    all: Vec<Connection>,
    /// Where control messages are published.
    pub(super) control: Channel,
    /// Where all else is published.
    pub(super) data: Channel,
    pub(super) consumers: Vec<(Queue, Consumer)>,
}

impl Membership {
    /// Opens connections, declares what belongs to this process, and begins to consume.
    pub(super) async fn open(
        &self,
        generation: u64,
        runtime: &Handle,
    ) -> Result<Connections, BrokerError> {
        let mut opened = Vec::new();
        let result = timeout(PATIENCE, self.steps(generation, runtime, &mut opened)).await;
        let error = match result {
            Ok(Ok(connections)) => {
                return Ok(Connections {
                    all: opened,
                    ..connections
                });
            }
            Ok(Err(error)) if self.is_lock(&error) => BrokerError::HeadPresent {
                vm: self.vm.clone(),
                broker: self.broker.to_string(),
            },
            Ok(Err(error)) => self.broker.explain(&error),
            Err(_) => self
                .broker
                .unreachable(format!("no answer for {} s", PATIENCE.as_secs())),
        };
        close(opened).await;
        Err(error)
    }

    fn is_lock(&self, error: &Error) -> bool {
        let locked =
            |error: &lapin::protocol::AMQPError| self.node == HEAD && error.get_id() == LOCKED;
        matches!(error.kind(), ErrorKind::ProtocolError(error) if locked(error))
    }

    /// Those that are open so far are in `opened`, whatever comes of the next.
    async fn steps(
        &self,
        generation: u64,
        runtime: &Handle,
        opened: &mut Vec<Connection>,
    ) -> Result<Connections, Error> {
        let control_connection = self.connect("control", runtime, opened).await?;
        let control = publishing(control_connection).await?;
        if self.node == HEAD {
            let options = exclusive();
            let name = directory(&self.vm);
            control
                .queue_declare(name.into(), options, FieldTable::default())
                .await?;
        }
        let options = ExchangeDeclareOptions {
            auto_delete: true,
            ..ExchangeDeclareOptions::default()
        };
        let (name, kind) = (exchange(&self.vm), ExchangeKind::Direct);
        control
            .exchange_declare(name.into(), kind, options, FieldTable::default())
            .await?;
        let queue = Queue::Control;
        let consumer = self.consume(control_connection, queue, generation);
        let mut consumers = vec![(queue, consumer.await?)];
        let data = publishing(self.connect("publish", runtime, opened).await?).await?;
        let connection = self.connect("consume", runtime, opened).await?;
        for queue in [Queue::Data, Queue::Tasks, Queue::Results] {
            let consumer = self.consume(connection, queue, generation).await?;
            consumers.push((queue, consumer));
        }
        Ok(Connections {
            all: Vec::new(),
            control,
            data,
            consumers,
        })
    }

    async fn connect<'a>(
        &self,
        purpose: &str,
        runtime: &Handle,
        opened: &'a mut Vec<Connection>,
    ) -> Result<&'a Connection, Error> {
        let name = format!("msvpu {} node {}: {purpose}", self.vm, self.node);
        let properties = ConnectionProperties::default().with_connection_name(name.into());
        let connection = Connection::connect_uri_with_config(
            self.broker.uri(),
            properties,
            self.broker.tls(),
            Runtime::tokio_with_handle(runtime.clone()),
        )
        .await?;
        opened.push(connection);
        // It was just put there.
        opened
            .last()
            .ok_or_else(|| ErrorKind::FutureCompleted.into())
    }

    /// Each queue has a channel of its own: acknowledging all until one is by channel.
    async fn consume(
        &self,
        connection: &Connection,
        queue: Queue,
        generation: u64,
    ) -> Result<Consumer, Error> {
        let channel = connection.create_channel().await?;
        let name = queue.name(&self.vm, self.node, generation);
        channel
            .queue_declare(name.clone().into(), exclusive(), FieldTable::default())
            .await?;
        channel
            .queue_bind(
                name.clone().into(),
                exchange(&self.vm).into(),
                queue.routing_key(self.node).into(),
                QueueBindOptions::default(),
                FieldTable::default(),
            )
            .await?;
        if self.overhears && queue == Queue::Control {
            channel
                .queue_bind(
                    name.clone().into(),
                    exchange(&self.vm).into(),
                    queue.routing_key(HEAD).into(),
                    QueueBindOptions::default(),
                    FieldTable::default(),
                )
                .await?;
        }
        channel
            .basic_qos(prefetch(queue), BasicQosOptions::default())
            .await?;
        channel
            .basic_consume(
                name.into(),
                queue.to_string().into(),
                BasicConsumeOptions {
                    exclusive: true,
                    ..BasicConsumeOptions::default()
                },
                FieldTable::default(),
            )
            .await
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
async fn publishing(connection: &Connection) -> Result<Channel, Error> {
    let channel = connection.create_channel().await?;
    channel
        .confirm_select(ConfirmSelectOptions::default())
        .await?;
    Ok(channel)
}

impl Connections {
    /// Those of which the end of one is the end of all.
    pub(super) const fn all(&self) -> &Vec<Connection> {
        &self.all
    }

    /// Ends the connections, and with them their queues.
    pub(super) fn close(self) -> impl Future<Output = ()> + Send + 'static {
        let Self { all, .. } = self;
        close(all)
    }
}

async fn close(connections: Vec<Connection>) {
    for connection in connections {
        // Of one that is broken already there is nothing to hear.
        let _ = timeout(FAREWELL, connection.close(200, "OK".into())).await;
    }
}
