//! The spec, from its file.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use msvpu::{Spec, SpecPlaces};

use crate::cli::failure::Failure;

/// More than the parser takes is not read.
const MAX_BYTES: u64 = 16 << 20;

/// Reads a spec, and where its jobs stand; with a seed, that one instead of the one in the file.
pub(crate) fn read(path: &Path, seed: Option<u64>) -> Result<(Spec, SpecPlaces), Failure> {
    let name = path.display().to_string();
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| {
            Failure::input(format_args!(
                "{name}: {error}; name a spec in TOML, such as examples/specs/table3.toml"
            ))
        })?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Failure::input(format_args!(
            "{name}: is larger than a spec may be; at most {MAX_BYTES} bytes are read"
        )));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let valid = String::from_utf8_lossy(valid);
        let line = valid.split('\n').count();
        let column = valid.rsplit('\n').next().map_or(0, |l| l.chars().count()) + 1;
        Failure::input(format_args!(
            "{name}:{line}:{column}: this is not UTF-8; a spec is a text in TOML"
        ))
    })?;
    let (spec, places) = Spec::parse_with_places(&text, &name, seed).map_err(Failure::input)?;
    if spec.jobs.is_empty() {
        return Err(Failure::input(format_args!(
            "{name}:1:1: the spec has no job; it needs at least one table [[jobs]] with `name`, `tiles` and `tile_size`"
        )));
    }
    Ok((spec, places))
}
