//! The decisions, without the actors: `step(event) -> effects`, no clock, no randomness, no I/O.

pub(crate) mod admission;
pub(crate) mod allotment;
#[cfg_attr(not(test), expect(dead_code, reason = "for the queue of a node"))]
pub(crate) mod fair;
pub(crate) mod gather;
pub(crate) mod membership;
pub(crate) mod msvpu;
pub(crate) mod outbox;
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "for the node monitors and the balancer")
)]
pub(crate) mod performance;
#[cfg_attr(not(test), expect(dead_code, reason = "for the balancer"))]
pub(crate) mod strategy;
pub(crate) mod team;
