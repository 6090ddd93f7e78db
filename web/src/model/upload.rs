//! A file that was handed in.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

/// What a file holds, as far as its head tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InputInfo {
    /// Such as `png` or `tiff`.
    pub format: String,
    /// Columns, in pixels.
    pub width: u32,
    /// Rows, in pixels.
    pub height: u32,
    /// Samples per pixel; alpha is none.
    pub bands: u16,
    /// What it takes in memory when it is decoded, in bytes.
    pub decoded_bytes: u64,
}

/// A file that was handed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Upload {
    /// A UUID of version 7.
    pub id: Uuid,
    /// As the client called it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 in lower-case hexadecimal.
    pub sha256: String,
    /// What it holds.
    #[serde(flatten)]
    pub info: InputInfo,
    /// Whose it is: the name of a token, or nothing where there are no tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// When it was complete.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
}
