//! What is done to its end, even if whoever waits for it goes away.

use std::future::{Future, poll_fn};
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::FutureExt as _;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::{EngineError, Inner};

type Done<T> = std::thread::Result<Result<T, EngineError>>;

/// Work that is done where it is waited for: to wake another thread takes longer than most of it takes. When nobody
/// waits for it any more, the engine's runtime takes it over.
struct Detached<T: Send + 'static> {
    inner: Arc<Inner>,
    work: Option<Pin<Box<dyn Future<Output = Done<T>> + Send>>>,
    /// An engine that is closed waits for it.
    _token: TaskTrackerToken,
}

impl<T: Send + 'static> Drop for Detached<T> {
    fn drop(&mut self) {
        if let Some(work) = self.work.take() {
            self.inner.tasks.spawn_on(work, &self.inner.runtime);
        }
    }
}

impl Inner {
    /// Does something to its end, even if whoever waits for it goes away.
    pub(super) async fn detached<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl Future<Output = Result<T, EngineError>> + Send + 'static,
    ) -> Result<T, EngineError> {
        let mut detached = Detached {
            inner: Arc::clone(self),
            work: Some(AssertUnwindSafe(work).catch_unwind().boxed()),
            _token: self.tasks.token(),
        };
        let done = poll_fn(|context| match &mut detached.work {
            Some(work) => work.as_mut().poll(context),
            // It is there until it is done.
            None => std::task::Poll::Pending,
        });
        let done = done.await;
        detached.work = None;
        done.unwrap_or_else(|_| Err(EngineError::Store("a task panicked".to_owned())))
    }
}
