//! A file that a job has made.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A file that a job has made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Artifact {
    /// Its name within the job: letters, digits, `.`, `_` and `-`, not beginning with a dot.
    pub name: String,
    /// Such as `image/png`.
    pub media_type: String,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 in lower-case hexadecimal; also its entity tag.
    pub sha256: String,
    /// What it shows, in one line.
    pub doc: String,
}
