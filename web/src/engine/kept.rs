//! The artifacts of a job that has succeeded.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::standing::{End, ToldArtifact, failed};
use crate::model::Artifact;
use crate::service::Folder;
use crate::store::{
    DataDir, Digested, SMALL_ARTIFACTS_BYTES, StoreError, digested, force, remove, small_or_digest,
};

/// To digest so many bytes holds up nobody.
const LIGHT_BYTES: usize = 64 << 10;
/// The most that an artifact's name may have.
const MAX_NAME_BYTES: usize = 128;

/// The artifacts of a job that has succeeded.
#[derive(Default)]
pub(super) struct Kept {
    pub(super) artifacts: Vec<Artifact>,
    /// If they are small together: what is in them, to be written with the end.
    pub(super) contents: Vec<(String, Bytes)>,
}

/// Whether keeping takes no time worth mentioning: nothing of it is on the disk.
pub(super) fn is_light(folder: &Folder, told: &[ToldArtifact]) -> bool {
    let bytes: Option<usize> = told
        .iter()
        .map(|told| told.content.as_ref().map(Bytes::len))
        .sum();
    !folder.is_made() && bytes.is_some_and(|bytes| bytes <= LIGHT_BYTES)
}

/// Checks and digests a job's artifacts, so that they can be kept; gives them by name. Blocking.
pub(super) fn keep(
    dir: &DataDir,
    folder: &Folder,
    mut told: Vec<ToldArtifact>,
) -> Result<Result<Kept, End>, StoreError> {
    // Whichever of several writers was first.
    told.sort_by(|one, other| one.artifact.name.cmp(&other.artifact.name));
    let mut kept = Kept::default();
    // Those that are files, and those that are only in memory.
    let (mut files, mut documents) = (Vec::new(), Vec::new());
    let mut left = SMALL_ARTIFACTS_BYTES;
    for ToldArtifact {
        mut artifact,
        content,
    } in told
    {
        if !is_name(&artifact.name) {
            return Ok(Err(missing(&artifact.name)));
        }
        let found = match content {
            Some(content) => {
                documents.push((artifact.name.clone(), content.clone()));
                Digested {
                    sealed: digested(&content),
                    small: Some(content),
                }
            }
            None => {
                let path = folder.path()?.join(&artifact.name);
                if !fs::symlink_metadata(&path).is_ok_and(|found| found.is_file()) {
                    return Ok(Err(missing(&artifact.name)));
                }
                let found = small_or_digest(&path, left)?;
                files.push(path);
                found
            }
        };
        let Digested { sealed, small } = found;
        if let Some(content) = small.filter(|_| sealed.bytes <= left) {
            left -= sealed.bytes;
            kept.contents.push((artifact.name.clone(), content));
        } else {
            // They are not small together.
            left = 0;
        }
        artifact.bytes = sealed.bytes;
        artifact.sha256 = sealed.sha256;
        kept.artifacts.push(artifact);
    }
    if kept.contents.len() == kept.artifacts.len() {
        folder.discard()?;
        return Ok(Ok(kept));
    }
    kept.contents = Vec::new();
    let folder = folder.path()?;
    for (name, content) in documents {
        let path = folder.join(name);
        fs::write(&path, content)?;
        files.push(path);
    }
    remove_others(folder, &files)?;
    force(dir, folder, &files)?;
    Ok(Ok(kept))
}

fn missing(name: &str) -> End {
    let message = format!("the service told of a file `{name}` and made none");
    failed("artifact-missing", message)
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
