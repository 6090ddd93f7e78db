//! Who asks a cluster for its nodes, without being one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Context, Handler};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, interval, timeout_at};

use super::{Access, Joining, Part, Patience, close, connected};
use crate::actor::bridge::Tls;
use crate::clock::SystemClock;
use crate::core::lease::Member;
use crate::event_loop::{self, Alive};
use crate::job::NodeStatus;
use crate::journal::Journals;
use crate::link::{Letter, Link};
use crate::local::StartError;
use crate::message::{Address, DirectoryMessage, Message, ObserverMessage};
use crate::wire::queues::HEAD;

/// How long to wait for the broker.
const LIMIT: Duration = Duration::from_secs(3);

/// A head that does not answer for so long is none. Meanwhile nodes of the default lease are heard
/// of three times.
const SILENCE: Duration = Duration::from_millis(1500);

/// How often it is asked.
const RETRY: Duration = Duration::from_millis(200);

/// The nodes of a machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Members {
    /// Whether a head serves the machine. Without one, the nodes wait, and nothing is known of them
    /// but what they say of themselves.
    pub has_head: bool,
    /// The nodes, by their numbers.
    pub nodes: Vec<NodeStatus>,
}

/// Asks the head of a machine which nodes there are.
#[must_use = "call `get`"]
pub struct NodeList {
    access: Access,
}

impl NodeList {
    /// Of the machine at that broker, such as `amqp://user:password@host:5672/vhost`.
    pub fn at(url: impl Into<String>) -> Self {
        Self {
            access: Access::new(url.into()),
        }
    }

    /// The machine's name, as its head gives it.
    pub fn vm(mut self, name: impl Into<String>) -> Self {
        self.access.vm = name.into();
        self
    }

    /// Certificates for `amqps://`.
    pub fn tls(mut self, tls: Tls) -> Self {
        self.access.tls = tls;
        self
    }

    /// How long to wait for the broker; 3 s by default.
    pub const fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.access.connect_timeout = Some(timeout);
        self
    }

    /// The nodes as the head knows them now, each with the time since it was last heard of. Where no
    /// head answers, those that are heard to wait for one.
    ///
    /// # Errors
    /// When the broker cannot be reached or refuses us.
    pub async fn get(self) -> Result<Members, StartError> {
        let patience = Patience {
            limit: Some(self.access.connect_timeout.unwrap_or(LIMIT)),
            waiting: None,
        };
        let Joining {
            broker,
            threads: connections,
            connectivity,
            mouth,
            origin,
            ..
        } = self.access.join(Part::Observer)?;
        let link = Link::new(origin, HEAD, Some(mouth.transport()), Arc::default());
        let threads = Arc::new(watch::Sender::new(0));
        let alive = Alive::new(&threads, &Journals::default());
        let (tell, told) = oneshot::channel();
        event_loop::spawn(alive, None, move || async move {
            let bridge = mouth.start(link.clone(), Arc::new(SystemClock::new()));
            let members = match connected(&connectivity, &broker, &patience).await {
                Ok(()) => Ok(ask(&link).await),
                Err(error) => Err(error),
            };
            close(bridge, connections).await;
            // Nobody waits any more when the future was dropped.
            let _ = tell.send(members);
        })?;
        let members = told.await.map_err(|_| StartError::Ended)?;
        let mut threads = threads.subscribe();
        // The thread that answered is about to end.
        let _ = threads.wait_for(|threads| *threads == 0).await;
        Ok(members?)
    }
}

/// Asks the head, and listens to those that ask for it themselves.
async fn ask(link: &Link) -> Members {
    let observer = link.origin().node;
    let (heard, mut answers) = mpsc::unbounded_channel();
    let mailbox = Observer { heard }.start().recipient();
    link.register_forever(Address::Observer(observer), mailbox.clone());
    link.register_forever(Address::Directory, mailbox);
    let until = Instant::now() + SILENCE;
    let mut waiting = BTreeMap::new();
    let mut asking = interval(RETRY);
    loop {
        tokio::select! {
            answer = timeout_at(until, answers.recv()) => match answer {
                Ok(Some(Heard::Nodes(nodes))) => return Members { has_head: true, nodes },
                Ok(Some(Heard::Waits(member))) => {
                    waiting.insert(member.origin.node, member);
                }
                _ => break,
            },
            _ = asking.tick() => {
                link.send(Address::Directory, DirectoryMessage::List { observer });
            }
        }
    }
    let untested = |member: Member| NodeStatus {
        origin: member.origin,
        name: member.name,
        age: None,
        draining: member.draining,
        cpus: member.cpus,
        performance_index: None,
        load: None,
        msvpus: 0,
    };
    Members {
        has_head: false,
        nodes: waiting.into_values().map(untested).collect(),
    }
}

/// What an observer hears.
enum Heard {
    /// From the head.
    Nodes(Vec<NodeStatus>),
    /// From a node that tells the head that it is there.
    Waits(Member),
}

struct Observer {
    heard: mpsc::UnboundedSender<Heard>,
}

impl Actor for Observer {
    type Context = Context<Self>;
}

impl Handler<Letter> for Observer {
    type Result = ();

    fn handle(&mut self, Letter { message, .. }: Letter, _: &mut Self::Context) {
        let heard = match message {
            Message::Observer(ObserverMessage::Nodes(nodes)) => Heard::Nodes(nodes),
            Message::Directory(DirectoryMessage::Renew { member, .. }) => Heard::Waits(member),
            _ => return,
        };
        // Who asked has its answer already, if it waits no more.
        let _ = self.heard.send(heard);
    }
}
