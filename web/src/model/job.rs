//! A job.

use std::collections::BTreeMap;

use msvpu_actors::Priority;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::upload::InputInfo;

/// Where a job stands. The last three are terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum State {
    /// Accepted and kept; as many run already as may.
    Pending,
    /// Under way.
    Running,
    /// Ended with a result.
    Succeeded,
    /// Ended with an error.
    Failed,
    /// Ended because someone asked for it.
    Cancelled,
}

impl State {
    /// Whether a job in this state has ended.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

/// What a running job is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// The input is decoded.
    Decoding,
    /// The balancer chooses the leader's node.
    Placing,
    /// The leader cuts the input into tiles.
    Splitting,
    /// The MsVPUs load their tiles and compute the rounds.
    Iterating,
    /// The leader takes in what each tile contributes to the result.
    Assembling,
    /// The artifacts are written.
    Writing,
}

/// How far a running job is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Progress {
    /// The last iteration that is complete; 0 before the first.
    pub iteration: u32,
    /// The most iterations there can be.
    pub max_iterations: Option<u32>,
    /// In a long round: so many tiles have answered.
    pub tiles_answered: Option<u32>,
    /// How many tiles there are.
    pub tiles: Option<u32>,
    /// An estimate between 0 and 1; absent where there is nothing to tell it from.
    pub fraction: Option<f64>,
    /// An estimate of the milliseconds that are left; absent where there is nothing to tell it from.
    pub eta_ms: Option<u64>,
}

/// Why a job failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Failure {
    /// A stable word, such as `invalid-input` or `poison-tile`.
    pub code: String,
    /// What was wrong, where, and what would be right.
    pub message: String,
}

/// What a job works on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Input {
    /// The upload.
    pub upload_id: Uuid,
    /// As the client called the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 in lower-case hexadecimal.
    pub sha256: String,
    /// What it holds.
    #[serde(flatten)]
    pub info: InputInfo,
}

/// A job, as it is kept and shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Job {
    /// A UUID of version 7; jobs are listed by it, newest first.
    pub id: Uuid,
    /// Which service runs.
    pub service: String,
    /// Where it stands.
    pub state: State,
    /// What it is at; only while it runs.
    pub phase: Option<Phase>,
    /// Why it stands there, in one line.
    pub reason: String,
    /// Whose it is: the name of a token, or nothing where there are no tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// What it works on.
    pub input: Input,
    /// The parameters as they were given.
    #[schema(value_type = Object)]
    pub params: Map<String, Value>,
    /// Which groups of artifacts it is to make; see the service's `outputs`.
    pub outputs: Vec<String>,
    /// Whatever the client wants to find again.
    pub metadata: BTreeMap<String, String>,
    /// Its weight beside others.
    #[schema(value_type = String)]
    pub priority: Priority,
    /// When it was accepted.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it began to run, the last time.
    #[serde(with = "time::serde::rfc3339::option")]
    pub started_at: Option<OffsetDateTime>,
    /// When it ended.
    #[serde(with = "time::serde::rfc3339::option")]
    pub ended_at: Option<OffsetDateTime>,
    /// How far it is.
    pub progress: Progress,
    /// How often it was begun: more than once after a restart of the server.
    pub attempts: u32,
    /// What it found, as the service has it; only if it succeeded.
    #[schema(value_type = Option<Object>)]
    pub result: Option<Value>,
    /// Why it failed; only if it failed.
    pub error: Option<Failure>,
    /// The files that it has made, by name; only if it succeeded.
    pub artifacts: Vec<super::Artifact>,
    /// Grows with every change; the entity tag.
    pub revision: u64,
}

/// A job as it is asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewJob {
    /// Which service is to run.
    pub service: String,
    /// An upload of the same owner.
    pub upload_id: Uuid,
    /// Its parameters; what is left out has its default.
    pub params: Map<String, Value>,
    /// Groups of artifacts; `None` for the service's defaults.
    pub outputs: Option<Vec<String>>,
    /// Whatever the client wants to find again.
    pub metadata: BTreeMap<String, String>,
    /// Its weight beside others.
    pub priority: Priority,
}

/// A field that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// Where, as a JSON pointer (RFC 6901) into the request's body.
    pub pointer: String,
    /// What is wrong with it, and what would be right.
    pub detail: String,
}
