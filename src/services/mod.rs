//! The programs that ship with the machine.

pub(crate) mod classification;
pub(crate) mod descriptions;
pub(crate) mod pairwise;
pub(crate) mod password_hash;
pub(crate) mod sample;
mod sum;
mod tile;
pub(crate) mod tiling;
