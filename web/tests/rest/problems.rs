//! What is wrong is told as a problem, whatever it is.

use serde_json::json;
use uuid::Uuid;

use crate::api::Api;

#[test]
fn what_no_route_has_is_not_found() {
    let api = Api::start();
    for path in [
        "/nothing",
        "/api/v1/nothing",
        "/api/v2/jobs",
        "/api/v1",
        "/docs/none.js",
    ] {
        api.get(path).problem("no-such-route");
    }
}

#[test]
fn what_a_path_has_not_is_told_with_what_it_has() {
    let api = Api::start();
    for (method, path, allowed) in [
        ("PUT", "/api/v1/jobs", "GET, POST, HEAD"),
        ("PATCH", "/api/v1/jobs/x", "GET, DELETE, HEAD"),
        ("GET", "/api/v1/jobs/x/cancel", "POST"),
        ("OPTIONS", "/healthz", "GET, HEAD"),
        ("BREW", "/api/v1/uploads", "POST"),
        ("POST", "/assets/a/b.js", "GET, HEAD"),
    ] {
        let answer = api.send(method, path, &[], Some(b""));
        answer.problem("method-not-allowed");
        assert_eq!(answer.header("allow"), allowed, "{method} {path}");
    }
}

#[test]
fn wrong_fields_are_pointed_at() {
    let api = Api::start();
    let upload = api.upload("hello");
    let input = json!({"upload_id": upload});
    for (request, pointers) in [
        (json!({"service": "shout"}), vec!["#"]),
        (json!([]), vec!["#"]),
        (json!(["shout", {"upload_id": upload}]), vec!["#"]),
        (
            json!({"service": "shout", "input": [upload]}),
            vec!["#/input"],
        ),
        (json!({"service": 7, "input": input}), vec!["#/service"]),
        (
            json!({"service": "shout", "input": {"upload_id": "x"}}),
            vec!["#/input/upload_id"],
        ),
        (
            json!({"service": "shout", "input": input, "color": 1}),
            vec!["#/color"],
        ),
        (
            json!({"service": "shout", "input": input, "priority": "top"}),
            vec!["#/priority"],
        ),
        (
            json!({"service": "shout", "input": input, "metadata": {"a/b": 1}}),
            vec!["#/metadata/a~1b"],
        ),
        (
            json!({"service": "shout", "input": input, "outputs": ["loud", 2]}),
            vec!["#/outputs/1"],
        ),
        (
            json!({"service": "shout", "input": input, "metadata": {"a": "x".repeat(1025)}}),
            vec!["#/metadata/a"],
        ),
        // Those that only the service knows; all of them at once.
        (
            json!({"service": "shout", "input": input, "params": {"rounds": -1, "hold": 1}}),
            vec!["#/params/hold", "#/params/rounds"],
        ),
        (
            json!({"service": "shout", "input": input, "outputs": ["quiet"]}),
            vec!["#/outputs/0"],
        ),
        (
            json!({"service": "shout", "input": input, "params": {"rounds": 100}, "outputs": ["loud", "picture"]}),
            vec!["#/outputs/1"],
        ),
    ] {
        let problem = api
            .post_json("/api/v1/jobs", &[], &request)
            .problem("invalid-fields");
        let found: Vec<_> = problem
            .errors
            .iter()
            .map(|field| field.pointer.as_str())
            .collect();
        assert_eq!(found, pointers, "{request}: {problem:?}");
    }
    for (request, words) in [
        (json!([]), ["array", "{\"service\": "]),
        (
            json!({"service": "shout", "input": []}),
            ["array", "{\"upload_id\": "],
        ),
        (
            json!({"service": "shout", "input": input, "params": []}),
            ["array", "expected an object"],
        ),
    ] {
        let problem = api
            .post_json("/api/v1/jobs", &[], &request)
            .problem("invalid-fields");
        for word in words {
            let detail = &problem.errors[0].detail;
            assert!(detail.contains(word), "{request}: {detail}");
        }
    }
    let request = json!({"service": "whisper", "input": input});
    let problem = api
        .post_json("/api/v1/jobs", &[], &request)
        .problem("unknown-service");
    assert_eq!(problem.errors[0].pointer, "#/service");
    assert!(problem.detail.contains("shout"), "{problem:?}");
    let request = json!({"service": "shout", "input": {"upload_id": Uuid::now_v7()}});
    api.post_json("/api/v1/jobs", &[], &request)
        .problem("not-found");
}

#[test]
fn what_cannot_be_read_is_told() {
    let api = Api::start();
    let json = [("Content-Type", "application/json")];
    let post = |headers: &[(&str, &str)], body: &[u8]| {
        api.send("POST", "/api/v1/jobs", headers, Some(body))
    };
    post(&json, b"{\"service\":").problem("malformed-json");
    post(&json, b"").problem("malformed-json");
    post(&json, &[0xff, 0xfe]).problem("malformed-json");
    post(&[], b"{}").problem("unsupported-media-type");
    post(&[("Content-Type", "text/plain")], b"{}").problem("unsupported-media-type");
    for key in ["", &"k".repeat(256)] {
        let headers = [json[0], ("Idempotency-Key", key)];
        post(&headers, b"{}").problem("bad-request");
    }
    let upload = |headers: &[(&str, &str)], body: &[u8]| {
        api.send("POST", "/api/v1/uploads", headers, Some(body))
    };
    upload(&[], b"a picture").problem("unsupported-media-type");
    upload(&[], b"").problem("unsupported-media-type");
    upload(&[], b"text!").problem("invalid-input");
    upload(
        &[("Content-Type", "multipart/form-data; boundary=b")],
        b"text:",
    )
    .problem("unsupported-media-type");
    upload(&[("X-File-Name", "%ff")], b"text:").problem("bad-request");
}

#[test]
fn queries_and_paths_are_checked() {
    let api = Api::start();
    for (path, pointer) in [
        ("/api/v1/jobs?page_size=0", "#/page_size"),
        ("/api/v1/jobs?page_size=201", "#/page_size"),
        ("/api/v1/jobs?page_size=many", "#/page_size"),
        ("/api/v1/jobs?state=DONE", "#/state"),
        ("/api/v1/jobs?page_token=x", "#/page_token"),
        ("/api/v1/jobs?color=red", "#/color"),
    ] {
        let problem = api.get(path).problem("bad-request");
        assert_eq!(problem.errors[0].pointer, pointer, "{path}: {problem:?}");
    }
    let job = api.ended(&json!({"rounds": 0})).id;
    for query in ["wait=61", "wait=-1", "wait=x"] {
        let problem = api
            .get(&format!("/api/v1/jobs/{job}?{query}"))
            .problem("bad-request");
        assert_eq!(problem.errors[0].pointer, "#/wait", "{query}");
    }
    let path = format!("/api/v1/jobs/{job}/events");
    api.get(&format!("{path}?last_event_id=x"))
        .problem("bad-request");
    api.get_with(&path, &[("Last-Event-ID", "x")])
        .problem("bad-request");
    for path in ["jobs/x", "jobs/x/events", "jobs/x/artifacts/a", "uploads/x"] {
        api.get(&format!("/api/v1/{path}")).problem("bad-request");
    }
    api.get(&format!("/api/v1/jobs/{job}/artifacts/none.txt"))
        .problem("not-found");
    api.get(&format!("/api/v1/jobs/{job}/artifacts/..%2F..%2Frecords"))
        .problem("not-found");
}
