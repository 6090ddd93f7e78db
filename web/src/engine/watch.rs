//! What is seen of jobs.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, BoxStream, StreamExt as _};
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use super::live::{Live, Seen};
use super::{Caller, Engine, EngineError, Filter, Inner, Page, no_job};
use crate::model::{Event, EventBody, IterationRow, Job, State, TeamTimes};

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
    /// then all events of the attempt that runs are told, or all there are if it has ended.
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
        let mut cursor = Cursor::new(&self.inner, id);
        cursor.after = cursor.resume(after).await?;
        Ok(stream::unfold(cursor, Cursor::step).boxed())
    }

    /// What has happened to a job after the event `after` so far.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub async fn events_so_far(
        &self,
        caller: &Caller,
        id: Uuid,
        after: u64,
    ) -> Result<Vec<Event>, EngineError> {
        self.inner.check_job(caller, id)?;
        let mut cursor = Cursor::new(&self.inner, id);
        cursor.after = cursor.resume(after).await?;
        let mut events = Vec::new();
        cursor.so_far(|event| events.push(event)).await;
        Ok(events)
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
    ) -> Result<Vec<IterationRow>, EngineError> {
        self.inner.check_job(caller, id)?;
        let mut rows = Vec::new();
        let take = |event: Event| match event.body {
            // Another attempt begins.
            EventBody::State {
                state: State::Pending,
                ..
            } => rows.clear(),
            EventBody::Iteration(row) => rows.push(row),
            _ => {}
        };
        Cursor::new(&self.inner, id).so_far(take).await;
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
    /// At the start.
    fn new(inner: &Arc<Inner>, id: Uuid) -> Self {
        Self {
            inner: Arc::clone(inner),
            live: inner.live(id),
            id,
            after: 0,
            next: VecDeque::new(),
            is_done: false,
        }
    }

    /// Where to go on for a watcher that has seen the event `after`.
    async fn resume(&self, after: u64) -> Result<u64, EngineError> {
        let (first, last) = match &self.live {
            Some(live) => live.span(),
            None if after == 0 => return Ok(0),
            None => {
                let id = self.id;
                let last = self.inner.store.read(move |reading| reading.last_event(id));
                (1, last.await?)
            }
        };
        Ok(if after > last {
            first.saturating_sub(1)
        } else {
            after
        })
    }

    /// Takes all that has happened until now.
    async fn so_far(mut self, mut take: impl FnMut(Event)) {
        let last = self.live.as_ref().map(|live| live.span().1);
        while last.is_none_or(|last| self.after < last) {
            match self.next().await {
                Some(event) => take(event),
                None => return,
            }
        }
    }

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
