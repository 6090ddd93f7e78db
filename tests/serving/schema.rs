//! The schemas of parameters, beside what the services take.

use std::collections::BTreeSet;

use msvpu::raster::ReadLimits;
use msvpu::serving::services;
use serde_json::{Value, json};

use crate::{object, service};

/// Parameters that fit a scene of one band, or of two where there are centers.
pub(crate) fn examples() -> Vec<(&'static str, Value)> {
    let of_both = [
        json!({}),
        json!({ "start": { "classes": 1 } }),
        json!({ "start": { "classes": 65535, "init": "random", "seed": u64::MAX } }),
        json!({ "start": { "classes": 3, "init": "kmeans++", "seed": 0 } }),
        json!({ "start": { "centers": [[1.5, -2], [3, 4]] } }),
        json!({ "epsilon": 1e-300, "stop_on": "center-sum", "max_iterations": 1 }),
        json!({ "max_iterations": u32::MAX, "tiles": { "rows": 2, "columns": 3 } }),
        json!({ "tiles": null, "nodata": null }),
        json!({ "nodata": -9999.5, "stop_on": "center-shift" }),
    ];
    let mut examples: Vec<(&str, Value)> = Vec::new();
    for name in ["cmeans", "fuzzy-cmeans"] {
        examples.extend(of_both.iter().map(|params| (name, params.clone())));
    }
    examples.extend([
        (
            "fuzzy-cmeans",
            json!({ "fuzzifier": 1.01, "memberships": true }),
        ),
        ("fuzzy-cmeans", json!({ "fuzzifier": 20 })),
        ("pairwise", json!({})),
        (
            "pairwise",
            json!({ "sampling": 4294967295_u32, "rounds": 7, "nodata": 0 }),
        ),
        (
            "pairwise",
            json!({ "tiles": { "rows": 1, "columns": 1 }, "nodata": null }),
        ),
    ]);
    examples
}

/// Parameters that fit nothing.
fn misfits() -> Vec<(&'static str, Value)> {
    vec![
        ("cmeans", json!({ "epsilon": 0 })),
        ("cmeans", json!({ "epsilon": "1" })),
        ("cmeans", json!({ "epsilon": null })),
        ("cmeans", json!({ "max_iterations": 0 })),
        ("cmeans", json!({ "max_iterations": 4294967296_u64 })),
        ("cmeans", json!({ "stop_on": "time" })),
        ("cmeans", json!({ "fuzzifier": 2 })),
        ("cmeans", json!({ "start": {} })),
        ("cmeans", json!({ "start": { "init": "random" } })),
        ("cmeans", json!({ "start": { "classes": 0 } })),
        ("cmeans", json!({ "start": { "classes": 65536 } })),
        (
            "cmeans",
            json!({ "start": { "classes": 2, "centers": [[1.0]] } }),
        ),
        ("cmeans", json!({ "start": { "centers": [] } })),
        ("cmeans", json!({ "start": { "centers": [[]] } })),
        ("cmeans", json!({ "tiles": { "rows": 2 } })),
        ("cmeans", json!({ "tiles": { "rows": 0, "columns": 2 } })),
        ("cmeans", json!({ "what": 1 })),
        ("fuzzy-cmeans", json!({ "fuzzifier": 1 })),
        ("fuzzy-cmeans", json!({ "fuzzifier": 20.001 })),
        ("fuzzy-cmeans", json!({ "memberships": "yes" })),
        ("pairwise", json!({ "sampling": 0 })),
        ("pairwise", json!({ "rounds": null })),
    ]
}

fn schema(name: &str) -> Value {
    service(name).info().params_schema
}

#[test]
fn schemas_accept_what_the_services_take_and_nothing_else() {
    for (name, params) in examples() {
        let validator = jsonschema::draft202012::new(&schema(name)).unwrap();
        assert!(validator.is_valid(&params), "{name} {params}");
    }
    let info = msvpu_web::model::InputInfo {
        format: "png".to_owned(),
        width: 100,
        height: 100,
        bands: 1,
        decoded_bytes: 10_000,
    };
    for (name, params) in misfits() {
        let validator = jsonschema::draft202012::new(&schema(name)).unwrap();
        assert!(!validator.is_valid(&params), "{name} {params}");
        let checked = crate::check(name, &object(params.clone()), &[], &info);
        assert!(checked.is_err(), "{name} {params}");
    }
}

#[test]
fn schemas_are_schemas() {
    for info in services(ReadLimits::default()).infos() {
        assert!(jsonschema::draft202012::meta::is_valid(&info.params_schema));
    }
}

/// Every property, with the properties within it, under names with a dot.
fn properties(
    schema: &Value,
    path: &str,
    into: &mut BTreeSet<String>,
    visit: &mut dyn FnMut(&Value),
) {
    let ways = schema["oneOf"].as_array().into_iter().flatten();
    for object in std::iter::once(schema).chain(ways) {
        for (name, property) in object["properties"].as_object().into_iter().flatten() {
            visit(property);
            let path = format!("{path}{name}");
            let is_leaf = property.get("oneOf").is_none();
            if is_leaf {
                into.insert(path);
            } else {
                properties(property, &format!("{path}."), into, visit);
            }
        }
    }
}

#[test]
fn schemas_name_every_parameter_for_people() {
    for described in msvpu::services() {
        if described.name == "password-hash" {
            assert!(
                services(ReadLimits::default())
                    .get(described.name)
                    .is_none()
            );
            continue;
        }
        let mut found = BTreeSet::new();
        properties(&schema(described.name), "", &mut found, &mut |property| {
            for key in ["title", "description", "x-order"] {
                assert!(property.get(key).is_some(), "{key} of {property}");
            }
            // People who fill in a form know no key, no type and no actor.
            let doc = property["description"].as_str().unwrap();
            for word in ["_", "`", "null", "MsVPU", "integer", "boolean"] {
                assert!(!doc.contains(word), "{word}: {doc}");
            }
        });
        let expected: BTreeSet<String> = described
            .parameters
            .iter()
            .map(|parameter| parameter.name.clone())
            .collect();
        assert_eq!(found, expected);
    }
}

#[test]
fn the_defaults_of_a_schema_fit_it() {
    for info in services(ReadLimits::default()).infos() {
        let properties = info.params_schema["properties"].as_object().unwrap();
        let defaults = properties
            .iter()
            .map(|(name, of)| (name.clone(), of["default"].clone()));
        let defaults = Value::Object(defaults.collect());
        let validator = jsonschema::draft202012::new(&info.params_schema).unwrap();
        assert!(validator.is_valid(&defaults), "{} {defaults}", info.name);
        let start = &info.params_schema["properties"]["start"];
        if info.name != "pairwise" {
            assert_eq!(start["default"]["classes"], 3);
            let titles: Vec<&Value> = (0..2).map(|way| &start["oneOf"][way]["title"]).collect();
            assert_eq!(titles, ["Found in the scene", "Given"]);
        }
    }
}
