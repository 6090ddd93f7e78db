//! Where steps run: a work-stealing pool per node, never an actor's event loop.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};
use tokio::sync::watch;

/// The threads of one node that compute. Cheap to clone; the threads end with the last clone.
#[derive(Clone)]
pub(crate) struct Compute {
    pool: Arc<ThreadPool>,
}

impl Compute {
    /// Starts `workers` threads; `alive` follows how many of them there are.
    pub(crate) fn start(
        workers: usize,
        alive: Arc<watch::Sender<usize>>,
    ) -> Result<Self, ThreadPoolBuildError> {
        alive.send_modify(|threads| *threads += workers);
        let pool = ThreadPoolBuilder::new()
            .num_threads(workers)
            .thread_name(|index| format!("msvpu-cpu-{index}"))
            .exit_handler(move |_| alive.send_modify(|threads| *threads -= 1))
            // Work is caught where it runs; what remains is a destructor that panics.
            .panic_handler(|panic| log::error!("caught late: {}", panic_message(&*panic)))
            .build()?;
        Ok(Self {
            pool: Arc::new(pool),
        })
    }

    pub(crate) fn workers(&self) -> usize {
        self.pool.current_num_threads()
    }

    /// Runs `work` on a free thread, in the order of the calls, and hands what it returns, or the
    /// message of its panic, to `done` on that thread.
    pub(crate) fn run<T>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
        done: impl FnOnce(Result<T, String>) + Send + 'static,
    ) {
        self.pool.spawn_fifo(move || {
            // Unwind safety: after a panic nothing of the work is used again but its message.
            let result = catch_unwind(AssertUnwindSafe(work));
            done(result.map_err(|panic| panic_message(&*panic)));
        });
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}
