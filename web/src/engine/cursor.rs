//! How far a watcher of a job is.

use std::collections::VecDeque;
use std::fmt;
use std::future::ready;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::stream::{self, BoxStream, Stream, StreamExt as _};
use uuid::Uuid;

use super::live::{Live, Seen};
use super::{After, EngineError, Inner};
use crate::model::{Event, EventBody, State};

/// What happens to a job.
pub struct Events {
    /// The start of the server that names them, see [`After::generation`].
    pub generation: u64,
    events: BoxStream<'static, Event>,
}

impl Stream for Events {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        self.events.poll_next_unpin(context)
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events")
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

/// How far a watcher is.
pub(super) struct Cursor {
    inner: Arc<Inner>,
    /// Of a job that had not ended when the watcher came.
    live: Option<Arc<Live>>,
    id: Uuid,
    /// The start of the server in which it runs or has ended.
    generation: u64,
    /// The last event that the watcher has got.
    after: u64,
    /// What it gets next.
    next: VecDeque<Event>,
    is_done: bool,
}

/// The last event that is as it was told so many starts of the server ago (the first may give another reason to wait), of
/// a job whose attempts began with these. A
/// start that came to nothing has no begin: then what is earlier counts, which is the same as well.
fn kept_of(begins: &[u64], starts: u64) -> u64 {
    let starts = usize::try_from(starts).unwrap_or(usize::MAX);
    let place = begins.len().checked_sub(starts);
    let next = place.and_then(|place| begins.get(place));
    next.map_or(0, |begin| begin.saturating_sub(1))
}

impl Cursor {
    /// At the start.
    pub(super) fn new(inner: &Arc<Inner>, id: Uuid) -> Self {
        let live = inner.live(id);
        let generation = match &live {
            Some(live) => live.generation(),
            None => {
                let index = inner.index();
                let kept = index.job(id).and_then(|summary| summary.ended);
                kept.map_or(0, |kept| kept.generation)
            }
        };
        Self {
            inner: Arc::clone(inner),
            live,
            id,
            generation,
            after: 0,
            next: VecDeque::new(),
            is_done: false,
        }
    }

    /// Where a watcher goes on that has seen the event `after`.
    pub(super) async fn resumed(mut self, after: After) -> Result<Self, EngineError> {
        self.after = self.resume(after).await?;
        Ok(self)
    }

    /// At the start of the attempt that runs or has ended.
    pub(super) async fn at_last_attempt(mut self) -> Self {
        self.after = match &self.live {
            Some(live) => live.span().0.saturating_sub(1),
            None => self.begins().await.last().copied().unwrap_or(0),
        };
        self
    }

    /// The events with which its attempts began to wait: one of each start of the server that found it unfinished.
    async fn begins(&self) -> Vec<u64> {
        let begins = Self::new(&self.inner, self.id)
            .so_far()
            .filter_map(|event| {
                let is_begin = matches!(
                    event.body,
                    EventBody::State {
                        state: State::Pending,
                        ..
                    }
                );
                ready(is_begin.then_some(event.id))
            });
        begins.collect().await
    }

    async fn resume(&self, after: After) -> Result<u64, EngineError> {
        let (first, last) = match &self.live {
            Some(live) => live.span(),
            None if after.event == 0 => return Ok(0),
            None => {
                let id = self.id;
                let last = self.inner.store.read(move |reading| reading.last_event(id));
                (1, last.await?)
            }
        };
        Ok(match after.generation {
            Some(generation) if generation < self.generation => {
                let starts = self.generation - generation;
                after.event.min(kept_of(&self.begins().await, starts))
            }
            Some(generation) if generation > self.generation => first.saturating_sub(1),
            _ if after.event > last => first.saturating_sub(1),
            _ => after.event,
        })
    }

    /// All that has happened until now.
    pub(super) fn so_far(self) -> Events {
        let generation = self.generation;
        let last = self.live.as_ref().map(|live| live.span().1);
        let step = move |mut cursor: Self| async move {
            if last.is_some_and(|last| cursor.after >= last) {
                return None;
            }
            let event = cursor.next().await?;
            Some((event, cursor))
        };
        Events {
            generation,
            events: stream::unfold(self, step).boxed(),
        }
    }

    /// All that has happened and happens.
    pub(super) fn into_the_end(self) -> Events {
        Events {
            generation: self.generation,
            events: stream::unfold(self, Self::step).boxed(),
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

#[cfg(test)]
mod tests {
    use super::kept_of;

    #[test]
    fn what_was_told_before_a_start_is_as_it_was_up_to_the_next_begin() {
        let begins = [1, 101, 301];
        for (starts, kept) in [(1, 300), (2, 100), (3, 0), (4, 0), (u64::MAX, 0)] {
            assert_eq!(kept_of(&begins, starts), kept, "{starts}");
        }
    }
}
