//! The programs that ship with the machine.

mod classification;
mod descriptions;

pub use classification::*;
pub use descriptions::{ParameterDescription, ServiceDescription, services};
