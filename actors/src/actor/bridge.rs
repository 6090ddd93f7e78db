//! The bridge: mirrors the mailboxes of a process onto RabbitMQ, so that a team spans processes.
//!
//! Nothing else knows that there is a broker. The bridge may lose, repeat, delay and reorder what
//! it carries, as every [`Transport`] may; it does so only when connections are lost.

mod broker;
mod burial;
mod connection;
mod disturbance;
mod line;
mod mouth;
mod publisher;
mod receiver;
mod tally;

use std::sync::Arc;
use std::time::Duration;

use actix::{
    Actor, ActorContext, AsyncContext, Context, Handler, ResponseFuture, SpawnHandle, WrapFuture,
};
use futures_util::StreamExt;
use futures_util::future::join;
use lapin::Channel;
use lapin::Event;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

pub(crate) use broker::Broker;
pub use broker::{BrokerError, Tls};
use burial::Burial;
use connection::{Connections, Membership};
pub use disturbance::Disturbance;
use line::Purpose;
pub(crate) use mouth::{Mouth, Plan};
use publisher::{Command, Lanes};
use receiver::Receiver;
pub(crate) use tally::BridgeTally;
pub use tally::{BrokerCounters, ConnectionCounters, QueueCounters};

use crate::clock::{Clock, remind};
use crate::core::backoff::delay;
use crate::link::Link;
use crate::random::Random;

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

pub(crate) struct Bridge {
    membership: Membership,
    runtime: Handle,
    link: Link,
    clock: Arc<dyn Clock>,
    lanes: Lanes,
    tally: BridgeTally,
    connectivity: Arc<watch::Sender<Connectivity>>,
    random: Random,
    burial: Burial,
    /// Until it is waited for.
    buried: Option<JoinHandle<()>>,
    /// Counts the attempts to connect.
    generation: u64,
    failures: u32,
    connected: Option<Connected>,
    was_connected: bool,
    /// Since when another head has been in this one's place.
    locked_out: Option<Duration>,
}

/// What belongs to the present connections.
struct Connected {
    connections: Connections,
    tasks: Vec<SpawnHandle>,
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
    purpose: Purpose,
    reason: String,
}

#[derive(Clone, Copy, actix::Message)]
#[rtype(result = "()")]
struct Connect;

/// End all connections; answered when they have ended.
#[derive(actix::Message)]
#[rtype(result = "()")]
pub(crate) struct Close;

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
        let wait = delay(self.failures, self.random.uniform());
        self.failures = self.failures.saturating_add(1);
        remind(&self.clock, &self.link, wait, &context.address(), Connect);
    }

    fn opened(&mut self, mut connections: Connections, context: &mut Context<Self>) {
        self.failures = 0;
        self.was_connected = true;
        self.locked_out = None;
        self.tally.connected();
        log::info!("{}: connected", self.membership.broker);
        let mut tasks = Vec::new();
        for (queue, consumer) in connections.consumers.drain(..) {
            let receiver = Receiver {
                queue,
                link: self.link.clone(),
                clock: Arc::clone(&self.clock),
                tally: self.tally.clone(),
                burial: self.burial.clone(),
            };
            let lost = self.lost(queue.into(), context);
            let task = async move {
                receiver.run(consumer).await;
                lost(format!("the broker ended the {queue}"));
            };
            tasks.push(context.spawn(task.into_actor(self)));
        }
        let every = self.membership.broker.heartbeat();
        for binding in connections.bindings.drain(..) {
            let lost = self.lost(binding.queue.into(), context);
            let task = async move {
                loop {
                    sleep(every).await;
                    if let Err(error) = binding.make().await {
                        return lost(error.to_string());
                    }
                }
            };
            tasks.push(context.spawn(task.into_actor(self)));
        }
        for line in &mut connections.lines {
            let (purpose, mut events) = (line.purpose, line.take_events());
            let lost = self.lost(purpose, context);
            let tally = self.tally.clone();
            let task = async move {
                while let Some(event) = events.next().await {
                    match event {
                        Event::Error(error) => lost(error.to_string()),
                        Event::ConnectionBlocked(reason) => {
                            tally.blocked(purpose);
                            log::warn!("the broker holds up what is published: {reason}");
                        }
                        Event::ConnectionUnblocked => log::info!("the broker goes on"),
                        _ => {}
                    }
                }
            };
            tasks.push(context.spawn(task.into_actor(self)));
        }
        let channels = [
            (Purpose::Control, connections.control.clone()),
            (Purpose::Publish, connections.data.clone()),
        ];
        // Nobody would tell of what was lost before there was a listener.
        for line in &connections.lines {
            let of = |(purpose, _): &&(Purpose, Channel)| *purpose == line.purpose;
            let channel = channels.iter().find(of);
            let ended = channel.is_some_and(|(_, channel)| !channel.status().connected());
            if ended || !line.connection().status().connected() {
                self.lost(line.purpose, context)("it has ended already".to_owned());
            }
        }
        for (lane, (_, channel)) in self.lanes.both().into_iter().zip(channels) {
            // A lane that has ended has ended with the machine.
            let _ = lane.send(Command::Connected(channel));
        }
        self.connected = Some(Connected { connections, tasks });
        self.connectivity.send_replace(Connectivity::Connected);
    }

    /// What tells that a connection of the present generation is lost, and why.
    fn lost(&self, purpose: Purpose, context: &Context<Self>) -> impl Fn(String) + use<> {
        let (generation, link) = (self.generation, self.link.clone());
        let address = context.address();
        move |reason| {
            let lost = Lost {
                generation,
                purpose,
                reason,
            };
            link.tell(&address, lost);
        }
    }

    /// Whether another head has taken this one's place: for as long as the broker may take to notice
    /// that an earlier connection of ours is dead, the lock may be our own.
    fn is_replaced(&mut self, error: &BrokerError) -> bool {
        if !matches!(error, BrokerError::HeadPresent { .. }) {
            self.locked_out = None;
            return false;
        }
        let now = self.clock.now();
        let since = *self.locked_out.get_or_insert(now);
        now.saturating_sub(since) > self.membership.broker.heartbeat() * NOTICED_AFTER
    }

    /// Says once that the broker does not take us in any more. It may be of its own restart.
    fn complain(&self, error: &BrokerError) {
        let known = Connectivity::Connecting(Some(error.clone()));
        if error.is_final() && *self.connectivity.borrow() != known {
            log::warn!("{error}; trying again all the same");
        } else {
            log::debug!("{error}; trying again");
        }
    }

    /// Lets go of the present connections.
    fn disconnect(&mut self, context: &mut Context<Self>) -> Option<Connections> {
        let Connected { connections, tasks } = self.connected.take()?;
        for task in tasks {
            context.cancel_future(task);
        }
        for lane in self.lanes.both() {
            let _ = lane.send(Command::Disconnected);
        }
        Some(connections)
    }
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
            Err(error) => {
                let is_replaced = self.is_replaced(&error);
                // What the broker says after it has once taken us in may be of its own restart.
                if error.is_final() && (!self.was_connected || is_replaced) {
                    self.connectivity.send_replace(Connectivity::Failed(error));
                    return;
                }
                self.complain(&error);
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

    fn handle(&mut self, lost: Lost, context: &mut Self::Context) {
        let Lost {
            generation,
            purpose,
            reason,
        } = lost;
        if generation != self.generation {
            return;
        }
        let Some(connections) = self.disconnect(context) else {
            return;
        };
        log::warn!(
            "{}: connection lost ({purpose}: {reason}); connecting anew",
            self.membership.broker
        );
        self.tally.lost(purpose);
        self.runtime.spawn(connections.close());
        let error = self.membership.broker.unreachable(reason);
        self.connectivity
            .send_replace(Connectivity::Connecting(Some(error)));
        self.connect_later(context);
    }
}

impl Handler<Close> for Bridge {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: Close, context: &mut Self::Context) -> Self::Result {
        // No attempt that is under way counts any more.
        self.generation += 1;
        let connections = self.connected.take().map(|of| of.connections);
        context.stop();
        let (runtime, lanes) = (self.runtime.clone(), self.lanes.clone());
        let (burial, buried) = (self.burial.clone(), self.buried.take());
        let bury = async move {
            burial.end().await;
            if let Some(buried) = buried {
                // It ends unless the runtime does first, and then there is nothing to wait for.
                let _ = buried.await;
            }
        };
        let close = async move {
            let Some(connections) = connections else {
                return;
            };
            // The end of a connection overtakes what is being sent, such as that the node leaves.
            let _ = timeout(LAST_WORDS, lanes.control_is_through()).await;
            for lane in lanes.both() {
                let _ = lane.send(Command::Disconnected);
            }
            // It ends unless the runtime does first, and then there is nothing to wait for.
            let _ = runtime.spawn(connections.close()).await;
        };
        Box::pin(async move {
            join(bury, close).await;
        })
    }
}

/// How long a closing bridge waits for control messages to be confirmed.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A broker takes a connection for dead when it has heard nothing for so many heartbeats.
const NOTICED_AFTER: u32 = 3;

/// How long a closing bridge takes at most.
pub(crate) const CLOSING: Duration = Duration::from_secs(4);
