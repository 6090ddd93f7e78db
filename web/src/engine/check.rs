//! What is wrong with a job that is asked for, whatever its service; and how much of it may be.

use std::collections::{BTreeMap, HashSet};

use crate::model::FieldError;
use crate::service::ServiceInfo;

/// How many entries the metadata of a job may have.
const MAX_METADATA: usize = 64;
/// The longest key of the metadata, and the longest value, in bytes of UTF-8.
const MAX_KEY_BYTES: usize = 64;
const MAX_VALUE_BYTES: usize = 1024;
/// How many outputs may be asked for, those that are named twice included.
const MAX_OUTPUTS: usize = 64;
/// So many wrong fields are told; who has more has more than slips.
pub(super) const MAX_WRONG: usize = 64;

/// Each entry of the metadata that is wrong.
pub(super) fn wrong_metadata(metadata: &BTreeMap<String, String>) -> Vec<FieldError> {
    if metadata.len() > MAX_METADATA {
        return vec![FieldError {
            pointer: "/metadata".to_owned(),
            detail: format!(
                "there may be {MAX_METADATA} entries; here are {}",
                metadata.len()
            ),
        }];
    }
    let wrong = metadata.iter().filter_map(|(key, value)| {
        if key.len() > MAX_KEY_BYTES {
            return Some(FieldError {
                pointer: "/metadata".to_owned(),
                detail: format!(
                    "a key may have {MAX_KEY_BYTES} bytes; the one that begins with `{}` has {}",
                    key.chars().take(16).collect::<String>(),
                    key.len()
                ),
            });
        }
        (value.len() > MAX_VALUE_BYTES).then(|| FieldError {
            pointer: format!("/metadata/{}", key.replace('~', "~0").replace('/', "~1")),
            detail: format!(
                "a value may have {MAX_VALUE_BYTES} bytes; this one has {}",
                value.len()
            ),
        })
    });
    wrong.collect()
}

/// Each output that the service does not have.
pub(super) fn wrong_outputs(info: &ServiceInfo, outputs: &[String]) -> Vec<FieldError> {
    if outputs.len() > MAX_OUTPUTS {
        return vec![FieldError {
            pointer: "/outputs".to_owned(),
            detail: format!(
                "there may be {MAX_OUTPUTS} of them; here are {}",
                outputs.len()
            ),
        }];
    }
    let known: Vec<&str> = info
        .outputs
        .iter()
        .map(|output| output.name.as_str())
        .collect();
    let unknown = outputs
        .iter()
        .enumerate()
        .filter(|(_, output)| !known.contains(&output.as_str()));
    unknown
        .map(|(place, output)| FieldError {
            pointer: format!("/outputs/{place}"),
            detail: format!(
                "`{output}` is no output of `{}`; there are: {}",
                info.name,
                known.join(", ")
            ),
        })
        .collect()
}

/// The outputs in their order, each once.
pub(super) fn without_repeats(mut outputs: Vec<String>) -> Vec<String> {
    let mut seen = HashSet::new();
    outputs.retain(|output| seen.insert(output.clone()));
    outputs
}
