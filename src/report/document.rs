//! The report document: `report.json`, `--json` and the summary table all come from it.
//!
//! A contract: scripts read it. Every number is finite; a center, a mean and a standard deviation
//! have one value a band, also where there is one band. Two runs of the same job differ in `job`,
//! `timings`, the `elapsed_ms`, `team.cpus`, and the `cpus` and `actual_ms` of the node only.

use std::time::Duration;

use msvpu_actors::JobId;
use serde::Serialize;

use super::milliseconds;
use super::node::Node;
use crate::scene::Shape;
use crate::services::classification::{
    Centers, ClassSummary, Classification, Iteration, StoppedBy, Validity,
};
use crate::services::tiling::Tiling;

/// What a classification found, and how.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The id of the job, a UUID of version 7.
    pub job: JobId,
    /// The program that ran: `cmeans` or `fuzzy-cmeans`.
    pub algorithm: &'static str,
    /// What was classified.
    pub image: Image,
    /// How the image was cut; one MsVPU owned each tile.
    pub tiles: Tiling,
    /// The parameters of the program as it was submitted, defaults filled in.
    pub parameters: serde_json::Value,
    /// One row an iteration; the first has the initial centers.
    pub iterations: Vec<Row>,
    /// Whether the stopping rule was met.
    pub converged: bool,
    /// What ended the iterations: the stopping rule, or `max-iterations`.
    pub stopped_by: StoppedBy,
    /// The centers that the labels are of: those of the last row.
    pub centers: Centers,
    /// The classes, labels 1 to K.
    pub classes: Vec<ClassSummary>,
    /// Labels of the classes without a pixel.
    pub empty_classes: Vec<u16>,
    /// How clear the fuzzy partition is; absent for c-means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validity: Option<Validity>,
    /// SHA-256, in lower-case hexadecimal, of the row-major labels: a byte each, or two
    /// (the lower first) when there are more than 255 classes.
    pub labels_sha256: String,
    /// Where the time went.
    pub timings: Timings,
    /// Who did the work.
    pub team: Team,
    /// What each node did of it, and what was expected.
    pub nodes: Vec<Node>,
}

/// What was classified.
#[derive(Clone, Debug, Serialize)]
pub struct Image {
    /// The path as it was given.
    pub path: String,
    /// Columns, in pixels.
    pub width: u32,
    /// Rows, in pixels.
    pub height: u32,
    /// Samples per pixel that were classified; alpha is none.
    pub bands: u16,
    /// Bits per sample in the file.
    pub bits: u8,
    /// Pixels that got no class, those of `nan_pixels` included.
    pub nodata_pixels: u64,
    /// Pixels of which a band is not finite.
    pub nan_pixels: u64,
}

/// One row of the paper's Tables I and II.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// `iteration`, `centers`, `objective`, `objective_change`, `center_sum_change`.
    #[serde(flatten)]
    pub of: Iteration,
    /// When the row was complete, since the start of the fit, in milliseconds.
    pub elapsed_ms: f64,
}

/// Where the time went, in milliseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Timings {
    /// From the file to samples in memory.
    pub decode_ms: f64,
    /// From there to the final centers: placing, splitting, loading, all rounds.
    pub fit_ms: f64,
    /// From there to the label image in memory.
    pub assemble_ms: f64,
    /// Writing the images and the chart.
    pub encode_ms: f64,
    /// What is none of these: making a preview of the scene, starting and ending the machine, waiting for a broker, for
    /// nodes or for a thread.
    pub other_ms: f64,
    /// The whole, but for writing the report itself; the sum of the others.
    pub total_ms: f64,
}

impl Timings {
    /// States how long encoding and the whole took, and with that what nothing else accounts for.
    pub fn end(&mut self, encode: Duration, total: Duration) {
        self.encode_ms = milliseconds(encode);
        self.total_ms = milliseconds(total);
        let known = self.decode_ms + self.fit_ms + self.assemble_ms + self.encode_ms;
        self.other_ms = rest(self.total_ms, known);
    }
}

/// What is left of a whole; never less than nothing, which rounding could make of it.
pub(super) fn rest(total_ms: f64, known_ms: f64) -> f64 {
    (total_ms - known_ms).max(0.0)
}

/// Who did the work.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Team {
    /// How many MsVPUs: one a tile.
    pub msvpus: u64,
    /// How many CPUs they shared: those of the nodes that are still there at the end.
    pub cpus: usize,
}

/// What a report tells beside what the job found.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The program that ran.
    pub algorithm: &'static str,
    /// The parameters of the program as it was submitted.
    pub parameters: serde_json::Value,
    /// What the image is called.
    pub path: String,
    /// The shape of the scene.
    pub shape: Shape,
    /// Bits per sample in the file.
    pub bits: u8,
    /// How long decoding took.
    pub decode: Duration,
    /// How many CPUs this process has.
    pub cpus: usize,
}

/// A job of a classification that has its result.
#[derive(Clone, Debug)]
pub struct Done {
    /// Its name.
    pub job: JobId,
    /// What it found.
    pub classification: Classification,
    /// When each row of the iteration table was complete, since the submission.
    pub row_times: Vec<Duration>,
    /// From the submission to the final centers.
    pub fit: Duration,
    /// From there to the whole result.
    pub assemble: Duration,
    /// What each node did.
    pub nodes: Vec<Node>,
}

impl Report {
    /// The report of a job; the times of encoding and of the whole are still 0, until [`Timings::end`] states them.
    #[must_use]
    pub fn new(facts: Facts, done: Done, labels_sha256: String) -> Self {
        let found = done.classification;
        let elapsed = done.row_times.into_iter().map(milliseconds);
        let iterations = found.iterations.into_iter().zip(elapsed);
        Self {
            job: done.job,
            algorithm: facts.algorithm,
            image: Image {
                path: facts.path,
                width: facts.shape.width,
                height: facts.shape.height,
                bands: facts.shape.bands,
                bits: facts.bits,
                nodata_pixels: found.nodata_pixels,
                nan_pixels: found.nan_pixels,
            },
            tiles: found.tiling,
            parameters: facts.parameters,
            iterations: iterations
                .map(|(of, elapsed_ms)| Row { of, elapsed_ms })
                .collect(),
            converged: found.converged,
            stopped_by: found.stopped_by,
            centers: found.centers,
            classes: found.classes,
            empty_classes: found.empty_classes,
            validity: found.validity,
            labels_sha256,
            timings: Timings {
                decode_ms: milliseconds(facts.decode),
                fit_ms: milliseconds(done.fit),
                assemble_ms: milliseconds(done.assemble),
                encode_ms: 0.0,
                other_ms: 0.0,
                total_ms: 0.0,
            },
            team: Team {
                msvpus: found.tiling.tiles(),
                cpus: Node::cpus(&done.nodes, facts.cpus),
            },
            nodes: done.nodes,
        }
    }
}
