//! The tables of the records. Jobs, uploads, events and teams are JSON: open to fields that come later. What is long
//! and seldom read is packed ([`packed`](super::packed)): events and details.

use redb::TableDefinition;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::StoreError;

/// Grows whenever an older program would misread what is written.
pub(super) const FORMAT: u64 = 4;

pub(super) const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
/// By id, and so, with UUIDs of version 7, by age.
pub(super) const JOBS: TableDefinition<'_, u128, &[u8]> = TableDefinition::new("jobs");
pub(super) const UPLOADS: TableDefinition<'_, u128, &[u8]> = TableDefinition::new("uploads");
/// By job and id of the first event of a run of events; the value is the list of them, packed. Those that were not
/// written before its end are in its details.
pub(super) const EVENTS: TableDefinition<'_, (u128, u64), &[u8]> = TableDefinition::new("events");
/// By job: its last events, what its team did over time and its small artifacts ([`details`](super::details)), packed.
pub(super) const DETAILS: TableDefinition<'_, u128, &[u8]> = TableDefinition::new("details");
/// By owner and key; the value is a digest of the request, and its job.
pub(super) const KEYS: TableDefinition<'_, (&str, &str), (&str, u128)> =
    TableDefinition::new("keys");
/// Small uploads whose files may not be on the disk yet.
pub(super) const BLOBS: TableDefinition<'_, u128, &[u8]> = TableDefinition::new("blobs");

/// How an owner is written in keys: no name is not the same as an empty one.
pub(crate) fn owner_key(owner: Option<&str>) -> String {
    owner.map(|name| format!("@{name}")).unwrap_or_default()
}

pub(super) fn json<T: Serialize>(value: &T) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(value).map_err(|error| StoreError::Failed(error.to_string()))
}

pub(super) fn parse<T: DeserializeOwned>(
    what: &str,
    id: u128,
    bytes: &[u8],
) -> Result<T, StoreError> {
    serde_json::from_slice(bytes).map_err(|error| {
        StoreError::Failed(format!(
            "the record of {what} {} is damaged: {error}",
            Uuid::from_u128(id)
        ))
    })
}

pub(super) fn store_error(error: impl Into<redb::Error>) -> StoreError {
    match error.into() {
        redb::Error::Io(error) => error.into(),
        redb::Error::DatabaseClosed => StoreError::Closed,
        other => StoreError::Failed(other.to_string()),
    }
}
