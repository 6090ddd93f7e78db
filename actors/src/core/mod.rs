//! The decisions, without the actors: `step(event) -> effects`, no clock, no randomness, no I/O.

pub(crate) mod admission;
pub(crate) mod allotment;
pub(crate) mod gather;
pub(crate) mod membership;
pub(crate) mod msvpu;
pub(crate) mod outbox;
pub(crate) mod team;
