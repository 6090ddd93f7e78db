//! The engine on a disk that fails, and without what it cannot do without.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc as std_mpsc};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use msvpu_actors::VirtualMachine;
use serde_json::{Value, json};
use tempfile::TempDir;
use time::OffsetDateTime;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use uuid::Uuid;

use super::{Caller, Engine, EngineConfig, EngineError};
use crate::model::{EventBody, FieldError, InputInfo, Job, LogLevel, NewJob, State, Upload};
use crate::noise::noise;
use crate::service::{
    Asked, InputReader, ProbeError, Run, RunError, Service, ServiceInfo, Services, Told,
};
use crate::store::Store;
use crate::store::faulty::{self, Faults};

/// No test waits so long for anything but when something is wrong.
const PATIENCE: Duration = Duration::from_secs(60);

struct Anything;

impl InputReader for Anything {
    fn probe(&self, _: &Path) -> Result<InputInfo, ProbeError> {
        Ok(InputInfo {
            format: "any".to_owned(),
            width: 1,
            height: 1,
            bands: 1,
            decoded_bytes: 1,
        })
    }
}

/// Waits for its gate or its cancel, and says which came; before that it tells `log_bytes`.
#[derive(Clone)]
struct Gated {
    gate: watch::Receiver<bool>,
    heard: mpsc::UnboundedSender<&'static str>,
}

impl Service for Gated {
    fn info(&self) -> ServiceInfo {
        ServiceInfo {
            name: "gated".to_owned(),
            title: String::new(),
            doc: String::new(),
            accepts: Vec::new(),
            params_schema: json!({}),
            outputs: Vec::new(),
            series: None,
        }
    }

    fn check(&self, _: &Asked<'_>) -> Result<(), Vec<FieldError>> {
        Ok(())
    }

    fn run(&self, mut run: Run) -> BoxFuture<'static, Result<Value, RunError>> {
        let Self { mut gate, heard } = self.clone();
        async move {
            heard.send("begun").unwrap();
            let log_bytes = run.params.get("log_bytes").and_then(Value::as_u64);
            if let Some(bytes) = log_bytes {
                run.reporter.tell(Told::Event(EventBody::Log {
                    level: LogLevel::Info,
                    message: noise(usize::try_from(bytes).unwrap()),
                }));
            }
            tokio::select! {
                _ = gate.wait_for(|open| *open) => Ok(Value::Null),
                () = run.cancelled.asked() => {
                    heard.send("let go").unwrap();
                    Err(RunError::Cancelled)
                }
            }
        }
        .boxed()
    }
}

struct Bench {
    engine: Engine,
    machine: VirtualMachine,
    gate: watch::Sender<bool>,
    heard: mpsc::UnboundedReceiver<&'static str>,
    faults: Arc<Faults>,
    folder: Arc<TempDir>,
}

fn nobody() -> Caller {
    Caller {
        name: None,
        admin: false,
    }
}

impl Bench {
    async fn new(change: impl FnOnce(&mut EngineConfig)) -> Self {
        Self::on(Arc::new(TempDir::new().unwrap()), change).await
    }

    async fn on(folder: Arc<TempDir>, change: impl FnOnce(&mut EngineConfig)) -> Self {
        let mut config = EngineConfig::new(folder.path());
        change(&mut config);
        let machine = VirtualMachine::local().workers(1).start().await.unwrap();
        let gate = watch::Sender::new(false);
        let (hear, heard) = mpsc::unbounded_channel();
        let services = Services::default().with(Gated {
            gate: gate.subscribe(),
            heard: hear,
        });
        let faults = Arc::new(Faults::default());
        let open = {
            let records = faulty::open(&faults);
            move |data: &Path| Store::open_with(data, records)
        };
        let engine = Engine::open_with(config, machine.clone(), services, Arc::new(Anything), open);
        Self {
            engine: engine.await.unwrap(),
            machine,
            gate,
            heard,
            faults,
            folder,
        }
    }

    fn fill(&self, is_full: bool) {
        self.faults.is_full.store(is_full, Ordering::SeqCst);
    }

    fn deny_next(&self) {
        self.faults.denies_next.store(true, Ordering::SeqCst);
    }

    async fn upload(&self) -> Result<Upload, EngineError> {
        let mut writer = self.engine.begin_upload(&nobody(), None, None).await?;
        writer.write(Bytes::from_static(b"content")).await?;
        writer.finish().await
    }

    async fn take(&self, upload: &Upload, params: Value) -> Result<Job, EngineError> {
        let Value::Object(params) = params else {
            panic!("parameters are an object");
        };
        let job = NewJob {
            service: "gated".to_owned(),
            upload_id: upload.id,
            params,
            outputs: None,
            metadata: std::collections::BTreeMap::new(),
            priority: msvpu_actors::Priority::Normal,
        };
        let (job, _) = self.engine.submit(&nobody(), job, None).await?;
        Ok(job)
    }

    async fn submit(&self, params: Value) -> Job {
        let upload = self.upload().await.unwrap();
        self.take(&upload, params).await.unwrap()
    }

    async fn end(&self, id: Uuid) -> Job {
        let ended = self.engine.job_after(&nobody(), id, None, PATIENCE).await;
        let ended = ended.unwrap();
        assert!(ended.state.is_terminal(), "{ended:?}");
        ended
    }

    fn uploads(&self) -> usize {
        let folder = self.folder.path().join("uploads");
        std::fs::read_dir(folder).unwrap().count()
    }
}

fn is_full<T: std::fmt::Debug>(answer: Result<T, EngineError>) {
    assert!(matches!(answer, Err(EngineError::DiskFull)), "{answer:?}");
}

#[tokio::test]
async fn an_upload_whose_record_is_not_written_leaves_no_file() {
    let bench = Bench::new(|_| {}).await;
    bench.faults.refuses_next.store(true, Ordering::SeqCst);
    is_full(bench.upload().await);
    assert_eq!(bench.uploads(), 0);
    bench.upload().await.unwrap();
    assert_eq!(bench.uploads(), 1);
}

#[tokio::test]
async fn a_write_that_is_said_to_have_failed_is_wholly_there_or_not_at_all() {
    let bench = Bench::new(|_| {}).await;
    bench.deny_next();
    let kept = usize::from(bench.upload().await.is_ok());
    assert_eq!(bench.uploads(), kept);
    assert!(!bench.faults.denies_next.load(Ordering::SeqCst));
    let upload = bench.upload().await.unwrap();
    bench.deny_next();
    let jobs = match bench.take(&upload, json!({})).await {
        Ok(job) => vec![job.id],
        Err(_) => Vec::new(),
    };
    bench.gate.send_replace(true);
    for job in &jobs {
        assert_eq!(bench.end(*job).await.state, State::Succeeded);
    }
    let folder = Arc::clone(&bench.folder);
    bench.engine.close().await;
    drop(bench);
    let again = Bench::on(folder, |_| {}).await;
    let filter = super::Filter::default();
    let page = again
        .engine
        .jobs(&nobody(), &filter, 10, None)
        .await
        .unwrap();
    let found: Vec<_> = page.jobs.iter().map(|job| job.id).collect();
    assert_eq!(found, jobs);
    assert_eq!(again.uploads(), kept + 1);
}

#[tokio::test]
async fn a_cancel_that_cannot_be_kept_is_refused_and_nobody_waits_for_the_disk() {
    let mut bench = Bench::new(|config| config.max_running_jobs = 1).await;
    let first = bench.submit(json!({})).await;
    assert_eq!(bench.heard.recv().await, Some("begun"));
    let waiting = bench.submit(json!({})).await;
    bench.fill(true);
    let caller = nobody();
    let cancel = bench.engine.cancel(&caller, waiting.id);
    is_full(timeout(PATIENCE, cancel).await.expect("an answer"));
    bench.fill(false);
    bench.gate.send_replace(true);
    assert_eq!(bench.end(first.id).await.state, State::Succeeded);
    assert_eq!(bench.end(waiting.id).await.state, State::Cancelled);
}

#[tokio::test]
async fn a_store_is_found_writable_again_though_nobody_writes() {
    let bench = Bench::new(|_| {}).await;
    bench.fill(true);
    is_full(bench.upload().await);
    assert!(!bench.engine.gauges().writable);
    bench.fill(false);
    let writable = bench.engine.inner.store.writable();
    timeout(PATIENCE, writable).await.expect("writable");
    assert!(bench.engine.gauges().writable);
}

#[tokio::test]
async fn a_job_whose_events_find_no_room_is_let_go_of() {
    let mut bench = Bench::new(|config| config.max_running_jobs = 1).await;
    let first = bench.submit(json!({})).await;
    assert_eq!(bench.heard.recv().await, Some("begun"));
    // Too much to be kept in memory until the end.
    let job = bench.submit(json!({"log_bytes": 100_000})).await;
    bench.fill(true);
    is_full(bench.engine.cancel(&nobody(), first.id).await);
    for expected in ["let go", "begun", "let go"] {
        let heard = timeout(PATIENCE, bench.heard.recv()).await;
        assert_eq!(heard, Ok(Some(expected)));
    }
    bench.fill(false);
    assert_eq!(bench.end(first.id).await.state, State::Cancelled);
    let ended = bench.end(job.id).await;
    assert_eq!(ended.state, State::Failed);
    assert_eq!(ended.error.unwrap().code, "disk-full");
}

#[tokio::test]
async fn without_its_machine_an_engine_takes_nothing_and_says_so() {
    let bench = Bench::new(|_| {}).await;
    let upload = bench.upload().await.unwrap();
    assert_eq!(bench.engine.trouble(), None);
    bench.machine.clone().shutdown().await;
    let broken = timeout(PATIENCE, bench.engine.broken()).await;
    assert_eq!(broken, Ok("the virtual machine has ended"));
    assert_eq!(bench.engine.trouble(), broken.ok());
    let refused = bench.take(&upload, json!({})).await;
    assert!(matches!(refused, Err(EngineError::Stopped)), "{refused:?}");
}

#[tokio::test]
async fn without_the_thread_that_writes_an_engine_says_so() {
    let bench = Bench::new(|_| {}).await;
    // It opens the records again when it could not write, and panics there.
    bench.faults.is_poisoned.store(true, Ordering::SeqCst);
    bench.fill(true);
    assert!(bench.upload().await.is_err());
    let broken = timeout(PATIENCE, bench.engine.broken()).await;
    assert_eq!(broken, Ok("the thread that writes records has ended"));
    bench.faults.is_poisoned.store(false, Ordering::SeqCst);
}

#[tokio::test]
async fn a_cancel_is_not_overtaken_by_the_record_of_a_begin() {
    let mut bench = Bench::new(|config| config.max_running_jobs = 1).await;
    bench.submit(json!({})).await;
    assert_eq!(bench.heard.recv().await, Some("begun"));
    let waiting = bench.submit(json!({})).await;
    let live = bench.engine.inner.live(waiting.id).unwrap();
    let (write, written) = std_mpsc::channel();
    let (_, canceller) = live.begin(|record| {
        assert!(!record.cancel_asked);
        let (live, cancel) = (Arc::clone(&live), write.clone());
        let canceller = std::thread::spawn(move || {
            live.ask_cancel(|record| cancel.send(record.cancel_asked).unwrap())
        });
        // However long this takes, the cancel's record is not before this one.
        let early = written.recv_timeout(Duration::from_millis(50));
        assert_eq!(early, Err(std_mpsc::RecvTimeoutError::Timeout));
        write.send(record.cancel_asked).unwrap();
        canceller
    });
    assert_eq!(canceller.join().unwrap(), Some(()));
    assert_eq!(written.iter().take(2).collect::<Vec<_>>(), [false, true]);
}

#[tokio::test]
async fn what_records_take_is_counted_and_found_again() {
    let bench = Bench::new(|_| {}).await;
    bench.gate.send_replace(true);
    let mut total = 0;
    for log_bytes in [10, 200_000] {
        let job = bench.submit(json!({"log_bytes": log_bytes})).await;
        bench.end(job.id).await;
        let index = bench.engine.inner.index();
        let before = std::mem::replace(&mut total, index.bytes() - index.blob_bytes());
        // Nearly nothing is gained by packing it.
        assert!(
            total - before > log_bytes / 10 * 9 + 500,
            "{before}, {total}"
        );
    }
    let folder = Arc::clone(&bench.folder);
    bench.engine.close().await;
    drop(bench);
    let again = Bench::on(folder, |_| {}).await;
    let index = again.engine.inner.index();
    assert_eq!(index.bytes() - index.blob_bytes(), total);
}

#[tokio::test]
async fn events_take_nothing_of_what_is_kept_free_for_ends() {
    let mut bench = Bench::new(|_| {}).await;
    let job = bench.submit(json!({"log_bytes": 100_000})).await;
    assert_eq!(bench.heard.recv().await, Some("begun"));
    let folder = Arc::clone(&bench.folder);
    bench.engine.close().await;
    drop(bench);
    // Nothing else is free any more when it runs again.
    let again = Bench::on(folder, |config| config.min_free_bytes = u64::MAX).await;
    let ended = again.end(job.id).await;
    assert_eq!(ended.state, State::Failed);
    assert_eq!(ended.error.unwrap().code, "disk-full");
}

#[tokio::test]
async fn the_events_of_a_job_that_runs_count_with_what_is_kept() {
    let mut bench = Bench::new(|config| config.retention_bytes = 150_000).await;
    bench.gate.send_replace(true);
    let old = bench.submit(json!({})).await;
    bench.end(old.id).await;
    bench.gate.send_replace(false);
    let then = OffsetDateTime::now_utc() + Duration::from_secs(100);
    bench.engine.inner.retain_once(then).await;
    assert!(bench.engine.job(&nobody(), old.id).await.is_ok());
    let running = bench.submit(json!({"log_bytes": 200_000})).await;
    for _ in 0..2 {
        assert_eq!(bench.heard.recv().await, Some("begun"));
    }
    let live = bench.engine.inner.live(running.id).unwrap();
    let handed = async {
        while live.event_bytes() < 180_000 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, handed).await.expect("the store has them");
    bench.engine.inner.retain_once(then).await;
    let gone = bench.engine.job(&nobody(), old.id).await;
    assert!(matches!(gone, Err(EngineError::NotFound { .. })));
}
