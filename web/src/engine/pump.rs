//! Begins what may run, and says of what waits why.

use std::sync::Arc;
use std::time::Duration;

use super::{Inner, lock};

/// How often those that wait are told how many are before them.
const EXPLAIN_EVERY: Duration = Duration::from_millis(250);

impl Inner {
    /// Begins all that may run now.
    pub(super) fn pump(self: &Arc<Self>) {
        while let Some((id, share)) = self.schedule.next() {
            match self.live(id) {
                Some(live) => {
                    let run = Arc::clone(self).run(live, share);
                    self.tasks.spawn_on(run, &self.runtime);
                }
                // Only what is live is in the queue; but a place must not get lost.
                None => {
                    self.schedule.ran(share);
                    self.schedule.free(share);
                    self.schedule.ended();
                }
            }
        }
    }

    /// Tells those that wait how many are before them, until the engine is closed.
    pub(super) async fn explain(self: Arc<Self>) {
        let work = async {
            loop {
                self.schedule.changed.notified().await;
                self.explain_once();
                tokio::time::sleep(EXPLAIN_EVERY).await;
            }
        };
        tokio::select! {
            () = work => {}
            () = self.stopped() => {}
        }
    }

    pub(super) fn explain_once(&self) {
        let (order, running) = self.schedule.order();
        for (before, id) in order.into_iter().enumerate() {
            let live = lock(&self.live).get(&id).cloned();
            if let Some(live) = live {
                live.explain(waiting_reason(before, running));
            }
        }
    }
}

/// Why a job waits that has so many before it.
pub(super) fn waiting_reason(before: usize, running: usize) -> String {
    let running_jobs = match running {
        1 => "1 job runs".to_owned(),
        running => format!("{running} jobs run"),
    };
    match before {
        // Told when it is accepted, before anybody has looked.
        0 if running == 0 => "it is next".to_owned(),
        0 => format!("it is next; {running_jobs}, and there is no room for it yet"),
        1 => format!("1 job is before it; {running_jobs}"),
        before => format!("{before} jobs are before it; {running_jobs}"),
    }
}
