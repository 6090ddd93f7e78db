//! One job from its begin to its end.

use std::collections::HashSet;
use std::fs;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use msvpu_actors::JobOptions;
use serde_json::Value;
use uuid::Uuid;

use super::cancel::cancelled;
use super::live::Live;
use super::standing::{End, Ending};
use super::{Inner, lock};
use crate::model::{Artifact, Event, Failure, Phase, State};
use crate::service::{Cancelled, Reporter, Run, RunError, Told};
use crate::store::{Content, DataDir, Op, StoreError, blocking, force, remove, small_or_digest};

/// How long a service may take to let go of a job that is cancelled.
const GRACE: Duration = Duration::from_secs(10);
/// How long is waited before an end is written again, the first time and at most.
const AGAIN: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));

/// Artifacts that have at most so many bytes together are forced to the disk with the job's end.
const SMALL_BYTES: u64 = 512 << 10;
/// The most that an artifact's name may have.
const MAX_NAME_BYTES: usize = 128;

fn failed(code: &str, message: impl Into<String>) -> End {
    let message = message.into();
    End {
        state: State::Failed,
        reason: message.clone(),
        result: None,
        error: Some(Failure {
            code: code.to_owned(),
            message,
        }),
        artifacts: Vec::new(),
        contents: Vec::new(),
    }
}

fn disk_full() -> End {
    failed("disk-full", RunError::DiskFull.to_string())
}

impl From<StoreError> for End {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::DiskFull => disk_full(),
            other => failed("store", format!("the artifacts could not be kept: {other}")),
        }
    }
}

/// What came of an attempt.
enum Outcome {
    /// The service has found something.
    Result(Value),
    /// It ended otherwise.
    End(End),
    /// The machine or the engine is going down: it is run again after the next start.
    Again,
}

impl Inner {
    /// Runs a job that has been taken from the queue.
    pub(super) async fn run(self: Arc<Self>, live: Arc<Live>, bytes: u64) {
        let outcome = self.attempt(&live).await;
        // Its memory is free. What follows only waits for the disk, and holds up nobody.
        self.schedule.ran(bytes);
        self.pump();
        let end = match outcome {
            Outcome::Result(result) => Some(self.succeed(&live, result).await),
            Outcome::End(end) => Some(end),
            Outcome::Again => None,
        };
        let ending = match end {
            Some(end) => self.conclude(&live, end).await,
            None => None,
        };
        self.schedule.ended();
        if let Some(ending) = ending {
            self.show(&live, ending);
        }
        self.pump();
    }

    async fn attempt(self: &Arc<Self>, live: &Arc<Live>) -> Outcome {
        if live.is_cancel_asked() {
            return Outcome::End(cancelled());
        }
        let record = live.begin();
        let job = record.job.clone();
        self.index().set_state(job.id, State::Running);
        self.store
            .write_later(Op::job(&record).into_iter().collect());
        let Some(service) = self.services.get(&job.service).cloned() else {
            let message = format!("there is no service `{}` any more", job.service);
            return Outcome::End(failed("unknown-service", message));
        };
        if !live.takes_folder()
            && let Err(error) = self.make_folder(job.id).await
        {
            return Outcome::End(error.into());
        }
        let mut cancel = live.cancelled();
        let run = Run {
            machine: self.machine.clone(),
            options: JobOptions {
                owner: job.owner.unwrap_or_default(),
                priority: job.priority,
            },
            input: self.store.dir().upload(job.input.upload_id),
            input_name: job.input.name,
            info: job.input.info,
            params: job.params,
            outputs: job.outputs,
            folder: self.store.dir().job(job.id),
            reporter: self.reporter(live),
            cancelled: Cancelled::new(cancel.clone()),
        };
        let mut doomed = live.doomed();
        let work = AssertUnwindSafe(async move { service.run(run).await }).catch_unwind();
        let outcome = tokio::select! {
            biased;
            () = self.stopped() => return Outcome::Again,
            outcome = work => outcome,
            _ = doomed.wait_for(|doomed| *doomed) => return Outcome::End(disk_full()),
            () = async {
                // The sender lives as long as `live`.
                let _ = cancel.wait_for(|asked| *asked).await;
                tokio::time::sleep(GRACE).await;
            } => return Outcome::End(cancelled()),
        };
        match outcome {
            Ok(Ok(result)) => Outcome::Result(result),
            Ok(Err(RunError::Cancelled)) => Outcome::End(cancelled()),
            Ok(Err(RunError::Failed(failure))) => {
                Outcome::End(failed(&failure.code, failure.message))
            }
            Ok(Err(RunError::DiskFull)) => Outcome::End(disk_full()),
            Ok(Err(RunError::Stopped)) => {
                live.explain("the machine was stopped; it runs again after the next start");
                Outcome::Again
            }
            Err(panic) => {
                let what = panic_text(panic.as_ref());
                log::error!("job {}: its service panicked: {what}", live.id);
                Outcome::End(failed("panicked", format!("the service panicked: {what}")))
            }
        }
    }

    /// An empty folder for a job, whatever an earlier attempt has left.
    pub(super) async fn make_folder(&self, job: Uuid) -> Result<(), StoreError> {
        let folder = self.store.dir().job(job);
        blocking(move || {
            remove(&folder)?;
            Ok(fs::create_dir(&folder)?)
        })
        .await
    }

    /// What is told goes to the job, and when it gets too much for memory, to the store.
    fn reporter(self: &Arc<Self>, live: &Arc<Live>) -> Reporter {
        // A service may keep its reporter for longer than it should.
        let (inner, live) = (Arc::downgrade(self), Arc::downgrade(live));
        Reporter::new(move |told| {
            let Some(job) = live.upgrade() else {
                return;
            };
            if let Some(events) = job.told(told) {
                hand_over(&inner, job, events);
            }
        })
    }

    /// Takes over the files that were told of.
    async fn succeed(self: &Arc<Self>, live: &Arc<Live>, result: Value) -> End {
        live.told(Told::Phase(Phase::Writing, None));
        let told = live.told_artifacts();
        let (inner, id) = (Arc::clone(self), live.id);
        match blocking(move || keep(inner.store.dir(), id, told)).await {
            Ok(Ok(Kept {
                artifacts,
                contents,
            })) => End {
                state: State::Succeeded,
                reason: "it has a result".to_owned(),
                result: Some(result),
                error: None,
                artifacts,
                contents,
            },
            Ok(Err(end)) => end,
            Err(error) => error.into(),
        }
    }

    /// Writes an end, then shows it.
    pub(super) async fn finish(&self, live: &Live, end: End) {
        if let Some(ending) = self.conclude(live, end).await {
            self.show(live, ending);
        }
    }

    /// The end is on the disk: everybody may see it. Whoever sees it finds nothing that still takes the job for live.
    fn show(&self, live: &Live, ending: Ending) {
        self.index().end_job(&ending.record.job);
        self.tally.ended(&ending.record.job);
        lock(&self.live).remove(&live.id);
        live.end(ending);
        self.grown.notify_one();
    }

    /// Decides an end and writes it; `None` if another was first, or the engine is closed before it can be written.
    async fn conclude(&self, live: &Live, end: End) -> Option<Ending> {
        let decided = match live.decide(end) {
            Some(ending) => Some(ending),
            // Either it was cancelled in the last moment, or another was first.
            None => live.decide(cancelled()),
        };
        let mut ending = decided?;
        let (mut wait, longest) = AGAIN;
        loop {
            match self.write_ending(live.id, &ending).await {
                Ok(()) => break,
                Err(StoreError::Closed) => return None,
                Err(error) => {
                    log::error!("job {}: its end cannot be written: {error}", live.id);
                    if ending.record.job.state == State::Succeeded && error == StoreError::DiskFull
                    {
                        // The artifacts may be what fills the disk.
                        self.clear(live.id).await;
                        ending = live.decide_again(disk_full());
                        continue;
                    }
                }
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => wait = (wait * 2).min(longest),
                () = self.stopped() => return None,
            }
        }
        if ending.record.job.state != State::Succeeded {
            self.clear(live.id).await;
        }
        Some(ending)
    }

    async fn write_ending(&self, job: Uuid, ending: &Ending) -> Result<(), StoreError> {
        let mut ops = vec![Op::job(&ending.record)?];
        ops.extend(Op::events(job, &ending.events)?);
        if let Some(times) = &ending.team {
            ops.push(Op::team(job, times)?);
        }
        let contents = ending.contents.iter().cloned();
        ops.extend(contents.map(|(name, content)| Op::Blob {
            of: job,
            name,
            content,
        }));
        self.store.write(ops).await
    }

    /// Removes what a job has written.
    pub(super) async fn clear(&self, job: Uuid) {
        let folder = self.store.dir().job(job);
        let cleared = blocking(move || Ok(remove(&folder)?));
        if let Err(error) = cleared.await {
            log::warn!("job {job}: what it wrote cannot be removed now: {error}");
        }
    }
}

/// Hands events to the store, so that memory need not keep them.
fn hand_over(inner: &Weak<Inner>, live: Arc<Live>, events: Vec<Event>) {
    let Some(inner) = inner.upgrade() else {
        return;
    };
    let last = events.last().map(|event| event.id);
    let written =
        Op::events(live.id, &events).map(|op| inner.store.write(op.into_iter().collect()));
    let task = async move {
        let outcome = match written {
            Ok(written) => written.await,
            Err(error) => Err(error),
        };
        match outcome {
            Ok(()) => live.handed(last),
            Err(error) => {
                live.handed(None);
                log::error!("job {}: its events cannot be written: {error}", live.id);
                live.doom();
            }
        }
    };
    inner.tasks.spawn_on(task, &inner.runtime);
}

/// The files of a job that has succeeded.
#[derive(Default)]
struct Kept {
    artifacts: Vec<Artifact>,
    /// If they are small together: what is in them, to be written with the end.
    contents: Vec<(String, Bytes)>,
}

/// Checks and digests the files of a job's folder, so that they can be kept. Blocking.
fn keep(dir: &DataDir, job: Uuid, told: Vec<Artifact>) -> Result<Result<Kept, End>, StoreError> {
    let folder = dir.job(job);
    let mut kept = Kept::default();
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

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "without a message".to_owned())
}
