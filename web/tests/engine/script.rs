//! A service that does as its parameters say.

use std::fs;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use msvpu_web::model::{
    EventBody, Failure, FieldError, IterationRow, LogLevel, Phase, TeamRound, TeamTimes,
};
use msvpu_web::service::{Asked, OutputInfo, Run, RunError, Service, ServiceInfo, Told};
use serde_json::{Map, Value, json};
use tokio::sync::{mpsc, watch};

/// Does as its parameters say: `iterations` and `files` (how many), `file_bytes`, `hold` (until it is let go),
/// `stubborn` (takes no notice of being cancelled), `panic`, `exit` (takes the process with it), `fail` (a code), `full`
/// (the disk), `documents` (how many are told from memory, of `file_bytes` too), `stray` (makes a file that it does not tell of),
/// `lie` (tells of a file that is not there), `log_bytes` (a line of so many with each iteration),
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
        let left = fs::read_dir(run.folder.path().unwrap()).unwrap();
        assert_eq!(left.count(), 0);
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
                    level: LogLevel::Info,
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
            let written = fs::write(run.folder.path().unwrap().join(&name), "a".repeat(bytes));
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
        for document in 0..number(params, "documents") {
            run.reporter.tell(Told::Document {
                name: format!("document-{document}.txt"),
                media_type: "text/plain".to_owned(),
                doc: format!("document {document}"),
                content: "d".repeat(number(params, "file_bytes").max(1)).into(),
            });
        }
        if is_set(params, "stray") {
            fs::write(run.folder.path().unwrap().join("stray"), "s").unwrap();
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
