//! Streams of events.

use std::io::Read;
use std::time::Duration;

use serde_json::json;

use crate::api::{Api, Frame};

fn events(frames: impl Iterator<Item = Frame>) -> Vec<Frame> {
    frames.filter(|frame| frame.id.is_some()).collect()
}

#[test]
fn a_job_is_watched_to_its_end() {
    let api = Api::start();
    let job = api.submit(&json!({"rounds": 2, "hold": true}));
    let path = format!("/api/v1/jobs/{}/events", job.id);
    let stream = api.watch(&path, &[]);
    let mut seen = Vec::new();
    for frame in stream.filter(|frame| frame.id.is_some()) {
        if frame.event == "iteration" && frame.data["iteration"] == 2 {
            // It moves while it is watched.
            api.open_gate();
        }
        seen.push(frame);
    }
    let ids: Vec<_> = seen.iter().map(|frame| frame.id.unwrap()).collect();
    assert_eq!(ids, (1..=seen.len() as u64).collect::<Vec<_>>());
    for frame in &seen {
        assert_eq!(frame.data["id"], frame.id.unwrap());
        assert_eq!(frame.data["event"], frame.event.as_str());
    }
    let last = seen.last().unwrap();
    assert_eq!(
        (last.event.as_str(), &last.data["state"]),
        ("done", &json!("SUCCEEDED"))
    );
    assert_eq!(last.data["result"]["bytes"], 10);
    assert!(
        seen.iter()
            .filter(|frame| frame.event == "iteration")
            .count()
            == 2
    );
    // Who comes later sees the same, and so does who asks for JSON.
    assert_eq!(events(api.watch(&path, &[])), seen);
    let listed = api
        .get_with(&path, &[("Accept", "application/json")])
        .json();
    let data: Vec<_> = seen.iter().map(|frame| frame.data.clone()).collect();
    assert_eq!(listed["events"].as_array().unwrap(), &data);
}

#[test]
fn a_stream_goes_on_where_it_broke_off() {
    let api = Api::start();
    let job = api.ended(&json!({}));
    let path = format!("/api/v1/jobs/{}/events", job.id);
    let all = events(api.watch(&path, &[]));
    let rest = |query: &str, headers: &[(&str, &str)]| {
        events(api.watch(&format!("{path}{query}"), headers))
    };
    assert_eq!(rest("", &[("Last-Event-ID", "2")]), all[2..]);
    assert_eq!(rest("?last_event_id=3", &[]), all[3..]);
    // The header knows better: a page that reconnects asks under its old address.
    assert_eq!(
        rest("?last_event_id=1", &[("Last-Event-ID", "4")]),
        all[4..]
    );
    let last = all.len().to_string();
    assert_eq!(rest("", &[("Last-Event-ID", &last)]), []);
    // As the stream names them.
    assert!(all.iter().all(|frame| frame.generation == 1));
    assert_eq!(rest("?last_event_id=1-3", &[]), all[3..]);
    assert_eq!(rest("", &[("Last-Event-ID", "1-2")]), all[2..]);
    // Of a server that crashed: what it told then is not what is there now.
    assert_eq!(rest("", &[("Last-Event-ID", "7-2")]), all);
}

#[test]
fn what_has_happened_so_far_is_answered_at_once() {
    let api = Api::start();
    let job = api.submit(&json!({"rounds": 1, "hold": true}));
    let path = format!("/api/v1/jobs/{}/events", job.id);
    let mut stream = api.watch(&path, &[]);
    assert!(stream.any(|frame| frame.event == "iteration"));
    let listed = api
        .get_with(&path, &[("Accept", "application/json")])
        .json();
    let events = listed["events"].as_array().unwrap();
    assert!(
        events.iter().any(|event| event["event"] == "iteration"),
        "{events:?}"
    );
    assert!(
        events.iter().all(|event| event["event"] != "done"),
        "{events:?}"
    );
    api.open_gate();
}

#[test]
fn a_stream_without_events_shows_that_it_lives() {
    let api = Api::start_with(|setup| setup.limits.comment_every = Duration::from_millis(20));
    let job = api.submit(&json!({"hold": true}));
    let stream = api.watch(&format!("/api/v1/jobs/{}/events", job.id), &[]);
    let comments = stream.filter(|frame| *frame == Frame::default());
    assert_eq!(comments.take(5).count(), 5);
    api.open_gate();
}

#[test]
fn streams_and_held_answers_end_with_the_server() {
    let mut api = Api::start();
    let job = api.submit(&json!({"hold": true}));
    let path = format!("/api/v1/jobs/{}", job.id);
    let mut stream = api.watch(&format!("{path}/events"), &[]);
    assert!(stream.any(|frame| frame.data["state"] == "RUNNING"));
    // The answer to the first says that the second has come, too.
    let host = api.address;
    let requests = format!(
        "GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\nGET {path}?wait=60 HTTP/1.1\r\nHost: {host}\r\n\r\n"
    );
    let mut held = api.connect(requests.as_bytes());
    let mut answer = vec![0; 12];
    held.read_exact(&mut answer).unwrap();
    api.begin_to_stop();
    held.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer);
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 2, "{answer}");
    assert!(answer.contains("\"state\":\"RUNNING\""), "{answer}");
    assert!(stream.all(|frame| frame.event != "done"));
    api.stop();
}
