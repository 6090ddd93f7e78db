//! What is seen of jobs.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, BoxStream, StreamExt as _};
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use super::live::{Live, Seen};
use super::{Caller, Engine, EngineError, Filter, Inner, Page, no_job};
use crate::model::{Event, EventBody, IterationRow, Job, State};

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
            let mut marks = live.watch();
            let changed = marks.wait_for(|marks| {
                marks.ended || revision.is_some_and(|revision| marks.revision != revision)
            });
            let waited = async {
                tokio::select! {
                    _ = changed => {}
                    () = self.inner.stopped() => {}
                }
            };
            // As it stands, either way.
            let _ = timeout_at(deadline, waited).await;
            return Ok(live.job());
        }
        self.inner.job(id).await
    }

    /// The caller's jobs, newest first, `size` at most, those after `after`.
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
        let (ids, more) = self.inner.index().list(caller, filter, size, after);
        let next = ids.last().copied().filter(|_| more);
        let found: Vec<(Uuid, Option<Arc<Live>>)> =
            ids.iter().map(|id| (*id, self.inner.live(*id))).collect();
        let jobs = self.inner.store.read(move |reading| {
            let mut jobs = Vec::with_capacity(found.len());
            for (id, live) in found {
                match live {
                    Some(live) => jobs.push(live.job()),
                    // One that was deleted meanwhile is left out.
                    None => jobs.extend(reading.job(id)?.map(|record| record.job)),
                }
            }
            Ok(jobs)
        });
        Ok(Page {
            jobs: jobs.await?,
            next,
        })
    }

    /// All that happens to a job after the event `after` (0: from the start), until `done`. It ends without `done`
    /// only if the engine is closed or the job is deleted meanwhile.
    ///
    /// An `after` that the job has not come to yet was given out before a crash that took some events with it:
    /// then all events of the attempt that runs are told.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub async fn events(
        &self,
        caller: &Caller,
        id: Uuid,
        after: u64,
    ) -> Result<BoxStream<'static, Event>, EngineError> {
        self.inner.check_job(caller, id)?;
        let live = self.inner.live(id);
        let after = match live.as_ref().map(|live| live.span()) {
            Some((first, last)) if after > last => first.saturating_sub(1),
            _ => after,
        };
        let cursor = Cursor {
            inner: Arc::clone(&self.inner),
            live,
            id,
            after,
            next: VecDeque::new(),
            is_done: false,
        };
        Ok(stream::unfold(cursor, Cursor::step).boxed())
    }

    /// The iterations so far, of the attempt that runs or has ended.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub async fn iterations(
        &self,
        caller: &Caller,
        id: Uuid,
    ) -> Result<Vec<IterationRow>, EngineError> {
        self.inner.check_job(caller, id)?;
        let live = self.inner.live(id);
        let last = live.as_ref().map(|live| live.span().1);
        let mut cursor = Cursor {
            inner: Arc::clone(&self.inner),
            live,
            id,
            after: 0,
            next: VecDeque::new(),
            is_done: false,
        };
        let mut rows = Vec::new();
        while last.is_none_or(|last| cursor.after < last) {
            let Some(event) = cursor.next().await else {
                break;
            };
            match event.body {
                // Another attempt begins.
                EventBody::State {
                    state: State::Pending,
                    ..
                } => rows.clear(),
                EventBody::Iteration(row) => rows.push(row),
                _ => {}
            }
        }
        Ok(rows)
    }
}

impl Inner {
    /// A job, whoever's it is.
    pub(super) async fn job(&self, id: Uuid) -> Result<Job, EngineError> {
        if let Some(live) = self.live(id) {
            return Ok(live.job());
        }
        let record = self.store.read(move |reading| reading.job(id)).await?;
        record.map(|record| record.job).ok_or_else(|| no_job(id))
    }
}

/// How far a watcher is.
struct Cursor {
    inner: Arc<Inner>,
    /// Of a job that had not ended when the watcher came.
    live: Option<Arc<Live>>,
    id: Uuid,
    /// The last event that the watcher has got.
    after: u64,
    /// What it gets next.
    next: VecDeque<Event>,
    is_done: bool,
}

impl Cursor {
    async fn step(mut self) -> Option<(Event, Self)> {
        let event = self.next().await?;
        Some((event, self))
    }

    async fn next(&mut self) -> Option<Event> {
        if self.is_done {
            return None;
        }
        while self.next.is_empty() {
            self.next = self.fill().await?.into();
        }
        let event = self.next.pop_front()?;
        self.after = event.id;
        self.is_done = matches!(event.body, EventBody::Done { .. });
        Some(event)
    }

    /// Events after the last one, as soon as there are some; `None` when there will be none.
    async fn fill(&self) -> Option<Vec<Event>> {
        let Some(live) = &self.live else {
            return self.stored().await;
        };
        let mut marks = live.watch();
        loop {
            let has_ended = marks.borrow_and_update().ended;
            match live.events(self.after) {
                Seen::Events(events) => return Some(events),
                Seen::Stored => return self.stored().await,
                Seen::NoneYet if has_ended => return None,
                Seen::NoneYet => {}
            }
            tokio::select! {
                // The sender lives as long as `live`.
                _ = marks.changed() => {}
                () = self.inner.stopped() => return None,
            }
        }
    }

    async fn stored(&self) -> Option<Vec<Event>> {
        let (id, after) = (self.id, self.after);
        let read = self
            .inner
            .store
            .read(move |reading| reading.events(id, after));
        match read.await {
            Ok(events) if events.is_empty() => None,
            Ok(events) => Some(events),
            Err(error) => {
                log::error!("job {id}: its events cannot be read: {error}");
                None
            }
        }
    }
}
