//! Where the work of a command runs.

use std::num::{NonZero, NonZeroUsize};
use std::thread;

use tokio::runtime;

use super::failure::Failure;

/// Runs the steps of a command on a runtime, with this many CPUs or all that there are; the steps
/// are told how many.
pub(crate) fn on_a_runtime<F: Future<Output = Result<(), Failure>>>(
    workers: Option<NonZeroUsize>,
    steps: impl FnOnce(usize) -> F,
) -> Result<(), Failure> {
    let workers = workers
        .or_else(|| thread::available_parallelism().ok())
        .map_or(1, NonZero::get);
    // Decoders and encoders work on rayon's global pool.
    rayon::ThreadPoolBuilder::new()
        .num_threads(workers)
        .build_global()
        .map_err(Failure::runtime)?;
    // One thread for Ctrl-C; the work is elsewhere.
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(Failure::runtime)?;
    let result = runtime.block_on(steps(workers));
    // After Ctrl-C a decoder may still be at work: nobody waits for it.
    runtime.shutdown_background();
    result
}
