//! A server of its own for each test, and a client.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use msvpu_actors::VirtualMachine;
use msvpu_web::model::Job;
use msvpu_web::problem::Problem;
use msvpu_web::security::{NewToken, Scope};
use msvpu_web::{Engine, EngineConfig, Server, ServerLimits, Services, Tokens};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::{oneshot, watch};
use ureq::http::{HeaderMap, Request};

use crate::shout::{Shout, TextReader};

/// No test waits longer than this for anything; none waits for it when all is well.
const PATIENCE: Duration = Duration::from_secs(60);

/// How a server is to be.
pub(crate) struct Setup {
    pub(crate) engine: EngineConfig,
    pub(crate) limits: ServerLimits,
    pub(crate) tokens: Tokens,
    pub(crate) hosts: Vec<String>,
    pub(crate) listen: &'static str,
}

/// A server that runs, and a client of it.
pub(crate) struct Api {
    pub(crate) address: SocketAddr,
    agent: ureq::Agent,
    token: Option<String>,
    gate: Option<watch::Sender<bool>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    data: Option<TempDir>,
}

/// Whose tokens a server with tokens knows.
pub(crate) const NAMES: [(&str, Scope, u8); 4] = [
    ("eve", Scope::Read, 1),
    ("ann", Scope::Submit, 2),
    ("bob", Scope::Submit, 3),
    ("root", Scope::Admin, 4),
];

pub(crate) fn token(name: &str) -> String {
    let (_, _, seed) = NAMES.iter().find(|(of, ..)| *of == name).unwrap();
    NewToken::from_random(&[*seed; 32]).secret().to_owned()
}

fn tokens() -> Tokens {
    let line = |(name, scope, seed): &(&str, Scope, u8)| {
        NewToken::from_random(&[*seed; 32])
            .line(name, *scope)
            .unwrap()
    };
    let lines: Vec<_> = NAMES.iter().map(line).collect();
    Tokens::parse(&lines.join("\n")).unwrap()
}

impl Api {
    pub(crate) fn start() -> Self {
        Self::start_with(|_| {})
    }

    /// A server that asks for tokens; see [`NAMES`].
    pub(crate) fn start_with_tokens() -> Self {
        Self::start_with(|setup| setup.tokens = tokens())
    }

    /// The same where other machines could come in.
    pub(crate) fn start_for_others() -> Self {
        Self::start_with(|setup| {
            setup.tokens = tokens();
            setup.listen = "0.0.0.0:0";
        })
    }

    pub(crate) fn start_with(change: impl FnOnce(&mut Setup)) -> Self {
        let data = TempDir::new().unwrap();
        let mut setup = Setup {
            engine: EngineConfig::new(data.path().join("data")),
            limits: ServerLimits::default(),
            tokens: Tokens::none(),
            hosts: Vec::new(),
            listen: "127.0.0.1:0",
        };
        change(&mut setup);
        let (gate, opened) = watch::channel(false);
        let (stop, stopped) = oneshot::channel();
        let (started, address) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(serve(setup, opened, started, stopped));
        });
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .allow_non_standard_methods(true)
            .timeout_global(Some(PATIENCE))
            .build();
        Self {
            address: address.recv().unwrap(),
            agent: config.new_agent(),
            token: None,
            gate: Some(gate),
            stop: Some(stop),
            thread: Some(thread),
            data: Some(data),
        }
    }

    /// The same server, asked with the token of that name.
    pub(crate) fn with_token(&self, token: impl Into<String>) -> Self {
        Self {
            address: self.address,
            agent: self.agent.clone(),
            token: Some(token.into()),
            gate: None,
            stop: None,
            thread: None,
            data: None,
        }
    }

    /// Lets jobs go on that hold.
    pub(crate) fn open_gate(&self) {
        self.gate.as_ref().unwrap().send_replace(true);
    }

    /// Ends the server, and waits for it.
    pub(crate) fn stop(&mut self) {
        self.begin_to_stop();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
        drop(self.data.take());
    }

    pub(crate) fn begin_to_stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // A server that has failed is heard of when its thread is waited for.
            let _ = stop.send(());
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn open(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> ureq::http::Response<ureq::Body> {
        let mut request = Request::builder().method(method).uri(self.url(path));
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        match body {
            Some(body) => self.agent.run(request.body(body).unwrap()),
            None => self.agent.run(request.body(()).unwrap()),
        }
        .unwrap()
    }

    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Answer {
        let mut response = self.open(method, path, headers, body);
        Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.body_mut().read_to_vec().unwrap(),
        }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], None)
    }

    pub(crate) fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send("GET", path, headers, None)
    }

    pub(crate) fn post_json(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        let mut headers = headers.to_vec();
        headers.push(("Content-Type", "application/json"));
        self.send("POST", path, &headers, Some(body.to_string().as_bytes()))
    }

    /// Hands in a text, and returns its upload's id.
    pub(crate) fn upload(&self, text: &str) -> String {
        let body = format!("text:{text}");
        let answer = self.send("POST", "/api/v1/uploads", &[], Some(body.as_bytes()));
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    /// Asks for a job with these parameters, on a text of its own.
    pub(crate) fn submit(&self, params: &Value) -> Job {
        let request = json!({
            "service": "shout",
            "input": {"upload_id": self.upload("hello")},
            "params": params,
        });
        let answer = self.post_json("/api/v1/jobs", &[], &request);
        assert_eq!(answer.status, 202, "{}", answer.text());
        serde_json::from_slice(&answer.body).unwrap()
    }

    pub(crate) fn job(&self, id: impl std::fmt::Display, query: &str) -> Job {
        let answer = self.get(&format!("/api/v1/jobs/{id}{query}"));
        assert_eq!(answer.status, 200, "{}", answer.text());
        serde_json::from_slice(&answer.body).unwrap()
    }

    /// A job that has ended.
    pub(crate) fn ended(&self, params: &Value) -> Job {
        let job = self.submit(params);
        let job = self.job(job.id, "?wait=60");
        assert!(job.state.is_terminal(), "{job:?}");
        job
    }

    /// A stream of events.
    pub(crate) fn watch(&self, path: &str, headers: &[(&str, &str)]) -> Frames {
        let response = self.open("GET", path, headers, None);
        assert_eq!(response.status().as_u16(), 200);
        let media_type = response.headers().get("content-type").unwrap();
        assert_eq!(media_type, "text/event-stream");
        Frames {
            lines: BufReader::new(response.into_body().into_reader()),
        }
    }

    /// A connection on which these bytes were sent.
    pub(crate) fn connect(&self, bytes: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(bytes).unwrap();
        stream
    }

    /// Sends these bytes, and returns all that comes until the server closes the connection.
    pub(crate) fn raw(&self, bytes: &[u8]) -> String {
        let mut answer = Vec::new();
        self.connect(bytes).read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // What failed is told already.
            self.begin_to_stop();
        } else {
            self.stop();
        }
    }
}

async fn serve(
    setup: Setup,
    gate: watch::Receiver<bool>,
    started: mpsc::Sender<SocketAddr>,
    stopped: oneshot::Receiver<()>,
) {
    let machine = VirtualMachine::local().workers(1).start().await.unwrap();
    let services = Services::default().with(Shout { gate });
    let reader = Arc::new(TextReader);
    let engine = Engine::open(setup.engine, machine.clone(), services, reader)
        .await
        .unwrap();
    let listener = TcpListener::bind(setup.listen).unwrap();
    let server = Server::new(listener, engine.clone())
        .tokens(setup.tokens)
        .allowed_hosts(setup.hosts)
        .limits(setup.limits)
        .start()
        .unwrap();
    let port = server.address().port();
    started.send((Ipv4Addr::LOCALHOST, port).into()).unwrap();
    // Without the sender the test is over as well.
    let _ = stopped.await;
    server.shutdown().await.unwrap();
    engine.close().await;
    machine.shutdown().await;
}

/// What was answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.text()))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The problem, which is of this code.
    pub(crate) fn problem(&self, code: &str) -> Problem {
        assert_eq!(
            self.header("content-type"),
            "application/problem+json",
            "{} {}",
            self.status,
            self.text()
        );
        let problem: Problem = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(problem.code.word(), code, "{problem:?}");
        assert_eq!(problem.status, self.status, "{problem:?}");
        assert_eq!(problem.kind, format!("/problems/{code}"));
        assert!(!problem.title.is_empty() && !problem.detail.is_empty());
        problem
    }
}

/// What comes out of a stream of events.
pub(crate) struct Frames {
    lines: BufReader<ureq::BodyReader<'static>>,
}

/// An event, or a comment, which has neither id nor name.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Frame {
    /// In which start of the server it was told.
    pub(crate) generation: u64,
    pub(crate) id: Option<u64>,
    pub(crate) event: String,
    pub(crate) data: Value,
}

impl Iterator for Frames {
    type Item = Frame;

    fn next(&mut self) -> Option<Frame> {
        let mut frame = Frame::default();
        loop {
            let mut line = String::new();
            if self.lines.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            match line.trim_end_matches('\n').split_once(": ") {
                Some(("id", id)) => {
                    let (generation, id) = id.split_once('-').unwrap();
                    frame.generation = generation.parse().unwrap();
                    frame.id = Some(id.parse().unwrap());
                }
                Some(("event", event)) => frame.event = event.to_owned(),
                Some(("data", data)) => frame.data = serde_json::from_str(data).unwrap(),
                Some(("", "")) => {}
                None if line == "\n" => return Some(frame),
                other => panic!("not of a stream of events: {other:?}"),
            }
        }
    }
}
