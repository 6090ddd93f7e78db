//! The server: what it is made of, and how it starts and ends.

use std::any::Any;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::http::KeepAlive;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, web};
use thiserror::Error;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use utoipa_actix_web::AppExt;

use crate::api::openapi::Document;
use crate::api::{self, Pace};
use crate::engine::Engine;
use crate::frame;
use crate::metrics::Metrics;
use crate::security::{AllowedHosts, InvalidHost, Tokens, headers, hosts};

/// What one client may take of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerLimits {
    /// Threads that answer. Default 2.
    pub workers: usize,
    /// Connections to each of them; more wait. Default 4096.
    pub max_connections: usize,
    /// How long the head of the first request of a connection may take. Default 10 s. Nothing bounds that of a later
    /// one, so there is none but on loopback: see [`keep_alive`](Self::keep_alive).
    pub head_timeout: Duration,
    /// How long a connection may rest between requests. Default 30 s. Where other machines can come in, it carries
    /// one request.
    pub keep_alive: Duration,
    /// How long a client may take nothing of what it is sent: then its connection is cut. Default 60 s. On Linux only.
    pub unread: Duration,
    /// How long a body may rest, and what it may take beside [`body_min_rate`](Self::body_min_rate). Default 30 s.
    pub body_idle: Duration,
    /// How fast a body has to come on the whole, in bytes a second; what the server takes for itself
    /// does not count. Default 1024.
    pub body_min_rate: u64,
    /// The longest JSON, in bytes. Default 1 MiB.
    pub json_bytes: u64,
    /// How often a stream of events is told that it is alive. Default 15 s.
    pub comment_every: Duration,
    /// How long what is under way may take when the server goes down. Default 10 s.
    pub shutdown_timeout: Duration,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            workers: 2,
            max_connections: 4096,
            head_timeout: Duration::from_secs(10),
            keep_alive: Duration::from_secs(30),
            unread: Duration::from_secs(60),
            body_idle: Duration::from_secs(30),
            body_min_rate: 1024,
            json_bytes: 1 << 20,
            comment_every: Duration::from_secs(15),
            shutdown_timeout: Duration::from_secs(10),
        }
    }
}

impl ServerLimits {
    pub(crate) const fn pace(&self) -> Pace {
        Pace {
            idle: self.body_idle,
            min_rate: self.body_min_rate,
        }
    }
}

/// Why a server does not start.
#[derive(Debug, Error)]
pub enum ServerError {
    /// Others can reach it, and nobody would have to say who they are.
    #[error(
        "{0} can be reached from other machines, and there are no tokens: make some with `msvpu token` and give \
         them with `--token-file`, or listen on 127.0.0.1"
    )]
    NoTokens(SocketAddr),
    /// A name that it is to be known under is none.
    #[error(transparent)]
    Host(#[from] InvalidHost),
    /// The listener cannot be used.
    #[error("cannot listen: {0}")]
    Io(#[from] io::Error),
    /// The description of the API cannot be written.
    #[error("the description of the API cannot be written: {0}")]
    Document(#[from] serde_json::Error),
}

/// Whether a server that listens there may be started so.
///
/// # Errors
/// [`ServerError::NoTokens`], [`ServerError::Host`].
pub fn check(address: SocketAddr, tokens: &Tokens, hosts: &[String]) -> Result<(), ServerError> {
    if tokens.is_none() && !is_loopback(address) {
        return Err(ServerError::NoTokens(address));
    }
    AllowedHosts::new(address, hosts)?;
    Ok(())
}

/// Whether nobody can come there but from this machine.
fn is_loopback(address: SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

/// Cuts a connection whose client takes nothing of what it is sent for so long.
#[cfg(target_os = "linux")]
fn bound_unread(connection: &dyn Any, longest: Duration) {
    use actix_web::rt::net::TcpStream;
    use rustix::net::sockopt::set_tcp_user_timeout;

    let milliseconds = u32::try_from(longest.as_millis()).unwrap_or(u32::MAX);
    if let Some(stream) = connection.downcast_ref::<TcpStream>()
        && let Err(error) = set_tcp_user_timeout(stream, milliseconds)
    {
        log::warn!("a connection has no bound on what it leaves unread: {error}");
    }
}

#[cfg(not(target_os = "linux"))]
fn bound_unread(_: &dyn Any, _: Duration) {}

/// A server that is yet to be started.
pub struct Server {
    listener: TcpListener,
    engine: Engine,
    tokens: Tokens,
    hosts: Vec<String>,
    limits: ServerLimits,
}

impl Server {
    /// Will serve the engine's jobs to who comes to the listener.
    #[must_use]
    pub fn new(listener: TcpListener, engine: Engine) -> Self {
        Self {
            listener,
            engine,
            tokens: Tokens::none(),
            hosts: Vec::new(),
            limits: ServerLimits::default(),
        }
    }

    /// Only for who has one of these.
    #[must_use]
    pub fn tokens(mut self, tokens: Tokens) -> Self {
        self.tokens = tokens;
        self
    }

    /// Known under these names too, beside those of this machine: with a port, or without for any port.
    #[must_use]
    pub fn allowed_hosts(mut self, hosts: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.hosts.extend(hosts.into_iter().map(Into::into));
        self
    }

    /// Within these limits.
    #[must_use]
    pub fn limits(mut self, limits: ServerLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Starts it, on threads of its own; within a tokio runtime or an actix system.
    ///
    /// # Errors
    /// See [`ServerError`].
    pub fn start(self) -> Result<RunningServer, ServerError> {
        let address = self.listener.local_addr()?;
        check(address, &self.tokens, &self.hosts)?;
        let (stop, stopping) = watch::channel(false);
        let limits = self.limits;
        let shared = web::Data::new(Shared {
            hosts: AllowedHosts::new(address, &self.hosts)?,
            metrics: Metrics::new(self.engine.clone()),
            document: Document::new()?,
            engine: self.engine,
            tokens: self.tokens,
            limits: limits.clone(),
            stopping,
        });
        let app = move || {
            App::new()
                .into_utoipa_app()
                .configure(api::routes)
                .into_app()
                .app_data(shared.clone())
                .app_data(api::path_config())
                .default_service(web::route().to(api::none))
                // From the inside to the outside.
                .wrap(from_fn(frame::head))
                .wrap(from_fn(hosts::check))
                .wrap(from_fn(headers::add))
                .wrap(from_fn(frame::observe))
        };
        let keep_alive = if is_loopback(address) {
            limits.keep_alive.into()
        } else {
            KeepAlive::Disabled
        };
        let server = HttpServer::new(app)
            .workers(limits.workers)
            .max_connections(limits.max_connections)
            .client_request_timeout(limits.head_timeout)
            .keep_alive(keep_alive)
            .on_connect(move |connection, _| bound_unread(connection, limits.unread))
            .shutdown_timeout(limits.shutdown_timeout.as_secs())
            .disable_signals()
            .listen(self.listener)?
            .run();
        let handle = server.handle();
        Ok(RunningServer {
            address,
            handle,
            stop,
            ended: tokio::spawn(server),
        })
    }
}

/// A server that serves. When it is dropped, it goes on.
#[derive(Debug)]
pub struct RunningServer {
    address: SocketAddr,
    handle: ServerHandle,
    stop: watch::Sender<bool>,
    ended: JoinHandle<io::Result<()>>,
}

impl RunningServer {
    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more connections, ends what is held (streams of events, long polls), finishes what is under way,
    /// and returns when all of that is done. The engine is left as it is.
    ///
    /// # Errors
    /// When the server ended by itself, and why.
    pub async fn shutdown(self) -> io::Result<()> {
        self.stop.send_replace(true);
        self.handle.stop(true).await;
        self.ended.await.map_err(io::Error::other)?
    }
}

/// What all routes share.
pub(crate) struct Shared {
    pub(crate) engine: Engine,
    pub(crate) tokens: Tokens,
    pub(crate) hosts: AllowedHosts,
    pub(crate) limits: ServerLimits,
    pub(crate) metrics: Metrics,
    pub(crate) document: Document,
    stopping: watch::Receiver<bool>,
}

impl Shared {
    /// Whether the server is going down.
    pub(crate) fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Waits until the server goes down.
    pub(crate) async fn stopping(&self) {
        let mut stopping = self.stopping.clone();
        // Without the sender nobody can stop it any more.
        if stopping.wait_for(|stop| *stop).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_a_client_leaves_unread_is_bounded() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = tokio::net::TcpStream::connect(listener.local_addr().unwrap());
        let _client = client.await.unwrap();
        let (connection, _) = listener.accept().await.unwrap();
        bound_unread(&connection, Duration::from_secs(60));
        let set = rustix::net::sockopt::tcp_user_timeout(&connection);
        assert_eq!(set.unwrap(), 60_000);
    }
}
