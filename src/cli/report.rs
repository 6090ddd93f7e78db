//! The report document: `report.json`, `--json` and the summary table all come from it.
//!
//! A contract: scripts read it. Every number is finite; a center, a mean and a standard deviation
//! have one value a band, also where there is one band. Two runs of the same job differ in `job`,
//! `timings`, the `elapsed_ms`, `team.cpus` and the `actual_ms` of the node only.

use msvpu::{Centers, ClassSummary, Iteration, JobId, StoppedBy, Tiling, Validity};
use serde::Serialize;

use super::nodes::Node;

/// What a classification found, and how.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    /// The id of the job, a UUID of version 7.
    pub(crate) job: JobId,
    /// The program that ran: `cmeans` or `fuzzy-cmeans`.
    pub(crate) algorithm: &'static str,
    /// What was classified.
    pub(crate) image: Image,
    /// How the image was cut; one MsVPU owned each tile.
    pub(crate) tiles: Tiling,
    /// The parameters of the program as it was submitted, defaults filled in.
    pub(crate) parameters: serde_json::Value,
    /// One row an iteration; the first has the initial centers.
    pub(crate) iterations: Vec<Row>,
    /// Whether the stopping rule was met.
    pub(crate) converged: bool,
    /// What ended the iterations: the stopping rule, or `max-iterations`.
    pub(crate) stopped_by: StoppedBy,
    /// The centers that the labels are of: those of the last row.
    pub(crate) centers: Centers,
    /// The classes, labels 1 to K.
    pub(crate) classes: Vec<ClassSummary>,
    /// Labels of the classes without a pixel.
    pub(crate) empty_classes: Vec<u16>,
    /// How clear the fuzzy partition is; absent for c-means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) validity: Option<Validity>,
    /// SHA-256, in lower-case hexadecimal, of the row-major labels: a byte each, or two
    /// (the lower first) when there are more than 255 classes.
    pub(crate) labels_sha256: String,
    /// Where the time went.
    pub(crate) timings: Timings,
    /// Who did the work.
    pub(crate) team: Team,
    /// What each node did of it, and what was expected.
    pub(crate) nodes: Vec<Node>,
}

/// What was classified.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Image {
    /// The path as it was given.
    pub(crate) path: String,
    /// Columns, in pixels.
    pub(crate) width: u32,
    /// Rows, in pixels.
    pub(crate) height: u32,
    /// Samples per pixel that were classified; alpha is none.
    pub(crate) bands: u16,
    /// Bits per sample in the file.
    pub(crate) bits: u8,
    /// Pixels that got no class, those of `nan_pixels` included.
    pub(crate) nodata_pixels: u64,
    /// Pixels of which a band is not finite.
    pub(crate) nan_pixels: u64,
}

/// One row of the paper's Tables I and II.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    /// `iteration`, `centers`, `objective`, `objective_change`, `center_sum_change`.
    #[serde(flatten)]
    pub(crate) of: Iteration,
    /// When the row was complete, since the start of the fit, in milliseconds.
    pub(crate) elapsed_ms: f64,
}

/// Where the time went, in milliseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Timings {
    /// From the file to samples in memory.
    pub(crate) decode_ms: f64,
    /// From there to the final centers: placing, splitting, loading, all rounds.
    pub(crate) fit_ms: f64,
    /// From there to the label image in memory.
    pub(crate) assemble_ms: f64,
    /// Writing the images and the chart.
    pub(crate) encode_ms: f64,
    /// The whole, but for writing the report itself.
    pub(crate) total_ms: f64,
}

/// Who did the work.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Team {
    /// How many MsVPUs: one a tile.
    pub(crate) msvpus: u64,
    /// How many CPUs they shared.
    pub(crate) cpus: usize,
}
