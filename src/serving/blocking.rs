//! Work that blocks, beside the event loop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use msvpu_web::service::{Cancelled, RunError};
use tokio::task;

use super::failure::failed;

/// Set when it is dropped: also when nobody waits for the work any more.
struct SetOnDrop(Arc<AtomicBool>);

impl Drop for SetOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// To decode or to digest so many values takes less than a millisecond, and holds up nobody.
const LIGHT_VALUES: u64 = 1 << 16;

/// Whether work on so many values may as well be done where it is asked for: another thread would take longer to wake
/// than much of it takes. Not for what waits for a pool, which may be full of other jobs' work.
pub(super) const fn is_light(values: u64) -> bool {
    values <= LIGHT_VALUES
}

/// Runs work on a thread that may block. When the job is cancelled, the flag that the work is given is set, and its end is
/// waited for: what it takes is free again when this returns.
pub(super) async fn blocking<T: Send + 'static>(
    cancelled: &mut Cancelled,
    work: impl FnOnce(&AtomicBool) -> Result<T, RunError> + Send + 'static,
) -> Result<T, RunError> {
    if cancelled.is_asked() {
        return Err(RunError::Cancelled);
    }
    let stop = Arc::new(AtomicBool::new(false));
    let asked = SetOnDrop(Arc::clone(&stop));
    let mut working = task::spawn_blocking(move || work(&stop));
    let done = tokio::select! {
        done = &mut working => done,
        () = cancelled.asked() => {
            drop(asked);
            // Whatever came of it, nobody wants it.
            let _ = working.await;
            return Err(RunError::Cancelled);
        }
    };
    done.unwrap_or_else(|error| Err(failed("internal", error)))
}
