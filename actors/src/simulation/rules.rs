//! What the numbers and names of a spec may be: one list for specs that are read and for those that
//! are built in code.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::simulation::synthetic::Synthetic;

pub(crate) const MAX_NODES: usize = 100_000;
pub(crate) const MAX_JOBS: usize = 10_000;
pub(crate) const MAX_FAULTS: usize = 100_000;

pub(crate) const LEASE_MS: Range = Range::new(1.0, 3_600_000.0);
pub(crate) const JITTER: Range = Range::below(0.0, 1.0);
/// One year: whatever the formulas give, virtual time does not overflow.
const YEAR_MS: f64 = 365.0 * 24.0 * 3600.0 * 1e3;
/// When something happens.
pub(crate) const TIME_MS: Range = Range::new(0.0, YEAR_MS);
/// How long something takes.
pub(crate) const DURATION_MS: Range = Range::new(0.001, YEAR_MS);

pub(crate) const CPUS: RangeInclusive<u32> = 1..=65_536;
pub(crate) const SPEED: Range = Range::new(1e3, 1e18);
pub(crate) const LATENCY_MS: Range = Range::new(0.0, 3_600_000.0);
pub(crate) const BANDWIDTH_MBPS: Range = Range::new(0.001, 1e9);

/// Of an envelope, and of what migrates.
pub(crate) const BYTES: Range = Range::new(0.0, 1e15);
pub(crate) const EXPANSION: Range = Range::new(0.001, 1000.0);
pub(crate) const HANDLING_US: Range = Range::new(0.0, 1e9);

pub(crate) const TILES: RangeInclusive<u32> = 1..=10_000_000;
pub(crate) const ROUNDS: RangeInclusive<u32> = 1..=100_000;
/// Pixels of a tile.
pub(crate) const TILE_SIZE: Range = Range::new(1.0, 1e12);
/// On the slowest node that may be, a step stays far below what a `Duration` holds.
pub(crate) const OPERATIONS: Range = Range::new(0.0, 1e18);
/// Of a tile, and of a partial result: a simulation of costs alone has them in memory, all the same.
pub(crate) const PIECE_BYTES: Range = Range::new(0.0, Synthetic::MAX_TILE_BYTES as f64);

/// Of a node's speed.
pub(crate) const FACTOR: Range = Range::new(0.001, 1000.0);
pub(crate) const PROBABILITY: Range = Range::new(0.0, 1.0);

/// Names stand in tables, CSV and file names.
pub(crate) const NAME: &str = "1 to 64 letters, digits, `-`, `_` or `.`";

/// Whether it is a [`NAME`].
pub(crate) fn is_name(name: &str) -> bool {
    const MOST: usize = 64;
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    (1..=MOST).contains(&name.chars().count()) && name.chars().all(fits)
}

pub(crate) fn from_milliseconds(milliseconds: f64) -> Duration {
    Duration::from_secs_f64(milliseconds / 1e3)
}

pub(crate) fn from_microseconds(microseconds: f64) -> Duration {
    Duration::from_secs_f64(microseconds / 1e6)
}

pub(crate) const fn from_mbps(megabits: f64) -> f64 {
    megabits * 1e6
}

/// Which whole numbers are right, in words.
pub(crate) fn whole<T: fmt::Display>(range: &RangeInclusive<T>) -> String {
    let (least, most) = (range.start(), range.end());
    format!("a whole number between {least} and {most}")
}

/// Which numbers are right.
#[derive(Clone, Copy)]
pub(crate) struct Range {
    least: f64,
    most: f64,
    /// Whether `most` itself is too much.
    open: bool,
}

impl Range {
    const fn new(least: f64, most: f64) -> Self {
        Self {
            least,
            most,
            open: false,
        }
    }

    const fn below(least: f64, limit: f64) -> Self {
        Self {
            least,
            most: limit,
            open: true,
        }
    }

    /// The same, from another number on.
    pub(crate) const fn from(self, least: f64) -> Self {
        Self { least, ..self }
    }

    /// Both ends in another unit, by a function that keeps the order.
    pub(crate) fn converted<T>(self, unit: impl Fn(f64) -> T) -> RangeInclusive<T> {
        unit(self.least)..=unit(self.most)
    }

    /// Of the numbers within, for one that may be outside; not for open ranges.
    pub(crate) const fn nearest(&self, number: f64) -> f64 {
        number.clamp(self.least, self.most)
    }

    pub(crate) fn contains(&self, number: f64) -> bool {
        number >= self.least && (number < self.most || (!self.open && number == self.most))
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (least, most) = (Readable(self.least), Readable(self.most));
        if self.open {
            write!(f, "at least {least} and below {most}")
        } else {
            write!(f, "between {least} and {most}")
        }
    }
}

/// Powers of ten where zeros would have to be counted.
pub(crate) struct Readable(pub(crate) f64);

impl fmt::Display for Readable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.abs() >= 1e7 {
            write!(f, "{:e}", self.0)
        } else {
            write!(f, "{}", self.0)
        }
    }
}
