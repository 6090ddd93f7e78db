//! A server that does as it is told, and commands that ask it.
#![cfg(unix)]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::interrupts::press;
use crate::{Pictures, command, msvpu};

const ID: &str = "0190f0a0-0000-7000-8000-000000000000";
/// No test waits so long for anything but when something is wrong.
const PATIENCE: Duration = Duration::from_secs(60);

/// A request of which the body was read.
struct Asked {
    /// Method and path.
    what: String,
    stream: TcpStream,
}

impl Asked {
    fn answer(mut self, value: &Value) {
        let body = value.to_string();
        self.begin(body.len());
        self.stream.write_all(body.as_bytes()).unwrap();
    }

    fn begin(&mut self, length: usize) {
        write!(
            self.stream,
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
        )
        .unwrap();
    }
}

/// Where it listens, and all that it is asked.
fn server() -> (String, Receiver<Asked>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (tell, asked) = mpsc::channel();
    // It ends with the test.
    thread::spawn(move || {
        for stream in listener.incoming() {
            if hear(stream.unwrap(), &tell).is_none() {
                return;
            }
        }
    });
    (url, asked)
}

/// Reads a request; `None` when nobody wants to hear of it.
fn hear(stream: TcpStream, tell: &Sender<Asked>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut first = String::new();
    reader.read_line(&mut first).unwrap();
    let what = first.rsplit_once(' ')?.0.to_owned();
    let (mut length, mut is_chunked) = (0, false);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let line = line.trim().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(bytes) = line.strip_prefix("content-length:") {
            length = bytes.trim().parse().unwrap();
        }
        is_chunked |= line == "transfer-encoding: chunked";
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    while is_chunked {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let bytes = usize::from_str_radix(line.trim(), 16).unwrap();
        let mut chunk = vec![0; bytes + 2];
        reader.read_exact(&mut chunk).unwrap();
        is_chunked = bytes > 0;
    }
    tell.send(Asked { what, stream }).ok()
}

fn input() -> Value {
    json!({
        "bytes": 1, "sha256": "", "format": "png", "width": 1, "height": 1, "bands": 1, "decoded_bytes": 1
    })
}

fn job(state: &str, artifacts: &Value) -> Value {
    let mut input = input();
    input["upload_id"] = ID.into();
    json!({
        "id": ID, "service": "cmeans", "state": state, "phase": null, "reason": "as it was told",
        "input": input, "params": {}, "outputs": [], "metadata": {}, "priority": "normal",
        "created_at": "2026-01-01T00:00:00Z", "started_at": null, "ended_at": null,
        "progress": {"iteration": 0}, "attempts": 1, "result": null, "error": null,
        "artifacts": artifacts, "revision": 1,
    })
}

#[track_caller]
fn next(asked: &Receiver<Asked>, what: &str) -> Asked {
    let request = asked.recv_timeout(PATIENCE).unwrap();
    assert_eq!(request.what, what);
    request
}

fn start(args: &[&str]) -> Child {
    command(args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[track_caller]
fn assert_interrupted(child: Child) {
    let ended = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(130), "{stderr}");
    assert!(stderr.ends_with("msvpu: interrupted\n"), "{stderr}");
}

#[test]
fn a_job_without_files_is_said_to_have_none() {
    let (url, asked) = server();
    let folder = tempfile::tempdir().unwrap();
    let into = folder.path().join("new");
    let answering = thread::spawn(move || {
        next(&asked, &format!("GET /api/v1/jobs/{ID}")).answer(&job("RUNNING", &json!([])));
    });
    let into_text = into.to_str().unwrap();
    let ran = msvpu(["jobs", "fetch", ID, "--server", &url, "-o", into_text]);
    answering.join().unwrap();
    assert_eq!((ran.status, ran.stdout.as_str()), (1, ""));
    assert!(
        ran.stderr.contains(ID) && ran.stderr.contains("has no files; it is running"),
        "{}",
        ran.stderr
    );
    assert!(!into.exists());
}

#[test]
fn ctrl_c_while_files_are_fetched_leaves_nothing() {
    let (url, asked) = server();
    let folder = tempfile::tempdir().unwrap();
    let into = folder.path().join("new");
    let into_text = into.to_str().unwrap();
    let child = start(&["jobs", "fetch", ID, "--server", &url, "-o", into_text]);
    let artifact = json!([{"name": "a", "media_type": "text/plain", "bytes": 1_u64 << 40, "sha256": "", "doc": ""}]);
    next(&asked, &format!("GET /api/v1/jobs/{ID}")).answer(&job("SUCCEEDED", &artifact));
    let mut file = next(&asked, &format!("GET /api/v1/jobs/{ID}/artifacts/a"));
    file.begin(1 << 40);
    file.stream.write_all(b"a").unwrap();
    // It has come to where it is kept until it is whole.
    let is_there = || {
        let folders = fs::read_dir(&into).into_iter().flatten();
        folders
            .flatten()
            .any(|entry| fs::metadata(entry.path().join("a")).is_ok_and(|file| file.len() > 0))
    };
    while !is_there() {
        thread::yield_now();
    }
    press(&child);
    // As much as is taken.
    while file.stream.write_all(&[b'a'; 4096]).is_ok() {}
    assert_interrupted(child);
    assert!(!into.exists(), "{:?}", fs::read_dir(&into));
}

#[test]
fn ctrl_c_before_the_answer_cancels_the_job_that_it_names() {
    let (url, asked) = server();
    let pictures = Pictures::new();
    let gray = pictures.gray();
    let mut child = start(&[
        "classify",
        gray.to_str().unwrap(),
        "--classes",
        "2",
        "--server",
        &url,
    ]);
    let mut upload = input();
    upload["id"] = ID.into();
    upload["created_at"] = "2026-01-01T00:00:00Z".into();
    next(&asked, "POST /api/v1/uploads").answer(&upload);
    let question = next(&asked, "POST /api/v1/jobs");
    press(&child);
    // It waits for the answer.
    let early = asked.recv_timeout(Duration::from_millis(500));
    assert_eq!(early.map(|of| of.what), Err(RecvTimeoutError::Timeout));
    assert_eq!(child.try_wait().unwrap(), None, "it has not waited");
    question.answer(&job("PENDING", &json!([])));
    let cancel = next(&asked, &format!("POST /api/v1/jobs/{ID}/cancel"));
    cancel.answer(&job("CANCELLED", &json!([])));
    assert_interrupted(child);
}

#[test]
fn to_keep_nothing_is_no_retention() {
    let ran = msvpu(["serve", "--retention-days", "0"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (2, ""));
    assert!(ran.stderr.contains("--retention-days"), "{}", ran.stderr);
}
