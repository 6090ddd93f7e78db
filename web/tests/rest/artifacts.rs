//! Files that jobs have made.

use serde_json::json;

use crate::api::{Answer, Api};

struct Made {
    api: Api,
    path: String,
}

fn made() -> Made {
    let api = Api::start();
    let upload = json!({"upload_id": api.upload("hello")});
    let request = json!({"service": "shout", "input": upload, "outputs": ["loud", "picture"]});
    let id = api.post_json("/api/v1/jobs", &[], &request).json()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    api.job(&id, "?wait=60");
    Made {
        api,
        path: format!("/api/v1/jobs/{id}"),
    }
}

impl Made {
    fn get(&self, name: &str, headers: &[(&str, &str)]) -> Answer {
        self.api
            .get_with(&format!("{}/artifacts/{name}", self.path), headers)
    }
}

#[test]
fn artifacts_are_listed_and_fetched() {
    let made = made();
    let listed = made.api.get(&format!("{}/artifacts", made.path)).json();
    let listed = listed["artifacts"].as_array().unwrap();
    assert_eq!(listed.len(), 3);
    for artifact in listed {
        let fetched = made.api.get(artifact["url"].as_str().unwrap());
        assert_eq!(fetched.status, 200);
        assert_eq!(
            fetched.body.len() as u64,
            artifact["bytes"].as_u64().unwrap()
        );
        assert_eq!(
            fetched.header("content-type"),
            artifact["media_type"].as_str().unwrap()
        );
        let tag = format!("\"{}\"", artifact["sha256"].as_str().unwrap());
        assert_eq!(fetched.header("etag"), tag);
        let name = artifact["name"].as_str().unwrap();
        assert_eq!(
            fetched.header("content-disposition"),
            format!("inline; filename=\"{name}\"")
        );
        assert_eq!(fetched.header("x-content-type-options"), "nosniff");
        assert_eq!(fetched.header("accept-ranges"), "bytes");
    }
    assert_eq!(made.get("loud.txt", &[]).text(), "TEXT:HELLO");
}

#[test]
fn pages_among_them_run_nothing() {
    let made = made();
    let report = made.api.get(&format!("{}/report.html", made.path));
    assert!(report.text().starts_with("<!doctype html>"));
    for page in [
        &report,
        &made.get("report.html", &[]),
        &made.get("picture.svg", &[]),
    ] {
        let policy = page.header("content-security-policy");
        assert!(
            policy.starts_with("sandbox;") && !policy.contains("allow-scripts"),
            "{policy}"
        );
    }
    let plain = made.get("loud.txt", &[]);
    assert!(
        plain
            .header("content-security-policy")
            .starts_with("default-src 'none'")
    );
}

#[test]
fn there_is_no_report_before_the_end() {
    let api = Api::start();
    let job = api.submit(&json!({"hold": true}));
    let path = format!("/api/v1/jobs/{}", job.id);
    api.get(&format!("{path}/report.html")).problem("not-found");
    assert_eq!(
        api.get(&format!("{path}/artifacts")).json(),
        json!({"artifacts": []})
    );
    api.open_gate();
}

#[test]
fn parts_are_fetched() {
    let made = made();
    for (range, content_range, text) in [
        ("bytes=0-3", "bytes 0-3/10", "TEXT"),
        ("bytes=5-", "bytes 5-9/10", "HELLO"),
        ("bytes=5-100", "bytes 5-9/10", "HELLO"),
        ("bytes=-2", "bytes 8-9/10", "LO"),
        ("bytes=-100", "bytes 0-9/10", "TEXT:HELLO"),
    ] {
        let part = made.get("loud.txt", &[("Range", range)]);
        assert_eq!(part.status, 206, "{range}");
        assert_eq!(part.header("content-range"), content_range, "{range}");
        assert_eq!(
            part.header("content-length"),
            text.len().to_string(),
            "{range}"
        );
        assert_eq!(part.text(), text, "{range}");
    }
    for range in ["bytes=10-", "bytes=-0"] {
        let none = made.get("loud.txt", &[("Range", range)]);
        none.problem("range-not-satisfiable");
        assert_eq!(none.header("content-range"), "bytes */10", "{range}");
    }
    // What is none, or more than one, is answered with all.
    for range in ["lines=1-2", "bytes=0-1,3-4", "bytes=x", "bytes=5-2"] {
        let all = made.get("loud.txt", &[("Range", range)]);
        assert_eq!(
            (all.status, all.text().as_str()),
            (200, "TEXT:HELLO"),
            "{range}"
        );
    }
}

#[test]
fn what_one_has_is_not_sent_again() {
    let made = made();
    let tag = made.get("loud.txt", &[]).header("etag").to_owned();
    for known in [
        tag.clone(),
        format!("\"x\", {tag}"),
        format!("W/{tag}"),
        "*".to_owned(),
    ] {
        let answer = made.get("loud.txt", &[("If-None-Match", &known)]);
        assert_eq!((answer.status, answer.body.len()), (304, 0), "{known}");
        assert_eq!(answer.header("etag"), tag);
    }
    assert_eq!(
        made.get("loud.txt", &[("If-None-Match", "\"x\"")]).status,
        200
    );
    let range = ("Range", "bytes=0-3");
    assert_eq!(
        made.get("loud.txt", &[range, ("If-Range", &tag)]).status,
        206
    );
    for other in [
        "\"x\"",
        &format!("W/{tag}"),
        "Wed, 21 Oct 2015 07:28:00 GMT",
    ] {
        assert_eq!(
            made.get("loud.txt", &[range, ("If-Range", other)]).status,
            200,
            "{other}"
        );
    }
}

#[test]
fn head_tells_all_but_the_body() {
    let made = made();
    let path = format!("{}/artifacts/loud.txt", made.path);
    let (get, head) = (made.api.get(&path), made.api.send("HEAD", &path, &[], None));
    assert_eq!((head.status, head.body.len()), (200, 0));
    for name in ["content-length", "content-type", "etag", "accept-ranges"] {
        assert_eq!(head.header(name), get.header(name), "{name}");
    }
    assert_eq!(head.header("content-length"), "10");
    // Parts are of GET alone.
    let part = made
        .api
        .send("HEAD", &path, &[("Range", "bytes=0-3")], None);
    assert_eq!(part.status, 200);
    assert_eq!(part.header("content-length"), "10");
    // A stream is not begun, and what is wrong is told by the status.
    let events = format!("{}/events", made.path);
    assert_eq!(made.api.send("HEAD", &events, &[], None).status, 200);
    assert_eq!(made.api.send("HEAD", "/nothing", &[], None).status, 404);
}
