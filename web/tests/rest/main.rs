//! The server as clients meet it: over HTTP, on a port of the system's choice, with a service made for it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod access;
mod api;
mod artifacts;
mod bodies;
mod description;
mod events;
mod idempotency;
mod jobs;
mod observing;
mod pages;
mod problems;
mod shout;
mod team;
