//! The process `msvpu serve`, of which more is expected than of the library in it: it is killed under load, again
//! and again, and keeps what it has promised.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod check;
mod clients;
mod kill;
mod ledger;
mod pictures;
#[path = "../common/server.rs"]
mod server;
mod site;
