use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use msvpu_actors::VirtualMachine;
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use time::OffsetDateTime;
use tokio::sync::watch;
use uuid::Uuid;

use crate::engine::{Caller, Engine, EngineConfig, EngineError};
use crate::model::{FieldError, InputInfo, Job, NewJob, Upload};
use crate::service::{
    Asked, InputReader, ProbeError, Run, RunError, Service, ServiceInfo, Services, Told,
};
use crate::store::Store;
use crate::store::faulty::{self, Faults};

/// What each artifact takes.
const ARTIFACT_BYTES: u64 = 100_000;
const UPLOAD_BYTES: u64 = 10;
/// More than the records and events of some jobs take, and less than an artifact.
const RECORD_BYTES: u64 = 50_000;

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

/// Makes one artifact as soon as its gate is open.
struct OneFile {
    gate: watch::Receiver<bool>,
}

impl Service for OneFile {
    fn info(&self) -> ServiceInfo {
        ServiceInfo {
            name: "one-file".to_owned(),
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

    fn run(&self, run: Run) -> BoxFuture<'static, Result<Value, RunError>> {
        let mut gate = self.gate.clone();
        async move {
            gate.wait_for(|open| *open).await.unwrap();
            let content = vec![b'a'; usize::try_from(ARTIFACT_BYTES).unwrap()];
            std::fs::write(run.folder.path().unwrap().join("a"), content).unwrap();
            run.reporter.tell(Told::Artifact {
                name: "a".to_owned(),
                media_type: "text/plain".to_owned(),
                doc: String::new(),
            });
            Ok(Value::Null)
        }
        .boxed()
    }
}

struct Bench {
    engine: Engine,
    gate: watch::Sender<bool>,
    caller: Caller,
    disk: Arc<Faults>,
    _folder: TempDir,
}

impl Bench {
    async fn new(change: impl FnOnce(&mut EngineConfig)) -> Self {
        let folder = TempDir::new().unwrap();
        let mut config = EngineConfig::new(folder.path());
        change(&mut config);
        let machine = VirtualMachine::local().workers(1).start().await.unwrap();
        let gate = watch::Sender::new(true);
        let services = Services::default().with(OneFile {
            gate: gate.subscribe(),
        });
        let disk = Arc::default();
        let records = faulty::open(&disk);
        let open = move |data: &Path| Store::open_with(data, records);
        let engine = Engine::open_with(config, machine, services, Arc::new(Anything), open);
        Self {
            engine: engine.await.unwrap(),
            gate,
            caller: Caller {
                name: None,
                admin: false,
            },
            disk,
            _folder: folder,
        }
    }

    async fn upload(&self) -> Upload {
        let begun = self.engine.begin_upload(&self.caller, None, None).await;
        let mut writer = begun.unwrap();
        let content = vec![b'u'; usize::try_from(UPLOAD_BYTES).unwrap()];
        writer.write(Bytes::from(content)).await.unwrap();
        writer.finish().await.unwrap()
    }

    async fn submit(&self) -> Job {
        self.submit_with(self.upload().await.id).await
    }

    async fn submit_with(&self, upload_id: Uuid) -> Job {
        let job = NewJob {
            service: "one-file".to_owned(),
            upload_id,
            params: Map::new(),
            outputs: None,
            metadata: std::collections::BTreeMap::new(),
            priority: msvpu_actors::Priority::Normal,
        };
        self.engine.submit(&self.caller, job, None).await.unwrap().0
    }

    async fn run(&self) -> Job {
        let job = self.submit().await;
        self.end(job.id).await
    }

    async fn end(&self, id: Uuid) -> Job {
        let wait = Duration::from_secs(60);
        let ended = self.engine.job_after(&self.caller, id, None, wait).await;
        let ended = ended.unwrap();
        assert!(ended.state.is_terminal());
        ended
    }

    async fn after(&self, seconds: u64) {
        let then = OffsetDateTime::now_utc() + Duration::from_secs(seconds);
        self.engine.inner.retain_once(then).await;
    }

    async fn has(&self, job: &Job) -> bool {
        match self.engine.job(&self.caller, job.id).await {
            Ok(_) => true,
            Err(EngineError::NotFound { .. }) => false,
            Err(other) => panic!("{other}"),
        }
    }

    async fn has_upload(&self, id: Uuid) -> bool {
        self.engine.upload(&self.caller, id).await.is_ok()
    }
}

#[tokio::test]
async fn what_is_too_old_goes_and_nothing_else() {
    let bench = Bench::new(|config| config.retention_age = Duration::from_secs(1000)).await;
    let job = bench.run().await;
    let unused = bench.upload().await;
    bench.after(900).await;
    assert!(bench.has(&job).await && bench.has_upload(unused.id).await);
    bench.after(1100).await;
    assert!(!bench.has(&job).await);
    assert!(!bench.has_upload(unused.id).await);
    assert!(!bench.has_upload(job.input.upload_id).await);
    assert_eq!(bench.engine.gauges().blob_bytes, 0);
    let dir = bench.engine.inner.store.dir();
    assert!(!dir.job(job.id).exists() && !dir.upload(unused.id).exists());
}

#[tokio::test]
async fn what_a_job_needs_stays_however_old_it_is() {
    let bench = Bench::new(|config| {
        config.retention_age = Duration::from_secs(1000);
        config.retention_bytes = 0;
    })
    .await;
    bench.gate.send_replace(false);
    let job = bench.submit().await;
    bench.after(1_000_000).await;
    assert!(bench.has(&job).await);
    assert!(bench.has_upload(job.input.upload_id).await);
    bench.gate.send_replace(true);
    bench.end(job.id).await;
}

#[tokio::test]
async fn when_it_is_too_much_the_oldest_goes_first() {
    let bench = Bench::new(|config| {
        config.retention_bytes = 2 * ARTIFACT_BYTES + 3 * UPLOAD_BYTES + RECORD_BYTES;
    })
    .await;
    let mut jobs = Vec::new();
    for _ in 0..4 {
        jobs.push(bench.run().await);
    }
    // Nothing goes that has just come.
    bench.after(1).await;
    for job in &jobs {
        assert!(bench.has(job).await);
    }
    bench.after(100).await;
    let mut kept = Vec::new();
    for job in &jobs {
        kept.push(bench.has(job).await);
    }
    assert_eq!(kept, [false, false, true, true]);
    let blob_bytes = bench.engine.gauges().blob_bytes;
    assert!(
        blob_bytes <= 2 * ARTIFACT_BYTES + 3 * UPLOAD_BYTES,
        "{blob_bytes}"
    );
}

#[tokio::test]
async fn when_there_are_too_many_jobs_the_oldest_go_and_no_uploads() {
    let bench = Bench::new(|config| config.retention_jobs = 2).await;
    let unused = bench.upload().await;
    let mut jobs = Vec::new();
    for _ in 0..4 {
        jobs.push(bench.run().await);
    }
    bench.after(100).await;
    let mut kept = Vec::new();
    for job in &jobs {
        kept.push(bench.has(job).await);
    }
    assert_eq!(kept, [false, false, true, true]);
    assert!(bench.has_upload(unused.id).await);
}

#[tokio::test]
async fn records_count_as_well() {
    let bench = Bench::new(|config| {
        config.retention_bytes = 2 * (ARTIFACT_BYTES + UPLOAD_BYTES);
    })
    .await;
    let jobs = [bench.run().await, bench.run().await];
    bench.after(100).await;
    // The blobs of both would fit, their records do not beside them.
    assert!(!bench.has(&jobs[0]).await && bench.has(&jobs[1]).await);
}

#[tokio::test]
async fn when_there_are_too_many_uploads_the_oldest_go() {
    let bench = Bench::new(|config| config.retention_uploads = 2).await;
    let job = bench.run().await;
    let mut uploads = vec![job.input.upload_id];
    for _ in 0..3 {
        uploads.push(bench.upload().await.id);
    }
    bench.after(100).await;
    let mut kept = Vec::new();
    for id in &uploads {
        kept.push(bench.has_upload(*id).await);
    }
    assert_eq!(kept, [false, false, true, true]);
    assert!(bench.has(&job).await);
}

/// Else more could come than goes.
#[tokio::test]
async fn what_is_to_go_goes_together() {
    let bench = Bench::new(|config| config.retention_uploads = 1).await;
    for _ in 0..40 {
        bench.upload().await;
    }
    let forced = || bench.disk.forced.load(Ordering::SeqCst);
    let before = forced();
    bench.after(100).await;
    assert_eq!(bench.engine.inner.index().unused(), 1);
    let writes = forced() - before;
    assert!(writes < 20, "{writes} forced writes for 39 uploads");
}

#[tokio::test]
async fn an_upload_takes_more_than_its_content() {
    let bench = Bench::new(|config| config.retention_bytes = 3 * 4096).await;
    let mut uploads = Vec::new();
    for _ in 0..4 {
        uploads.push(bench.upload().await.id);
    }
    bench.after(100).await;
    assert!(!bench.has_upload(uploads[0]).await && bench.has_upload(uploads[3]).await);
}

#[tokio::test]
async fn an_upload_that_came_with_a_job_goes_with_the_last_that_has_it() {
    let bench = Bench::new(|_| {}).await;
    let begun = bench.engine.begin_upload(&bench.caller, None, None).await;
    let mut writer = begun.unwrap();
    writer.write(Bytes::from_static(b"content")).await.unwrap();
    let upload = writer.finish_for_job().await.unwrap();
    let first = bench.submit_with(upload.id).await;
    let second = bench.submit_with(upload.id).await;
    let file = bench.engine.inner.store.dir().upload(upload.id);
    for (job, is_last) in [(first, false), (second, true)] {
        bench.end(job.id).await;
        bench.engine.delete(&bench.caller, job.id).await.unwrap();
        assert_eq!(bench.has_upload(upload.id).await, !is_last);
        assert_eq!(file.exists(), !is_last);
    }
    // One that was handed in by itself waits for other jobs.
    let job = bench.run().await;
    bench.engine.delete(&bench.caller, job.id).await.unwrap();
    assert!(bench.has_upload(job.input.upload_id).await);
}

#[tokio::test]
async fn an_upload_whose_job_does_not_come_goes_soon() {
    let bench = Bench::new(|_| {}).await;
    let begun = bench.engine.begin_upload(&bench.caller, None, None).await;
    let upload = begun.unwrap().finish_for_job().await.unwrap();
    let other = bench.upload().await;
    bench.after(1).await;
    assert!(bench.has_upload(upload.id).await);
    bench.after(100).await;
    assert!(!bench.has_upload(upload.id).await && bench.has_upload(other.id).await);
}
