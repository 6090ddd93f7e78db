//! Where the broker is, and why it cannot be used.

use std::fmt;
use std::io;
use std::time::Duration;

use lapin::tcp::{OwnedIdentity, OwnedTLSConfig};
use lapin::uri::AMQPUri;
use lapin::{Error, ErrorKind};
use thiserror::Error as ThisError;

/// A broker, and how to prove to it who one is. Prints without the password.
#[derive(Clone)]
pub(crate) struct Broker {
    uri: AMQPUri,
    tls: OwnedTLSConfig,
    /// After so long a peer is asked whether it is there, where nobody says otherwise.
    usual_heartbeat: Duration,
}

/// Certificates for a broker behind `amqps://`, each in PEM. The default trusts what the system
/// trusts, and shows no certificate of its own.
#[derive(Clone, Default)]
pub struct Tls {
    /// The authorities that sign brokers, besides those of the system.
    pub authorities: Option<String>,
    /// The certificate of this client, with those that lead to its authority, and its private key
    /// (PKCS #8).
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
}

/// Why there is no connection to the broker.
#[derive(Clone, Debug, PartialEq, Eq, ThisError)]
#[non_exhaustive]
pub enum BrokerError {
    /// The URL is none of a broker. It is not repeated, because it may hold a password.
    #[error("not a broker's URL: {0}; right would be amqp://user:password@host:5672/vhost")]
    Url(String),
    /// No queue can be named after the machine. What looks like a URL is not repeated.
    #[error("`{0}` cannot name a virtual machine: take 1 to 64 letters, digits, - and _")]
    Name(String),
    /// The broker does not know the user, or not with this password.
    #[error("{broker} refuses the user or the password: {reason}")]
    Refused {
        /// Without the password.
        broker: String,
        /// What the broker said.
        reason: String,
    },
    /// The broker has no such virtual host, or the user may not use it.
    #[error("{broker} refuses the virtual host: {reason}")]
    VirtualHost {
        /// Without the password.
        broker: String,
        /// What the broker said.
        reason: String,
    },
    /// The user may not do there what a machine has to.
    #[error("{broker} does not permit what a machine needs: {reason}")]
    Permission {
        /// Without the password.
        broker: String,
        /// What the broker said.
        reason: String,
    },
    /// The certificates cannot be used, or the broker's is not trusted.
    #[error("no secure connection to {broker}: {reason}")]
    Tls {
        /// Without the password.
        broker: String,
        /// What is wrong.
        reason: String,
    },
    /// Another head serves the machine.
    #[error(
        "the virtual machine `{vm}` at {broker} has a head already; stop that, or take another name"
    )]
    HeadPresent {
        /// The machine's name.
        vm: String,
        /// Without the password.
        broker: String,
    },
    /// The broker cannot be reached.
    #[error("{broker} cannot be reached: {reason}")]
    Unreachable {
        /// Without the password.
        broker: String,
        /// What the system said.
        reason: String,
    },
}

impl BrokerError {
    /// Whether trying again changes nothing.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        !matches!(self, Self::Unreachable { .. })
    }
}

impl Broker {
    /// # Errors
    /// When the URL is none of a broker.
    pub(crate) fn new(url: &str, tls: &Tls, heartbeat: Duration) -> Result<Self, BrokerError> {
        // The library's own words may repeat the URL, password and all.
        let wrong = |what: &str| Err(BrokerError::Url(what.to_owned()));
        let place = match url.split_once("://") {
            None => return wrong("it has no scheme"),
            Some(("amqp" | "amqps", place)) => place,
            Some(_) => return wrong("its scheme is not amqp or amqps"),
        };
        // The library would take this host.
        let authority = place.split(['/', '?', '#']).next().unwrap_or_default();
        let host = authority.rsplit_once('@').map_or(authority, |(_, at)| at);
        if host.is_empty() || host.starts_with(':') {
            return wrong("it names no host");
        }
        let mut uri: AMQPUri = url
            .parse()
            .map_err(|_| BrokerError::Url("it cannot be parsed".to_owned()))?;
        // One of a second is too short for a machine on which much else runs.
        let usual = heartbeat.as_secs().clamp(2, 60) as u16;
        uri.query.heartbeat.get_or_insert(usual);
        let identity = tls.identity.as_ref().map(|(certificate, key)| {
            let (pem, key) = (certificate.clone(), key.clone());
            OwnedIdentity::PKCS8 { pem, key }
        });
        Ok(Self {
            uri,
            tls: OwnedTLSConfig {
                identity,
                cert_chain: tls.authorities.clone(),
            },
            usual_heartbeat: Duration::from_secs(usual.into()),
        })
    }

    pub(super) fn uri(&self) -> AMQPUri {
        self.uri.clone()
    }

    /// A peer that is silent for so long is to be asked whether it is there. Where the URL wants none asked
    /// (`heartbeat=0`), as long as if it said nothing.
    pub(super) fn heartbeat(&self) -> Duration {
        match self.uri.query.heartbeat {
            None | Some(0) => self.usual_heartbeat,
            Some(seconds) => Duration::from_secs(seconds.into()),
        }
    }

    pub(super) fn tls(&self) -> OwnedTLSConfig {
        self.tls.clone()
    }

    /// What an error of the library means to who runs the machine.
    pub(super) fn explain(&self, error: &Error) -> BrokerError {
        let broker = self.to_string();
        let reason = error.to_string();
        match error.kind() {
            ErrorKind::ProtocolError(error) => {
                let reason = error.get_message().to_string();
                match error.get_id() {
                    // ACCESS_REFUSED: of a connection the login, of a channel a permission.
                    403 if reason.contains("login") || reason.contains("Login") => {
                        BrokerError::Refused { broker, reason }
                    }
                    403 => BrokerError::Permission { broker, reason },
                    // NOT_ALLOWED
                    530 => BrokerError::VirtualHost { broker, reason },
                    _ => BrokerError::Unreachable { broker, reason },
                }
            }
            ErrorKind::IOError(error) if is_tls(error) => BrokerError::Tls { broker, reason },
            _ => BrokerError::Unreachable { broker, reason },
        }
    }

    pub(crate) fn unreachable(&self, reason: impl Into<String>) -> BrokerError {
        BrokerError::Unreachable {
            broker: self.to_string(),
            reason: reason.into(),
        }
    }
}

/// A broken certificate does not mend itself; a connection does, and so does a broker that takes
/// connections before it speaks TLS.
fn is_tls(error: &io::Error) -> bool {
    let text = error.to_string().to_lowercase();
    let is_cut = matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
    );
    // An alert is how the other side says what is wrong with ours.
    !is_cut
        && ["certificate", "fatal alert"]
            .iter()
            .any(|word| text.contains(word))
}

impl fmt::Display for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let AMQPUri {
            scheme,
            authority,
            vhost,
            ..
        } = &self.uri;
        write!(f, "{scheme}://{}:{}", authority.host, authority.port)?;
        if vhost != "/" {
            write!(f, " (virtual host {vhost})")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("authorities", &self.authorities.is_some())
            .field("identity", &self.identity.is_some())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A head that has lost its connection would take its own dead one for another head's at once.
    #[test]
    fn a_dead_connection_takes_its_time_to_be_noticed_whatever_the_url_says() {
        let heartbeat = |query: &str, lease| {
            let url = format!("amqp://user:password@host/%2f{query}");
            let broker = Broker::new(&url, &Tls::default(), Duration::from_secs(lease)).unwrap();
            (broker.heartbeat().as_secs(), broker.uri().query.heartbeat)
        };
        assert_eq!(heartbeat("", 10), (10, Some(10)));
        assert_eq!(heartbeat("?heartbeat=30", 10), (30, Some(30)));
        assert_eq!(heartbeat("?heartbeat=0", 10), (10, Some(0)));
        assert_eq!(heartbeat("?heartbeat=0", 1), (2, Some(0)));
    }
}
