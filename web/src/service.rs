//! What a job runs, and what it is handed.

mod folder;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
pub use folder::Folder;
use futures_util::future::BoxFuture;
use msvpu_actors::{JobOptions, VirtualMachine};
use serde::Serialize;
use serde_json::{Map, Value};
use thiserror::Error;
use tokio::sync::watch;
use utoipa::ToSchema;

use crate::model::{EventBody, Failure, FieldError, InputInfo, Phase, TeamTimes};

/// What a client is told of a service.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ServiceInfo {
    /// The name by which it is asked for.
    pub name: String,
    /// For people.
    pub title: String,
    /// What it does, in a line or two.
    pub doc: String,
    /// Endings of the files that it takes, such as `.png`.
    pub accepts: Vec<String>,
    /// The JSON Schema (2020-12) of its parameters, with `title`, `description` and `default` for
    /// people, and `x-order` (a number) for forms.
    #[schema(value_type = Object)]
    pub params_schema: Value,
    /// The groups of artifacts that it can make.
    pub outputs: Vec<OutputInfo>,
    /// What the numbers of an iteration mean; absent where it has none to show.
    pub series: Option<SeriesNames>,
}

/// A group of artifacts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct OutputInfo {
    /// The word to ask for it.
    pub name: String,
    /// What it shows, in one line.
    pub doc: String,
    /// Whether it is made when nothing is said.
    pub default: bool,
}

/// What the numbers of an [`IterationRow`](crate::model::IterationRow) mean.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SeriesNames {
    /// Of its `values`, such as `class center`.
    pub values: String,
    /// Of its `error`, such as `change of the objective`.
    pub error: String,
}

/// A file cannot be an input.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProbeError {
    /// It is of no kind that is read here: 415.
    #[error("{0}")]
    Unsupported(String),
    /// It is of a kind that is read here, and damaged, or too large when decoded: 422.
    #[error("{0}")]
    Invalid(String),
    /// It could not be read.
    #[error("{0}")]
    Io(String),
}

/// Tells what a file holds, without decoding it. Blocking; bounded in time and memory, whatever is in the file.
pub trait InputReader: Send + Sync + 'static {
    /// Looks at the head of the file.
    ///
    /// # Errors
    /// When it can be no service's input.
    fn probe(&self, path: &Path) -> Result<InputInfo, ProbeError>;
}

/// Something that can be asked for.
pub trait Service: Send + Sync + 'static {
    /// What clients are told; asked for once.
    fn info(&self) -> ServiceInfo;

    /// Checks a job before it is accepted. Pointers are into the request, such as `/params/start/classes` or
    /// `/outputs/0`.
    ///
    /// # Errors
    /// Each wrong field.
    fn check(&self, asked: &Asked<'_>) -> Result<(), Vec<FieldError>>;

    /// Runs a job to its end. What blocks for long goes to threads that may block.
    fn run(&self, run: Run) -> BoxFuture<'static, Result<Value, RunError>>;
}

/// What is asked for, before it is accepted.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The parameters, of which nothing is known yet.
    pub params: &'a Map<String, Value>,
    /// The groups of artifacts that are wanted: those of the request, among which there may be unknown ones, which
    /// others name; or else the defaults.
    pub outputs: &'a [String],
    /// What the file holds.
    pub input: &'a InputInfo,
}

/// A job as its service is handed it.
#[derive(Debug)]
pub struct Run {
    /// Where it is to run.
    pub machine: VirtualMachine,
    /// For whom, and how urgently.
    pub options: JobOptions,
    /// The file.
    pub input: PathBuf,
    /// As the client called it.
    pub input_name: Option<String>,
    /// What it holds.
    pub info: InputInfo,
    /// The parameters, checked.
    pub params: Map<String, Value>,
    /// The groups of artifacts that are wanted, checked.
    pub outputs: Vec<String>,
    /// A directory of the job's own for the artifacts that are files; what was told of in it is taken over when the job
    /// has succeeded, and the rest removed.
    pub folder: Folder,
    /// Where to tell what happens.
    pub reporter: Reporter,
    /// Whether someone has asked to end it.
    pub cancelled: Cancelled,
}

/// How a job ends without a result.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RunError {
    /// It was cancelled.
    #[error("cancelled")]
    Cancelled,
    /// It failed.
    #[error("{}", .0.message)]
    Failed(Failure),
    /// There is no room for its artifacts.
    #[error("there is no room on the disk for the artifacts")]
    DiskFull,
    /// The machine is going down: the job is run again when the server is back.
    #[error("the machine was stopped")]
    Stopped,
}

/// Takes what a job tells. Never waits.
#[derive(Clone)]
pub struct Reporter {
    tell: Arc<dyn Fn(Told) + Send + Sync>,
}

/// What a job tells.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// It is at something else; why it waits, if it does.
    Phase(Phase, Option<String>),
    /// The most iterations there can be.
    MaxIterations(u32),
    /// It ends as soon as the `error` of an iteration is below this; what is left of it is estimated from that.
    ErrorBound(f64),
    /// What a file of its folder is: its name, its media type, what it shows.
    Artifact {
        /// The name of the file.
        name: String,
        /// Such as `image/png`.
        media_type: String,
        /// What it shows, in one line.
        doc: String,
    },
    /// An artifact that needs no file of its folder, because the job has it in memory.
    Document {
        /// Its name.
        name: String,
        /// Such as `application/json`.
        media_type: String,
        /// What it shows, in one line.
        doc: String,
        /// What is in it.
        content: Bytes,
    },
    /// What its team did over time, in the place of what was told before; kept with the job, whatever its end. Of
    /// more than 8192 entries the first rounds are forgotten.
    Team(TeamTimes),
    /// `iteration`, `tiles`, `node` or `log`.
    Event(EventBody),
}

impl Reporter {
    /// Hands all that is told to `tell`.
    pub fn new(tell: impl Fn(Told) + Send + Sync + 'static) -> Self {
        Self {
            tell: Arc::new(tell),
        }
    }

    /// Tells something.
    pub fn tell(&self, told: Told) {
        (self.tell)(told);
    }
}

impl std::fmt::Debug for Reporter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reporter").finish_non_exhaustive()
    }
}

/// Whether someone has asked to end a job.
#[derive(Clone, Debug)]
pub struct Cancelled {
    asked: watch::Receiver<bool>,
}

impl Cancelled {
    /// `asked` turns true once.
    #[must_use]
    pub const fn new(asked: watch::Receiver<bool>) -> Self {
        Self { asked }
    }

    /// Whether it is asked for now.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        *self.asked.borrow()
    }

    /// Waits until it is asked for; for ever, if it never is.
    pub async fn asked(&mut self) {
        if self.asked.wait_for(|asked| *asked).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// The services that can be asked for, by name.
#[derive(Clone, Default)]
pub struct Services {
    by_name: BTreeMap<String, Offered>,
}

/// A service, and what clients are told of it.
#[derive(Clone)]
pub struct Offered {
    /// Runs its jobs.
    pub service: Arc<dyn Service>,
    /// What clients are told.
    pub info: Arc<ServiceInfo>,
}

impl Services {
    /// Adds a service, in the place of one of the same name.
    #[must_use]
    pub fn with(mut self, service: impl Service) -> Self {
        let info = Arc::new(service.info());
        let offered = Offered {
            service: Arc::new(service),
            info: Arc::clone(&info),
        };
        self.by_name.insert(info.name.clone(), offered);
        self
    }

    /// The service of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Offered> {
        self.by_name.get(name)
    }

    /// What clients are told, by name.
    pub fn infos(&self) -> impl Iterator<Item = &ServiceInfo> {
        self.by_name.values().map(|offered| &*offered.info)
    }
}

impl std::fmt::Debug for Services {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.by_name.keys()).finish()
    }
}
