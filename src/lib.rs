#![doc = include_str!("../README.md")]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

pub mod raster;
mod scene;
mod services;

pub use msvpu_actors::*;
pub use scene::{SampleType, Scene, SceneError, Shape};
pub use services::*;
