//! Where in the parameters something is wrong, as a JSON pointer (RFC 6901).

use serde_path_to_error::{Path, Segment};

/// The pointer to a key of the parameters.
pub(super) fn to_key(key: &str) -> String {
    format!("/{}", key.replace('~', "~0").replace('/', "~1"))
}

/// The pointer to where serde stood; what it could not tell is left out.
pub(super) fn to_path(path: &Path) -> String {
    path.iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } => to_key(key),
            Segment::Enum { .. } | Segment::Unknown => String::new(),
        })
        .collect()
}
