//! What a job that is asked for takes in memory.

use serde_json::{Map, Value};

use crate::model::Job;

/// What an allocation takes beside what it is for.
const ALLOCATION: usize = 16;
/// A node of a map, which has 11 places; all but the first are half full.
const NODE: usize = 11 * (size_of::<String>() + size_of::<Value>()) + 2 * ALLOCATION;

/// What the parameters and notes of a job take in memory, in bytes, roughly; of equal ones the same. It may be many
/// times their JSON: a list of lists of one digit each takes forty times its text.
pub(super) fn weight(job: &Job) -> usize {
    let notes = job.metadata.iter();
    let notes =
        notes.map(|(key, value)| 2 * (size_of::<String>() + ALLOCATION) + key.len() + value.len());
    below(&job.params) + notes.sum::<usize>()
}

fn below(map: &Map<String, Value>) -> usize {
    if map.is_empty() {
        return 0;
    }
    let entries = map.iter();
    let entries = entries.map(|(key, value)| ALLOCATION + key.len() + beyond(value));
    (map.len() / 5 + 1) * NODE + entries.sum::<usize>()
}

/// What a value takes beside its own place.
fn beyond(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => ALLOCATION + text.len(),
        Value::Array(items) if items.is_empty() => 0,
        Value::Array(items) => {
            // It was read item by item.
            let places = items.len().max(4).next_power_of_two();
            let inner: usize = items.iter().map(beyond).sum();
            ALLOCATION + places * size_of::<Value>() + inner
        }
        Value::Object(map) => below(map),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_small_lists_weigh_more_than_their_text() {
        let text = format!("{{\"a\":[{}[1]]}}", "[1],".repeat(9_999));
        let params: Map<String, Value> = serde_json::from_str(&text).unwrap();
        assert!(below(&params) > 10 * text.len(), "{}", below(&params));
        assert_eq!(below(&params.clone()), below(&params));
        let flat: Map<String, Value> = serde_json::from_str("{\"a\":\"text\"}").unwrap();
        assert!((NODE..NODE + 100).contains(&below(&flat)));
        assert_eq!(below(&Map::new()), 0);
    }
}
