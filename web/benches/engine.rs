//! What the engine itself costs: jobs that do nothing, from the upload to the end.
//!
//! ```text
//! cargo bench -p msvpu-web --bench engine -- [SUBMITTERS] [SECONDS] [DATA]
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use msvpu_actors::{Priority, VirtualMachine};
use msvpu_web::engine::{Caller, EngineConfig};
use msvpu_web::model::{FieldError, InputInfo, NewJob, State};
use msvpu_web::service::{
    Asked, InputReader, ProbeError, Run, RunError, Service, ServiceInfo, Told,
};
use msvpu_web::{Engine, Services};
use serde_json::{Map, Value, json};

/// As large as a small picture.
const UPLOAD_BYTES: usize = 4 << 10;
/// As large as the artifacts of a small picture.
const ARTIFACTS: [(&str, usize); 4] = [
    ("report.json", 4 << 10),
    ("report.html", 40 << 10),
    ("labels.png", 2 << 10),
    ("convergence.svg", 12 << 10),
];

struct Nothing {
    with_files: bool,
}

impl Service for Nothing {
    fn info(&self) -> ServiceInfo {
        ServiceInfo {
            name: "nothing".to_owned(),
            title: "Nothing".to_owned(),
            doc: "Does nothing.".to_owned(),
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
        let with_files = self.with_files;
        async move {
            if with_files {
                for (name, bytes) in ARTIFACTS {
                    std::fs::write(run.folder.path().unwrap().join(name), vec![b'a'; bytes])
                        .unwrap();
                    run.reporter.tell(Told::Artifact {
                        name: name.to_owned(),
                        media_type: "text/plain".to_owned(),
                        doc: String::new(),
                    });
                }
            }
            Ok(json!({"nothing": true}))
        }
        .boxed()
    }
}

struct Anything;

impl InputReader for Anything {
    fn probe(&self, _: &Path) -> Result<InputInfo, ProbeError> {
        Ok(InputInfo {
            format: "any".to_owned(),
            width: 64,
            height: 64,
            bands: 1,
            decoded_bytes: 4096,
        })
    }
}

#[derive(Default)]
struct Times {
    accepted: Vec<Duration>,
    ended: Vec<Duration>,
}

fn percentile(times: &mut [Duration], percent: usize) -> f64 {
    times.sort_unstable();
    let place = times.len().saturating_sub(1) * percent / 100;
    times
        .get(place)
        .map_or(0.0, |time| time.as_secs_f64() * 1e3)
}

async fn one(engine: &Engine, caller: &Caller, body: &Bytes, times: &mut Times) {
    let begun = Instant::now();
    let mut upload = engine.begin_upload(caller, None, None).await.unwrap();
    upload.write(body.clone()).await.unwrap();
    let upload = upload.finish_for_job().await.unwrap();
    let job = NewJob {
        service: "nothing".to_owned(),
        upload_id: upload.id,
        params: Map::new(),
        outputs: None,
        metadata: BTreeMap::new(),
        priority: Priority::Normal,
    };
    let (job, _) = engine.submit(caller, job, None).await.unwrap();
    times.accepted.push(begun.elapsed());
    let wait = Duration::from_secs(60);
    let job = engine.job_after(caller, job.id, None, wait).await.unwrap();
    assert_eq!(job.state, State::Succeeded);
    times.ended.push(begun.elapsed());
}

async fn measure(data: &Path, submitters: usize, seconds: u64, with_files: bool) {
    let machine = VirtualMachine::local().workers(1).start().await.unwrap();
    let services = Services::default().with(Nothing { with_files });
    let config = EngineConfig::new(data);
    let engine = Engine::open(config, machine, services, Arc::new(Anything))
        .await
        .unwrap();
    let begun = Instant::now();
    let until = begun + Duration::from_secs(seconds);
    let body = Bytes::from(vec![7; UPLOAD_BYTES]);
    let tasks = (0..submitters).map(|_| {
        let (engine, body) = (engine.clone(), body.clone());
        tokio::spawn(async move {
            let caller = Caller {
                name: None,
                admin: false,
            };
            let mut times = Times::default();
            while Instant::now() < until {
                one(&engine, &caller, &body, &mut times).await;
            }
            times
        })
    });
    let tasks: Vec<_> = tasks.collect();
    let mut all = Times::default();
    for task in tasks {
        let times = task.await.unwrap();
        all.accepted.extend(times.accepted);
        all.ended.extend(times.ended);
    }
    let per_second = all.ended.len() as f64 / begun.elapsed().as_secs_f64();
    println!(
        "{submitters:>3} submitters, {} artifacts: {per_second:>6.0} jobs/s; accepted after p50 {:.2} ms, p99 {:.2} ms; \
         ended after p50 {:.2} ms, p99 {:.2} ms",
        if with_files { ARTIFACTS.len() } else { 0 },
        percentile(&mut all.accepted, 50),
        percentile(&mut all.accepted, 99),
        percentile(&mut all.ended, 50),
        percentile(&mut all.ended, 99),
    );
    engine.close().await;
}

/// What one forced write of this disk takes: the floor.
fn floor(data: &Path) -> f64 {
    use std::io::Write as _;
    let mut file = std::fs::File::create(data.join("floor")).unwrap();
    let mut times: Vec<Duration> = (0..100)
        .map(|_| {
            file.write_all(&[7; 4096]).unwrap();
            let begun = Instant::now();
            file.sync_data().unwrap();
            begun.elapsed()
        })
        .collect();
    percentile(&mut times, 50)
}

fn main() {
    let mut words = std::env::args().skip(1).filter(|word| word != "--bench");
    let submitters: usize = words.next().map_or(16, |word| word.parse().unwrap());
    let seconds = words.next().map_or(5, |word| word.parse().unwrap());
    let folder = words.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for (submitters, with_files) in [
        (1, false),
        (1, true),
        (submitters, false),
        (submitters, true),
    ] {
        let data = tempfile::tempdir_in(&folder).unwrap();
        println!("one forced write: p50 {:.2} ms", floor(data.path()));
        runtime.block_on(measure(data.path(), submitters, seconds, with_files));
    }
}
