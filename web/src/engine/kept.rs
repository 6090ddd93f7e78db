//! The files of a job that has succeeded.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use uuid::Uuid;

use super::standing::End;
use super::standing::failed;
use crate::model::Artifact;
use crate::store::{Content, DataDir, StoreError, force, remove, small_or_digest};

/// Artifacts that have at most so many bytes together are forced to the disk with the job's end.
const SMALL_BYTES: u64 = 512 << 10;
/// The most that an artifact's name may have.
const MAX_NAME_BYTES: usize = 128;

/// The files of a job that has succeeded.
#[derive(Default)]
pub(super) struct Files {
    pub(super) artifacts: Vec<Artifact>,
    /// If they are small together: what is in them, to be written with the end.
    pub(super) contents: Vec<(String, Bytes)>,
}

/// Checks and digests the files of a job's folder, so that they can be kept; gives them by name. Blocking.
pub(super) fn keep(
    dir: &DataDir,
    job: Uuid,
    mut told: Vec<Artifact>,
) -> Result<Result<Files, End>, StoreError> {
    // Whichever of several writers was first.
    told.sort_by(|one, other| one.name.cmp(&other.name));
    let folder = dir.job(job);
    let mut kept = Files::default();
    let mut files = Vec::with_capacity(told.len());
    let mut left = SMALL_BYTES;
    for mut artifact in told {
        let path = folder.join(&artifact.name);
        let is_file = is_name(&artifact.name)
            && fs::symlink_metadata(&path).is_ok_and(|found| found.is_file());
        if !is_file {
            let message = format!(
                "the service told of a file `{}` and made none",
                artifact.name
            );
            return Ok(Err(failed("artifact-missing", message)));
        }
        let Content { sealed, small } = small_or_digest(&path, left)?;
        match small {
            Some(content) => {
                left -= sealed.bytes.min(left);
                kept.contents.push((artifact.name.clone(), content));
            }
            // They are not small together.
            None => left = 0,
        }
        artifact.bytes = sealed.bytes;
        artifact.sha256 = sealed.sha256;
        kept.artifacts.push(artifact);
        files.push(path);
    }
    if files.is_empty() {
        remove(&folder)?;
        return Ok(Ok(kept));
    }
    remove_others(&folder, &files)?;
    if kept.contents.len() < files.len() {
        kept.contents = Vec::new();
        force(dir, job, &files)?;
    }
    Ok(Ok(kept))
}

/// Removes what nobody was told of.
fn remove_others(folder: &Path, files: &[PathBuf]) -> Result<(), StoreError> {
    let files: HashSet<&PathBuf> = files.iter().collect();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if !files.contains(&path) {
            log::warn!("{} is no artifact, and is removed", path.display());
            remove(&path)?;
        }
    }
    Ok(())
}

/// Letters, digits, `.`, `_` and `-`, not beginning with a dot.
fn is_name(name: &str) -> bool {
    let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    !name.is_empty()
        && name.len() <= MAX_NAME_BYTES
        && !name.starts_with('.')
        && name.bytes().all(is_fine)
}
