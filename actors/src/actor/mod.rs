//! The cast: each actor is a thin shell around its decisions in [`core`](crate::core).

pub(crate) mod balancer;
pub(crate) mod directory;
pub(crate) mod leader;
pub(crate) mod msvpu;
pub(crate) mod proxy;
pub(crate) mod supervisor;

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
