//! Jobs that have their turn before they are accepted, and are not.

use super::*;
use crate::engine::lock;

impl Bench {
    /// Waits until nothing runs or waits any more.
    async fn is_idle(&self) {
        let inner = &self.engine.inner;
        let idle = async {
            while !lock(&inner.live).is_empty() || inner.schedule.counts() != (0, 0) {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, idle).await.expect("all has ended");
    }

    /// Nothing is left of a job that was not accepted, and the next is.
    async fn has_none_and_takes_the_next(self, upload: &Upload) {
        self.is_idle().await;
        let filter = crate::engine::Filter::default();
        let page = self.engine.jobs(&nobody(), &filter, 10, None).await;
        assert_eq!(page.unwrap().jobs, []);
        self.gate.send_replace(true);
        let next = self.take(upload, json!({})).await.unwrap();
        assert_eq!(self.end(next.id).await.state, State::Succeeded);
        let folder = Arc::clone(&self.folder);
        self.engine.close().await;
        drop(self);
        let again = Bench::on(folder, |_| {}).await;
        let page = again.engine.jobs(&nobody(), &filter, 10, None).await;
        let found: Vec<Uuid> = page.unwrap().jobs.iter().map(|job| job.id).collect();
        assert_eq!(found, [next.id]);
    }
}

#[tokio::test]
async fn a_job_that_is_not_accepted_is_let_go_of_and_leaves_nothing() {
    let bench = Bench::new(|_| {}).await;
    let upload = bench.upload().await.unwrap();
    bench.fill(true);
    is_full(bench.take(&upload, json!({})).await);
    // Nobody waits for the disk to write an end.
    bench.is_idle().await;
    bench.fill(false);
    bench.has_none_and_takes_the_next(&upload).await;
}

#[tokio::test]
async fn a_job_that_is_not_accepted_does_not_run() {
    let mut bench = Bench::new(|_| {}).await;
    let upload = bench.upload().await.unwrap();
    bench.gate.send_replace(true);
    for _ in 0..20 {
        // The disk takes what comes next.
        bench.faults.refuses_next.store(true, Ordering::SeqCst);
        is_full(bench.take(&upload, json!({})).await);
    }
    bench.is_idle().await;
    assert!(bench.heard.try_recv().is_err(), "it began");
    bench.has_none_and_takes_the_next(&upload).await;
}

#[tokio::test]
async fn a_job_that_waits_and_is_not_accepted_never_begins() {
    let mut bench = Bench::new(|config| config.max_running_jobs = 1).await;
    let upload = bench.upload().await.unwrap();
    let first = bench.take(&upload, json!({})).await.unwrap();
    assert_eq!(bench.heard.recv().await, Some("begun"));
    bench.fill(true);
    is_full(bench.take(&upload, json!({})).await);
    bench.fill(false);
    bench.gate.send_replace(true);
    assert_eq!(bench.end(first.id).await.state, State::Succeeded);
    bench.is_idle().await;
    assert!(bench.heard.try_recv().is_err(), "it began");
}

#[tokio::test]
async fn a_job_counts_once_while_it_is_accepted() {
    let mut bench = Bench::new(|config| config.max_running_jobs = 1).await;
    let upload = bench.upload().await.unwrap();
    let first = bench.take(&upload, json!({})).await.unwrap();
    assert_eq!(bench.heard.recv().await, Some("begun"));
    let mut taking = Box::pin(bench.take(&upload, json!({})));
    assert!(futures_util::poll!(&mut taking).is_pending());
    assert_eq!(bench.engine.gauges().queued, 1);
    let second = taking.await.unwrap();
    assert_eq!(bench.engine.gauges().queued, 1);
    bench.gate.send_replace(true);
    for id in [first.id, second.id] {
        assert_eq!(bench.end(id).await.state, State::Succeeded);
    }
}
