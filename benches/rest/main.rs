//! What REST costs beside the same jobs submitted in process, and what the server holds under load:
//!
//! - `overhead`: one small job after the other, p50 of each way, and what REST adds;
//! - `throughput`: 16 and 64 at a time, jobs a second of each way, and the ratio of REST's rate to each;
//! - `load`: 200 clients for 60 s, what they were answered, and the server's memory meanwhile;
//! - `upload`: what the server's memory grows by while it takes the paper's picture.
//!
//! In process there are two ways: to an engine with a folder of its own, whose jobs are kept, watched and reported of
//! as those over REST; and to the bare machine, which classifies and leaves nothing.
//!
//! `cargo bench --bench rest`, or `cargo bench --bench rest -- load` for one of them.
#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod client;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use msvpu::raster::{ReadLimits, read};
use msvpu::serving::{PictureReader, services};
use msvpu::{CMeans, Settings, Start, VirtualMachine, classify};
use msvpu_actors::Priority;
use msvpu_web::engine::Caller;
use msvpu_web::model::{NewJob, State};
use msvpu_web::{Engine, EngineConfig};
use serde_json::json;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use uuid::Uuid;

use client::{Client, Server, agent, upload};

/// That of the command, so that both sides have the same.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SIDE: u32 = 64;
const CLASSES: u32 = 3;
const ONE_BY_ONE: usize = 300;
const AT_ONCE: [usize; 2] = [16, 64];
/// What is measured together, each way in turn.
const JOBS: usize = 1000;
const REPETITIONS: usize = 5;
/// For one job.
const PATIENCE: Duration = Duration::from_secs(60);
const CLIENTS: usize = 200;
const LOAD: Duration = Duration::from_secs(60);

/// What is asked for over REST, asked for in this process.
struct InProcess {
    engine: Engine,
    caller: Caller,
    upload: Uuid,
}

impl InProcess {
    async fn start(machine: &VirtualMachine, data: &Path, file: &Path) -> Self {
        let limits = ReadLimits::default();
        let reader = Arc::new(PictureReader::new(limits));
        let config = EngineConfig::new(data);
        let engine = Engine::open(config, machine.clone(), services(limits), reader);
        let engine = engine.await.unwrap();
        let caller = Caller {
            name: None,
            admin: false,
        };
        let mut upload = engine.begin_upload(&caller, None, None).await.unwrap();
        let bytes = std::fs::read(file).unwrap();
        upload.write(bytes.into()).await.unwrap();
        let upload = upload.finish().await.unwrap().id;
        Self {
            engine,
            caller,
            upload,
        }
    }

    async fn job(&self) {
        let params = json!({ "start": { "classes": CLASSES } });
        let job = NewJob {
            service: "cmeans".to_owned(),
            upload_id: self.upload,
            params: params.as_object().cloned().unwrap(),
            outputs: Some(Vec::new()),
            metadata: BTreeMap::new(),
            priority: Priority::Normal,
        };
        let (job, _) = self.engine.submit(&self.caller, job, None).await.unwrap();
        let ended = self.engine.job_after(&self.caller, job.id, None, PATIENCE);
        assert_eq!(ended.await.unwrap().state, State::Succeeded);
    }
}

async fn local(machine: &VirtualMachine, file: &Path) {
    let picture = read(file, &ReadLimits::default()).unwrap();
    let program = CMeans::new(Settings::new(Start::linear(CLASSES)));
    let found = classify(machine, program, picture.scene).await.unwrap();
    assert_eq!(found.classes.len(), CLASSES as usize);
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1e3
}

/// The ways of a small job.
struct Ways<'a> {
    server: &'a Server,
    runtime: &'a Runtime,
    machine: &'a VirtualMachine,
    in_process: &'a Arc<InProcess>,
    file: &'a Path,
}

fn overhead(ways: &Ways<'_>) {
    let upload = upload(&agent(), ways.server, ways.file);
    let mut client = Client::new(ways.server);
    let (mut remote, mut kept, mut bare) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ONE_BY_ONE {
        let start = Instant::now();
        assert_eq!(client.job(&upload), 200);
        remote.push(start.elapsed());
        let start = Instant::now();
        ways.runtime.block_on(ways.in_process.job());
        kept.push(start.elapsed());
        let start = Instant::now();
        ways.runtime.block_on(local(ways.machine, ways.file));
        bare.push(start.elapsed());
    }
    let (remote, kept, bare) = (median(remote), median(kept), median(bare));
    println!(
        "one after the other: REST {remote:.2} ms, engine in process {kept:.2} ms, bare machine {bare:.2} ms, \
         p50 of {ONE_BY_ONE}; REST adds {:.2} ms to the engine, {:.2} ms to the bare machine",
        remote - kept,
        remote - bare
    );
}

/// Permits for [`JOBS`] jobs.
#[derive(Clone)]
struct Permits(Arc<AtomicUsize>);

impl Permits {
    fn new() -> Self {
        Self(Arc::new(AtomicUsize::new(JOBS)))
    }

    fn take(&self) -> bool {
        let less = |left: usize| left.checked_sub(1);
        let taken = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        taken.is_ok()
    }
}

/// Jobs a second, of `at_once` tasks that each do one after the other.
fn rate<F: Future<Output = ()> + Send>(
    runtime: &Runtime,
    at_once: usize,
    job: impl Fn() -> F + Clone + Send + 'static,
) -> f64 {
    let permits = Permits::new();
    let start = Instant::now();
    runtime.block_on(async {
        let mut tasks = JoinSet::new();
        for _ in 0..at_once {
            let (permits, job) = (permits.clone(), job.clone());
            tasks.spawn(async move {
                while permits.take() {
                    job().await;
                }
            });
        }
        tasks.join_all().await;
    });
    JOBS as f64 / start.elapsed().as_secs_f64()
}

/// The same over REST, of `at_once` connections.
fn rest_rate(server: &Server, upload: &str, at_once: usize) -> f64 {
    let permits = Permits::new();
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                let mut client = Client::new(server);
                while permits.take() {
                    assert_eq!(client.job(upload), 200);
                }
            });
        }
    });
    JOBS as f64 / start.elapsed().as_secs_f64()
}

fn throughput(ways: &Ways<'_>, at_once: usize) {
    let upload = upload(&agent(), ways.server, ways.file);
    let kept = || {
        let engine = Arc::clone(ways.in_process);
        let job = move || {
            let engine = Arc::clone(&engine);
            async move { engine.job().await }
        };
        rate(ways.runtime, at_once, job)
    };
    let bare = || {
        let (machine, file) = (ways.machine.clone(), ways.file.to_owned());
        let job = move || {
            let (machine, file) = (machine.clone(), file.clone());
            async move { local(&machine, &file).await }
        };
        rate(ways.runtime, at_once, job)
    };
    let mut rates = [(); 3].map(|()| Vec::new());
    for repetition in 0..REPETITIONS {
        // What one way leaves to do is not always the same one's loss.
        for way in (0..3).map(|way| (way + repetition) % 3) {
            rates[way].push(match way {
                0 => rest_rate(ways.server, &upload, at_once),
                1 => kept(),
                _ => bare(),
            });
        }
    }
    let [rest, kept, bare] = rates.map(|mut rates| {
        rates.sort_by(f64::total_cmp);
        rates[rates.len() / 2]
    });
    println!(
        "{at_once} at a time: REST {rest:.0} jobs/s, engine in process {kept:.0} jobs/s (ratio {:.2}), \
         bare machine {bare:.0} jobs/s (ratio {:.2}), medians of {REPETITIONS}",
        rest / kept,
        rest / bare
    );
}

fn load(server: &Server, file: &Path) {
    let upload = upload(&agent(), server, file);
    let answers = Mutex::new(BTreeMap::<u16, usize>::new());
    let end = Instant::now() + LOAD;
    let mut memory = Vec::new();
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                let mut client = Client::new(server);
                while Instant::now() < end {
                    let status = client.job(&upload);
                    *answers.lock().unwrap().entry(status).or_default() += 1;
                }
            });
        }
        while Instant::now() < end {
            thread::park_timeout(LOAD / 6);
            memory.push(server.memory().0);
        }
    });
    let memory: Vec<String> = memory.iter().map(|mib| format!("{mib:.0}")).collect();
    println!(
        "{CLIENTS} clients for {} s: {:?} (status: answers); memory every {} s: {} MiB",
        LOAD.as_secs(),
        answers.into_inner().unwrap(),
        LOAD.as_secs() / 6,
        memory.join(", ")
    );
}

/// As many bytes as the paper's picture, as a plain PGM.
fn upload_of_the_paper_s_picture(folder: &Path) {
    let server = Server::start(&folder.join("upload"));
    let path = folder.join("paper.pgm");
    let mut file = std::fs::File::create(&path).unwrap();
    file.write_all(b"P5 7750 7280 255\n").unwrap();
    file.write_all(&vec![7; 7280 * 7750]).unwrap();
    drop(file);
    let agent = agent();
    let small = folder.join("small.png");
    upload(&agent, &server, &small);
    let (before, _) = server.memory();
    upload(&agent, &server, &path);
    let (after, most) = server.memory();
    println!(
        "an upload of 56.4 MB: memory {before:.1} MiB before, {after:.1} after, {most:.1} at most: {:.1} more",
        most - before
    );
}

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("small.png");
    let samples: Vec<u8> = (0..SIDE * SIDE).map(|i| (i * i % 251) as u8).collect();
    let mut encoder = png::Encoder::new(std::fs::File::create(&file).unwrap(), SIDE, SIDE);
    encoder.set_color(png::ColorType::Grayscale);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&samples).unwrap();
    writer.finish().unwrap();

    let asked: Vec<String> = std::env::args().skip(1).collect();
    let wants = |what: &str| {
        let mut named = asked.iter().filter(|arg| !arg.starts_with('-')).peekable();
        named.peek().is_none() || named.any(|arg| arg == what)
    };
    let runtime = Runtime::new().unwrap();
    let machine = VirtualMachine::local().workers(2).service::<CMeans>();
    let machine = runtime.block_on(machine.start()).unwrap();
    let server = Server::start(&folder.path().join("data"));
    let data = folder.path().join("in-process");
    let in_process = runtime.block_on(InProcess::start(&machine, &data, &file));
    let in_process = Arc::new(in_process);
    let ways = Ways {
        server: &server,
        runtime: &runtime,
        machine: &machine,
        in_process: &in_process,
        file: &file,
    };
    if wants("overhead") {
        overhead(&ways);
    }
    if wants("throughput") {
        for at_once in AT_ONCE {
            throughput(&ways, at_once);
        }
    }
    runtime.block_on(in_process.engine.close());
    if wants("load") {
        load(&server, &file);
    }
    if wants("upload") {
        upload_of_the_paper_s_picture(folder.path());
    }
    runtime.block_on(machine.shutdown());
}
