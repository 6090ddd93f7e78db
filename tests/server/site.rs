//! Where clients find the server, which comes and goes.

use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::Duration;

use ureq::http::{Method, Request, StatusCode};
use ureq::{Agent, Body, http};

/// Nothing may hang: what takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(120);

/// What is asked of the server.
pub(crate) struct Ask<'a> {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, &'a str)>,
    pub(crate) body: &'a [u8],
}

impl<'a> Ask<'a> {
    pub(crate) fn new(method: Method, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            headers: Vec::new(),
            body: &[],
        }
    }

    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    pub(crate) fn header(mut self, name: &'static str, value: &'a str) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(crate) fn body(mut self, body: &'a [u8]) -> Self {
        self.body = body;
        self
    }

    fn request(&self, url: &str) -> Request<&'a [u8]> {
        let mut request = Request::builder()
            .method(self.method.clone())
            .uri(format!("{url}/api/v1{}", self.path));
        for (name, value) in &self.headers {
            request = request.header(*name, *value);
        }
        request.body(self.body).unwrap()
    }
}

/// An answer that has come as a whole.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    #[track_caller]
    pub(crate) fn json<T: serde::de::DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The body of an answer with this status.
    #[track_caller]
    pub(crate) fn of(self, status: StatusCode) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let body = String::from_utf8_lossy(&self.body);
        write!(f, "{} {}", self.status, body)
    }
}

pub(crate) fn agent() -> Agent {
    let config = Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .http_status_as_error(false)
        .allow_non_standard_methods(false)
        .build();
    config.into()
}

/// Asks a server that nobody kills meanwhile, or is to be told that somebody did.
pub(crate) fn ask(agent: &Agent, url: &str, ask: &Ask<'_>) -> Result<Answer, ureq::Error> {
    let answer: http::Response<Body> = agent.run(ask.request(url))?;
    let status = answer.status();
    let mut body = answer.into_body();
    let body = body.with_config().limit(1 << 30).read_to_vec()?;
    Ok(Answer { status, body })
}

/// Where the server is, and whether it is.
#[derive(Default)]
pub(crate) struct Site {
    place: Mutex<Place>,
    changed: Condvar,
}

#[derive(Default)]
struct Place {
    /// `None` while there is no server.
    url: Option<String>,
    /// How many there were.
    generation: u64,
    closing: bool,
}

impl Site {
    fn place(&self) -> MutexGuard<'_, Place> {
        self.place.lock().unwrap()
    }

    pub(crate) fn open(&self, url: &str) {
        let mut place = self.place();
        place.url = Some(url.to_owned());
        place.generation += 1;
        self.changed.notify_all();
    }

    /// The server is about to be killed.
    pub(crate) fn shut(&self) {
        self.place().url = None;
    }

    /// Clients are to bring to an end what they have begun; the server stays.
    pub(crate) fn close(&self) {
        self.place().closing = true;
        self.changed.notify_all();
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.place().closing
    }

    /// Asks until there is an answer. A connection may break only because the server was killed.
    pub(crate) fn ask(&self, agent: &Agent, what: &Ask<'_>) -> Answer {
        loop {
            let (url, generation) = self.server();
            match ask(agent, &url, what) {
                Ok(answer) => return answer,
                Err(error) => {
                    let place = self.place();
                    let is_killed = place.url.is_none() || place.generation > generation;
                    assert!(is_killed, "{} {}: {error}", what.method, what.path);
                }
            }
        }
    }

    fn server(&self) -> (String, u64) {
        let away = |place: &mut Place| place.url.is_none() && !place.closing;
        let place = self
            .changed
            .wait_timeout_while(self.place(), PATIENCE, away);
        let place = place.unwrap().0;
        let url = place.url.clone().expect("there is no server");
        (url, place.generation)
    }
}
