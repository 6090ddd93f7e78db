//! The files of a job, fetched.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use msvpu_web::model::Artifact;
use uuid::Uuid;

use super::word;
use crate::cli::destination::Destination;
use crate::cli::failure::Failure;
use crate::cli::remote::Server;

/// Fetches a job's files, all or those with these names; gives what there is to print. What has their names there is
/// replaced only with `force`.
pub(super) fn fetch(
    server: &Server,
    id: Uuid,
    names: &[String],
    output: &Path,
    force: bool,
    stop: &AtomicBool,
) -> Result<String, Failure> {
    let job = server.job(id)?;
    if job.artifacts.is_empty() {
        let (state, reason) = (word(job.state), &job.reason);
        return Err(Failure::runtime(format_args!(
            "job {id} has no files; it is {state}: {reason}"
        )));
    }
    let known = |name: &String| job.artifacts.iter().find(|artifact| artifact.name == *name);
    if let Some(unknown) = names.iter().find(|name| known(name).is_none()) {
        let there: Vec<&str> = job.artifacts.iter().map(|a| a.name.as_str()).collect();
        return Err(Failure::input(format_args!(
            "job {id} has no file {unknown}; it has {}",
            there.join(", ")
        )));
    }
    let is_wanted = |artifact: &&Artifact| names.is_empty() || names.contains(&artifact.name);
    let wanted: Vec<&Artifact> = job.artifacts.iter().filter(is_wanted).collect();
    let spare_others = || {
        let mut paths = wanted.iter().map(|artifact| output.join(&artifact.name));
        // A link to nowhere is there, too.
        match paths.find(|path| path.symlink_metadata().is_ok()) {
            Some(there) if !force => Err(Failure::input(format_args!(
                "{}: is there already; name another directory (--output), or replace it (--force)",
                there.display()
            ))),
            _ => Ok(()),
        }
    };
    spare_others()?;
    let destination = Destination::prepare(output)?;
    let fetched = destination.stage().and_then(|stage| {
        for artifact in &wanted {
            server.fetch(id, artifact, stage.path(), stop)?;
        }
        // That took its time.
        spare_others()?;
        stage.publish()
    });
    match fetched {
        Ok(()) => {
            let names: Vec<&str> = wanted.iter().map(|of| of.name.as_str()).collect();
            Ok(written(output, &names) + "\n")
        }
        Err(failure) => {
            destination.abandon();
            Err(failure)
        }
    }
}

/// Which files were written where.
pub(super) fn written(directory: &Path, names: &[&str]) -> String {
    format!("written     {}: {}", directory.display(), names.join(", "))
}
