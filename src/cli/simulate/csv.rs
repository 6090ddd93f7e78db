//! The rows of a report as CSV (RFC 4180), with a head.

use csv::{Writer, WriterBuilder};
use serde::Serialize;

use super::report::Report;
use crate::cli::failure::Failure;

/// The three files.
pub(crate) struct Documents {
    pub(crate) nodes: String,
    pub(crate) jobs: String,
    pub(crate) teams: String,
}

pub(crate) fn documents(report: &Report) -> Result<Documents, Failure> {
    let teams = report.jobs.iter().flat_map(|job| {
        job.nodes.iter().map(|share| TeamRow {
            job: &job.row.name,
            node: &share.node,
            performance_index: share.performance_index,
            load_index: share.load_index,
            msvpus: share.msvpus,
            predicted_s: share.predicted_s,
            actual_s: share.actual_s,
            deviation: share.deviation,
        })
    });
    Ok(Documents {
        nodes: document(Writer::from_writer(Vec::new()), report.nodes.iter())?,
        jobs: document(
            Writer::from_writer(Vec::new()),
            report.jobs.iter().map(|job| &job.row),
        )?,
        teams: document(headed()?, teams)?,
    })
}

/// A row of `teams.csv`: what one node did for one job.
#[derive(Serialize)]
struct TeamRow<'a> {
    job: &'a str,
    node: &'a str,
    performance_index: Option<f64>,
    load_index: Option<f64>,
    msvpus: u32,
    predicted_s: Option<f64>,
    actual_s: f64,
    deviation: f64,
}

const TEAM_HEAD: [&str; 8] = [
    "job",
    "node",
    "performance_index",
    "load_index",
    "msvpus",
    "predicted_s",
    "actual_s",
    "deviation",
];

/// There may be no row to take the head from: no job has ended.
fn headed() -> Result<Writer<Vec<u8>>, Failure> {
    let mut writer = WriterBuilder::new()
        .has_headers(false)
        .from_writer(Vec::new());
    writer.write_record(TEAM_HEAD).map_err(Failure::runtime)?;
    Ok(writer)
}

fn document(
    mut writer: Writer<Vec<u8>>,
    rows: impl Iterator<Item = impl Serialize>,
) -> Result<String, Failure> {
    for row in rows {
        writer.serialize(row).map_err(Failure::runtime)?;
    }
    let bytes = writer.into_inner().map_err(Failure::runtime)?;
    String::from_utf8(bytes).map_err(Failure::runtime)
}
