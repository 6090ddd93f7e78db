//! What the engine is asked, and what it tells of itself.

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
    /// Newest first.
    pub jobs: Vec<Job>,
    /// The last of them, after which the next page begins; `None` when there is no more.
    pub next: Option<Uuid>,
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
