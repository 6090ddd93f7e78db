//! A service that does as its parameters say, and an engine on a directory of its own.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _};
use msvpu_actors::{Priority, VirtualMachine};
use msvpu_web::engine::{After, Caller, EngineConfig, EngineError, IdempotencyKey, OpenError};
use msvpu_web::model::{
    Event, EventBody, Failure, FieldError, InputInfo, IterationRow, Job, NewJob, Phase, TeamRound,
    TeamTimes, Upload,
};
use msvpu_web::service::{
    Asked, InputReader, OutputInfo, ProbeError, Run, RunError, Service, ServiceInfo, Told,
};
use msvpu_web::{Engine, Services};
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};
use uuid::Uuid;

/// A file that begins with `P` and the number of bytes that it takes when it is decoded.
pub(crate) struct Heads;

impl InputReader for Heads {
    fn probe(&self, path: &Path) -> Result<InputInfo, ProbeError> {
        let text = fs::read_to_string(path).map_err(|error| ProbeError::Io(error.to_string()))?;
        let number = text
            .strip_prefix('P')
            .ok_or_else(|| ProbeError::Unsupported("it does not begin with P".to_owned()))?;
        let number = number.split_whitespace().next().unwrap_or_default();
        let decoded_bytes = number
            .parse()
            .map_err(|_| ProbeError::Invalid(format!("`{number}` is no number")))?;
        Ok(InputInfo {
            format: "p".to_owned(),
            width: 1,
            height: 1,
            bands: 1,
            decoded_bytes,
        })
    }
}

/// Does as its parameters say: `iterations` and `files` (how many), `file_bytes`, `hold` (until it is let go),
/// `stubborn` (takes no notice of being cancelled), `panic`, `exit` (takes the process with it), `fail` (a code), `full`
/// (the disk), `lie` (tells of a file that is not there), `log_bytes` (a line of so many with each iteration),
/// `team_size` (tells of a team of so many after each iteration).
#[derive(Clone)]
pub(crate) struct Script {
    /// Turns true to let all go that are held.
    pub(crate) gate: watch::Sender<bool>,
    /// Hears of each job that begins, by its metadata-free input's name.
    pub(crate) begun: mpsc::UnboundedSender<String>,
}

/// How a process ends that a job takes with it.
pub(crate) const EXIT: i32 = 86;

pub(crate) fn script() -> (Script, mpsc::UnboundedReceiver<String>) {
    let (begun, begins) = mpsc::unbounded_channel();
    let gate = watch::Sender::new(false);
    (Script { gate, begun }, begins)
}

fn number(params: &Map<String, Value>, name: &str) -> usize {
    let number = params.get(name).and_then(Value::as_u64).unwrap_or(0);
    usize::try_from(number).unwrap()
}

fn is_set(params: &Map<String, Value>, name: &str) -> bool {
    params.get(name).and_then(Value::as_bool).unwrap_or(false)
}

impl Service for Script {
    fn info(&self) -> ServiceInfo {
        ServiceInfo {
            name: "script".to_owned(),
            title: "Script".to_owned(),
            doc: "Does as it is told.".to_owned(),
            accepts: vec![".p".to_owned()],
            params_schema: json!({"type": "object"}),
            outputs: vec![OutputInfo {
                name: "files".to_owned(),
                doc: "Files.".to_owned(),
                default: true,
            }],
            series: None,
        }
    }

    fn check(&self, asked: &Asked<'_>) -> Result<(), Vec<FieldError>> {
        match asked.params.get("wrong") {
            None => Ok(()),
            Some(_) => Err(vec![FieldError {
                pointer: "/params/wrong".to_owned(),
                detail: "must not be there".to_owned(),
            }]),
        }
    }

    fn run(&self, run: Run) -> BoxFuture<'static, Result<Value, RunError>> {
        let script = self.clone();
        async move { script.play(run).await }.boxed()
    }
}

impl Script {
    async fn play(&self, mut run: Run) -> Result<Value, RunError> {
        let name = run.input_name.clone().unwrap_or_default();
        // A test that does not listen is fine.
        let _ = self.begun.send(name.clone());
        assert!(run.input.is_file(), "the input is not there");
        assert_eq!(fs::read_dir(&run.folder).unwrap().count(), 0);
        let params = &run.params;
        let tell = |told| run.reporter.tell(told);
        let iterations = number(params, "iterations");
        tell(Told::Phase(Phase::Iterating, None));
        if iterations > 0 {
            tell(Told::MaxIterations(u32::try_from(iterations).unwrap()));
        }
        for iteration in 1..=iterations {
            tell(Told::Event(EventBody::Iteration(row(iteration))));
            let team_size = number(params, "team_size");
            if team_size > 0 {
                tell(Told::Team(team(team_size, iteration)));
            }
            let log_bytes = number(params, "log_bytes");
            if log_bytes > 0 {
                tell(Told::Event(EventBody::Log {
                    level: msvpu_web::model::LogLevel::Info,
                    message: "x".repeat(log_bytes),
                }));
                tokio::task::yield_now().await;
            }
        }
        if is_set(params, "hold") {
            let mut gate = self.gate.subscribe();
            let cancelled = async {
                if is_set(params, "stubborn") {
                    std::future::pending::<()>().await;
                }
                run.cancelled.asked().await;
            };
            tokio::select! {
                _ = gate.wait_for(|open| *open) => {}
                () = cancelled => return Err(RunError::Cancelled),
            }
        }
        assert!(!is_set(params, "panic"), "as it was told");
        if is_set(params, "exit") {
            std::process::exit(EXIT);
        }
        if let Some(code) = params.get("fail").and_then(Value::as_str) {
            return Err(RunError::Failed(Failure {
                code: code.to_owned(),
                message: "as it was told".to_owned(),
            }));
        }
        if is_set(params, "full") {
            return Err(RunError::DiskFull);
        }
        for file in 0..number(params, "files") {
            let name = format!("file-{file}.txt");
            let bytes = number(params, "file_bytes").max(1);
            let written = fs::write(run.folder.join(&name), "a".repeat(bytes));
            match written {
                Err(error) if error.kind() == std::io::ErrorKind::StorageFull => {
                    return Err(RunError::DiskFull);
                }
                other => other.unwrap(),
            }
            run.reporter.tell(Told::Artifact {
                name,
                media_type: "text/plain".to_owned(),
                doc: format!("file {file}"),
            });
        }
        if is_set(params, "lie") {
            run.reporter.tell(Told::Artifact {
                name: "nothing.txt".to_owned(),
                media_type: "text/plain".to_owned(),
                doc: "nothing".to_owned(),
            });
        }
        Ok(json!({ "name": name, "iterations": iterations }))
    }
}

/// What a team of so many has done in so many rounds.
pub(crate) fn team(team_size: usize, rounds: usize) -> TeamTimes {
    let round = |round: usize| TeamRound {
        round: Some(u32::try_from(round).unwrap()),
        began_ms: round as f64,
        ended_ms: Some(round as f64 + 0.5),
        node: vec![Some(3); team_size],
        arrived_ms: vec![Some(0.5); team_size],
        waited_ms: vec![Some(0.1); team_size],
        computed_ms: vec![Some(0.2); team_size],
        kept_ms: vec![None; team_size],
    };
    TeamTimes {
        team_size: u32::try_from(team_size).unwrap(),
        stride: 1,
        rounds: (1..=rounds).map(round).collect(),
    }
}

fn row(iteration: usize) -> IterationRow {
    IterationRow {
        iteration: u32::try_from(iteration).unwrap(),
        values: vec![vec![1.0], vec![2.0]],
        error: Some(1.0 / iteration as f64),
        elapsed_ms: iteration as f64,
        details: Map::new(),
    }
}

/// An engine, and what it stands on.
pub(crate) struct Bench {
    pub(crate) engine: Engine,
    pub(crate) script: Script,
    pub(crate) begins: mpsc::UnboundedReceiver<String>,
    pub(crate) folder: Arc<TempDir>,
}

pub(crate) fn config(folder: &Path) -> EngineConfig {
    EngineConfig {
        max_decoded_bytes: 1 << 30,
        ..EngineConfig::new(folder)
    }
}

pub(crate) async fn open_with(
    config: EngineConfig,
) -> Result<(Engine, Script, mpsc::UnboundedReceiver<String>), OpenError> {
    let machine = VirtualMachine::local().workers(1).start().await.unwrap();
    let (script, begins) = script();
    let services = Services::default().with(script.clone());
    let engine = Engine::open(config, machine, services, Arc::new(Heads)).await?;
    Ok((engine, script, begins))
}

impl Bench {
    pub(crate) async fn new() -> Self {
        Self::on(Arc::new(TempDir::new().unwrap()), |_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut EngineConfig)) -> Self {
        Self::on(Arc::new(TempDir::new().unwrap()), change).await
    }

    /// On a directory that may have been used before.
    pub(crate) async fn on(folder: Arc<TempDir>, change: impl FnOnce(&mut EngineConfig)) -> Self {
        let mut config = config(folder.path());
        change(&mut config);
        let (engine, script, begins) = open_with(config).await.unwrap();
        Self {
            engine,
            script,
            begins,
            folder,
        }
    }

    pub(crate) fn release(&self) {
        self.script.gate.send_replace(true);
    }

    pub(crate) async fn upload(&self, name: &str, decoded_bytes: u64) -> Upload {
        upload(&self.engine, &nobody(), name, decoded_bytes)
            .await
            .unwrap()
    }

    /// Submits a job with an upload of its own.
    pub(crate) async fn submit(&self, name: &str, params: Value) -> Job {
        let upload = self.upload(name, 1).await;
        let job = new_job(upload.id, params);
        self.engine.submit(&nobody(), job, None).await.unwrap().0
    }

    pub(crate) async fn take(
        &self,
        job: NewJob,
        key: Option<IdempotencyKey>,
    ) -> Result<(Job, bool), EngineError> {
        self.engine.submit(&nobody(), job, key).await
    }

    pub(crate) async fn ended(&self, id: Uuid) -> Job {
        ended(&self.engine, id).await
    }

    pub(crate) async fn events(&self, id: Uuid, after: impl Into<After>) -> Vec<Event> {
        let events = self.engine.events(&nobody(), id, after).await.unwrap();
        events.collect().await
    }
}

pub(crate) async fn ended(engine: &Engine, id: Uuid) -> Job {
    let job = engine
        .job_after(&admin(), id, None, Duration::from_secs(60))
        .await
        .unwrap();
    assert!(job.state.is_terminal(), "{job:?}");
    job
}

pub(crate) async fn upload(
    engine: &Engine,
    caller: &Caller,
    name: &str,
    decoded_bytes: u64,
) -> Result<Upload, EngineError> {
    let name = Some(name.to_owned());
    let mut writer = engine.begin_upload(caller, name, None).await?;
    writer
        .write(Bytes::from(format!("P{decoded_bytes} ")))
        .await?;
    writer
        .write(Bytes::from_static(b"and what follows"))
        .await?;
    writer.finish().await
}

pub(crate) fn nobody() -> Caller {
    Caller {
        name: None,
        admin: false,
    }
}

pub(crate) fn named(name: &str) -> Caller {
    Caller {
        name: Some(name.to_owned()),
        admin: false,
    }
}

pub(crate) fn admin() -> Caller {
    Caller {
        name: Some("root".to_owned()),
        admin: true,
    }
}

pub(crate) fn new_job(upload_id: Uuid, params: Value) -> NewJob {
    let Value::Object(params) = params else {
        panic!("parameters are an object");
    };
    NewJob {
        service: "script".to_owned(),
        upload_id,
        params,
        outputs: None,
        metadata: std::collections::BTreeMap::default(),
        priority: Priority::Normal,
    }
}

pub(crate) fn key(key: &str, digest: &str) -> IdempotencyKey {
    IdempotencyKey {
        key: key.to_owned(),
        digest: digest.to_owned(),
    }
}

/// Whether ids are 1, 2, 3 … from `first` on.
pub(crate) fn is_gapless(events: &[Event], first: u64) -> bool {
    events
        .iter()
        .map(|event| event.id)
        .eq((first..).take(events.len()))
}
