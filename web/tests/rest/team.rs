//! What the team of a job did over time.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::api::{Api, token};
use crate::shout::team;

fn times(api: &Api, id: Uuid) -> Value {
    let answer = api.get(&format!("/api/v1/jobs/{id}/team"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

#[test]
fn the_team_is_shown_while_a_job_runs_and_afterwards_until_it_is_forgotten() {
    let api = Api::start();
    let job = api.submit(&json!({"rounds": 3, "hold": true}));
    let mut events = api.watch(&format!("/api/v1/jobs/{}/events", job.id), &[]);
    assert!(events.any(|frame| frame.event == "iteration" && frame.data["iteration"] == 3));
    let shown = times(&api, job.id);
    assert_eq!(shown, json!(team(3)));
    assert_eq!(shown["rounds"][0]["node"], json!([0, 7]));
    assert_eq!(shown["rounds"][2]["ended_ms"], Value::Null);
    api.open_gate();
    assert!(api.job(job.id, "?wait=60").state.is_terminal());
    assert_eq!(times(&api, job.id), shown);
    let place = format!("/api/v1/jobs/{}", job.id);
    assert_eq!(api.send("DELETE", &place, &[], None).status, 204);
    api.get(&format!("{place}/team")).problem("not-found");
}

#[test]
fn a_job_that_has_told_nothing_has_an_empty_team() {
    let api = Api::start();
    let job = api.ended(&json!({"rounds": 0}));
    let expected = json!({"team_size": 0, "stride": 0, "rounds": []});
    assert_eq!(times(&api, job.id), expected);
    let failed = api.ended(&json!({"rounds": 2, "fail": true}));
    assert_eq!(times(&api, failed.id), json!(team(2)), "whatever its end");
}

#[test]
fn the_team_of_a_job_is_shown_to_whom_the_job_is() {
    let server = Api::start_with_tokens();
    let ann = server.with_token(token("ann"));
    let job = ann.ended(&json!({}));
    let path = format!("/api/v1/jobs/{}/team", job.id);
    for (name, status) in [("ann", 200), ("root", 200), ("bob", 404), ("eve", 404)] {
        let answer = server.with_token(token(name)).get(&path);
        assert_eq!(answer.status, status, "{name}");
    }
    ann.get("/api/v1/jobs/none/team").problem("bad-request");
    let answer = ann.send("POST", &path, &[], Some(b""));
    answer.problem("method-not-allowed");
}
