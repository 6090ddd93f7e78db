//! The decisions, without the actors: `step(event) -> effects`, no clock, no randomness, no I/O.

pub(crate) mod admission;
pub(crate) mod allotment;
#[cfg(feature = "amqp")]
pub(crate) mod assembly;
#[cfg(feature = "amqp")]
pub(crate) mod backoff;
pub(crate) mod balance;
pub(crate) mod crew;
pub(crate) mod dedupe;
pub(crate) mod examination;
pub(crate) mod fair;
pub(crate) mod fate;
pub(crate) mod gate;
pub(crate) mod gather;
pub(crate) mod lease;
pub(crate) mod msvpu;
pub(crate) mod outbox;
pub(crate) mod performance;
pub(crate) mod ranks;
pub(crate) mod record;
pub(crate) mod report;
pub(crate) mod reservation;
#[cfg(feature = "amqp")]
pub(crate) mod sending;
pub(crate) mod strategy;
pub(crate) mod team;
