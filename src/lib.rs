#![doc = include_str!("../README.md")]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod arrays;
pub mod raster;
mod scene;
mod services;

pub use arrays::Sample;
pub use msvpu_actors::*;
pub use scene::{SampleType, Scene, SceneError, Shape};
pub use services::*;
