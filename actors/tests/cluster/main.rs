//! Machines of many processes on a real broker. The processes are threads here, which share
//! nothing but the broker all the same.
//!
//! The broker is that of MSVPU_TEST_AMQP_URL, or one of the tests' own; see `tests/broker`.
#![cfg(feature = "amqp")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../broker/mod.rs"]
mod broker;
#[path = "../programs/mod.rs"]
mod programs;
#[path = "../times/mod.rs"]
mod times;

mod disturbed;
mod draining;
mod gate;
mod leaders;
mod lost;
mod outages;
mod refusals;
mod results;
mod rubbish;
mod support;
mod ways;
mod work;
