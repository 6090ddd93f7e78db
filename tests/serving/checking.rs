//! Parameters that do not fit: each wrong field is named, with what would be right.

use msvpu_web::model::{FieldError, InputInfo};
use serde_json::{Value, json};

use crate::{check, object};

fn info(bands: u16) -> InputInfo {
    InputInfo {
        format: "png".to_owned(),
        width: 100,
        height: 50,
        bands,
        decoded_bytes: 5000,
    }
}

/// Where in the parameters the wrong fields are, and what is said.
fn wrong(name: &str, params: Value) -> Vec<(String, String)> {
    let errors = check(name, &object(params), &[], &info(3)).unwrap_err();
    let part = |error: FieldError| {
        let pointer = error.pointer.strip_prefix("/params").unwrap();
        (pointer.to_owned(), error.detail)
    };
    errors.into_iter().map(part).collect()
}

#[track_caller]
fn one(name: &str, params: Value, pointer: &str, words: &[&str]) {
    let wrong = wrong(name, params.clone());
    let [(found, detail)] = wrong.as_slice() else {
        panic!("{params}: {wrong:?}")
    };
    assert_eq!(found, pointer, "{params}: {detail}");
    for word in words {
        assert!(detail.contains(word), "{params}: {detail}");
    }
    // Nobody but us knows our types.
    for ours in ["expected u", "expected f64", "expected struct"] {
        assert!(!detail.contains(ours), "{params}: {detail}");
    }
}

#[test]
fn types_are_found_wherever_they_stand() {
    for name in ["cmeans", "fuzzy-cmeans"] {
        one(
            name,
            json!({ "epsilon": "x" }),
            "/epsilon",
            &["number, above 0"],
        );
        one(name, json!({ "epsilon": null }), "/epsilon", &["null"]);
        one(
            name,
            json!({ "max_iterations": -1 }),
            "/max_iterations",
            &["-1"],
        );
        one(
            name,
            json!({ "max_iterations": 1.5 }),
            "/max_iterations",
            &["integer"],
        );
        one(
            name,
            json!({ "stop_on": "energy" }),
            "/stop_on",
            &["center-shift"],
        );
        let tiles = json!({ "tiles": { "rows": 0, "columns": 2 } });
        one(name, tiles, "/tiles/rows", &["rows, columns"]);
        one(
            name,
            json!({ "tiles": { "rows": 1 } }),
            "/tiles",
            &["columns"],
        );
        let start = json!({ "start": { "classes": "three" } });
        let words = ["string \"three\"; it takes: integer, 1 to 65535"];
        one(name, start, "/start/classes", &words);
        let start = json!({ "start": { "classes": [3] } });
        one(name, start, "/start/classes", &["array; it takes: integer"]);
        let start = json!({ "start": { "classes": 2, "init": "best" } });
        one(name, start, "/start/init", &["kmeans++"]);
        let start = json!({ "start": { "centers": [[1.0], ["x"]] } });
        one(name, start, "/start/centers/1/0", &["lists of numbers"]);
        let start = json!({ "start": { "classes": 2, "centers": [[1.0]] } });
        one(name, start, "/start", &["either `centers`, or `classes`"]);
        let words = ["null; it takes: an object of classes, init, seed, centers"];
        one(name, json!({ "start": null }), "/start", &words);
    }
    one(
        "fuzzy-cmeans",
        json!({ "fuzzifier": true }),
        "/fuzzifier",
        &["above 1"],
    );
    one(
        "fuzzy-cmeans",
        json!({ "memberships": 1 }),
        "/memberships",
        &["boolean"],
    );
    one("pairwise", json!({ "rounds": 0 }), "/rounds", &["from 1"]);
    one(
        "pairwise",
        json!({ "tiles": { "rows": 1, "columns": "x" } }),
        "/tiles/columns",
        &[],
    );
}

#[test]
fn unknown_keys_are_named_with_what_may_be_meant() {
    one(
        "cmeans",
        json!({ "epsilom": 1 }),
        "/epsilom",
        &["is `epsilon` meant?"],
    );
    one(
        "cmeans",
        json!({ "a/b~c": 1 }),
        "/a~1b~0c",
        &["there are: start, epsilon"],
    );
    one(
        "cmeans",
        json!({ "fuzzifier": 2.0 }),
        "/fuzzifier",
        &["unknown parameter"],
    );
    one(
        "cmeans",
        json!({ "start.classes": 2 }),
        "/start.classes",
        &["unknown parameter"],
    );
    one(
        "cmeans",
        json!({ "classes": 2 }),
        "/classes",
        &["unknown parameter `classes`; it belongs into `start`"],
    );
    one(
        "pairwise",
        json!({ "epsilon": 1 }),
        "/epsilon",
        &["sampling"],
    );
    let within = wrong("cmeans", json!({ "start": { "classes": 2, "sed": 1 } }));
    assert_eq!(within.len(), 1);
    assert!(
        within[0].0.starts_with("/start") && within[0].1.contains("sed"),
        "{within:?}"
    );
}

#[test]
fn values_are_checked_against_the_scene() {
    one(
        "cmeans",
        json!({ "epsilon": 0 }),
        "/epsilon",
        &["greater than 0"],
    );
    one(
        "cmeans",
        json!({ "max_iterations": 0 }),
        "/max_iterations",
        &["at least 1"],
    );
    one(
        "cmeans",
        json!({ "start": { "classes": 0 } }),
        "/start/classes",
        &["65535"],
    );
    let gray = json!({ "start": { "centers": [[1.0], [2.0]] } });
    one(
        "cmeans",
        gray,
        "/start/centers",
        &["1 values each", "3 bands"],
    );
    let tiles = json!({ "tiles": { "rows": 51, "columns": 1 } });
    one("cmeans", tiles, "/tiles", &["do not fit into 50 rows"]);
    one(
        "fuzzy-cmeans",
        json!({ "fuzzifier": 1 }),
        "/fuzzifier",
        &["greater than 1"],
    );
    one(
        "fuzzy-cmeans",
        json!({ "fuzzifier": 50 }),
        "/fuzzifier",
        &["fuzzifier is 50", "at most 20"],
    );
}

#[test]
fn every_wrong_field_is_named_at_once() {
    let params = json!({ "epsilon": -1, "max_iterations": 0, "start": { "classes": 3 } });
    let pointers = |params| -> Vec<String> {
        let wrong = wrong("cmeans", params);
        wrong.into_iter().map(|(pointer, _)| pointer).collect()
    };
    assert_eq!(pointers(params), ["/epsilon", "/max_iterations"]);
    let params = json!({ "epsilon": "x", "tiles": 4, "what": 0 });
    assert_eq!(pointers(params), ["/epsilon", "/tiles", "/what"]);
}

#[test]
fn fields_that_only_together_do_not_fit() {
    let info = InputInfo {
        width: 100_000,
        height: 100_000,
        ..info(1)
    };
    let memberships = json!({ "start": { "classes": 9 }, "memberships": true, "epsilon": 1.0 });
    let errors = check("fuzzy-cmeans", &object(memberships), &[], &info).unwrap_err();
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].pointer, "/params/memberships");
    // Alone one of these is too much, together they are not.
    let tiles = json!({ "rows": 10, "columns": 10 });
    let alone = object(json!({ "tiles": tiles }));
    assert!(check("pairwise", &alone, &[], &info).is_err());
    let both = object(json!({ "tiles": tiles, "sampling": 100 }));
    check("pairwise", &both, &[], &info).unwrap();
}

/// Outputs that cannot be had, and what is said.
fn wrong_outputs(
    name: &str,
    params: Value,
    outputs: &[&str],
    info: &InputInfo,
) -> Vec<(String, String)> {
    let outputs: Vec<String> = outputs.iter().map(|&output| output.to_owned()).collect();
    let errors = check(name, &object(params), &outputs, info).err();
    let errors = errors.into_iter().flatten();
    errors.map(|error| (error.pointer, error.detail)).collect()
}

#[test]
fn pictures_of_too_many_classes_are_refused_where_they_are_asked_for() {
    let classes = |classes: u32| json!({ "start": { "classes": classes } });
    let all = ["labels", "masks", "chart", "memberships"];
    // The engine names the output that `cmeans` does not have.
    for (name, places) in [("cmeans", vec![1]), ("fuzzy-cmeans", vec![1, 3])] {
        let wrong = wrong_outputs(name, classes(256), &all, &info(3));
        let pointers = places.iter().map(|place| format!("/outputs/{place}"));
        assert!(
            wrong
                .iter()
                .map(|(pointer, _)| pointer.clone())
                .eq(pointers),
            "{name}: {wrong:?}"
        );
        for (_, detail) in wrong {
            assert!(
                detail.contains("256 classes") && detail.contains("labels"),
                "{detail}"
            );
        }
        assert_eq!(wrong_outputs(name, classes(255), &all, &info(3)), []);
        assert_eq!(wrong_outputs(name, classes(256), &all[..1], &info(3)), []);
    }
    let numbers = json!({ "start": { "classes": 256 }, "memberships": true });
    let wrong = wrong_outputs("fuzzy-cmeans", numbers, &all, &info(3));
    assert_eq!(wrong.len(), 1);
    assert_eq!(wrong[0].0, "/params/memberships");
}

#[test]
fn memberships_that_take_too_much_are_refused_where_they_are_asked_for() {
    let info = InputInfo {
        width: 30_000,
        height: 30_000,
        ..info(1)
    };
    let outputs = ["labels", "memberships", "masks"];
    let params = |classes: u32| json!({ "start": { "classes": classes } });
    let wrong = wrong_outputs("fuzzy-cmeans", params(5), &outputs, &info);
    let [(pointer, detail)] = wrong.as_slice() else {
        panic!("{wrong:?}")
    };
    assert_eq!(pointer, "/outputs/1");
    assert!(detail.contains("4500000000 bytes"), "{detail}");
    assert_eq!(
        wrong_outputs("fuzzy-cmeans", params(4), &outputs, &info),
        []
    );
    assert_eq!(wrong_outputs("cmeans", params(5), &outputs, &info), []);
}

#[test]
fn what_fits_is_taken() {
    for (name, params) in crate::schema::examples() {
        let bands = if params.to_string().contains("centers") {
            2
        } else {
            1
        };
        let checked = check(name, &object(params.clone()), &[], &info(bands));
        assert_eq!(checked, Ok(()), "{name} {params}");
    }
}
