//! What the engine promises, with a service that does as it is told.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod artifacts;
mod cancel;
mod crash;
mod disk;
mod events;
mod fair;
mod full;
mod keys;
mod lifecycle;
mod restart;
mod rights;
mod script;
mod support;
