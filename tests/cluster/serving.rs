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
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            .http_status_as_error(false)
            .build();
        Self {
            server: Server::of(&mut serve(machine, data)),
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
