//! Who asks a cluster for its nodes, without being one.

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Context, Handler};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, timeout_at};

use super::{Access, Joining, close, connected};
use crate::actor::bridge::{BrokerError, Tls};
use crate::clock::SystemClock;
use crate::event_loop::{self, Alive};
use crate::job::NodeStatus;
use crate::journal::Journals;
use crate::link::{Letter, Link};
use crate::local::StartError;
use crate::message::{Address, DirectoryMessage, Message, ObserverMessage};
use crate::wire::queues::HEAD;

/// A head that does not answer for so long is none.
const PATIENCE: Duration = Duration::from_secs(3);

/// How often it is asked.
const RETRY: Duration = Duration::from_millis(200);

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

    /// The nodes as the head knows them now, each with the time since it was last heard of.
    ///
    /// # Errors
    /// When the broker cannot be reached or refuses us, or no head answers.
    pub async fn get(self) -> Result<Vec<NodeStatus>, StartError> {
        let limit = self.access.connect_timeout.unwrap_or(PATIENCE);
        let vm = self.access.vm.clone();
        let Joining {
            broker,
            runtime,
            connectivity,
            mouth,
            origin,
            ..
        } = self.access.join(None)?;
        let link = Link::new(origin, HEAD, Some(mouth.transport()), Arc::default());
        let threads = Arc::new(watch::Sender::new(0));
        let alive = Alive::new(&threads, &Journals::default());
        let (tell, told) = oneshot::channel();
        event_loop::spawn(alive, None, move || async move {
            let bridge = mouth.start(link.clone(), Arc::new(SystemClock::new()));
            let nodes = match connected(&connectivity, &broker, Some(limit)).await {
                Ok(()) => ask(&link).await.ok_or(BrokerError::NoHead {
                    vm,
                    broker,
                    waited: PATIENCE,
                }),
                Err(error) => Err(error),
            };
            close(bridge, runtime).await;
            // Nobody waits any more when the future was dropped.
            let _ = tell.send(nodes);
        })?;
        let nodes = told.await.map_err(|_| StartError::Ended)??;
        let mut threads = threads.subscribe();
        // The thread that answered is about to end.
        let _ = threads.wait_for(|threads| *threads == 0).await;
        Ok(nodes)
    }
}

async fn ask(link: &Link) -> Option<Vec<NodeStatus>> {
    let observer = link.origin().node;
    let (nodes, mut answers) = mpsc::unbounded_channel();
    let mailbox = Observer { nodes }.start();
    link.register_forever(Address::Observer(observer), mailbox.recipient());
    let until = Instant::now() + PATIENCE;
    loop {
        link.send(Address::Directory, DirectoryMessage::List { observer });
        tokio::select! {
            answer = timeout_at(until, answers.recv()) => return answer.ok().flatten(),
            () = sleep(RETRY) => {}
        }
    }
}

struct Observer {
    nodes: mpsc::UnboundedSender<Vec<NodeStatus>>,
}

impl Actor for Observer {
    type Context = Context<Self>;
}

impl Handler<Letter> for Observer {
    type Result = ();

    fn handle(&mut self, Letter(message): Letter, _: &mut Self::Context) {
        if let Message::Observer(ObserverMessage::Nodes(nodes)) = message {
            // Who asked has its answer already, if it waits no more.
            let _ = self.nodes.send(nodes);
        }
    }
}
