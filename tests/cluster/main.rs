//! Clusters of real processes: nodes are `msvpu node`, or this binary for programs of its own, and can
//! be killed, stopped and told to leave.
//!
//! The broker is that of MSVPU_TEST_AMQP_URL, or one of the tests' own; see `actors/tests/broker`.
#![cfg(all(feature = "amqp", unix))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../actors/tests/broker/mod.rs"]
mod broker;

mod bytes;
mod jobs;
mod leaving;
mod list;
mod lost;
#[cfg(target_os = "linux")]
mod network;
#[path = "../common/noise.rs"]
mod noise;
mod ours;
mod parked;
#[cfg(target_os = "linux")]
mod partition;
mod poison;
mod process;
mod refusals;
mod reports;
#[path = "../common/server.rs"]
mod server;
mod serving;
mod tls;

use server::deaf;
