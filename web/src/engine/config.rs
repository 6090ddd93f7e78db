//! Where things are kept, and how much of them there may be.

use std::path::PathBuf;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Where things are kept and how much of them there may be; all with defaults.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// The directory of records and blobs; made if need be, held by one process at a time.
    pub data: PathBuf,
    /// The longest upload, in bytes. Default 1 GiB.
    pub max_upload_bytes: u64,
    /// Jobs that wait to run; one more is refused. A token's name may have no more of them than there are places left.
    /// Default 1024.
    pub max_queued_jobs: usize,
    /// What the parameters and notes of all jobs that have not ended may take in memory, in bytes; one more job is
    /// refused, and of a token's name one that would leave less than it has. Default 64 MiB.
    pub max_queued_bytes: usize,
    /// Jobs that run at once; one place is kept for small ones if there are several. Default 16.
    pub max_running_jobs: usize,
    /// What the decoded inputs of all running jobs may take, in bytes; one job runs however large it is
    /// (the reader bounds that). Default 2 GiB.
    pub max_decoded_bytes: u64,
    /// After so many starts of the server that find that it crashed while a job ran, the job has failed. Default 3.
    pub max_crashes: u32,
    /// How long ended jobs and unused uploads are kept. Default 30 days.
    pub retention_age: Duration,
    /// What all blobs, the events of all jobs and the records of ended ones may take: beyond it the oldest ended jobs
    /// and unused uploads go. Default 20 GiB.
    pub retention_bytes: u64,
    /// How many ended jobs are kept at most; beyond it the oldest go. Default 100,000.
    pub retention_jobs: usize,
    /// How many uploads that no job needs are kept at most; beyond it the oldest go. Default 100,000.
    pub retention_uploads: usize,
    /// What is left free on the disk for the ends of jobs that have begun: uploads and jobs that would take of it are
    /// refused. Default 64 MiB.
    pub min_free_bytes: u64,
}

impl EngineConfig {
    /// The default of [`max_upload_bytes`](Self::max_upload_bytes).
    pub const DEFAULT_MAX_UPLOAD_BYTES: u64 = 1 << 30;
    /// The default of [`max_queued_jobs`](Self::max_queued_jobs).
    pub const DEFAULT_MAX_QUEUED_JOBS: u32 = 1024;
    /// The default of [`max_running_jobs`](Self::max_running_jobs).
    pub const DEFAULT_MAX_RUNNING_JOBS: u32 = 16;
    /// The default of [`max_decoded_bytes`](Self::max_decoded_bytes).
    pub const DEFAULT_MAX_DECODED_BYTES: u64 = 2 << 30;
    /// The default of [`max_crashes`](Self::max_crashes).
    pub const DEFAULT_MAX_CRASHES: u32 = 3;
    /// The default of [`retention_age`](Self::retention_age), in days.
    pub const DEFAULT_RETENTION_DAYS: u32 = 30;
    /// The default of [`retention_bytes`](Self::retention_bytes).
    pub const DEFAULT_RETENTION_BYTES: u64 = 20 << 30;

    /// The defaults, in a data directory.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            max_upload_bytes: Self::DEFAULT_MAX_UPLOAD_BYTES,
            max_queued_jobs: Self::DEFAULT_MAX_QUEUED_JOBS as usize,
            max_queued_bytes: 64 << 20,
            max_running_jobs: Self::DEFAULT_MAX_RUNNING_JOBS as usize,
            max_decoded_bytes: Self::DEFAULT_MAX_DECODED_BYTES,
            max_crashes: Self::DEFAULT_MAX_CRASHES,
            retention_age: DAY * Self::DEFAULT_RETENTION_DAYS,
            retention_bytes: Self::DEFAULT_RETENTION_BYTES,
            retention_jobs: 100_000,
            retention_uploads: 100_000,
            min_free_bytes: 64 << 20,
        }
    }
}
