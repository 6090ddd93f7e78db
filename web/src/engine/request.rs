//! What the engine is asked, and what it tells of itself.

use std::num::ParseIntError;
use std::path::PathBuf;
use std::str::FromStr;

use bytes::Bytes;
use uuid::Uuid;

use crate::model::{Job, State};

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The name of the token; `None` where there are no tokens.
    pub name: Option<String>,
    /// Whether it sees what is others'.
    pub admin: bool,
}

/// The key of an `Idempotency-Key` header and a digest of the request that it came with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// As it was sent, 1 to 255 printable characters.
    pub key: String,
    /// SHA-256 of what was asked for, in lower-case hexadecimal.
    pub digest: String,
}

/// The last event that a watcher has, as the stream of events names it: `GENERATION-EVENT`, or the number of the event
/// alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct After {
    /// In which start of the server it was told. Events that were not kept when the server crashed are followed by
    /// others of the same numbers.
    pub generation: Option<u64>,
    /// The event; 0 for none.
    pub event: u64,
}

impl From<u64> for After {
    fn from(event: u64) -> Self {
        Self {
            generation: None,
            event,
        }
    }
}

impl FromStr for After {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        Ok(match text.split_once('-') {
            None => text.parse::<u64>()?.into(),
            Some((generation, event)) => Self {
                generation: Some(generation.parse()?),
                event: event.parse()?,
            },
        })
    }
}

/// Which jobs are asked for; newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only in this state.
    pub state: Option<State>,
    /// Only of this service.
    pub service: Option<String>,
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// Newest first, without their results.
    pub jobs: Vec<Job>,
    /// The last of them, after which the next page begins; `None` when there is no more.
    pub next: Option<Uuid>,
}

/// What is in an artifact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// All of it.
    Bytes(Bytes),
    /// A file has it, which stays readable while it is open.
    File(PathBuf),
}

/// How much there is of what, for `/metrics` and `/readyz`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gauges {
    /// Jobs that wait to run.
    pub queued: usize,
    /// Jobs that run.
    pub running: usize,
    /// What all blobs take, in bytes.
    pub blob_bytes: u64,
    /// Whether records can be written.
    pub writable: bool,
}

impl Caller {
    /// Whether it sees what belongs to `owner`.
    pub(super) fn sees(&self, owner: Option<&str>) -> bool {
        self.admin || self.name.as_deref() == owner
    }
}
