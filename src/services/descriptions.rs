//! What can be run here, for whoever wants to ask for it: names, parameters, defaults.

use msvpu_actors::Program;
use serde::Serialize;
use serde_json::Value;

use super::classification::{CMeans, FuzzyCMeans};

/// A program that ships with the machine.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ServiceDescription {
    /// The name by which it is asked for.
    pub name: &'static str,
    /// What it does, in one line.
    pub doc: &'static str,
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

/// The programs that ship with the machine.
///
/// ```
/// let names: Vec<_> = msvpu::services().iter().map(|service| service.name).collect();
/// assert_eq!(names, ["cmeans", "fuzzy-cmeans"]);
/// ```
#[must_use]
pub fn services() -> Vec<ServiceDescription> {
    vec![
        describe::<CMeans>(
            "c-means: each pixel belongs to the class of the nearest center",
            &[&SETTINGS],
        ),
        describe::<FuzzyCMeans>(
            "fuzzy c-means: each pixel belongs to every class, the more the nearer its center",
            &[&SETTINGS, &FUZZY],
        ),
    ]
}

fn describe<P: Program + Default>(doc: &'static str, tables: &[&[Row]]) -> ServiceDescription {
    // Parameters are plain data; were one not, its defaults would be null and the test below fail.
    let defaults = serde_json::to_value(P::default()).unwrap_or_default();
    let parameters = tables.iter().copied().flatten();
    ServiceDescription {
        name: P::NAME,
        doc,
        parameters: parameters
            .map(|&(name, kind, doc)| ParameterDescription {
                name,
                kind,
                default: defaults
                    .pointer(&format!("/{}", name.replace('.', "/")))
                    .cloned()
                    .unwrap_or_default(),
                doc,
            })
            .collect(),
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
            .map(|parameter| parameter.name.to_owned())
            .collect();
        assert_eq!(names.len(), service.parameters.len(), "a name comes twice");
        names
    }

    #[test]
    fn every_parameter_of_the_programs_is_described() {
        let [hard, fuzzy] = <[_; 2]>::try_from(services()).unwrap();
        for (service, default) in [
            (hard, serde_json::to_value(CMeans::default()).unwrap()),
            (fuzzy, serde_json::to_value(FuzzyCMeans::default()).unwrap()),
        ] {
            // The other way to start, which a default cannot show.
            let mut expected = BTreeSet::from(["start.centers".to_owned()]);
            leaves(&default, "", &mut expected);
            assert_eq!(named(&service), expected, "{}", service.name);
        }
    }

    #[test]
    fn defaults_are_what_leaving_out_means() {
        let empty: FuzzyCMeans = serde_json::from_str("{}").unwrap();
        let explicit = services()[1]
            .parameters
            .iter()
            .filter(|parameter| !parameter.name.starts_with("start."))
            .map(|parameter| (parameter.name.to_owned(), parameter.default.clone()))
            .collect();
        let explicit = serde_json::from_value(Value::Object(explicit)).unwrap();
        assert_eq!(empty, explicit);
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
