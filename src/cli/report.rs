//! The report document: `report.json`, `--json` and the summary table all come from it.
//!
//! A contract: scripts read it. Every number is finite; a center, a mean and a standard deviation
//! have one value a band, also where there is one band. Two runs of the same job differ in `job`,
//! `timings`, the `elapsed_ms` and `team.cpus` only.

use serde::Serialize;

/// What a classification found, and how.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    /// The id of the job, a UUID of version 7.
    pub(crate) job: String,
    /// The service that ran: `cmeans` or `fuzzy-cmeans`.
    pub(crate) algorithm: String,
    /// What was classified.
    pub(crate) image: Image,
    /// How the image was cut; one MsVPU owned each tile.
    pub(crate) tiles: Tiles,
    /// The parameters of the job, defaults filled in.
    pub(crate) parameters: serde_json::Value,
    /// One row an iteration; the first has the initial centers.
    pub(crate) iterations: Vec<Iteration>,
    /// Whether the rounds ended because the stopping rule was met.
    pub(crate) converged: bool,
    /// What ended the rounds: the stopping rule, or `max-iterations`.
    pub(crate) stopped_by: String,
    /// The centers that the labels are of: those of the last iteration.
    pub(crate) centers: Vec<Vec<f64>>,
    /// The classes, labels 1 to K.
    pub(crate) classes: Vec<Class>,
    /// Labels of the classes without a pixel.
    pub(crate) empty_classes: Vec<u32>,
    /// How clear the fuzzy partition is; absent for c-means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) validity: Option<Validity>,
    /// SHA-256, in hexadecimal, of the row-major labels.
    pub(crate) labels_sha256: Option<String>,
    /// Where the time went.
    pub(crate) timings: Timings,
    /// Who did the work.
    pub(crate) team: Team,
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
    /// Pixels of which a band is not a number.
    pub(crate) nan_pixels: u64,
}

/// How the image was cut.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Tiles {
    /// Tiles from top to bottom.
    pub(crate) rows: u32,
    /// Tiles from left to right.
    pub(crate) columns: u32,
}

/// One row of the paper's Tables I and II.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Iteration {
    /// Counted from 1.
    pub(crate) iteration: u32,
    /// The centers that the objective is of.
    pub(crate) centers: Vec<Vec<f64>>,
    /// J: the sum over all pixels of the (weighted) distance to the centers.
    pub(crate) objective: f64,
    /// |J − J of the row before|, with 0 before the first: Table II's error.
    pub(crate) objective_change: f64,
    /// |sum of the centers − that of the row before|, with 0 before the first: Table I's error.
    pub(crate) center_sum_change: f64,
    /// Since the start of the fit, in milliseconds.
    pub(crate) elapsed_ms: f64,
}

/// One class.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Class {
    /// Its value in the label image, from 1 on.
    pub(crate) label: u32,
    /// How many pixels have the label.
    pub(crate) pixels: u64,
    /// `pixels` over all pixels that have a label, in 0..=1.
    pub(crate) share: f64,
    /// The mean of these pixels, one value a band; `null` for an empty class.
    pub(crate) mean: Option<Vec<f64>>,
    /// Their (population) standard deviation, one value a band; `null` for an empty class.
    pub(crate) sd: Option<Vec<f64>>,
}

/// How clear a fuzzy partition is.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Validity {
    /// Bezdek's: 1/K when every pixel is in all classes alike, 1 when each is in one.
    pub(crate) partition_coefficient: f64,
    /// Bezdek's, natural logarithm: ln K when every pixel is in all classes alike, 0 when each is in one.
    pub(crate) partition_entropy: f64,
    /// Xie and Beni's compactness over separation, less is better; `null` where two centers coincide.
    pub(crate) xie_beni: Option<f64>,
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
    pub(crate) msvpus: u32,
    /// How many CPUs they shared.
    pub(crate) cpus: usize,
}
