//! The programs that ship with the machine.

pub(crate) mod classification;
pub(crate) mod descriptions;
