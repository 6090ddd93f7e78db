//! REST and a dashboard over a running virtual machine.
//!
//! This crate knows jobs, artifacts, nodes, and a catalog of services with their parameters'
//! schemas; it knows no service by name. What can be asked for is a [`Service`].
//!
//! 1. [`service`]: what a job runs, and what it is handed.
//! 2. [`model`]: the resources, as they travel and as they are kept.
//! 3. [`engine`]: keeps jobs and runs them; `store`: on what.
//! 4. [`server`]: serves them; [`security`]: to whom; [`problem`]: what it says when something is wrong.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod api;
pub mod engine;
mod frame;
mod hex;
mod metrics;
pub mod model;
#[cfg(test)]
mod noise;
pub mod problem;
pub mod security;
pub mod server;
pub mod service;
mod store;

pub use api::openapi::document as openapi;
pub use engine::{Engine, EngineConfig};
pub use security::Tokens;
pub use server::{RunningServer, Server, ServerError, ServerLimits};
pub use service::{Service, Services};
