//! A massively distributed virtual machine: teams of actors run one program over many pieces of data.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod raster;
mod scene;

pub use msvpu_actors::*;
pub use scene::{SampleType, Scene, SceneError, Shape};
