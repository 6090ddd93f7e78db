//! Whether parameters fit, field by field.

use msvpu_actors::{Program, ProgramError};
use msvpu_web::model::{FieldError, InputInfo};
use msvpu_web::service::Asked;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::input::shape_of;
use super::pointer::{to_key, to_path};
use crate::scene::Shape;
use crate::services::classification::{CMeans, FuzzyCMeans, Settings};
use crate::services::descriptions::{self, ServiceDescription};
use crate::services::pairwise::Pairwise;

/// So many wrong fields are told; who has more has more than slips.
const MAX_WRONG: usize = 64;

/// A program whose parameters can be checked before it runs.
pub(super) trait Checked: Program + Default {
    /// Parameters in a form that serde reads key by key, so that it knows where it stands; the
    /// program's own may gather keys first. Keys that it does not have are passed over, or refused before.
    type Fields: DeserializeOwned;

    /// Checks the values against the shape of the scene that they are for.
    fn fits(&self, shape: Shape) -> Result<(), ProgramError>;
}

impl Checked for CMeans {
    type Fields = Settings;

    fn fits(&self, shape: Shape) -> Result<(), ProgramError> {
        self.validate(shape)
    }
}

impl Checked for FuzzyCMeans {
    type Fields = Settings;

    fn fits(&self, shape: Shape) -> Result<(), ProgramError> {
        self.validate(shape)
    }
}

impl Checked for Pairwise {
    type Fields = Self;

    fn fits(&self, shape: Shape) -> Result<(), ProgramError> {
        self.validate(shape)
    }
}

/// Names each parameter that is wrong: unknown ones, then those of a wrong type, and if there are none, those of a
/// wrong value.
pub(super) fn check<P: Checked>(asked: &Asked<'_>) -> Result<(), Vec<FieldError>> {
    let in_request = |error: FieldError| FieldError {
        pointer: format!("/params{}", error.pointer),
        ..error
    };
    params::<P>(asked.params, asked.input)
        .map_err(|wrong| wrong.into_iter().map(in_request).collect())
}

/// The same, with pointers into the parameters.
fn params<P: Checked>(
    params: &Map<String, Value>,
    input: &InputInfo,
) -> Result<(), Vec<FieldError>> {
    let described = descriptions::service(P::NAME);
    let service = described.as_ref();
    let (known, shape) = (known_keys(service), shape_of(input));
    let are_known = params.keys().all(|key| known.contains(&key.as_str()));
    // Most often nothing is wrong.
    if are_known && program::<P>(params).is_ok_and(|program| program.fits(shape).is_ok()) {
        return Ok(());
    }
    let wrong: Vec<FieldError> = params
        .iter()
        .filter_map(|(key, value)| wrong_type::<P>(key, value, service))
        .take(MAX_WRONG)
        .collect();
    if !wrong.is_empty() {
        return Err(wrong);
    }
    wrong_values::<P>(params, shape)
}

/// The program with these parameters.
pub(super) fn program<P: Program>(params: &Map<String, Value>) -> Result<P, serde_json::Error> {
    serde_json::from_value(Value::Object(params.clone()))
}

fn alone(key: &str, value: &Value) -> Map<String, Value> {
    Map::from_iter([(key.to_owned(), value.clone())])
}

fn wrong_type<P: Checked>(
    key: &str,
    value: &Value,
    service: Option<&ServiceDescription>,
) -> Option<FieldError> {
    let known = known_keys(service);
    if !known.contains(&key) {
        return Some(FieldError {
            pointer: to_key(key),
            detail: unknown(key, &known, service),
        });
    }
    let fields = alone(key, value);
    let tracked = serde_path_to_error::deserialize::<_, P::Fields>(Value::Object(fields.clone()));
    let (pointer, message) = match tracked {
        Err(error) => (to_path(error.path()), error.inner().to_string()),
        Ok(_) => (to_key(key), program::<P>(&fields).err()?.to_string()),
    };
    Some(FieldError {
        detail: told(&message, service, &pointer),
        pointer,
    })
}

/// What serde says, and what the parameter takes: in the place of what serde expected, which is a type of Rust's.
fn told(message: &str, service: Option<&ServiceDescription>, pointer: &str) -> String {
    let kind = kind(service, pointer);
    let misfit = message
        .rsplit_once(", expected ")
        .filter(|(found, _)| found.starts_with("invalid "));
    match (misfit, kind) {
        (Some((found, _)), kind) => {
            // In the words of JSON.
            let found = found
                .replacen("invalid type: sequence", "invalid type: array", 1)
                .replacen("invalid type: map", "invalid type: object", 1);
            match kind.or_else(|| keys_within(service, pointer)) {
                Some(kind) => format!("{found}; it takes: {kind}"),
                None => found,
            }
        }
        (None, Some(kind)) => format!("{message}; it takes: {kind}"),
        (None, None) => message.to_owned(),
    }
}

/// The keys of the object itself, without those of objects within.
fn known_keys(service: Option<&ServiceDescription>) -> Vec<&str> {
    let parameters = service.into_iter().flat_map(|service| &service.parameters);
    let mut keys: Vec<&str> = parameters
        .filter_map(|parameter| parameter.name.split('.').next())
        .collect();
    keys.dedup();
    keys
}

fn unknown(key: &str, known: &[&str], service: Option<&ServiceDescription>) -> String {
    /// So similar are words with a slip or two.
    const ALIKE: f64 = 0.8;

    let parameters = service.into_iter().flat_map(|service| &service.parameters);
    let mut within = parameters.filter_map(|of| of.name.rsplit_once('.'));
    if let Some((object, _)) = within.find(|(_, last)| *last == key) {
        return format!("unknown parameter `{key}`; it belongs into `{object}`");
    }
    let similar = |known: &&&str| strsim::jaro_winkler(key, known);
    let nearest = known
        .iter()
        .max_by(|a, b| similar(a).total_cmp(&similar(b)))
        .filter(|nearest| similar(nearest) > ALIKE);
    match nearest {
        Some(nearest) => format!("unknown parameter `{key}`; is `{nearest}` meant?"),
        None => format!("unknown parameter `{key}`; there are: {}", known.join(", ")),
    }
}

/// What the parameter at a pointer takes, or the one that it is a part of.
fn kind(service: Option<&ServiceDescription>, pointer: &str) -> Option<String> {
    let path = pointer.strip_prefix('/')?.replace('/', ".");
    let is_or_holds = |name: &str| {
        path.strip_prefix(name)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let parameters = &service?.parameters;
    let parameter = parameters.iter().find(|of| is_or_holds(&of.name))?;
    Some(parameter.kind.to_string())
}

/// What an object among the parameters may hold.
fn keys_within(service: Option<&ServiceDescription>, pointer: &str) -> Option<String> {
    let object = pointer.strip_prefix('/')?.replace('/', ".") + ".";
    let parameters = service?.parameters.iter();
    let keys: Vec<&str> = parameters
        .filter_map(|of| of.name.strip_prefix(&object))
        .collect();
    (!keys.is_empty()).then(|| format!("an object of {}", keys.join(", ")))
}

/// The types are right: the program says whether the values are.
fn wrong_values<P: Checked>(
    params: &Map<String, Value>,
    shape: Shape,
) -> Result<(), Vec<FieldError>> {
    let problem = |params: &Map<String, Value>| match program::<P>(params) {
        Ok(program) => program.fits(shape).err().map(|error| error.to_string()),
        Err(error) => Some(error.to_string()),
    };
    let Some(of_all) = problem(params) else {
        return Ok(());
    };
    // Those that are wrong whatever the others are.
    let wrong: Vec<FieldError> = params
        .iter()
        .filter_map(|(key, value)| {
            Some(FieldError {
                detail: problem(&alone(key, value))?,
                pointer: pointer_into(key, value),
            })
        })
        .collect();
    if !wrong.is_empty() {
        return Err(wrong);
    }
    // Only together do they not fit: the first without which the rest does.
    let culprit = params.keys().find(|key| {
        let mut rest = params.clone();
        rest.remove(*key);
        problem(&rest).is_none()
    });
    Err(vec![FieldError {
        pointer: culprit.map_or_else(String::new, |key| to_key(key)),
        detail: of_all,
    }])
}

/// Of an object whose only choice is which keys it has, its first one.
fn pointer_into(key: &str, value: &Value) -> String {
    let within = ["classes", "centers"]
        .into_iter()
        .find(|within| key == "start" && value.get(within).is_some());
    let within = within.map(to_key).unwrap_or_default();
    format!("{}{within}", to_key(key))
}
