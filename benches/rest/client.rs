//! A server in a process of its own, and who asks it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde::Deserialize;
use serde_json::{Value, json};
use ureq::Agent;

use super::CLASSES;

/// Of the routes.
const ROOT: &str = "/api/v1";

pub(crate) struct Server {
    process: Child,
    url: String,
}

impl Server {
    pub(crate) fn start(data: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_msvpu"))
            .args([
                "serve",
                "--quiet",
                "--workers",
                "2",
                "--listen",
                "127.0.0.1:0",
            ])
            .arg("--data")
            .arg(data)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut said = BufReader::new(process.stdout.take().unwrap());
        said.read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").unwrap();
        Self {
            url: format!("{url}{ROOT}"),
            process,
        }
    }

    /// Of the process, in MiB: what it holds, and the most that it ever held.
    pub(crate) fn memory(&self) -> (f64, f64) {
        let path = format!("/proc/{}/status", self.process.id());
        let status = std::fs::read_to_string(path).unwrap();
        let of = |key: &str| {
            let line = status.lines().find(|line| line.starts_with(key)).unwrap();
            let kib: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
            kib / 1024.0
        };
        (of("VmRSS:"), of("VmHWM:"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub(crate) fn agent() -> Agent {
    let config = Agent::config_builder().http_status_as_error(false);
    config.build().into()
}

pub(crate) fn answer(
    answered: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
) -> (u16, Value) {
    let mut answered = answered.unwrap();
    let text = answered.body_mut().read_to_string().unwrap();
    let body = serde_json::from_str(&text).unwrap_or(Value::Null);
    (answered.status().as_u16(), body)
}

pub(crate) fn upload(agent: &Agent, server: &Server, file: &Path) -> String {
    let request = agent.post(format!("{}/uploads", server.url));
    let file = std::fs::File::open(file).unwrap();
    let (status, upload) = answer(request.send(file));
    assert_eq!(status, 201, "{upload}");
    upload["id"].as_str().unwrap().to_owned()
}

/// What is looked at of a job.
#[derive(Deserialize)]
pub(crate) struct Seen {
    id: String,
    state: String,
}

/// A connection that is kept, and takes as little of the machine as it can: a load generator shares it with the server.
pub(crate) struct Client {
    stream: TcpStream,
    host: String,
    answer: Vec<u8>,
}

impl Client {
    pub(crate) fn new(server: &Server) -> Self {
        let host = server.url.strip_prefix("http://").unwrap();
        let host = host.strip_suffix(ROOT).unwrap().to_owned();
        let stream = TcpStream::connect(&host).unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            host,
            answer: vec![0; 64 << 10],
        }
    }

    /// The status and the body of the answer.
    fn ask(&mut self, method: &str, path: &str, body: &str) -> (u16, &[u8]) {
        let (host, length) = (&self.host, body.len());
        let request = format!(
            "{method} {ROOT}{path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        self.stream.write_all(request.as_bytes()).unwrap();
        let mut got = 0;
        loop {
            let read = self.stream.read(&mut self.answer[got..]).unwrap();
            assert!(read > 0, "the server hangs up");
            got += read;
            let mut headers = [httparse::EMPTY_HEADER; 32];
            let mut head = httparse::Response::new(&mut headers);
            let httparse::Status::Complete(begin) = head.parse(&self.answer[..got]).unwrap() else {
                continue;
            };
            let status = head.code.unwrap();
            let length = head
                .headers
                .iter()
                .find(|header| header.name.eq_ignore_ascii_case("content-length"));
            let length = std::str::from_utf8(length.unwrap().value).unwrap();
            let end = begin + length.parse::<usize>().unwrap();
            assert!(end <= self.answer.len(), "an answer of {length} bytes");
            if got >= end {
                return (status, &self.answer[begin..end]);
            }
        }
    }

    /// Submits a job and waits for its end; the status of the answer that it ended with.
    pub(crate) fn job(&mut self, upload: &str) -> u16 {
        let job = json!({
            "service": "cmeans",
            "input": { "upload_id": upload },
            "params": { "start": { "classes": CLASSES } },
            "outputs": [],
        });
        let (status, submitted) = self.ask("POST", "/jobs", &job.to_string());
        if status != 202 {
            return status;
        }
        let Seen { id, .. } = serde_json::from_slice(submitted).unwrap();
        loop {
            let (status, job) = self.ask("GET", &format!("/jobs/{id}?wait=30"), "");
            assert_eq!(status, 200, "{}", String::from_utf8_lossy(job));
            let Seen { state, .. } = serde_json::from_slice(job).unwrap();
            match state.as_str() {
                "SUCCEEDED" => return status,
                "PENDING" | "RUNNING" => {}
                other => panic!("{other}: {}", String::from_utf8_lossy(job)),
            }
        }
    }
}
