//! The cast: each actor is a thin shell around its decisions in [`core`](crate::core).

pub(crate) mod balancer;
#[cfg(feature = "amqp")]
pub(crate) mod bridge;
pub(crate) mod directory;
pub(crate) mod leader;
pub(crate) mod monitor;
pub(crate) mod msvpu;
pub(crate) mod proxy;
pub(crate) mod supervisor;

use tokio::sync::watch;

/// Kept by each actor that a machine cannot do without. They live as long as the machine, unless
/// one panics: then it ends the machine, and with it every job, instead of leaving them waiting.
pub(crate) struct Vital {
    pub(crate) stop: watch::Sender<bool>,
}

impl Drop for Vital {
    fn drop(&mut self) {
        if !self.stop.send_replace(true) {
            log::error!("an actor of the machine ended before the machine: stopping");
        }
    }
}

/// Time has passed: whoever waits for an answer asks again.
#[derive(Clone, Copy, actix::Message)]
#[rtype(result = "()")]
pub(crate) struct Tick;

/// Lets an actor of a machine of several nodes tick; in one process nothing gets lost.
macro_rules! ticking {
    ($host:expr, $context:expr) => {
        if let Some(timing) = $host.timing {
            let (clock, link) = (&$host.clock, &$host.link);
            let actor = actix::AsyncContext::address($context);
            $crate::clock::remind(clock, link, timing.retry(), &actor, $crate::actor::Tick);
        }
    };
}
pub(crate) use ticking;
