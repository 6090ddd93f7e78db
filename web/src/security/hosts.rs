//! Under which names the server answers: a page of another site that a resolver was made to send
//! here (DNS rebinding) asks under a name that is none of them.

use std::net::{IpAddr, SocketAddr};

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HOST, HeaderMap, ORIGIN};
use actix_web::http::uri::Authority;
use actix_web::middleware::Next;
use actix_web::{Error, web};
use thiserror::Error as ThisError;

use crate::problem::{Code, Problem};
use crate::server::Shared;

/// What cannot be a host's name.
#[derive(Clone, Debug, PartialEq, Eq, ThisError)]
#[error("`{0}` is no host; right would be a name or an address, with or without a port")]
pub struct InvalidHost(pub String);

/// A name and a port; without a port any will do.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Host {
    name: String,
    port: Option<u16>,
}

impl Host {
    fn parse(text: &str) -> Option<Self> {
        let authority: Authority = text.parse().ok()?;
        let host = authority.host();
        let plain = !text.contains('@') && !host.is_empty();
        // A port that is there is one: `host:` and `host:99999` are none.
        let port = match text.strip_prefix(host)? {
            "" => None,
            rest => Some(rest.strip_prefix(':')?.parse().ok()?),
        };
        plain.then(|| Self {
            name: host.trim_end_matches('.').to_ascii_lowercase(),
            port,
        })
    }
}

/// The names under which the server answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedHosts {
    hosts: Vec<Host>,
}

impl AllowedHosts {
    /// This machine's own names with the port of the listener, its address unless it listens on
    /// all of them, and `more`: names or addresses, with a port, or without for any port.
    ///
    /// # Errors
    /// The first of `more` that is no host.
    pub fn new(listener: SocketAddr, more: &[String]) -> Result<Self, InvalidHost> {
        let port = Some(listener.port());
        let own = ["localhost", "127.0.0.1", "[::1]"].map(str::to_owned);
        let address = match listener.ip() {
            ip if ip.is_unspecified() => None,
            IpAddr::V4(ip) => Some(ip.to_string()),
            IpAddr::V6(ip) => Some(format!("[{ip}]")),
        };
        let own = own.into_iter().chain(address);
        let mut hosts: Vec<_> = own.map(|name| Host { name, port }).collect();
        for text in more {
            hosts.push(Host::parse(text).ok_or_else(|| InvalidHost(text.clone()))?);
        }
        Ok(Self { hosts })
    }

    fn knows(&self, text: &str, default_port: u16) -> bool {
        let Some(asked) = Host::parse(text) else {
            return false;
        };
        let port = asked.port.unwrap_or(default_port);
        self.hosts
            .iter()
            .any(|host| host.name == asked.name && host.port.is_none_or(|own| own == port))
    }

    /// Whether a request under these names, from a page of that origin, is one for this server.
    ///
    /// # Errors
    /// 421 for a name that is none of the server's, 403 for another site's page.
    fn check(&self, target: Option<&str>, headers: &HeaderMap) -> Result<(), Problem> {
        let mut hosts = headers
            .get_all(HOST)
            .map(|host| host.to_str().unwrap_or_default());
        let host = hosts.next().unwrap_or_default();
        // An absolute target goes before the header; both have to be known.
        let known = self.knows(host, 80) && target.is_none_or(|target| self.knows(target, 80));
        if !known || hosts.next().is_some() {
            return Err(Problem::new(
                Code::UnknownHost,
                "the Host header has none of the server's names; `--allowed-host` adds one",
            ));
        }
        for origin in headers.get_all(ORIGIN) {
            let origin = origin.to_str().unwrap_or_default();
            let own = match origin.split_once("://") {
                Some(("http", host)) => self.knows(host, 80),
                Some(("https", host)) => self.knows(host, 443),
                _ => false,
            };
            if !own {
                return Err(Problem::new(
                    Code::ForeignOrigin,
                    "the Origin header has none of the server's names",
                ));
            }
        }
        Ok(())
    }
}

/// Lets pass what is for this server, whatever its method.
pub(crate) async fn check<B: MessageBody>(
    shared: web::Data<Shared>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let target = request.uri().authority().map(Authority::as_str);
    match shared.hosts.check(target, request.headers()) {
        Ok(()) => Ok(next.call(request).await?.map_into_left_body()),
        Err(problem) => Ok(request
            .into_response(problem.response())
            .map_into_right_body()),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn status(hosts: &AllowedHosts, sent: &[(HeaderName, &str)]) -> u16 {
        let mut headers = HeaderMap::new();
        for (name, value) in sent {
            headers.append(name.clone(), HeaderValue::from_str(value).unwrap());
        }
        match hosts.check(None, &headers) {
            Ok(()) => 200,
            Err(problem) => problem.status,
        }
    }

    fn loopback() -> AllowedHosts {
        let more = ["scenes.example".to_owned(), "proxy.example:444".to_owned()];
        AllowedHosts::new(SocketAddr::from(([127, 0, 0, 1], 8080)), &more).unwrap()
    }

    #[test]
    fn only_names_of_the_server_are_known() {
        let hosts = loopback();
        for (host, expected) in [
            ("localhost:8080", 200),
            ("LOCALHOST:8080", 200),
            ("localhost.:8080", 200),
            ("127.0.0.1:8080", 200),
            ("[::1]:8080", 200),
            ("scenes.example", 200),
            ("scenes.example:9", 200),
            ("proxy.example:444", 200),
            ("proxy.example", 421),
            ("localhost", 421),
            ("localhost:8081", 421),
            ("localhost:", 421),
            ("localhost:99999", 421),
            ("evil.example:8080", 421),
            ("localhost.evil.example:8080", 421),
            ("evil@localhost:8080", 421),
            ("", 421),
        ] {
            assert_eq!(status(&hosts, &[(HOST, host)]), expected, "{host}");
        }
        assert_eq!(status(&hosts, &[]), 421);
        let two = [(HOST, "localhost:8080"), (HOST, "evil.example")];
        assert_eq!(status(&hosts, &two), 421);
    }

    #[test]
    fn an_absolute_target_has_to_be_known_too() {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static("localhost:8080"));
        let hosts = loopback();
        assert!(hosts.check(Some("localhost:8080"), &headers).is_ok());
        let problem = hosts.check(Some("evil.example"), &headers).unwrap_err();
        assert_eq!(problem.status, 421);
    }

    #[test]
    fn pages_of_other_sites_are_refused() {
        let hosts = loopback();
        for (origin, expected) in [
            ("http://localhost:8080", 200),
            ("https://scenes.example", 200),
            ("https://proxy.example:444", 200),
            ("http://localhost:3000", 403),
            ("https://evil.example", 403),
            ("file://localhost:8080", 403),
            ("null", 403),
            ("", 403),
        ] {
            let sent = [(HOST, "localhost:8080"), (ORIGIN, origin)];
            assert_eq!(status(&hosts, &sent), expected, "{origin}");
        }
    }

    #[test]
    fn an_address_is_a_name_unless_it_is_all_of_them() {
        let at =
            |address: [u8; 4]| AllowedHosts::new(SocketAddr::from((address, 80)), &[]).unwrap();
        assert_eq!(status(&at([10, 0, 0, 7]), &[(HOST, "10.0.0.7")]), 200);
        assert_eq!(status(&at([0, 0, 0, 0]), &[(HOST, "0.0.0.0")]), 421);
    }

    #[test]
    fn what_is_no_host_is_named() {
        let listener = SocketAddr::from(([127, 0, 0, 1], 1));
        for text in [
            "http://a.example",
            "",
            "a b",
            "user@a.example",
            "a.example:x",
        ] {
            let error = AllowedHosts::new(listener, &[text.to_owned()]).unwrap_err();
            assert_eq!(error, InvalidHost(text.to_owned()));
        }
    }
}
