//! The programs that ship with the machine.

mod classification;

pub use classification::*;
