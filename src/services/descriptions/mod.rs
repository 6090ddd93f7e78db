//! What can be run here, for whoever wants to ask for it: names, parameters, defaults.

mod kind;
mod schema;
mod tables;

use msvpu_actors::Program;
use serde::Serialize;
use serde_json::Value;

use super::classification::{CMeans, FuzzyCMeans};
use super::pairwise::Pairwise;
use super::password_hash::PasswordHash;
use tables::{Entry, FUZZY, PAIRWISE, PASSWORD_HASH, Row, SALT, SETTINGS};

pub use kind::ParameterKind;

/// A program that ships with the machine.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ServiceDescription {
    /// The name by which it is asked for.
    pub name: &'static str,
    /// What people call it.
    pub title: &'static str,
    /// What it does, in one line.
    pub doc: &'static str,
    /// How it is run: the command of this project that does, or else what an embedder calls.
    pub run: &'static str,
    /// What it can be told.
    pub parameters: Vec<ParameterDescription>,
}

/// A parameter of a program.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ParameterDescription {
    /// Its key in the JSON object of the parameters; a dot leads into an object within.
    pub name: String,
    /// What people call it.
    pub title: &'static str,
    /// What values it takes.
    #[serde(rename = "type")]
    pub kind: ParameterKind,
    /// The value when it is left out; null where there is none.
    pub default: Value,
    /// What it means, in one line.
    pub doc: &'static str,
}

/// A program, with its tables and what makes the JSON of its defaults.
struct Service {
    name: &'static str,
    title: &'static str,
    doc: &'static str,
    run: &'static str,
    tables: &'static [&'static [Entry]],
    defaults: fn() -> Value,
}

fn all() -> [Service; 4] {
    [
        Service {
            name: CMeans::NAME,
            title: "c-means",
            doc: "each pixel belongs to the class whose center is nearest",
            run: "msvpu classify IMAGE --algorithm cmeans",
            tables: &[SETTINGS],
            defaults: || defaults(&CMeans::default()),
        },
        Service {
            name: FuzzyCMeans::NAME,
            title: "Fuzzy c-means",
            doc: "each pixel belongs to every class in part, the more the nearer its center",
            run: "msvpu classify IMAGE --algorithm fuzzy-cmeans",
            tables: &[SETTINGS, FUZZY],
            defaults: || defaults(&FuzzyCMeans::default()),
        },
        Service {
            name: Pairwise::NAME,
            title: "Pairwise differences",
            doc: "how far the pixels of a tile lie apart, each compared with each: heavy work, to try out how it is shared",
            run: "msvpu pairwise IMAGE",
            tables: &[PAIRWISE],
            defaults: || defaults(&Pairwise::default()),
        },
        Service {
            name: PasswordHash::NAME,
            title: "Password hashes",
            doc: "argon2id of a list of passwords, for demonstration: the salts are not random",
            run: "VirtualMachine::run, as examples/password_hash.rs does; no command takes passwords",
            tables: &[PASSWORD_HASH],
            defaults: without_salt,
        },
    ]
}

/// The programs that ship with the machine.
///
/// ```
/// let names: Vec<_> = msvpu::services().iter().map(|service| service.name).collect();
/// assert_eq!(names, ["cmeans", "fuzzy-cmeans", "pairwise", "password-hash"]);
/// ```
#[must_use]
pub fn services() -> Vec<ServiceDescription> {
    all().into_iter().map(description).collect()
}

/// What is told of a program of this name.
pub(crate) fn service(name: &str) -> Option<ServiceDescription> {
    let service = all().into_iter().find(|service| service.name == name)?;
    Some(description(service))
}

/// The JSON Schema (2020-12) of the parameters of a program, for forms and for clients; `None` for
/// a name that no program has.
///
/// ```
/// let schema = msvpu::parameters_schema("fuzzy-cmeans").unwrap();
/// assert_eq!(schema["properties"]["fuzzifier"]["exclusiveMinimum"], 1.0);
/// assert_eq!(schema["properties"]["fuzzifier"]["maximum"], 20.0);
/// ```
#[must_use]
pub fn parameters_schema(name: &str) -> Option<Value> {
    let service = all().into_iter().find(|service| service.name == name)?;
    Some(schema::schema(service.tables, &(service.defaults)()))
}

// Parameters are plain data; were one not, its defaults would be null and a test below fail.
fn defaults(program: &impl Program) -> Value {
    serde_json::to_value(program).unwrap_or_default()
}

fn without_salt() -> Value {
    let mut defaults = defaults(&PasswordHash::new(""));
    defaults[SALT].take();
    defaults
}

fn description(of: Service) -> ServiceDescription {
    let defaults = (of.defaults)();
    let mut parameters = Vec::new();
    for entry in of.tables.iter().copied().flatten() {
        match entry {
            Entry::One(row) => parameters.push(parameter(row, None, &defaults)),
            Entry::OneOf { name, ways, .. } => {
                let rows = ways.iter().flat_map(|way| way.rows);
                parameters.extend(rows.map(|row| parameter(row, Some(*name), &defaults)));
            }
        }
    }
    ServiceDescription {
        name: of.name,
        title: of.title,
        doc: of.doc,
        run: of.run,
        parameters,
    }
}

fn parameter(row: &Row, within: Option<&str>, defaults: &Value) -> ParameterDescription {
    let (name, defaults) = match within {
        Some(object) => (format!("{object}.{}", row.name), &defaults[object]),
        None => (row.name.to_owned(), defaults),
    };
    ParameterDescription {
        name,
        title: row.title,
        kind: row.kind,
        default: defaults[row.name].clone(),
        doc: row.doc,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;

    /// The keys of all values that are no objects, as a description names them.
    fn leaves(value: &Value, path: &str, into: &mut BTreeSet<String>) {
        match value.as_object() {
            Some(object) => {
                for (key, value) in object {
                    let dot = if path.is_empty() { "" } else { "." };
                    leaves(value, &format!("{path}{dot}{key}"), into);
                }
            }
            None => {
                into.insert(path.to_owned());
            }
        }
    }

    fn named(service: &ServiceDescription) -> BTreeSet<String> {
        let names: BTreeSet<String> = service
            .parameters
            .iter()
            .map(|parameter| parameter.name.clone())
            .collect();
        assert_eq!(names.len(), service.parameters.len(), "a name comes twice");
        names
    }

    #[test]
    fn every_parameter_of_the_programs_is_described() {
        let defaults = [
            defaults(&CMeans::default()),
            defaults(&FuzzyCMeans::default()),
            defaults(&Pairwise::default()),
            defaults(&PasswordHash::new("")),
        ];
        let services = services();
        assert_eq!(services.len(), defaults.len());
        for (service, default) in services.iter().zip(defaults) {
            let mut expected = BTreeSet::new();
            if default.get("start").is_some() {
                // The other way to start, which a default cannot show.
                expected.insert("start.centers".to_owned());
            }
            leaves(&default, "", &mut expected);
            assert_eq!(named(service), expected, "{}", service.name);
        }
    }

    /// The described defaults, but those within other objects.
    fn explicit(service: &ServiceDescription) -> serde_json::Map<String, Value> {
        let flat = (service.parameters.iter()).filter(|parameter| !parameter.name.contains('.'));
        flat.map(|parameter| (parameter.name.clone(), parameter.default.clone()))
            .collect()
    }

    fn means<P: Program + PartialEq + std::fmt::Debug>(given: Value, described: Value) {
        let given: P = serde_json::from_value(given).unwrap();
        let described: P = serde_json::from_value(described).unwrap();
        assert_eq!(given, described);
    }

    #[test]
    fn defaults_are_what_leaving_out_means() {
        let [hard, fuzzy, pairwise, passwords] = <[_; 4]>::try_from(services()).unwrap();
        means::<CMeans>(json!({}), explicit(&hard).into());
        means::<FuzzyCMeans>(json!({}), explicit(&fuzzy).into());
        means::<Pairwise>(json!({}), explicit(&pairwise).into());
        let mut described = explicit(&passwords);
        assert_eq!(
            described.insert("salt".to_owned(), json!("x")),
            Some(Value::Null)
        );
        means::<PasswordHash>(json!({ "salt": "x" }), described.into());
        let forgotten = serde_json::from_value::<PasswordHash>(json!({})).unwrap_err();
        assert!(forgotten.to_string().contains("`salt`"), "{forgotten}");
    }

    #[test]
    fn every_choice_that_is_named_is_taken() {
        for parameter in &services()[0].parameters {
            let ParameterKind::Choice(choices) = parameter.kind else {
                continue;
            };
            for choice in choices {
                let parameters = match parameter.name.as_str() {
                    "start.init" => json!({ "start": { "classes": 2, "init": choice } }),
                    name => json!({ name: choice }),
                };
                let program: CMeans = serde_json::from_value(parameters.clone()).unwrap();
                let back = serde_json::to_value(program).unwrap();
                let pointer = format!("/{}", parameter.name.replace('.', "/"));
                assert_eq!(back.pointer(&pointer).unwrap(), choice);
            }
        }
        let given = json!({ "start": { "centers": [[1.0], [2.0]] } });
        assert!(serde_json::from_value::<CMeans>(given).is_ok());
    }
}
