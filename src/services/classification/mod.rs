//! Classification of satellite scenes: c-means and fuzzy c-means (eqs. 10 to 17 of the paper).
//!
//! The way of a scene: [`tile`] cuts it, as [`default_tiling`] says unless told; [`state`] turns a
//! tile into [`levels`] (a histogram, for one band of integers) or [`planes`]; [`survey`] finds the
//! first centers where they are not given; each round [`hard`] or [`fuzzy`] makes the [`results`] of a tile and [`rounds`] the next
//! centers; [`output`] labels the tile; [`assembly`] puts the tiles together.
//!
//! Results do not depend on the machine: integer samples are summed in integers, the others in
//! `f64` in an order that is fixed in the source, without fused multiply-add. Vector instructions
//! come from the compiler, for whichever instruction set `pulp` finds, and change no bit.

mod assembly;
mod centers;
mod class_sums;
mod classify;
mod cost;
mod default_tiling;
mod fuzzy;
mod hard;
mod histogram;
mod levels;
mod method;
mod moments;
mod nearest;
mod output;
mod pace;
mod planes;
mod programs;
mod random;
mod results;
mod rounds;
mod settings;
mod state;
mod survey;
mod validity;

// Shared with other services.
use super::{sum, tile, tiling};

pub use assembly::{ClassSummary, Classification, LabelMap};
pub use centers::{Centers, CentersError};
pub use classify::{Classifier, classify};
pub use output::TileOutput;
pub use programs::{CMeans, FuzzyCMeans};
pub use rounds::{Fit, FitTask, Iteration, StoppedBy};
pub use settings::{ChoiceError, Init, MAX_CLASSES, MAX_VALUE, Settings, Start, StopRule};
pub use validity::Validity;
