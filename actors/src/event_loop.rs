//! The thread that the actors of a machine live on.

use std::future::Future;
use std::num::NonZero;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{hint, io, thread};

use actix::System;
use tokio::runtime;
use tokio::sync::watch;

use crate::error::JobError;
use crate::journal::Journals;
use crate::link::Link;

/// How long the event loop looks out for messages before it sleeps.
const LOOKOUT: Duration = Duration::from_micros(10);

/// Runs actors on a thread of their own until `main` is over, and then tells so. With `outlook`
/// the thread looks out for messages of that link for a moment before it sleeps.
///
/// # Errors
/// When the operating system refuses the thread, or what an event loop needs.
pub(crate) fn spawn<F: Future<Output = ()>>(
    alive: Alive,
    outlook: Option<Link>,
    main: impl FnOnce() -> F + Send + 'static,
) -> io::Result<()> {
    // No I/O driver: its poll is a dearer way to wait than a condition variable.
    let mut runtime = runtime::Builder::new_current_thread();
    runtime.enable_time();
    // On the only CPU, nobody answers meanwhile.
    let cpus = thread::available_parallelism().map_or(1, NonZero::get);
    if let Some(link) = outlook.filter(|_| cpus > 1) {
        runtime.on_thread_park(move || look_out(&link));
    }
    let runtime = runtime.build()?;
    thread::Builder::new()
        .name("msvpu-actors".to_owned())
        .spawn(move || {
            let _alive = alive;
            System::with_tokio_rt(|| runtime).block_on(main());
        })?;
    Ok(())
}

/// The threads that compute answer the event loop twice a round, and to wake it costs them and it
/// 5 to 50 µs each time. It does not yield meanwhile: on a busy host it would get its CPU back far
/// later than from sleep.
fn look_out(link: &Link) {
    let (before, since) = (link.sent(), Instant::now());
    while link.sent() == before && since.elapsed() < LOOKOUT {
        hint::spin_loop();
    }
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
