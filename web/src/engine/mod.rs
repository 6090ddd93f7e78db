//! Keeps jobs and runs them: everything but HTTP.
//!
//! A job is PENDING from the moment its record is on the disk, RUNNING while its service's future runs, and ends
//! when its end is on the disk: nobody sees an end that a crash could take back. Between the two nothing of it is
//! waited for: what happens meanwhile is in memory ([`live`]), and is written with the end. A job that a crash
//! or a shutdown finds unfinished is run again from the start; the ids of its events go on.
//!
//! 1. [`submit`]: what is accepted, and once only. [`upload`]: files that come in.
//! 2. [`queue`], [`schedule`]: which job is next, and how much runs at once.
//! 3. [`run`]: one job from its begin to its end.
//! 4. [`live`], [`watch`]: what is seen of it meanwhile and afterwards; [`tally`]: what was counted.
//! 5. [`retention`]: what goes when.

mod cancel;
mod check;
mod config;
mod cursor;
mod detached;
mod error;
mod estimate;
mod index;
mod kept;
mod live;
mod pump;
mod queue;
mod recovery;
mod request;
mod retention;
mod run;
mod schedule;
mod standing;
mod submit;
mod tally;
mod upload;
mod watch;
mod weight;

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use msvpu_actors::VirtualMachine;
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch as channel};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

pub use config::EngineConfig;
pub use cursor::Events;
pub use error::EngineError;
use index::Index;
use live::Live;
pub use request::{After, Caller, Content, Filter, Gauges, IdempotencyKey, Page};
use schedule::Schedule;
use tally::Tally;
pub use tally::Totals;
pub use upload::UploadWriter;

use crate::model::{Artifact, Upload};
use crate::service::{Folder, InputReader, Services};
pub use crate::store::OpenError;
use crate::store::Store;

/// Keeps jobs and runs them. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
    /// Dropped with the last handle.
    _alive: Arc<Alive>,
}

/// Ends the tasks of an engine that nobody can ask any more, so that its directory is free again.
struct Alive {
    inner: Arc<Inner>,
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.inner.stop();
    }
}

/// What the handles and tasks of an engine share.
struct Inner {
    config: EngineConfig,
    machine: VirtualMachine,
    services: Services,
    reader: Arc<dyn InputReader>,
    store: Store,
    index: Mutex<Index>,
    /// The jobs that have not ended.
    live: Mutex<HashMap<Uuid, Arc<Live>>>,
    schedule: Schedule,
    tally: Tally,
    /// Owners and keys of the requests that are being taken in.
    keys: Mutex<HashSet<(String, String)>>,
    /// Where jobs run, whatever runtime the engine is asked from.
    runtime: Handle,
    tasks: TaskTracker,
    /// There is more to keep than there was.
    grown: Notify,
    /// The engine is closed.
    stop: channel::Sender<bool>,
    /// Why jobs cannot run any more, once they cannot.
    broken: channel::Sender<Option<&'static str>>,
    /// Grows with each opening of the directory; the upper half of revisions.
    generation: u64,
}

/// In which opening of the directory a job got this revision.
const fn generation_of(revision: u64) -> u64 {
    revision >> 32
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inner {
    fn index(&self) -> MutexGuard<'_, Index> {
        lock(&self.index)
    }

    /// The folder of a job, not made yet.
    fn folder(&self, job: Uuid) -> Folder {
        Folder::new(self.store.dir().job(job))
    }

    fn live(&self, id: Uuid) -> Option<Arc<Live>> {
        lock(&self.live).get(&id).cloned()
    }

    /// An error unless there is such a job, and the caller sees it.
    fn check_job(&self, caller: &Caller, id: Uuid) -> Result<(), EngineError> {
        let index = self.index();
        match index.job(id) {
            Some(summary) if caller.sees(summary.owner.as_deref()) => Ok(()),
            _ => Err(no_job(id)),
        }
    }

    /// Begins nothing more, and ends the tasks.
    fn stop(&self) {
        self.schedule.stop();
        self.stop.send_replace(true);
        self.tasks.close();
    }

    /// Ends when the engine is closed.
    async fn stopped(&self) {
        // The sender lives as long as `self`.
        let _ = self.stop.subscribe().wait_for(|stop| *stop).await;
    }

    /// Begins nothing more when something ends without which no job can, until the engine is closed.
    async fn watch_over(self: Arc<Self>) {
        let reason = tokio::select! {
            () = self.stopped() => return,
            () = self.machine.ended() => "the virtual machine has ended",
            () = self.store.ended() => "the thread that writes records has ended",
        };
        log::error!("{reason}: jobs cannot end any more");
        self.schedule.stop();
        self.broken.send_replace(Some(reason));
    }

    /// The first revision of a job in this generation. It is above all earlier ones, which may have been seen and
    /// not been written.
    const fn first_revision(&self) -> u64 {
        (self.generation << 32) | 1
    }
}

fn not_found(what: &'static str, id: impl ToString) -> EngineError {
    EngineError::NotFound {
        what,
        id: id.to_string(),
    }
}

fn no_job(id: Uuid) -> EngineError {
    not_found("job", id)
}

impl Engine {
    /// Takes nothing more, lets running jobs be (they run again after the next start), and closes the store.
    pub async fn close(&self) {
        self.inner.stop();
        self.inner.tasks.wait().await;
        self.inner.store.close().await;
    }

    /// The services that can be asked for.
    #[must_use]
    pub fn services(&self) -> &Services {
        &self.inner.services
    }

    /// The machine that jobs run on.
    #[must_use]
    pub fn machine(&self) -> &VirtualMachine {
        &self.inner.machine
    }

    /// Why nothing is taken any more although nobody has closed the engine; `None` as long as all is well.
    #[must_use]
    pub fn trouble(&self) -> Option<&'static str> {
        *self.inner.broken.borrow()
    }

    /// Waits until something has ended without which no job can end, and tells what. Then the process is best ended:
    /// all that was accepted runs after the next start.
    pub async fn broken(&self) -> &'static str {
        let mut broken = self.inner.broken.subscribe();
        loop {
            if let Some(reason) = *broken.borrow_and_update() {
                return reason;
            }
            // The sender lives as long as `self`.
            let _ = broken.changed().await;
        }
    }

    /// How much there is of what.
    #[must_use]
    pub fn gauges(&self) -> Gauges {
        let (queued, running) = self.inner.schedule.counts();
        Gauges {
            queued,
            running,
            blob_bytes: self.inner.index().blob_bytes(),
            writable: self.inner.store.is_writable(),
        }
    }

    /// What has ended since the engine was opened.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.inner.tally.totals()
    }

    /// An upload of the caller's.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub async fn upload(&self, caller: &Caller, id: Uuid) -> Result<Upload, EngineError> {
        self.inner.upload_of(caller, id)
    }

    /// An artifact and what is in it.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub async fn artifact(
        &self,
        caller: &Caller,
        id: Uuid,
        name: &str,
    ) -> Result<(Artifact, Content), EngineError> {
        let job = self.job(caller, id).await?;
        let artifact = job
            .artifacts
            .into_iter()
            .find(|artifact| artifact.name == name)
            .ok_or_else(|| not_found("artifact", name))?;
        let kept = self.inner.store.read({
            let name = artifact.name.clone();
            move |reading| reading.artifact(id, &name)
        });
        let content = match kept.await? {
            Some(content) => Content::Bytes(content),
            None => Content::File(self.inner.store.dir().job(id).join(&artifact.name)),
        };
        Ok((artifact, content))
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("data", &self.inner.config.data)
            .field("gauges", &self.gauges())
            .finish_non_exhaustive()
    }
}
