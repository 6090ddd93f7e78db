//! What is seen of jobs.

use std::future::ready;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{BoxStream, StreamExt as _};
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use super::cursor::{Cursor, Events};
use super::live::{Live, Marks};
use super::{After, Caller, Engine, EngineError, Filter, Inner, Page, no_job};
use crate::model::{EventBody, IterationRow, Job, TeamTimes};

/// A page of a list ends after so many bytes of JSON.
const MAX_PAGE_BYTES: usize = 4 << 20;
/// So many jobs are looked at before others get to the index.
const MAX_WALK: usize = 4096;

impl Engine {
    /// A job of the caller's, as it stands now.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub async fn job(&self, caller: &Caller, id: Uuid) -> Result<Job, EngineError> {
        self.inner.check_job(caller, id)?;
        self.inner.job(id).await
    }

    /// A job of the caller's as soon as its revision is not `revision` any more (`None`: as soon as
    /// it has ended), or as it stands after `wait`, or when the engine is closed.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub async fn job_after(
        &self,
        caller: &Caller,
        id: Uuid,
        revision: Option<u64>,
        wait: Duration,
    ) -> Result<Job, EngineError> {
        self.inner.check_job(caller, id)?;
        let deadline = Instant::now() + wait;
        if let Some(live) = self.inner.live(id) {
            let changed = async {
                match revision {
                    // Whoever waits for the end only is not woken before.
                    None => live.over().await,
                    Some(revision) => {
                        let mut marks = live.watch();
                        let changed = |marks: &Marks| marks.ended || marks.revision != revision;
                        // The sender lives as long as `live`.
                        let _ = marks.wait_for(changed).await;
                    }
                }
            };
            let waited = async {
                tokio::select! {
                    () = changed => {}
                    () = self.inner.stopped() => {}
                }
            };
            // As it stands, either way.
            let _ = timeout_at(deadline, waited).await;
            return Ok(live.job());
        }
        self.inner.job(id).await
    }

    /// The caller's jobs without their results, newest first, those after `after`: `size` at most, and fewer when they
    /// are large.
    ///
    /// # Errors
    /// [`EngineError::Store`].
    pub async fn jobs(
        &self,
        caller: &Caller,
        filter: &Filter,
        size: usize,
        after: Option<Uuid>,
    ) -> Result<Page, EngineError> {
        let (ids, is_last) = self.inner.find(caller, filter, size, after);
        let found: Vec<(Uuid, Option<Arc<Live>>)> =
            ids.iter().map(|id| (*id, self.inner.live(*id))).collect();
        let read = self.inner.store.read(move |reading| {
            let mut jobs = Vec::with_capacity(found.len());
            let mut bytes = 0;
            let mut last = None;
            let mut is_cut = false;
            for (id, live) in found {
                if bytes > MAX_PAGE_BYTES {
                    is_cut = true;
                    break;
                }
                last = Some(id);
                let job = match live {
                    Some(live) => Some(live.job()),
                    // One that was deleted meanwhile is left out.
                    None => reading.listed(id)?,
                };
                let Some(mut job) = job else {
                    continue;
                };
                job.result = None;
                bytes += length(&job);
                jobs.push(job);
            }
            Ok((jobs, last, is_cut))
        });
        let (jobs, last, is_cut) = read.await?;
        Ok(Page {
            jobs,
            next: last.filter(|_| is_cut || !is_last),
        })
    }

    /// All that happens to a job after the event `after` (0: from the start), until `done`. It ends without `done`
    /// only if the engine is closed or the job is deleted meanwhile.
    ///
    /// An `after` of an earlier start of the server may have been given out before a crash that took some events with
    /// it: then it is gone on from there if that event was kept, else from where the next attempt began. One that the
    /// job has not come to yet is answered with all events of the attempt that runs, or all there are if it has ended.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub async fn events(
        &self,
        caller: &Caller,
        id: Uuid,
        after: impl Into<After>,
    ) -> Result<Events, EngineError> {
        let cursor = self.cursor(caller, id, after.into()).await?;
        Ok(cursor.into_the_end())
    }

    /// What has happened to a job after the event `after` so far.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub async fn events_so_far(
        &self,
        caller: &Caller,
        id: Uuid,
        after: impl Into<After>,
    ) -> Result<Events, EngineError> {
        let cursor = self.cursor(caller, id, after.into()).await?;
        Ok(cursor.so_far())
    }

    async fn cursor(&self, caller: &Caller, id: Uuid, after: After) -> Result<Cursor, EngineError> {
        self.inner.check_job(caller, id)?;
        Cursor::new(&self.inner, id).resumed(after).await
    }

    /// What the team of a job did over time, as far as it has told; nothing of a job that has told nothing.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub async fn team(&self, caller: &Caller, id: Uuid) -> Result<Arc<TeamTimes>, EngineError> {
        self.inner.check_job(caller, id)?;
        if let Some(live) = self.inner.live(id) {
            return Ok(live.team());
        }
        let kept = self.inner.store.read(move |reading| reading.team(id));
        Ok(Arc::new(kept.await?.unwrap_or_default()))
    }

    /// The iterations so far, of the attempt that runs or has ended.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub async fn iterations(
        &self,
        caller: &Caller,
        id: Uuid,
    ) -> Result<BoxStream<'static, IterationRow>, EngineError> {
        self.inner.check_job(caller, id)?;
        let cursor = Cursor::new(&self.inner, id).at_last_attempt().await;
        let rows = cursor.so_far().filter_map(|event| {
            ready(match event.body {
                EventBody::Iteration(row) => Some(row),
                _ => None,
            })
        });
        Ok(rows.boxed())
    }
}

/// How many bytes of JSON it is.
fn length(job: &Job) -> usize {
    struct Count(usize);

    impl io::Write for Count {
        fn write(&mut self, part: &[u8]) -> io::Result<usize> {
            self.0 += part.len();
            Ok(part.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let mut count = Count(0);
    // A job can be written: it was read, or is kept.
    let _ = serde_json::to_writer(&mut count, job);
    count.0
}

impl Inner {
    /// Ids of jobs that fit, `size` at most, and whether there are no more.
    fn find(
        &self,
        caller: &Caller,
        filter: &Filter,
        size: usize,
        after: Option<Uuid>,
    ) -> (Vec<Uuid>, bool) {
        let (mut ids, mut after) = (Vec::new(), after);
        // One more, to see whether there is one. Others get the lock between two walks.
        while ids.len() <= size {
            let walk = self
                .index()
                .list(caller, filter, size + 1 - ids.len(), after, MAX_WALK);
            ids.extend(walk.ids);
            if walk.last.is_none() {
                break;
            }
            after = walk.last;
        }
        let is_last = ids.len() <= size;
        ids.truncate(size);
        (ids, is_last)
    }

    /// A job, whoever's it is.
    pub(super) async fn job(&self, id: Uuid) -> Result<Job, EngineError> {
        if let Some(live) = self.live(id) {
            return Ok(live.job());
        }
        let record = self.store.read(move |reading| reading.job(id)).await?;
        record.map(|record| record.job).ok_or_else(|| no_job(id))
    }
}
