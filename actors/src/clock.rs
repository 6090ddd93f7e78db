//! What time it is, and what is to happen later: real, or virtual where the machine is simulated.

use std::sync::Arc;
use std::time::Duration;

use actix::dev::ToEnvelope;
use actix::{Actor, Addr, Handler};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::id::JobId;
use crate::link::Link;

/// The time of one node. Every interval is measured on one of them; two are never compared.
pub(crate) trait Clock: Send + Sync {
    /// Since some fixed moment.
    fn now(&self) -> Duration;

    /// Does something later, on the event loop that this is called from.
    fn after(&self, delay: Duration, action: Box<dyn FnOnce() + Send>);

    /// A name for a job (UUIDv7, RFC 9562).
    fn job_id(&self) -> JobId;
}

/// The time of the operating system.
pub(crate) struct SystemClock {
    since: Instant,
}

impl SystemClock {
    pub(crate) fn new() -> Self {
        Self {
            since: Instant::now(),
        }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        self.since.elapsed()
    }

    fn after(&self, delay: Duration, action: Box<dyn FnOnce() + Send>) {
        actix::spawn(async move {
            sleep(delay).await;
            action();
        });
    }

    fn job_id(&self) -> JobId {
        JobId::new(Uuid::now_v7())
    }
}

/// Sends a message to an actor later, unless it is gone by then. Does not keep it alive.
pub(crate) fn remind<A, M>(
    clock: &Arc<dyn Clock>,
    link: &Link,
    delay: Duration,
    actor: &Addr<A>,
    message: M,
) where
    A: Actor + Handler<M>,
    A::Context: ToEnvelope<A, M>,
    M: actix::Message<Result = ()> + Send + 'static,
{
    let (link, actor) = (link.clone(), actor.downgrade());
    clock.after(
        delay,
        Box::new(move || {
            if let Some(actor) = actor.upgrade() {
                link.tell(&actor, message);
            }
        }),
    );
}

/// A clock that stands until it is moved. What is to happen later happens when the test says so.
#[cfg(test)]
#[derive(Default)]
pub(crate) struct StoppedClock(pub(crate) std::sync::Mutex<Duration>);

#[cfg(test)]
impl Clock for StoppedClock {
    fn now(&self) -> Duration {
        *self.0.lock().unwrap()
    }

    fn after(&self, _: Duration, _: Box<dyn FnOnce() + Send>) {}

    fn job_id(&self) -> JobId {
        JobId::new(Uuid::from_u128(7))
    }
}
