//! The thread that the actors of a machine live on.

use std::future::Future;
use std::sync::Arc;
use std::{io, thread};

use actix::System;
use tokio::runtime;
use tokio::sync::watch;

use crate::error::JobError;
use crate::journal::Journals;

/// Runs actors on a thread of their own until `main` is over, and then tells so.
///
/// # Errors
/// When the operating system refuses the thread, or what an event loop needs.
pub(crate) fn spawn<F: Future<Output = ()>>(
    alive: Alive,
    main: impl FnOnce() -> F + Send + 'static,
) -> io::Result<()> {
    // No I/O driver: its poll is a dearer way to wait than a condition variable.
    let runtime = runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    thread::Builder::new()
        .name("msvpu-actors".to_owned())
        .spawn(move || {
            let _alive = alive;
            System::with_tokio_rt(|| runtime).block_on(main());
        })?;
    Ok(())
}

/// Lives as long as the thread of the actors; when it ends, in whichever way, no job is left
/// without an end.
pub(crate) struct Alive {
    threads: Arc<watch::Sender<usize>>,
    journals: Journals,
}

impl Alive {
    pub(crate) fn new(threads: &Arc<watch::Sender<usize>>, journals: &Journals) -> Self {
        threads.send_modify(|threads| *threads += 1);
        Self {
            threads: Arc::clone(threads),
            journals: Arc::clone(journals),
        }
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.journals.end_all(&JobError::Stopped);
        self.threads.send_modify(|threads| *threads -= 1);
    }
}
