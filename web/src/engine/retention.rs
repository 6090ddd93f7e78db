//! What goes when: by age, and by what all takes together.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use time::OffsetDateTime;

use super::index::Old;
use super::{EngineError, Inner, lock};

/// How often is looked for what is too old, when nothing else happens.
const EVERY: Duration = Duration::from_secs(60);
/// What came or ended that lately stays, however much there is.
const FRESH: Duration = Duration::from_secs(60);
/// Between two looks.
const PAUSE: Duration = Duration::from_secs(1);
/// So many are removed at a time: what is removed together is few forced writes, so that no more comes than goes.
const AT_ONCE: usize = 64;

impl Inner {
    /// Removes what is too old or too much, until the engine is closed.
    pub(super) async fn retain(self: Arc<Self>) {
        let work = async {
            loop {
                self.retain_once(OffsetDateTime::now_utc()).await;
                tokio::time::sleep(PAUSE).await;
                // Whether something came or nothing did.
                let _ = tokio::time::timeout(EVERY, self.grown.notified()).await;
            }
        };
        tokio::select! {
            () = work => {}
            () = self.stopped() => {}
        }
    }

    /// Removes what is too old or too much now.
    pub(super) async fn retain_once(&self, now: OffsetDateTime) {
        let told = self.told_bytes();
        let mut under_way = FuturesUnordered::new();
        let mut is_stuck = false;
        loop {
            while !is_stuck
                && under_way.len() < AT_ONCE
                && let Some(old) = self.due(now, told)
            {
                let mut removal = Box::pin(self.remove(old));
                // It begins with the index: after that it is not due again.
                match poll_fn(|context| Poll::Ready(removal.as_mut().poll(context))).await {
                    Poll::Ready(goes_on) => is_stuck |= !goes_on,
                    Poll::Pending => under_way.push(removal),
                }
            }
            match under_way.next().await {
                Some(goes_on) => is_stuck |= !goes_on,
                None => return,
            }
        }
    }

    /// Removes something; tells whether others may be removed as well.
    async fn remove(&self, old: Old) -> bool {
        let removed = match old {
            Old::Job(id) => self.forget_job(id).await,
            Old::Upload(id) => self.forget_upload(id).await,
        };
        match removed {
            Ok(()) => log::info!("{old:?} is too old, and was removed"),
            // Someone was first, or has come to need it.
            Err(EngineError::NotFound { .. } | EngineError::InUse) => {}
            Err(error) => {
                log::error!("{old:?} is too old, and cannot be removed: {error}");
                return false;
            }
        }
        true
    }

    /// What goes next.
    fn due(&self, now: OffsetDateTime, told: u64) -> Option<Old> {
        let (index, config) = (self.index(), &self.config);
        let is_old = |since: OffsetDateTime| now - since > config.retention_age;
        let is_fresh = |since: OffsetDateTime| now - since <= FRESH;
        let too_much = index.bytes() + told > config.retention_bytes;
        let too_many_jobs = index.ended() > config.retention_jobs;
        let too_many_uploads = index.unused() > config.retention_uploads;
        let due = [
            index.oldest().filter(|(since, _)| is_old(*since)),
            index.oldest().filter(|_| too_much),
            index.oldest_job().filter(|_| too_many_jobs),
            index.oldest_upload().filter(|_| too_many_uploads),
            // Whoever was to ask for its job has gone in between.
            index.oldest_unsaved(),
        ];
        let mut due = due.into_iter().flatten();
        let first = due.find(|(since, _)| is_old(*since) || !is_fresh(*since));
        first.map(|(_, old)| old)
    }

    /// What the events of jobs that have not ended take in the store, in bytes.
    fn told_bytes(&self) -> u64 {
        let live: Vec<_> = lock(&self.live).values().cloned().collect();
        live.iter().map(|live| live.event_bytes()).sum()
    }
}

#[cfg(test)]
mod tests;
