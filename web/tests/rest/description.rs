//! The OpenAPI document: that it is one, and that answers are as it says.

use std::collections::BTreeSet;

use msvpu_web::problem::Code;
use serde_json::{Value, json};

use crate::api::Api;

fn document() -> Value {
    serde_json::to_value(msvpu_web::openapi()).unwrap()
}

/// All values under this key, wherever they are.
fn all<'v>(value: &'v Value, key: &str, found: &mut Vec<&'v Value>) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                if name == key {
                    found.push(value);
                }
                all(value, key, found);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| all(value, key, found)),
        _ => {}
    }
}

fn operations(document: &Value) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            found.push((format!("{method} {path}"), operation));
        }
    }
    found
}

#[test]
fn it_is_complete_in_itself() {
    let document = document();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    assert!(document["info"]["title"].is_string() && document["info"]["version"].is_string());
    let mut references = Vec::new();
    all(&document, "$ref", &mut references);
    assert!(references.len() > 50);
    for reference in references {
        let pointer = reference.as_str().unwrap().strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
    let mut ids = BTreeSet::new();
    for (name, operation) in operations(&document) {
        let id = operation["operationId"].as_str().unwrap();
        assert!(ids.insert(id), "{id} is there twice");
        assert!(operation["summary"].is_string(), "{name}");
        let in_path = |parameter: &&Value| parameter["in"] == "path";
        let parameters = operation["parameters"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let described: BTreeSet<_> = parameters
            .iter()
            .filter(in_path)
            .map(|parameter| parameter["name"].as_str().unwrap().to_owned())
            .collect();
        let in_name: BTreeSet<_> = name
            .split('{')
            .skip(1)
            .map(|rest| rest.split('}').next().unwrap().to_owned())
            .collect();
        assert_eq!(described, in_name, "{name}");
        let mut names = BTreeSet::new();
        for parameter in &parameters {
            let key = (parameter["in"].to_string(), parameter["name"].to_string());
            assert!(names.insert(key), "{name}: {parameter} is there twice");
            assert!(parameter["schema"].is_object(), "{name}: {parameter}");
        }
    }
}

#[test]
fn every_error_is_a_problem_and_every_route_says_who_may() {
    let document = document();
    let problem = json!({"$ref": "#/components/schemas/Problem"});
    assert_eq!(
        document["components"]["securitySchemes"]["token"]["scheme"],
        "bearer"
    );
    for (name, operation) in operations(&document) {
        let responses = operation["responses"].as_object().unwrap();
        assert!(
            responses
                .keys()
                .any(|status| status.starts_with(['2', '3'])),
            "{name}"
        );
        for (status, response) in responses {
            assert!(response["description"].is_string(), "{name} {status}");
            if status.starts_with(['4', '5']) {
                let content = &response["content"]["application/problem+json"];
                assert_eq!(content["schema"], problem, "{name} {status}");
            }
        }
        let guarded = name.contains("/api/") || name.contains("/metrics");
        let told = ["500", "503", "507"].map(|status| responses.contains_key(status));
        assert!(!guarded || told == [true; 3], "{name}: {told:?}");
        let security = &operation["security"];
        assert_eq!(
            guarded,
            *security == json!([{"token": []}]),
            "{name}: {security}"
        );
        for status in ["401", "500"] {
            assert_eq!(guarded, responses.contains_key(status), "{name} {status}");
        }
        for status in ["403", "421"] {
            assert!(responses.contains_key(status), "{name} {status}");
        }
    }
}

#[test]
fn it_describes_the_resources() {
    let document = document();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for name in [
        "Job",
        "Upload",
        "Event",
        "IterationRow",
        "NodeRow",
        "Artifact",
        "ServiceInfo",
        "Problem",
        "Code",
        "FieldError",
        "State",
        "JobRequest",
        "JobForm",
    ] {
        assert!(schemas.contains_key(name), "{name}");
    }
    let words = schemas["State"]["enum"].clone();
    assert_eq!(
        words,
        json!(["PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED"])
    );
}

#[test]
fn codes_are_described_as_they_are_sent() {
    let document = document();
    let words = document["components"]["schemas"]["Code"]["enum"].clone();
    let codes: Vec<Code> = serde_json::from_value(words.clone()).unwrap();
    assert!(codes.len() > 20);
    let sent: Vec<_> = codes.into_iter().map(Code::word).collect();
    assert_eq!(words, json!(sent));
}

#[test]
fn it_is_served_as_it_is() {
    let api = Api::start();
    assert_eq!(api.get("/openapi.json").json(), document());
}
