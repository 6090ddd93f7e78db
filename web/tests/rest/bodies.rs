//! Bodies that are too long, too slow, or not what they say they are.

use std::io::{Read, Write};
use std::time::Duration;

use serde_json::json;

use crate::api::Api;
use crate::jobs::form;

const LIMIT: usize = 1 << 20;

fn small() -> Api {
    Api::start_with(|setup| {
        setup.engine.max_upload_bytes = LIMIT as u64;
        setup.limits.json_bytes = 4096;
    })
}

fn head(api: &Api, path: &str, headers: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: {}\r\n{headers}\r\n",
        api.address
    )
}

#[test]
fn a_body_that_says_that_it_is_too_long_is_refused_unread() {
    let api = small();
    let form = "Content-Type: multipart/form-data; boundary=limit\r\n";
    let json = "Content-Type: application/json\r\n";
    for (path, headers, length) in [
        ("/api/v1/uploads", "", LIMIT + 1),
        ("/api/v1/uploads", "", usize::MAX),
        ("/api/v1/jobs", json, 4097),
    ] {
        // Nothing of the body is ever sent.
        let head = head(
            &api,
            path,
            &format!("{headers}Content-Length: {length}\r\n"),
        );
        let answer = api.raw(head.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 413 "), "{path}: {answer}");
        assert!(answer.contains("\"code\":\"too-large\""), "{answer}");
    }
    // A form up to its file.
    let job = "--limit\r\nContent-Disposition: form-data; name=\"job\"\r\n\r\n{\"service\":\"shout\"}\r\n\
               --limit\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\ntext:";
    let length = LIMIT + 16384;
    let head = head(
        &api,
        "/api/v1/jobs",
        &format!("{form}Content-Length: {length}\r\n"),
    );
    let answer = api.raw(format!("{head}{job}").as_bytes());
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[test]
fn a_body_that_turns_out_too_long_is_refused() {
    let api = small();
    let long = format!("text:{}", "x".repeat(LIMIT));
    // Its length is not told beforehand.
    let head = head(&api, "/api/v1/uploads", "Transfer-Encoding: chunked\r\n");
    let mut stream = api.connect(head.as_bytes());
    for part in long.as_bytes().chunks(8192) {
        let chunk = [format!("{:x}\r\n", part.len()).as_bytes(), part, b"\r\n"].concat();
        if stream.write_all(&chunk).is_err() {
            break;
        }
    }
    let mut answer = vec![0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(String::from_utf8_lossy(&answer), "HTTP/1.1 413");

    let (media_type, body) = form(&json!({"service": "shout"}), &long);
    let headers = [("Content-Type", media_type)];
    api.send("POST", "/api/v1/jobs", &headers, Some(body.as_bytes()))
        .problem("too-large");
    let (media_type, body) = form(
        &json!({"service": "shout", "metadata": {"a": "b".repeat(5000)}}),
        "text:",
    );
    let headers = [("Content-Type", media_type)];
    api.send("POST", "/api/v1/jobs", &headers, Some(body.as_bytes()))
        .problem("too-large");
    // Nothing of all that is left.
    assert_eq!(api.get("/api/v1/nodes").json()["gauges"]["blob_bytes"], 0);
}

#[test]
fn what_fits_exactly_is_taken() {
    let api = small();
    let text = format!("text:{}", "x".repeat(LIMIT - 5));
    let answer = api.send("POST", "/api/v1/uploads", &[], Some(text.as_bytes()));
    assert_eq!(answer.status, 201);
    let (media_type, body) = form(&json!({"service": "shout"}), &text);
    let answer = api.send(
        "POST",
        "/api/v1/jobs",
        &[("Content-Type", media_type)],
        Some(body.as_bytes()),
    );
    assert_eq!(answer.status, 202, "{}", answer.text());
}

#[test]
fn a_body_that_rests_too_long_is_given_up() {
    let api = Api::start_with(|setup| setup.limits.body_idle = Duration::from_millis(100));
    let form = "Content-Type: multipart/form-data; boundary=limit\r\n";
    let json = "Content-Type: application/json\r\n";
    for (path, headers) in [
        ("/api/v1/uploads", ""),
        ("/api/v1/jobs", json),
        ("/api/v1/jobs", form),
    ] {
        let head = head(&api, path, &format!("{headers}Content-Length: 100\r\n"));
        let answer = api.raw(format!("{head}--limit").as_bytes());
        assert!(answer.starts_with("HTTP/1.1 408 "), "{path}: {answer}");
        assert!(answer.contains("\"code\":\"slow-body\""), "{answer}");
    }
}

#[test]
fn a_head_that_rests_too_long_is_given_up() {
    let api = Api::start_with(|setup| setup.limits.head_timeout = Duration::from_millis(100));
    let answer = api.raw(b"GET /healthz HTTP/1.1\r\nHost:");
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

#[test]
fn where_others_can_come_in_a_connection_carries_one_request() {
    let api = Api::start_for_others();
    let head = format!(
        "GET /healthz HTTP/1.1\r\nHost: localhost:{}\r\n",
        api.address.port()
    );
    // Nobody waits for the end of the second, which would have no deadline.
    let answer = api.raw(format!("{head}\r\n{head}").as_bytes());
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(
        answer.to_lowercase().contains("connection: close"),
        "{answer}"
    );
    assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
}

#[test]
fn an_upload_that_breaks_off_leaves_nothing() {
    let api = Api::start();
    let head = head(&api, "/api/v1/uploads", "Content-Length: 1000000\r\n");
    let stream = api.connect(format!("{head}text:{}", "x".repeat(500_000)).as_bytes());
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    // It is over when the server has closed the connection, too.
    let mut answer = Vec::new();
    let _ = (&stream).read_to_end(&mut answer);
    assert_eq!(api.get("/api/v1/nodes").json()["gauges"]["blob_bytes"], 0);
}

#[test]
fn forms_have_their_parts_in_order() {
    let api = Api::start();
    let part = |name: &str, text: &str| {
        format!("--limit\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n")
    };
    let (job, file) = (
        part("job", "{\"service\":\"shout\"}"),
        part("file", "text:"),
    );
    let headers = [("Content-Type", "multipart/form-data; boundary=limit")];
    let post = |body: String| api.send("POST", "/api/v1/jobs", &headers, Some(body.as_bytes()));
    for body in [
        format!("{file}{job}--limit--\r\n"),
        format!("{job}--limit--\r\n"),
        format!("{job}{file}{file}--limit--\r\n"),
        format!("{job}{file}"),
        "no form".to_owned(),
        String::new(),
    ] {
        post(body.clone()).problem("bad-request");
    }
    post(format!("{}{file}--limit--\r\n", part("job", "{"))).problem("malformed-json");
    post(format!("{}{file}--limit--\r\n", part("job", "{}"))).problem("invalid-fields");
    post(format!(
        "{}{file}--limit--\r\n",
        part("job", "{\"service\":\"whisper\"}")
    ))
    .problem("unknown-service");
    post(format!("{job}{}--limit--\r\n", part("file", "a picture")))
        .problem("unsupported-media-type");
    let headers = [("Content-Type", "multipart/form-data")];
    api.send("POST", "/api/v1/jobs", &headers, Some(b""))
        .problem("bad-request");
    assert_eq!(api.get("/api/v1/nodes").json()["gauges"]["blob_bytes"], 0);
}
