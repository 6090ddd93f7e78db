//! The programs that ship with the machine.

mod classification;
mod descriptions;
mod pairwise;
mod password_hash;
mod sample;
mod sum;
mod tile;
mod tiling;

pub use classification::*;
pub use descriptions::{ParameterDescription, ServiceDescription, services};
pub use pairwise::*;
pub use password_hash::{PasswordHash, PasswordTile, Passwords};
pub use tile::{Tile, TileHead};
pub use tiling::{MAX_TILES, Tiling, TilingError};
