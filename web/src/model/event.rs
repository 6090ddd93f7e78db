//! What happens to a job.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::job::{Failure, Phase, State};

/// Something that happened to a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// Counted from 1 within the job, without a gap.
    pub id: u64,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// What; its tag is the event's name.
    #[serde(flatten)]
    pub body: EventBody,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum EventBody {
    /// It stands elsewhere than before.
    State {
        /// Where.
        state: State,
        /// What it is at.
        phase: Option<Phase>,
        /// Why.
        reason: String,
    },
    /// An iteration is complete.
    Iteration(IterationRow),
    /// In a long round.
    Tiles {
        /// The round, from 1.
        round: u32,
        /// So many tiles have answered.
        answered: u32,
        /// Of so many.
        team_size: u32,
    },
    /// What the nodes did so far.
    Node {
        /// A row a node.
        nodes: Vec<NodeRow>,
    },
    /// Something worth knowing.
    Log {
        /// How grave.
        level: LogLevel,
        /// One line.
        message: String,
    },
    /// It has ended: a result or an error, never both; neither if it was cancelled.
    Done {
        /// How.
        state: State,
        /// What it found.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<Object>)]
        result: Option<Value>,
        /// Why it failed.
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<Failure>,
    },
}

/// How grave a line of a log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Good to know.
    Info,
    /// Something may be amiss.
    Warning,
}

/// A row of a job's convergence, in terms that every service shares; its
/// [`SeriesNames`](crate::service::SeriesNames) say what they mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct IterationRow {
    /// Counted from 1.
    pub iteration: u32,
    /// What converges: one list an item (such as a class), one number a band.
    pub values: Vec<Vec<f64>>,
    /// What is compared with the bound of the stopping rule; absent in a first row that has none.
    pub error: Option<f64>,
    /// Since the job was submitted to the machine, in milliseconds.
    pub elapsed_ms: f64,
    /// Whatever else the service tells of it.
    #[schema(value_type = Object)]
    pub details: Map<String, Value>,
}

/// What a node did for a job, and what was expected of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NodeRow {
    /// Its number.
    pub node: u32,
    /// Its name, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// In (0, 1]; 1 is the fastest node for this job (eq. 4 of the paper).
    pub performance_index: Option<f64>,
    /// How many MsVPUs it deserves (eq. 8), before rounding.
    pub load_index: Option<f64>,
    /// How many MsVPUs it ran in the last round.
    pub msvpus: u32,
    /// How long its MsVPUs were expected to take over all rounds, in milliseconds.
    pub predicted_ms: Option<f64>,
    /// How long they took, from the task to the last answer, over all rounds, in milliseconds.
    pub actual_ms: f64,
    /// ε = |T − mean T| / mean T.
    pub deviation: f64,
}
