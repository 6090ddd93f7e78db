//! One connection to the broker, which this side can end whatever the broker does.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_rs::traits::*;
use async_rs::{Runtime, Tokio};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use lapin::tcp::{AsyncTcpStream, OwnedTLSConfig};
use lapin::uri::{AMQPScheme, AMQPUri};
use lapin::{Connection, ConnectionProperties, Error, Event};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::timeout;

use super::broker::Broker;
use crate::wire::queues::Queue;

/// How long to wait for the broker to agree that a connection ends.
const FAREWELL: Duration = Duration::from_secs(1);

/// What goes through a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Control messages, both ways.
    Control,
    /// All else that is sent.
    Publish,
    /// All else that comes.
    Consume,
}

impl From<Queue> for Purpose {
    /// Through which its messages come.
    fn from(queue: Queue) -> Self {
        match queue {
            Queue::Control => Self::Control,
            Queue::Data | Queue::Tasks | Queue::Results => Self::Consume,
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Control => "control",
            Self::Publish => "publish",
            Self::Consume => "consume",
        })
    }
}

/// A connection. When it is dropped it is cut, if it has not ended.
///
/// The library's connections live on a thread of their own, which waits for the broker whoever waits
/// for it: it ends when its socket does.
pub(super) struct Line {
    pub(super) purpose: Purpose,
    connection: Connection,
    /// What happened since it was opened. The library forgets what happens while nobody listens.
    events: BoxStream<'static, Event>,
    _end: End,
}

impl Line {
    /// Opens a connection of that name. Where the future is dropped, nothing of it is left.
    pub(super) async fn open(
        purpose: Purpose,
        broker: &Broker,
        name: String,
        runtime: &Handle,
    ) -> Result<Self, Error> {
        let end = End::default();
        let (socket, tls) = (Arc::clone(&end.0), broker.tls());
        let connection = Connection::connector(
            broker.uri(),
            Runtime::tokio_with_handle(runtime.clone()),
            async move |uri, runtime| Ok(socket.dial(&uri, &tls, &runtime).await?),
            ConnectionProperties::default().with_connection_name(name.into()),
        )
        .await?;
        Ok(Self {
            purpose,
            events: connection.events_listener().boxed(),
            connection,
            _end: end,
        })
    }

    pub(super) const fn connection(&self) -> &Connection {
        &self.connection
    }

    /// What happens to the connection and its channels. To be taken once.
    pub(super) fn take_events(&mut self) -> BoxStream<'static, Event> {
        std::mem::replace(&mut self.events, futures_util::stream::empty().boxed())
    }

    /// Ends it in agreement with the broker, if that answers.
    pub(super) async fn close(self) {
        // Of one that is broken already there is nothing to hear.
        let _ = timeout(FAREWELL, self.connection.close(200, "OK".into())).await;
    }
}

/// Cuts a connection when it is dropped.
#[derive(Default)]
struct End(Arc<Socket>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.cut();
    }
}

/// The way to a connection that is at work, or about to be.
struct Socket {
    is_cut: watch::Sender<bool>,
    stream: Mutex<Option<TcpStream>>,
}

impl Default for Socket {
    fn default() -> Self {
        Self {
            is_cut: watch::Sender::new(false),
            stream: Mutex::default(),
        }
    }
}

type Stream = AsyncTcpStream<<Tokio as Reactor>::TcpStream>;

impl Socket {
    fn cut(&self) {
        self.is_cut.send_replace(true);
        let mut stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(stream) = stream.take() {
            // One that has ended already need not be cut.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Connects, until it is cut.
    async fn dial(
        &self,
        uri: &AMQPUri,
        tls: &OwnedTLSConfig,
        runtime: &Runtime<Tokio>,
    ) -> io::Result<Stream> {
        let mut is_cut = self.is_cut.subscribe();
        tokio::select! {
            stream = self.connect(uri, tls, runtime) => stream,
            // The sender lives as long as `self`.
            _ = is_cut.wait_for(|is_cut| *is_cut) => Err(ErrorKind::ConnectionAborted.into()),
        }
    }

    async fn connect(
        &self,
        uri: &AMQPUri,
        tls: &OwnedTLSConfig,
        runtime: &Runtime<Tokio>,
    ) -> io::Result<Stream> {
        let host = &uri.authority.host;
        let addresses = runtime.to_socket_addrs((host.clone(), uri.authority.port));
        let stream = AsyncTcpStream::connect(runtime, addresses).await?;
        if let AsyncTcpStream::Plain(stream) = &stream {
            self.keep(stream.get_ref().as_fd().try_clone_to_owned()?.into())?;
        }
        match uri.scheme {
            AMQPScheme::AMQP => Ok(stream),
            AMQPScheme::AMQPS => stream.into_tls(host, tls.as_ref()).await,
        }
    }

    /// Holds on to a second handle of the socket.
    fn keep(&self, stream: TcpStream) -> io::Result<()> {
        let mut kept = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
        if *self.is_cut.borrow() {
            return Err(ErrorKind::ConnectionAborted.into());
        }
        *kept = Some(stream);
        Ok(())
    }
}
