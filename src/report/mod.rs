//! What is told of a finished job, the same to whoever asks: the document `report.json`, the chart of
//! its convergence, its pictures as files, and all of it as one page.
//!
//! 1. [`follow`] a job to its end.
//! 2. [`Report::new`]: the document. [`Report::convergence`]: its chart.
//! 3. [`Pictures`]: labels, masks and memberships as files. [`Preview`]: the scene for the eye.
//! 4. [`page`]: the report to look at.

mod chart;
mod convergence;
mod document;
mod follow;
mod node;
#[doc(hidden)]
pub mod number;
mod page;
mod pairwise;
#[doc(hidden)]
pub mod panel;
mod pictures;
mod preview;

pub use chart::Convergence;
pub use document::{Done, Facts, Image, Report, Row, Team, Timings};
pub use follow::{Followed, Times, follow};
pub use node::Node;
pub use page::{Shown, page, pairwise_page};
pub use pairwise::{PairwiseImage, PairwiseReport, PairwiseTimings};
pub use panel::ChartError;
pub use pictures::{Picture, Pictures};
pub use preview::{MAX_PREVIEW_SIDE, Preview};

pub(crate) use convergence::error;
pub(crate) use number::milliseconds;
pub(crate) use preview::{color_of, write_labels_preview};
