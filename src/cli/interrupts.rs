//! Ctrl-C: the first asks for the end, the second does not wait for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;
use tokio::task::{self, JoinError};

use super::failure::Failure;

/// Knows whether Ctrl-C was pressed since [`listen`](Self::listen).
#[derive(Clone)]
pub(crate) struct Interrupts {
    pressed: watch::Receiver<bool>,
}

impl Interrupts {
    /// From now on Ctrl-C does not end the process by itself. Call it within a tokio runtime.
    pub(crate) fn listen() -> Self {
        let (press, pressed) = watch::channel(false);
        task::spawn(async move {
            // Without a handler Ctrl-C ends the process as it always does.
            while tokio::signal::ctrl_c().await.is_ok() {
                if press.send_replace(true) {
                    std::process::exit(Failure::Interrupted.status().into());
                }
            }
            std::future::pending::<()>().await;
        });
        Self { pressed }
    }

    /// Waits for Ctrl-C.
    pub(crate) async fn pressed(&mut self) {
        if self.pressed.wait_for(|pressed| *pressed).await.is_err() {
            std::future::pending().await
        }
    }

    /// Runs work that blocks beside the event loop, until it ends or Ctrl-C is pressed: it is then
    /// left to itself, so it must leave nothing behind.
    pub(crate) async fn or_done<T: Send + 'static>(
        &mut self,
        work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        tokio::select! {
            done = task::spawn_blocking(work) => joined(done),
            () = self.pressed() => Err(Failure::Interrupted),
        }
    }

    /// The same for work that cleans up behind it: Ctrl-C sets the flag that it is given, and its
    /// end is waited for.
    pub(crate) async fn or_stopped<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&AtomicBool) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let stop = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&stop);
        let mut working = task::spawn_blocking(move || work(&flag));
        tokio::select! {
            done = &mut working => joined(done),
            () = self.pressed() => {
                stop.store(true, Ordering::Relaxed);
                let _ = working.await;
                Err(Failure::Interrupted)
            }
        }
    }
}

/// What came of work on a thread of its own.
pub(crate) fn joined<T>(done: Result<Result<T, Failure>, JoinError>) -> Result<T, Failure> {
    done.unwrap_or_else(|error| Err(Failure::runtime(format_args!("internal error: {error}"))))
}
