//! Pictures in and out, against independent encoders and decoders.

// The lints' allowance for tests does not reach the functions that tests share.
#![allow(clippy::unwrap_used, clippy::panic)]

mod fixtures;
mod formats;
mod fuzz;
mod hostile;
mod labels;
#[cfg(target_os = "linux")]
mod memory;
mod probing;
mod stopping;
mod support;
mod tiffs;
mod writing;
