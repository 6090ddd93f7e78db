//! Into how many tiles a scene is cut.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use msvpu_actors::ProgramError;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::scene::Shape;

/// The most tiles that a scene is cut into: as many MsVPUs as a machine gives a job by default.
pub const MAX_TILES: u64 = 65_536;

/// Into how many tiles a scene is cut, in rows and columns of tiles; written `ROWSxCOLUMNS`.
///
/// ```
/// use msvpu::Tiling;
///
/// let tiling: Tiling = "4x2".parse()?;
/// assert_eq!((tiling.rows.get(), tiling.columns.get()), (4, 2));
/// assert_eq!(tiling.to_string(), "4x2");
/// assert!("4x0".parse::<Tiling>().is_err());
/// # Ok::<(), msvpu::TilingError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tiling {
    /// Rows of tiles.
    pub rows: NonZeroU32,
    /// Columns of tiles.
    pub columns: NonZeroU32,
}

impl Tiling {
    /// `rows` × `columns` tiles; `None` when one of them is 0.
    #[must_use]
    pub const fn new(rows: u32, columns: u32) -> Option<Self> {
        match (NonZeroU32::new(rows), NonZeroU32::new(columns)) {
            (Some(rows), Some(columns)) => Some(Self { rows, columns }),
            _ => None,
        }
    }

    /// How many tiles that makes: the size of the team.
    #[must_use]
    pub const fn tiles(self) -> u64 {
        self.rows.get() as u64 * self.columns.get() as u64
    }

    /// Checks that a scene of this shape can be cut so.
    pub(crate) fn validate(self, shape: Shape) -> Result<(), ProgramError> {
        let Self { rows, columns } = self;
        let Shape { width, height, .. } = shape;
        if rows.get() > height || columns.get() > width {
            return Err(ProgramError::invalid_input(format!(
                "{rows} x {columns} tiles do not fit into {height} rows and {width} columns of pixels"
            )));
        }
        if self.tiles() > MAX_TILES {
            return Err(ProgramError::invalid_input(format!(
                "{rows} x {columns} tiles are too many: at most {MAX_TILES} in all"
            )));
        }
        Ok(())
    }
}

impl fmt::Display for Tiling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.rows, self.columns)
    }
}

/// The text is no tiling.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is no tiling: write ROWSxCOLUMNS with two numbers from 1 on, such as 4x2")]
pub struct TilingError(String);

impl FromStr for Tiling {
    type Err = TilingError;

    fn from_str(text: &str) -> Result<Self, TilingError> {
        text.split_once('x')
            .and_then(|(rows, columns)| Self::new(rows.parse().ok()?, columns.parse().ok()?))
            .ok_or_else(|| TilingError(text.to_owned()))
    }
}
