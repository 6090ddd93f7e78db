//! The bridge: mirrors the mailboxes of a process onto RabbitMQ, so that a team spans processes.
//!
//! Nothing else knows that there is a broker. The bridge may lose, repeat, delay and reorder what
//! it carries, as every [`Transport`] may; it does so only when connections are lost.

mod broker;
mod connection;
mod disturbance;
mod publisher;
mod receiver;
mod tally;

use std::sync::Arc;
use std::time::Duration;

use actix::{
    Actor, ActorContext, AsyncContext, Context, Handler, ResponseFuture, SpawnHandle, WrapFuture,
};
use futures_util::StreamExt;
use lapin::options::{BasicPublishOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Event};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::Rng;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};

pub(crate) use broker::Broker;
pub use broker::{BrokerError, Tls};
use connection::{Connections, Membership};
pub use disturbance::Disturbance;
use disturbance::Disturbed;
use publisher::{Command, Lanes, Publisher};
use receiver::{Dead, Receiver};
pub(crate) use tally::BridgeTally;
pub use tally::{BrokerCounters, QueueCounters};

use crate::clock::{Clock, remind};
use crate::core::backoff::delay;
use crate::core::sending::WindowLimits;
use crate::id::NodeId;
use crate::link::{Link, Transport};
use crate::message::Envelope;
use crate::wire::frame::Parcel;
use crate::wire::queues::dead;

/// What is sent again and again anyway need not be kept while there is no connection.
const CONTROL: WindowLimits = WindowLimits {
    messages: 256,
    bytes: 16 << 20,
    kept: 64,
};

/// Confirmations may take long; the window must hold what flows meanwhile.
const DATA: WindowLimits = WindowLimits {
    messages: 1024,
    bytes: 32 << 20,
    kept: 65_536,
};

/// How many unreadable messages are kept for people to look at, for how long, and how many bytes.
const DEAD_MESSAGES: i32 = 1000;
const DEAD_EXPIRES_MS: i32 = 7 * 24 * 3600 * 1000;
const DEAD_BYTES: i32 = 64 << 20;

/// Whether there is a connection to the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Connectivity {
    /// There is none yet, or it was lost; this is why, once it is known. It is tried again.
    Connecting(Option<BrokerError>),
    /// There is one.
    Connected,
    /// There will be none: trying again would change nothing.
    Failed(BrokerError),
}

/// The way to other nodes that goes through the broker.
struct Post {
    lanes: Lanes,
    disturbed: Option<Disturbed>,
}

impl Transport for Post {
    fn send(&self, to: NodeId, envelope: Envelope) {
        let kind = envelope.message.kind();
        match Parcel::seal(envelope) {
            Ok(parcel) => match &self.disturbed {
                Some(disturbed) => disturbed.send(&self.lanes, to, parcel),
                None => self.lanes.send(to, parcel),
            },
            // Nothing in these types can fail.
            Err(error) => log::error!("{kind}: {error}"),
        }
    }
}

/// What a bridge is made from.
pub(crate) struct Plan {
    pub(crate) broker: Broker,
    pub(crate) vm: String,
    pub(crate) node: NodeId,
    /// Whether to hear what nodes tell the head.
    pub(crate) overhears: bool,
    pub(crate) disturbance: Option<Disturbance>,
    /// Where connections live: a runtime of several threads.
    pub(crate) runtime: Handle,
    pub(crate) tally: BridgeTally,
    pub(crate) connectivity: Arc<watch::Sender<Connectivity>>,
    /// Of the attempts to connect, and of disturbances.
    pub(crate) seed: u64,
}

/// What a transport needs before there is a bridge: the ends of the lanes.
pub(crate) struct Mouth {
    plan: Plan,
    lanes: Lanes,
    control: mpsc::UnboundedReceiver<Command>,
    data: mpsc::UnboundedReceiver<Command>,
}

pub(crate) struct Bridge {
    membership: Membership,
    runtime: Handle,
    link: Link,
    clock: Arc<dyn Clock>,
    lanes: Lanes,
    tally: BridgeTally,
    connectivity: Arc<watch::Sender<Connectivity>>,
    random: Xoshiro256PlusPlus,
    dead: mpsc::UnboundedSender<Dead>,
    /// Counts the attempts to connect.
    generation: u64,
    failures: u32,
    connected: Option<Connected>,
    was_connected: bool,
}

/// What belongs to the present connections.
struct Connected {
    connections: Connections,
    tasks: Vec<SpawnHandle>,
    /// Whether the queue of dead messages was declared on them.
    has_dead_queue: bool,
}

/// An attempt has ended.
#[derive(actix::Message)]
#[rtype(result = "()")]
struct Opened {
    generation: u64,
    result: Result<Connections, BrokerError>,
}

/// A connection was lost.
#[derive(actix::Message)]
#[rtype(result = "()")]
struct Lost {
    generation: u64,
    reason: String,
}

#[derive(Clone, Copy, actix::Message)]
#[rtype(result = "()")]
struct Connect;

#[derive(actix::Message)]
#[rtype(result = "()")]
struct Bury(Dead);

/// End all connections; answered when they have ended.
#[derive(actix::Message)]
#[rtype(result = "()")]
pub(crate) struct Close;

impl Mouth {
    pub(crate) fn new(plan: Plan) -> Self {
        let (control, control_commands) = mpsc::unbounded_channel();
        let (data, data_commands) = mpsc::unbounded_channel();
        Self {
            plan,
            lanes: Lanes { control, data },
            control: control_commands,
            data: data_commands,
        }
    }

    /// The way into the bridge.
    pub(crate) fn transport(&self) -> Arc<dyn Transport> {
        let Plan {
            disturbance,
            runtime,
            tally,
            seed,
            ..
        } = &self.plan;
        let disturbed = disturbance
            .map(|disturbance| Disturbed::new(disturbance, *seed, runtime.clone(), tally.clone()));
        Arc::new(Post {
            lanes: self.lanes.clone(),
            disturbed,
        })
    }

    /// Starts the bridge on the current event loop.
    pub(crate) fn start(self, link: Link, clock: Arc<dyn Clock>) -> actix::Addr<Bridge> {
        let Plan {
            broker,
            vm,
            node,
            overhears,
            runtime,
            tally,
            connectivity,
            seed,
            ..
        } = self.plan;
        let lanes = [(self.control, CONTROL), (self.data, DATA)];
        for (commands, limits) in lanes {
            actix::spawn(Publisher::new(&vm, limits, tally.clone()).run(commands));
        }
        let (dead, mut buried) = mpsc::unbounded_channel();
        Bridge::create(move |context| {
            let address = context.address();
            actix::spawn(async move {
                while let Some(dead) = buried.recv().await {
                    if address.send(Bury(dead)).await.is_err() {
                        return;
                    }
                }
            });
            Bridge {
                membership: Membership {
                    broker,
                    vm,
                    node,
                    overhears,
                },
                runtime,
                link,
                clock,
                lanes: self.lanes,
                tally,
                connectivity,
                random: rand_xoshiro::rand_core::SeedableRng::seed_from_u64(seed),
                dead,
                generation: 0,
                failures: 0,
                connected: None,
                was_connected: false,
            }
        })
    }
}

impl Bridge {
    fn connect(&mut self, context: &Context<Self>) {
        self.generation += 1;
        let (membership, generation) = (self.membership.clone(), self.generation);
        // Names of queues must differ from those of an earlier process of the same id.
        let unique = self.random.next_u64();
        let (runtime, link, address) = (self.runtime.clone(), self.link.clone(), context.address());
        self.runtime.spawn(async move {
            let result = membership.open(unique, &runtime).await;
            let opened = Opened { generation, result };
            // Where the bridge has ended meanwhile, the connections are dropped with the runtime.
            link.tell(&address, opened);
        });
    }

    fn connect_later(&mut self, context: &Context<Self>) {
        let chance = (self.random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
        let wait = delay(self.failures, chance);
        self.failures = self.failures.saturating_add(1);
        remind(&self.clock, &self.link, wait, &context.address(), Connect);
    }

    fn opened(&mut self, mut connections: Connections, context: &mut Context<Self>) {
        let generation = self.generation;
        self.failures = 0;
        self.was_connected = true;
        self.tally.connected();
        log::info!("{}: connected", self.membership.broker);
        let mut tasks = Vec::new();
        for (queue, consumer) in connections.consumers.drain(..) {
            let receiver = Receiver {
                queue,
                link: self.link.clone(),
                clock: Arc::clone(&self.clock),
                tally: self.tally.clone(),
                dead: self.dead.clone(),
            };
            let (link, address) = (self.link.clone(), context.address());
            let task = async move {
                receiver.run(consumer).await;
                let reason = format!("the broker ended the {queue}");
                link.tell(&address, Lost { generation, reason });
            };
            tasks.push(context.spawn(task.into_actor(self)));
        }
        for connection in connections.all() {
            let mut events = connection.events_listener();
            let (link, address) = (self.link.clone(), context.address());
            let tally = self.tally.clone();
            let task = async move {
                while let Some(event) = events.next().await {
                    match event {
                        Event::Error(error) => {
                            let reason = error.to_string();
                            link.tell(&address, Lost { generation, reason });
                        }
                        Event::ConnectionBlocked(reason) => {
                            tally.blocked();
                            log::warn!("the broker holds up what is published: {reason}");
                        }
                        Event::ConnectionUnblocked => log::info!("the broker goes on"),
                        _ => {}
                    }
                }
            };
            tasks.push(context.spawn(task.into_actor(self)));
        }
        let channels = [connections.control.clone(), connections.data.clone()];
        for (lane, channel) in self.lanes.both().into_iter().zip(channels) {
            // A lane that has ended has ended with the machine.
            let _ = lane.send(Command::Connected(channel));
        }
        self.connected = Some(Connected {
            connections,
            tasks,
            has_dead_queue: false,
        });
        self.connectivity.send_replace(Connectivity::Connected);
    }

    /// Lets go of the present connections.
    fn disconnect(&mut self, context: &mut Context<Self>) -> Option<Connections> {
        let Connected {
            connections, tasks, ..
        } = self.connected.take()?;
        for task in tasks {
            context.cancel_future(task);
        }
        for lane in self.lanes.both() {
            let _ = lane.send(Command::Disconnected);
        }
        Some(connections)
    }

    /// Keeps an unreadable message where people can look at it.
    fn bury(&mut self, dead_message: Dead) {
        let Dead {
            queue,
            reason,
            properties,
            body,
        } = dead_message;
        log::warn!(
            "{queue}: an unreadable message, {} bytes: {reason}",
            body.len()
        );
        let Some(connected) = &mut self.connected else {
            return;
        };
        let channel = connected.connections.control.clone();
        let name = dead(&self.membership.vm);
        let declare = !std::mem::replace(&mut connected.has_dead_queue, true);
        self.runtime.spawn(async move {
            if let Err(error) = bury(&channel, name, declare, properties, &body).await {
                log::warn!("an unreadable message could not be kept: {error}");
            }
        });
    }
}

async fn bury(
    channel: &Channel,
    name: String,
    declare: bool,
    properties: lapin::BasicProperties,
    body: &[u8],
) -> Result<(), lapin::Error> {
    if declare {
        let mut arguments = FieldTable::default();
        let bounds = [
            ("x-max-length", DEAD_MESSAGES),
            ("x-max-length-bytes", DEAD_BYTES),
            ("x-expires", DEAD_EXPIRES_MS),
        ];
        for (name, bound) in bounds {
            arguments.insert(name.into(), AMQPValue::LongInt(bound));
        }
        let options = QueueDeclareOptions {
            durable: true,
            ..QueueDeclareOptions::default()
        };
        channel
            .queue_declare(name.clone().into(), options, arguments)
            .await?;
    }
    let options = BasicPublishOptions::default();
    let properties = properties.with_delivery_mode(2);
    let published = channel.basic_publish("".into(), name.into(), options, body, properties);
    published.await?.await?;
    Ok(())
}

impl Actor for Bridge {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        self.connect(context);
    }
}

impl Handler<Connect> for Bridge {
    type Result = ();

    fn handle(&mut self, _: Connect, context: &mut Self::Context) {
        self.connect(context);
    }
}

impl Handler<Opened> for Bridge {
    type Result = ();

    fn handle(&mut self, Opened { generation, result }: Opened, context: &mut Self::Context) {
        if generation != self.generation {
            return;
        }
        match result {
            Ok(connections) => self.opened(connections, context),
            // What the broker says after it has once taken us in may be of its own restart.
            Err(error) if error.is_final() && !self.was_connected => {
                self.connectivity.send_replace(Connectivity::Failed(error));
            }
            Err(error) => {
                log::debug!("{error}; trying again");
                let state = Connectivity::Connecting(Some(error));
                if *self.connectivity.borrow() != state {
                    self.connectivity.send_replace(state);
                }
                self.connect_later(context);
            }
        }
    }
}

impl Handler<Lost> for Bridge {
    type Result = ();

    fn handle(&mut self, Lost { generation, reason }: Lost, context: &mut Self::Context) {
        if generation != self.generation {
            return;
        }
        let Some(connections) = self.disconnect(context) else {
            return;
        };
        log::warn!(
            "{}: connection lost ({reason}); connecting anew",
            self.membership.broker
        );
        self.runtime.spawn(connections.close());
        let error = self.membership.broker.unreachable(reason);
        self.connectivity
            .send_replace(Connectivity::Connecting(Some(error)));
        self.connect_later(context);
    }
}

impl Handler<Bury> for Bridge {
    type Result = ();

    fn handle(&mut self, Bury(dead): Bury, _: &mut Self::Context) {
        self.bury(dead);
    }
}

impl Handler<Close> for Bridge {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: Close, context: &mut Self::Context) -> Self::Result {
        // No attempt that is under way counts any more.
        self.generation += 1;
        let connections = self.disconnect(context);
        context.stop();
        let runtime = self.runtime.clone();
        Box::pin(async move {
            if let Some(connections) = connections {
                // It ends unless the runtime does first, and then there is nothing to wait for.
                let _ = runtime.spawn(connections.close()).await;
            }
        })
    }
}

/// How long a closing bridge takes at most.
pub(crate) const CLOSING: Duration = Duration::from_secs(4);
