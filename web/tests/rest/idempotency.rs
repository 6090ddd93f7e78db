//! The same key with the same request gives the same job.

use serde_json::{Value, json};

use crate::api::{Answer, Api};
use crate::jobs::form;

const KEY: (&str, &str) = ("Idempotency-Key", "once only");

fn id(answer: &Answer) -> Value {
    assert_eq!(answer.status, 202, "{}", answer.text());
    answer.json()["id"].clone()
}

#[test]
fn a_request_that_is_repeated_gives_the_job_that_is_there() {
    let api = Api::start();
    let input = json!({"upload_id": api.upload("hello")});
    let request =
        json!({"service": "shout", "input": input, "params": {"rounds": 1, "hold": false}});
    let first = api.post_json("/api/v1/jobs", &[KEY], &request);
    // Written otherwise, it is the same request.
    let text = format!(
        "{{ \"params\": {{\"hold\":false, \"rounds\": 1}}, \"input\": {input}, \"service\": \"shout\" }}"
    );
    let headers = [KEY, ("Content-Type", "application/json")];
    let again = api.send("POST", "/api/v1/jobs", &headers, Some(text.as_bytes()));
    assert_eq!(id(&first), id(&again));
    assert_eq!(first.header("idempotent-replayed"), "");
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(first.header("location"), again.header("location"));

    let other = json!({"service": "shout", "input": input, "params": {"rounds": 2}});
    api.post_json("/api/v1/jobs", &[KEY], &other)
        .problem("key-reused");
    let another_key = [("Idempotency-Key", "another")];
    assert_ne!(
        id(&first),
        id(&api.post_json("/api/v1/jobs", &another_key, &other))
    );
    assert_eq!(
        api.get("/api/v1/jobs").json()["jobs"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn a_file_that_is_sent_again_with_its_job_is_not_kept_twice() {
    let api = Api::start();
    let blob_bytes = || api.get("/api/v1/nodes").json()["gauges"]["blob_bytes"].clone();
    let post = |file: &str| {
        let (media_type, body) = form(&json!({"service": "shout", "outputs": []}), file);
        api.send(
            "POST",
            "/api/v1/jobs",
            &[KEY, ("Content-Type", media_type)],
            Some(body.as_bytes()),
        )
    };
    let first = post("text:a");
    api.job(id(&first).as_str().unwrap(), "?wait=60");
    let kept = blob_bytes();
    let again = post("text:a");
    assert_eq!(id(&first), id(&again));
    assert_eq!(again.header("idempotent-replayed"), "true");
    post("text:b").problem("key-reused");
    assert_eq!(blob_bytes(), kept);
}

#[test]
fn keys_of_two_tokens_are_two_keys() {
    let server = Api::start_with_tokens();
    let ids = ["ann", "bob"].map(|name| {
        let api = server.with_token(crate::api::token(name));
        let request = json!({"service": "shout", "input": {"upload_id": api.upload("hello")}});
        id(&api.post_json("/api/v1/jobs", &[KEY], &request))
    });
    assert_ne!(ids[0], ids[1]);
}
