//! What those see who watch over the server.

use serde_json::json;
use uuid::Uuid;

use crate::api::Api;

#[test]
fn it_lives_and_is_ready() {
    let api = Api::start();
    assert_eq!(api.get("/healthz").text(), "ok");
    assert_eq!(api.get("/readyz").text(), "ready");
}

#[test]
fn requests_have_ids() {
    let api = Api::start();
    let id = api.get("/healthz").header("x-request-id").to_owned();
    assert!(Uuid::try_parse(&id).is_ok(), "{id}");
    let own = api.get_with("/nothing", &[("X-Request-Id", "mine-1")]);
    assert_eq!(own.header("x-request-id"), "mine-1");
}

/// The value of this line of the metrics.
fn value(text: &str, line: &str) -> f64 {
    let found = text
        .lines()
        .find_map(|of| of.strip_prefix(line)?.strip_prefix(' '));
    let found = found.unwrap_or_else(|| panic!("no {line} in {text}"));
    found.parse().unwrap()
}

#[test]
fn what_happens_is_counted() {
    let api = Api::start();
    let job = api.ended(&json!({}));
    api.ended(&json!({"fail": true}));
    let cancelled = api.submit(&json!({"hold": true}));
    let mut events = api.watch(&format!("/api/v1/jobs/{}/events", cancelled.id), &[]);
    assert!(events.any(|frame| frame.event == "iteration"));
    api.send(
        "POST",
        &format!("/api/v1/jobs/{}/cancel", cancelled.id),
        &[],
        Some(b""),
    );
    api.job(cancelled.id, "?wait=60");
    api.get(&format!("/api/v1/jobs/{}", Uuid::now_v7()));
    for path in 0..20 {
        api.get(&format!("/nothing/{path}"));
    }
    let answer = api.get("/metrics");
    assert!(
        answer
            .header("content-type")
            .starts_with("application/openmetrics-text; version=1.0.0")
    );
    let text = answer.text();
    assert!(text.ends_with("# EOF\n"));
    // Three with ten bytes each.
    assert_eq!(value(&text, "msvpu_uploaded_bytes_total"), 30.0);
    let requests = "msvpu_http_requests_total";
    let label = |route, method, status| {
        format!("{requests}{{route=\"{route}\",method=\"{method}\",status=\"{status}\"}}")
    };
    assert_eq!(value(&text, &label("/api/v1/jobs", "POST", "2xx")), 3.0);
    assert_eq!(value(&text, &label("/api/v1/jobs/{id}", "GET", "4xx")), 1.0);
    assert_eq!(value(&text, &label("none", "GET", "4xx")), 20.0);
    assert!(!text.contains(&job.id.to_string()), "an id is no label");
    for (state, number) in [("pending", 0.0), ("running", 0.0)] {
        assert_eq!(
            value(&text, &format!("msvpu_jobs{{state=\"{state}\"}}")),
            number
        );
    }
    for state in ["succeeded", "failed", "cancelled"] {
        assert_eq!(
            value(
                &text,
                &format!("msvpu_jobs_ended_total{{state=\"{state}\"}}")
            ),
            1.0
        );
    }
    assert_eq!(value(&text, "msvpu_job_duration_seconds_count"), 3.0);
    assert_eq!(value(&text, "msvpu_store_writable"), 1.0);
    assert_eq!(value(&text, "msvpu_nodes"), 1.0);
}
