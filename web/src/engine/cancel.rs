//! Ending jobs that have not ended, and forgetting those that have.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use uuid::Uuid;

use super::live::Live;
use super::standing::End;
use super::{Caller, Engine, EngineError, Inner, no_job};
use crate::model::{Job, State};
use crate::store::{Op, blocking, remove};

/// So long the end of a job that waited is waited for, when the disk does not take it at once.
const SOON: Duration = Duration::from_secs(2);

impl Engine {
    /// Asks a job to end. One that waits has ended when this returns; one that runs ends as soon as its service
    /// lets go of it, or a little later without it.
    ///
    /// # Errors
    /// [`EngineError::NotFound`], [`EngineError::Ended`], [`EngineError::DiskFull`].
    pub async fn cancel(&self, caller: &Caller, id: Uuid) -> Result<Job, EngineError> {
        self.inner.check_job(caller, id)?;
        let live = self.inner.live(id).ok_or(EngineError::Ended)?;
        let inner = Arc::clone(&self.inner);
        let work = async move { inner.cancel(live).await };
        self.inner.detached(work).await
    }

    /// Forgets an ended job and its artifacts; also its upload, if that came with it and no other job has it.
    ///
    /// # Errors
    /// [`EngineError::NotFound`], [`EngineError::Running`].
    pub async fn delete(&self, caller: &Caller, id: Uuid) -> Result<(), EngineError> {
        self.inner.check_job(caller, id)?;
        if self.inner.live(id).is_some() {
            return Err(EngineError::Running);
        }
        let inner = Arc::clone(&self.inner);
        let work = async move { inner.forget_job(id).await };
        self.inner.detached(work).await
    }
}

/// The end of a job that someone did not want any more.
pub(super) fn cancelled() -> End {
    End {
        state: State::Cancelled,
        reason: "it was cancelled".to_owned(),
        result: None,
        error: None,
        artifacts: Vec::new(),
        contents: Vec::new(),
    }
}

impl Inner {
    async fn cancel(self: &Arc<Self>, live: Arc<Live>) -> Result<Job, EngineError> {
        // Its record is on the way before its end can be: the end is the last that is written of it.
        let written = live
            .ask_cancel(|record| Op::job(record).map(|op| self.store.write(vec![op])))
            .ok_or(EngineError::Ended)?;
        // What cannot be kept over a crash is not promised. It ends all the same when its turn comes.
        written?.await?;
        if self.schedule.remove(live.id) {
            let (inner, of) = (Arc::clone(self), Arc::clone(&live));
            let finish = async move { inner.finish(&of, cancelled()).await };
            let finishing = self.tasks.spawn_on(finish, &self.runtime);
            // Or later, when the disk takes it.
            let _ = timeout(SOON, finishing).await;
        }
        Ok(live.job())
    }

    /// The records go first: what is left after a crash is removed at the next start.
    pub(super) async fn forget_job(&self, id: Uuid) -> Result<(), EngineError> {
        let (summary, left) = {
            let mut index = self.index();
            let summary = index.remove_job(id).ok_or_else(|| no_job(id))?;
            let left = index.remove_left(summary.upload);
            (summary, left)
        };
        let upload = summary.upload;
        let mut ops = vec![Op::ForgetJob {
            id,
            owner: summary.owner.clone(),
        }];
        ops.extend(left.as_ref().map(|_| Op::ForgetUpload { id: upload }));
        if let Err(error) = self.store.write(ops).await {
            let mut index = self.index();
            if let Some(held) = left {
                index.restore(held);
            }
            index.add_ended(id, summary);
            return Err(error.into());
        }
        let dir = self.store.dir();
        let mut gone = vec![dir.job(id)];
        gone.extend(left.map(|_| dir.upload(upload)));
        let removed = blocking(move || {
            for path in &gone {
                remove(path)?;
            }
            Ok(())
        });
        removed.await?;
        Ok(())
    }
}
