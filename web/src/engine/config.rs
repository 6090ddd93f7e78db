//! Where things are kept, and how much of them there may be.

use std::path::PathBuf;
use std::time::Duration;

/// Where things are kept and how much of them there may be; all with defaults.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// The directory of records and blobs; made if need be, held by one process at a time.
    pub data: PathBuf,
    /// The longest upload, in bytes. Default 4 GiB.
    pub max_upload_bytes: u64,
    /// Jobs that wait to run; one more is refused. Default 1024.
    pub max_queued_jobs: usize,
    /// Jobs that run at once; one place is kept for small ones if there are several. Default 4.
    pub max_running_jobs: usize,
    /// What the decoded inputs of all running jobs may take, in bytes; one job runs however large it is
    /// (the reader bounds that). Default 4 GiB.
    pub max_decoded_bytes: u64,
    /// After so many starts of the server that find that it crashed while a job ran, the job has failed. Default 3.
    pub max_crashes: u32,
    /// How long ended jobs and unused uploads are kept. Default 30 days.
    pub retention_age: Duration,
    /// What all blobs, and the records and events of ended jobs, may take: beyond it the oldest ended jobs and unused
    /// uploads go. Default 50 GiB.
    pub retention_bytes: u64,
    /// How many ended jobs are kept at most; beyond it the oldest go. Default 100,000.
    pub retention_jobs: usize,
    /// What is left free on the disk for the ends of jobs that have begun: uploads and jobs that would take of it are
    /// refused. Default 64 MiB.
    pub min_free_bytes: u64,
}

impl EngineConfig {
    /// The defaults, in a data directory.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            max_upload_bytes: 4 << 30,
            max_queued_jobs: 1024,
            max_running_jobs: 4,
            max_decoded_bytes: 4 << 30,
            max_crashes: 3,
            retention_age: Duration::from_secs(30 * 24 * 60 * 60),
            retention_bytes: 50 << 30,
            retention_jobs: 100_000,
            min_free_bytes: 64 << 20,
        }
    }
}
