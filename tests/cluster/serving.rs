//! `msvpu serve` as the head of a cluster whose broker is not there yet, comes, and goes.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::{Value, json};

use crate::broker::{PrivateBroker, shared};
use crate::process::{Machine, PATIENCE, run};
use crate::server::{Server, command};

/// An answer of the server.
struct Answer {
    status: u16,
    retry_after: Option<String>,
    body: Vec<u8>,
}

impl Answer {
    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// What one is told while there is no broker.
    #[track_caller]
    fn is_away(&self) -> String {
        let problem = self.json();
        assert_eq!(self.status, 503, "{problem}");
        assert_eq!(problem["code"], "broker-away");
        let seconds: u32 = self.retry_after.as_ref().unwrap().parse().unwrap();
        assert!(seconds > 0);
        problem["detail"].as_str().unwrap().to_owned()
    }
}

/// A server that is the head of a machine, and a file that it was given.
struct Head {
    server: Server,
    agent: ureq::Agent,
}

fn serve(machine: &Machine, data: &Path) -> Command {
    let mut command = command(data);
    command.args(["--broker", &machine.url, "--vm", &machine.vm]);
    command
}

impl Head {
    fn start(machine: &Machine, data: &Path) -> Self {
        Self::of(&mut serve(machine, data))
    }

    fn of(command: &mut Command) -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            .http_status_as_error(false)
            .build();
        Self {
            server: Server::of(command),
            agent: config.into(),
        }
    }

    fn answer(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Answer {
        let mut answer = answer.unwrap();
        let retry_after = answer.headers().get("Retry-After");
        Answer {
            status: answer.status().as_u16(),
            retry_after: retry_after.map(|value| value.to_str().unwrap().to_owned()),
            body: answer.body_mut().read_to_vec().unwrap(),
        }
    }

    fn get(&self, path: &str) -> Answer {
        Self::answer(self.agent.get(format!("{}{path}", self.server.url)).call())
    }

    fn post(&self, path: &str, media_type: &str, body: &[u8]) -> Answer {
        let request = self.agent.post(format!("{}/api/v1{path}", self.server.url));
        Self::answer(request.header("Content-Type", media_type).send(body))
    }

    fn upload(&self) -> Value {
        let image = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/scene.png");
        let image = std::fs::read(image).unwrap();
        let answer = self.post("/uploads", "application/octet-stream", &image);
        assert_eq!(answer.status, 201);
        answer.json()["id"].clone()
    }

    fn submit(&self, upload: &Value) -> Answer {
        let job = json!({
            "service": "cmeans",
            "input": {"upload_id": upload},
            "params": {"start": {"classes": 3}},
        });
        self.post("/jobs", "application/json", job.to_string().as_bytes())
    }

    fn accepted(&self, upload: &Value) -> String {
        let answer = self.submit(upload);
        assert_eq!(answer.status, 202, "{}", answer.json());
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    fn succeeds(&self, job: &str) {
        let until = Instant::now() + PATIENCE;
        loop {
            let job = self.get(&format!("/api/v1/jobs/{job}?wait=30")).json();
            match job["state"].as_str().unwrap() {
                "SUCCEEDED" => return,
                "PENDING" | "RUNNING" => assert!(Instant::now() < until, "{job}"),
                _ => panic!("{job}"),
            }
        }
    }

    /// Waits for it to be ready, or not to be.
    fn is_ready(&self, ready: bool) {
        let until = Instant::now() + PATIENCE;
        while (self.get("/readyz").status == 200) != ready {
            assert!(Instant::now() < until, "still not, or still");
            // Nobody tells.
            std::thread::park_timeout(std::time::Duration::from_millis(20));
        }
    }

    /// Waits until it knows a node of that name, or does not any more.
    fn knows(&self, name: &str, known: bool) {
        let until = Instant::now() + PATIENCE;
        loop {
            let nodes = self.get("/api/v1/nodes").json();
            let listed = nodes["nodes"].as_array().unwrap();
            if listed.iter().any(|node| node["name"] == name) == known {
                return;
            }
            assert!(Instant::now() < until, "{name}: {nodes}");
            // Nobody tells.
            std::thread::park_timeout(std::time::Duration::from_millis(20));
        }
    }

    /// What goes on without a broker.
    fn lives(&self, jobs: usize) {
        assert_eq!(self.get("/healthz").status, 200);
        let listed = self.get("/api/v1/jobs").json();
        assert_eq!(listed["jobs"].as_array().unwrap().len(), jobs);
        assert_eq!(self.get("/").status, 200);
        let nodes = self.get("/api/v1/nodes").json();
        assert_eq!(nodes["deployment"], "cluster");
        assert_eq!(nodes["broker"]["state"], "connecting", "{nodes}");
    }
}

#[test]
fn a_server_does_what_it_can_while_its_broker_is_away_and_the_rest_when_it_is_there() {
    let mut broker = PrivateBroker::prepare();
    let machine = Machine::on(broker.url(), "served");
    let folder = tempfile::tempdir().unwrap();
    let head = Head::start(&machine, &folder.path().join("data"));

    let _node = machine.node("worker");
    let upload = head.upload();
    let reason = head.get("/readyz").is_away();
    assert!(
        reason.contains("cannot be reached") || reason.contains("no connection yet"),
        "{reason}"
    );
    head.submit(&upload).is_away();
    head.lives(0);

    broker.start_again();
    head.is_ready(true);
    let job = head.accepted(&upload);
    head.succeeds(&job);

    broker.kill();
    head.is_ready(false);
    let reason = head.get("/readyz").is_away();
    assert!(
        reason.contains(broker.url().rsplit('@').next().unwrap()),
        "{reason}"
    );
    head.submit(&upload).is_away();
    head.lives(1);
    let artifact = format!("/api/v1/jobs/{job}/artifacts");
    assert_eq!(head.get(&format!("{artifact}/labels.png")).status, 200);
    let files = head.get(&artifact).json();
    assert!(
        !files["artifacts"].as_array().unwrap().is_empty(),
        "{files}"
    );

    broker.start_again();
    head.is_ready(true);
    head.succeeds(&head.accepted(&upload));
    head.server.end();
}

#[test]
fn a_job_that_was_accepted_outlives_its_server_and_its_broker() {
    let mut broker = PrivateBroker::start();
    let machine = Machine::on(broker.url(), "kept");
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let head = Head::start(&machine, &data);
    head.is_ready(true);
    // There is no node.
    let upload = head.upload();
    let job = head.accepted(&upload);
    head.server.kill();
    broker.kill();

    let head = Head::start(&machine, &data);
    head.lives(1);
    head.submit(&upload).is_away();
    broker.start_again();
    let _node = machine.node("worker");
    head.succeeds(&job);
    head.server.end();
}

/// A node that joins, one that leaves and one that is killed: what the log of the server has of them.
fn logged(test: &str, filter: Option<&str>) -> Vec<String> {
    let machine = Machine::new(test);
    let folder = tempfile::tempdir().unwrap();
    let mut command = serve(&machine, &folder.path().join("data"));
    command.stderr(Stdio::piped());
    if let Some(filter) = filter {
        command.env("RUST_LOG", filter);
    }
    let head = Head::of(&mut command);
    head.is_ready(true);
    for (name, signal) in [("leaving", "TERM"), ("killed", "KILL")] {
        let mut node = machine.node(name);
        head.knows(name, true);
        node.signal(signal);
        node.ended();
        head.knows(name, false);
    }
    let said = head.server.end_saying();
    assert!(!said.contains(&machine.url), "{said}");
    let lines = said.lines().filter(|line| line.contains("directory: node"));
    lines.map(str::to_owned).collect()
}

#[test]
fn the_log_of_a_server_names_the_nodes_that_are_lost_and_on_demand_those_that_come_and_leave() {
    let words = |line: &str, words: &[&str]| words.iter().all(|word| line.contains(word));
    let lost = ["WARN", "\"killed\"", "is lost"];
    let said = logged("logged", None);
    assert!(said.iter().any(|line| words(line, &lost)), "{said:#?}");
    assert!(said.iter().all(|line| line.contains("WARN")), "{said:#?}");

    let said = logged("logged-more", Some("msvpu_actors=info"));
    for expected in [
        ["INFO", "\"head\"", "has joined"],
        ["INFO", "\"leaving\"", "has joined, with 1 CPUs"],
        ["INFO", "\"leaving\"", "has left"],
        ["INFO", "\"killed\"", "has joined, with 1 CPUs"],
        lost,
    ] {
        let is_there = said.iter().any(|line| words(line, &expected));
        assert!(is_there, "{expected:?}: {said:#?}");
    }
}

/// A server with these options listens, and then ends so, and says why.
#[track_caller]
fn assert_ends(options: &[&str], status: i32, words: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = command(&folder.path().join("data"));
    command.args(options).stderr(Stdio::piped());
    let ran = run(&mut command);
    assert_eq!(ran.status, Some(status), "{}", ran.stderr);
    assert!(
        ran.stdout.starts_with("listening on http://"),
        "{}",
        ran.stdout
    );
    let last = ran.stderr.lines().last().unwrap();
    for word in words {
        assert!(last.contains(word), "{word}? {}", ran.stderr);
    }
    assert!(!ran.stderr.contains("s3cret"), "{}", ran.stderr);
}

#[test]
fn a_broker_that_refuses_or_does_not_come_in_time_ends_the_server() {
    let shared = shared();
    let (scheme, place) = shared.split_once("://").unwrap();
    let place = place.rsplit_once('@').map_or(place, |(_, place)| place);
    let wrong = format!("{scheme}://guest:s3cret@{place}");
    assert_ends(&["--broker", &wrong], 2, &["the password"]);
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let host = nobody.local_addr().unwrap().to_string();
    let url = format!("amqp://guest:s3cret@{host}");
    let options = ["--broker", &url, "--connect-timeout", "1"];
    assert_ends(&options, 1, &[&host, "cannot be reached"]);
}
