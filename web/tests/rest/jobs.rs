//! Uploads and jobs, as they are meant to go.

use msvpu_web::model::State;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::api::Api;

#[test]
fn a_file_is_handed_in_shown_and_removed() {
    let api = Api::start();
    let headers = [("X-File-Name", "Z%C3%BCrich%20scene.txt")];
    let made = api.send("POST", "/api/v1/uploads", &headers, Some(b"text:hello"));
    assert_eq!(made.status, 201);
    let upload = made.json();
    assert_eq!(upload["name"], "Zürich scene.txt");
    assert_eq!(upload["bytes"], 10);
    assert_eq!(upload["format"], "text");
    // What sha256sum prints for it.
    let sha256 = "eadf732aba96d643feaa39909a300bc8a25b15fabdf41bf20819b8ce8fd3746f";
    assert_eq!(upload["sha256"], sha256);
    let place = made.header("location");
    assert_eq!(
        place,
        format!("/api/v1/uploads/{}", upload["id"].as_str().unwrap())
    );
    assert_eq!(api.get(place).json(), upload);
    let removed = api.send("DELETE", place, &[], None);
    assert_eq!((removed.status, removed.body.len()), (204, 0));
    api.get(place).problem("not-found");
}

#[test]
fn a_job_runs_to_its_result() {
    let api = Api::start();
    let request = json!({
        "service": "shout",
        "input": {"upload_id": api.upload("hello")},
        "params": {"rounds": 2},
        "outputs": ["loud", "picture"],
        "metadata": {"project": "delta"},
        "priority": "high",
    });
    let accepted = api.post_json("/api/v1/jobs", &[], &request);
    assert_eq!(accepted.status, 202);
    let place = accepted.header("location").to_owned();
    let id = accepted.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(place, format!("/api/v1/jobs/{id}"));
    assert_eq!(accepted.header("idempotent-replayed"), "");

    let job = api.job(&id, "?wait=60");
    assert_eq!(job.state, State::Succeeded);
    assert_eq!(job.result, Some(json!({"bytes": 10, "name": null})));
    assert_eq!(job.metadata["project"], "delta");
    let names: Vec<_> = job.artifacts.iter().map(|of| of.name.as_str()).collect();
    assert_eq!(names, ["loud.txt", "picture.svg", "report.html"], "by name");

    let rows = api.get(&format!("{place}/iterations")).json();
    let numbers: Vec<_> = rows["iterations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["iteration"])
        .collect();
    assert_eq!(numbers, [1, 2]);

    assert_eq!(api.send("DELETE", &place, &[], None).status, 204);
    api.get(&place).problem("not-found");
}

#[test]
fn a_job_comes_with_its_file_in_one_request() {
    let api = Api::start();
    let (media_type, body) = form(&json!({"service": "shout"}), "text:from a form");
    let headers = [("Content-Type", media_type)];
    let accepted = api.send("POST", "/api/v1/jobs", &headers, Some(body.as_bytes()));
    assert_eq!(accepted.status, 202, "{}", accepted.text());
    let id = accepted.json()["id"].as_str().unwrap().to_owned();
    let job = api.job(id, "?wait=60");
    assert_eq!(job.state, State::Succeeded);
    assert_eq!(
        job.result,
        Some(json!({"bytes": 16, "name": "a scene.txt"}))
    );
}

/// A job and its file as a form, and its media type.
pub(crate) fn form(job: &Value, file: &str) -> (&'static str, String) {
    let body = format!(
        "--limit\r\nContent-Disposition: form-data; name=\"job\"\r\nContent-Type: application/json\r\n\r\n{job}\r\n\
         --limit\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a scene.txt\"\r\n\r\n{file}\r\n--limit--\r\n"
    );
    ("multipart/form-data; boundary=limit", body)
}

#[test]
fn jobs_are_listed_newest_first_page_by_page() {
    let api = Api::start();
    let mut ids: Vec<_> = (0..3)
        .map(|_| api.ended(&json!({"rounds": 0})).id)
        .collect();
    let failed = api.ended(&json!({"fail": true}));
    assert_eq!(failed.state, State::Failed);
    ids.push(failed.id);
    ids.reverse();

    let mut listed = Vec::new();
    let mut path = "/api/v1/jobs?page_size=3".to_owned();
    loop {
        let page = api.get(&path).json();
        let jobs = page["jobs"].as_array().unwrap();
        listed.push(jobs.len());
        for (job, id) in jobs.iter().zip(ids.drain(..jobs.len())) {
            assert_eq!(job["id"], id.to_string());
            assert_eq!(job["result"], Value::Null);
        }
        match page["next_page_token"].as_str() {
            Some(token) => path = format!("/api/v1/jobs?page_size=3&page_token={token}"),
            None => break,
        }
    }
    assert_eq!(listed, [3, 1]);

    let count = |query: &str| {
        let page = api.get(&format!("/api/v1/jobs{query}")).json();
        page["jobs"].as_array().unwrap().len()
    };
    assert_eq!(count("?state=FAILED"), 1);
    assert_eq!(count("?state=SUCCEEDED&service=shout"), 3);
    assert_eq!(count("?service=whisper"), 0);
}

#[test]
fn an_answer_is_held_until_something_happens() {
    let api = Api::start();
    let job = api.submit(&json!({"hold": true}));
    let path = format!("/api/v1/jobs/{}", job.id);
    // At once, because it is not as the client has it.
    let seen = api.get_with(&format!("{path}?wait=60"), &[("If-None-Match", "\"0\"")]);
    assert_eq!(seen.status, 200);
    // As long as nothing happens, its revision is the same; find one that lasts.
    let mut tag = seen.header("etag").to_owned();
    loop {
        let same = api.get_with(&path, &[("If-None-Match", &tag)]);
        if same.status == 304 {
            assert_eq!((same.header("etag"), same.body.len()), (tag.as_str(), 0));
            break;
        }
        tag = same.header("etag").to_owned();
    }
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let path = format!("{path}?wait=60");
            api.get_with(&path, &[("If-None-Match", &tag)])
        });
        api.open_gate();
        let changed = waiting.join().unwrap();
        assert_eq!(changed.status, 200);
        assert_ne!(changed.header("etag"), tag);
    });
    let ended = api.get(&format!("{path}?wait=60"));
    assert_eq!(ended.json()["state"], "SUCCEEDED");
    let again = api.get_with(&path, &[("If-None-Match", ended.header("etag"))]);
    assert_eq!(again.status, 304);
}

#[test]
fn a_job_that_runs_is_cancelled_and_not_deleted() {
    let api = Api::start();
    let job = api.submit(&json!({"hold": true}));
    let path = format!("/api/v1/jobs/{}", job.id);
    api.send("DELETE", &path, &[], None).problem("running");
    let upload = job.input.upload_id.to_string();
    api.send("DELETE", &format!("/api/v1/uploads/{upload}"), &[], None)
        .problem("in-use");
    let cancelled = api.send("POST", &format!("{path}/cancel"), &[], Some(b""));
    assert_eq!(cancelled.status, 202);
    assert_eq!(api.job(job.id, "?wait=60").state, State::Cancelled);
    api.send("POST", &format!("{path}/cancel"), &[], Some(b""))
        .problem("ended");
}

#[test]
fn a_full_queue_says_when_to_come_again() {
    let api = Api::start_with(|setup| {
        setup.engine.max_running_jobs = 1;
        setup.engine.max_queued_jobs = 1;
    });
    let running = api.submit(&json!({"hold": true}));
    // Until it runs it waits.
    let events = api.watch(&format!("/api/v1/jobs/{}/events", running.id), &[]);
    let mut begun = events.filter(|frame| frame.data["state"] == "RUNNING");
    assert!(begun.next().is_some());
    let waiting = api.submit(&json!({}));
    let request = json!({"service": "shout", "input": {"upload_id": api.upload("more")}});
    let refused = api.post_json("/api/v1/jobs", &[], &request);
    refused.problem("queue-full");
    assert!(refused.header("retry-after").parse::<u64>().is_ok());
    api.open_gate();
    assert_eq!(api.job(waiting.id, "?wait=60").state, State::Succeeded);
}

#[test]
fn nobody_sees_what_is_others() {
    let server = Api::start_with_tokens();
    let [ann, bob, root] =
        ["ann", "bob", "root"].map(|name| server.with_token(crate::api::token(name)));
    let job = ann.ended(&json!({}));
    assert_eq!(job.owner.as_deref(), Some("ann"));
    let upload = format!("/api/v1/uploads/{}", ann.upload("mine"));
    let path = format!("/api/v1/jobs/{}", job.id);
    for path in [
        &path,
        &upload,
        &format!("{path}/events"),
        &format!("{path}/artifacts/loud.txt"),
    ] {
        assert_eq!(ann.get(path).status, 200, "{path}");
        bob.get(path).problem("not-found");
        assert_eq!(root.get(path).status, 200, "{path}");
    }
    bob.send("DELETE", &path, &[], None).problem("not-found");
    bob.send("POST", &format!("{path}/cancel"), &[], Some(b""))
        .problem("not-found");
    let jobs_of = |api: &Api| {
        api.get("/api/v1/jobs").json()["jobs"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!((jobs_of(&ann), jobs_of(&bob), jobs_of(&root)), (1, 0, 1));
    let of_ann = json!({"service": "shout", "input": {"upload_id": upload.rsplit('/').next()}});
    bob.post_json("/api/v1/jobs", &[], &of_ann)
        .problem("not-found");
    assert_eq!(root.send("DELETE", &path, &[], None).status, 204);
}

#[test]
fn one_is_told_who_one_is() {
    let api = Api::start();
    let everyone = json!({"name": null, "scopes": ["read", "submit", "admin"], "auth": "none"});
    assert_eq!(api.get("/api/v1/whoami").json(), everyone);
    let api = Api::start_with_tokens();
    let eve = api.with_token(crate::api::token("eve"));
    let known = json!({"name": "eve", "scopes": ["read"], "auth": "token"});
    assert_eq!(eve.get("/api/v1/whoami").json(), known);
}

#[test]
fn services_and_nodes_are_shown() {
    let api = Api::start();
    let services = api.get("/api/v1/services").json();
    assert_eq!(services["services"][0]["name"], "shout");
    assert_eq!(
        api.get("/api/v1/services/shout").json(),
        services["services"][0]
    );
    api.get("/api/v1/services/whisper").problem("not-found");
    let nodes = api.get("/api/v1/nodes").json();
    assert_eq!(nodes["deployment"], "local");
    assert_eq!(nodes["workers"], 1);
    assert_eq!(nodes["strategy"], "performance-index");
    assert_eq!(nodes["broker"], Value::Null);
    assert_eq!(nodes["nodes"][0]["cpus"], 1);
    assert_eq!(nodes["gauges"]["writable"], true);
}

#[test]
fn ids_are_uuids_of_version_7() {
    let api = Api::start();
    let job = api.ended(&json!({"rounds": 0}));
    assert_eq!(job.id.get_version_num(), 7);
    let unknown = Uuid::now_v7();
    api.get(&format!("/api/v1/jobs/{unknown}"))
        .problem("not-found");
    api.get("/api/v1/jobs/7").problem("bad-request");
}
