//! Code of a program's author, kept from taking anything else with it.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `work`; if it panics, gives the panic's message.
pub(crate) fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    // Unwind safety: after a panic nothing of the work is used again but its message.
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let message = panic
            .downcast_ref::<&str>()
            .map(ToString::to_string)
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "no message".to_owned());
        // What was thrown may panic once more when it is dropped.
        std::mem::forget(panic);
        message
    })
}
