//! What goes when: by age, and by what all takes together.

use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;

use super::index::Old;
use super::{EngineError, Inner};

/// How often is looked for what is too old, when nothing else happens.
const EVERY: Duration = Duration::from_secs(60);
/// What came or ended that lately stays, however much there is.
const FRESH: Duration = Duration::from_secs(60);
/// Between two looks.
const PAUSE: Duration = Duration::from_secs(1);

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
        loop {
            let old = {
                let index = self.index();
                let too_much = index.bytes() > self.config.retention_bytes;
                let too_many = index.ended() > self.config.retention_jobs;
                let oldest = index.oldest().filter(|(since, _)| {
                    let age = now - *since;
                    age > self.config.retention_age || (too_much && age > FRESH)
                });
                let of_too_many = || {
                    let oldest = index.oldest_job().filter(|_| too_many);
                    oldest.filter(|(since, _)| now - *since > FRESH)
                };
                oldest.or_else(of_too_many)
            };
            let Some((_, old)) = old else {
                return;
            };
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
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
