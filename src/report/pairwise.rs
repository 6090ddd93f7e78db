//! The report document of `pairwise`.

use std::time::Duration;

use msvpu_actors::JobId;
use serde::Serialize;

use super::document::{Team, rest};
use super::milliseconds;
use super::node::Node;
use crate::services::pairwise::{Differences, Pairwise};

/// What `pairwise` found, and how. Two runs of the same job differ in `job`, `timings`, `team.cpus`
/// and the `cpus` and `actual_ms` of the node only.
#[derive(Clone, Debug, Serialize)]
pub struct PairwiseReport {
    /// The id of the job, a UUID of version 7.
    pub job: JobId,
    /// The program that ran.
    pub service: &'static str,
    /// What was compared.
    pub image: PairwiseImage,
    /// As submitted, defaults filled in; the result tells how the image was cut.
    pub parameters: Pairwise,
    /// What it found.
    #[serde(flatten)]
    pub result: Differences,
    /// Where the time went.
    pub timings: PairwiseTimings,
    /// Who did the work.
    pub team: Team,
    /// What each node did, and what was expected.
    pub nodes: Vec<Node>,
}

/// What was compared.
#[derive(Clone, Debug, Serialize)]
pub struct PairwiseImage {
    /// The path as it was given.
    pub path: String,
    /// Columns, in pixels.
    pub width: u32,
    /// Rows, in pixels.
    pub height: u32,
    /// Samples per pixel that were compared; alpha is none.
    pub bands: u16,
    /// Bits per sample in the file.
    pub bits: u8,
}

/// Where the time went, in milliseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct PairwiseTimings {
    /// From the file to samples in memory.
    pub decode_ms: f64,
    /// From there to the result: placing, splitting, loading, all rounds.
    pub run_ms: f64,
    /// What is none of these: starting the machine, waiting for a broker, for nodes or for a thread.
    pub other_ms: f64,
    /// The whole; the sum of the others.
    pub total_ms: f64,
}

impl PairwiseTimings {
    /// The times of a job that took so long in all.
    #[must_use]
    pub fn new(decode: Duration, run: Duration, total: Duration) -> Self {
        let (decode_ms, run_ms) = (milliseconds(decode), milliseconds(run));
        let total_ms = milliseconds(total);
        Self {
            decode_ms,
            run_ms,
            other_ms: rest(total_ms, decode_ms + run_ms),
            total_ms,
        }
    }
}
