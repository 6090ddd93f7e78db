//! What can be run here, for whoever wants to ask for it: names, parameters, defaults.

use msvpu_actors::Program;
use serde::Serialize;
use serde_json::Value;

use super::classification::{CMeans, FuzzyCMeans};
use super::pairwise::Pairwise;
use super::password_hash::PasswordHash;

/// A program that ships with the machine.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ServiceDescription {
    /// The name by which it is asked for.
    pub name: &'static str,
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
    pub name: &'static str,
    /// What values it takes.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The value when it is left out; null where there is none.
    pub default: Value,
    /// What it means, in one line.
    pub doc: &'static str,
}

/// Name, type and meaning. The defaults are not written here: they are asked of the program.
type Row = (&'static str, &'static str, &'static str);

const SETTINGS: [Row; 9] = [
    (
        "start.classes",
        "integer, 1 to 65535",
        "how many classes; their first centers are found in the scene",
    ),
    (
        "start.init",
        "linear | random | kmeans++",
        "how the first centers are found",
    ),
    (
        "start.seed",
        "integer, from 0",
        "what random and kmeans++ depend on",
    ),
    (
        "start.centers",
        "list of lists of numbers",
        "the first centers, one value a band each; instead of the three above",
    ),
    (
        "epsilon",
        "number, above 0",
        "stop when the change that stop_on names is below this",
    ),
    (
        "stop_on",
        "objective | center-sum | center-shift",
        "which change from one iteration to the next is compared with epsilon",
    ),
    (
        "max_iterations",
        "integer, from 1",
        "stop after this many iterations at the latest",
    ),
    (
        "tiles",
        "{rows, columns}, from 1",
        "how the scene is cut, one MsVPU a tile; null: chosen from its shape",
    ),
    (
        "nodata",
        "number",
        "pixels whose every band has this value belong to no class; null: none",
    ),
];

const FUZZY: [Row; 2] = [
    (
        "fuzzifier",
        "number, above 1",
        "the exponent m of the memberships",
    ),
    (
        "memberships",
        "boolean",
        "whether the result holds a picture of the memberships in each class",
    ),
];

const PAIRWISE: [Row; 4] = [
    (
        "tiles",
        "{rows, columns}, from 1",
        "how the scene is cut, one MsVPU a tile; null: chosen from its shape and sampling",
    ),
    (
        "sampling",
        "integer, from 1",
        "compare every so many pixels of a tile one",
    ),
    (
        "rounds",
        "integer, from 1",
        "how often the sums are asked for, and computed anew",
    ),
    (
        "nodata",
        "number",
        "pixels whose every band has this value are not compared; null: none",
    ),
];

const PASSWORD_HASH: [Row; 5] = [
    (
        SALT,
        "text of 8 to 1024 bytes",
        "what the salts are made from; to be given. For demonstration: real salts are random",
    ),
    (
        "memory_kib",
        "integer, 8 a lane to 1048576",
        "the memory that one password takes",
    ),
    (
        "iterations",
        "integer, from 1",
        "passes over that memory; memory_kib x iterations is 4194304 at most",
    ),
    ("parallelism", "integer, 1 to 255", "lanes"),
    (
        "chunk",
        "integer, from 1",
        "passwords of a tile; null: 1, or as many as make 1024 tiles",
    ),
];

const SALT: &str = "salt";

/// The programs that ship with the machine.
///
/// ```
/// let names: Vec<_> = msvpu::services().iter().map(|service| service.name).collect();
/// assert_eq!(names, ["cmeans", "fuzzy-cmeans", "pairwise", "password-hash"]);
/// ```
#[must_use]
pub fn services() -> Vec<ServiceDescription> {
    vec![
        ServiceDescription {
            name: CMeans::NAME,
            doc: "c-means: each pixel belongs to the class of the nearest center",
            run: "msvpu classify IMAGE --algorithm cmeans",
            parameters: parameters(&[&SETTINGS], &defaults(&CMeans::default())),
        },
        ServiceDescription {
            name: FuzzyCMeans::NAME,
            doc: "fuzzy c-means: each pixel belongs to every class, the more the nearer its center",
            run: "msvpu classify IMAGE --algorithm fuzzy-cmeans",
            parameters: parameters(&[&SETTINGS, &FUZZY], &defaults(&FuzzyCMeans::default())),
        },
        ServiceDescription {
            name: Pairwise::NAME,
            doc: "the mean absolute difference of all pairs of a tile's pixels: a load of O(x^2)",
            run: "msvpu pairwise IMAGE",
            parameters: parameters(&[&PAIRWISE], &defaults(&Pairwise::default())),
        },
        ServiceDescription {
            name: PasswordHash::NAME,
            doc: "argon2id of a list of passwords, for demonstration: the salts are not random",
            run: "VirtualMachine::run, as examples/password_hash.rs does; no command takes passwords",
            parameters: parameters(&[&PASSWORD_HASH], &without_salt()),
        },
    ]
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

fn parameters(tables: &[&[Row]], defaults: &Value) -> Vec<ParameterDescription> {
    let rows = tables.iter().copied().flatten();
    rows.map(|&(name, kind, doc)| ParameterDescription {
        name,
        kind,
        default: defaults
            .pointer(&format!("/{}", name.replace('.', "/")))
            .cloned()
            .unwrap_or_default(),
        doc,
    })
    .collect()
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
            .map(|parameter| parameter.name.to_owned())
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
        flat.map(|parameter| (parameter.name.to_owned(), parameter.default.clone()))
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
            for choice in parameter
                .kind
                .split(" | ")
                .filter(|_| parameter.kind.contains(" | "))
            {
                let parameters = match parameter.name {
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
