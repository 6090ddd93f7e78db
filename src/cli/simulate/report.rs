//! What a simulation has shown, as one JSON document and as rows.

use std::path::Path;
use std::time::Duration;

use msvpu::{
    ComputeMode, FaultKind, HeadOutcome, JobError, JobOutcome, JobState, Outcome, Priority, Spec,
};
use serde::Serialize;

use super::plan::Found;
use super::seconds;

/// The document of `--json`, and of `simulation.json`. Of the same spec and seed it is the same
/// text: it holds virtual times only.
#[derive(Serialize)]
pub(crate) struct Report {
    /// The path of the spec.
    pub(crate) spec: String,
    pub(crate) seed: u64,
    /// `cost` or `real`.
    pub(crate) compute: &'static str,
    pub(crate) strategy: String,
    pub(crate) communication: String,
    pub(crate) jitter: f64,
    pub(crate) lease_s: f64,
    /// A hash over all that happened, 16 hexadecimal digits.
    pub(crate) trace: String,
    /// Whether every job has ended.
    pub(crate) finished: bool,
    /// How much virtual time has passed.
    pub(crate) elapsed_s: f64,
    /// How much might have passed.
    pub(crate) limit_s: f64,
    /// From the first submission to the last end, or to now when a job has not ended.
    pub(crate) makespan_s: f64,
    pub(crate) cpus: u64,
    /// Of all CPUs together.
    pub(crate) busy_s: f64,
    /// busy / (CPUs × makespan).
    pub(crate) utilisation: f64,
    pub(crate) recoveries: Recoveries,
    pub(crate) messages: Messages,
    pub(crate) left_over: msvpu::Census,
    /// In the order of the spec.
    pub(crate) jobs: Vec<Job>,
    /// In the order of the spec.
    pub(crate) nodes: Vec<Node>,
}

/// What went wrong with nodes, and what was done about it.
#[derive(Serialize)]
pub(crate) struct Recoveries {
    /// Processes of nodes that were ended.
    pub(crate) kills: u64,
    /// Processes of nodes that were started, after the first of each node.
    pub(crate) restarts: u64,
    /// How often a node was given up because its lease had run out, dead or not.
    pub(crate) nodes_given_up: u64,
    /// Leaders that were replaced.
    pub(crate) leaders_lost: u64,
}

/// What went over links and through mailboxes.
#[derive(Serialize)]
pub(crate) struct Messages {
    /// By nodes and the head, to others of them.
    pub(crate) sent: u64,
    /// With envelopes, as the communication model weighs them.
    pub(crate) bytes_sent: f64,
    pub(crate) bytes_received: f64,
    /// What of these is the head's.
    pub(crate) head: HeadOutcome,
    /// By the links.
    pub(crate) lost: u64,
    pub(crate) repeated: u64,
    pub(crate) overtaken: u64,
    pub(crate) mailboxes: msvpu::Counters,
}

#[derive(Serialize)]
pub(crate) struct Job {
    #[serde(flatten)]
    pub(crate) row: JobRow,
    /// One entry a node that computed for it; empty unless it has ended.
    pub(crate) nodes: Vec<Share>,
}

/// A row of `jobs.csv`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct JobRow {
    pub(crate) name: String,
    pub(crate) service: String,
    pub(crate) owner: String,
    pub(crate) priority: Priority,
    pub(crate) tiles: u32,
    /// In pixels.
    pub(crate) tile_size: f64,
    /// `succeeded`, `failed`, `cancelled`, `refused`, `not-submitted`, `pending`, `waiting` or
    /// `running`.
    pub(crate) state: &'static str,
    /// Of a state that is not `succeeded`.
    pub(crate) reason: Option<String>,
    /// Whether it has succeeded, or failed by a fault of the spec.
    pub(crate) as_expected: bool,
    /// Whether the result is that of the local deployment, bit for bit; only with real kernels.
    pub(crate) bit_equal: Option<bool>,
    pub(crate) submitted_s: f64,
    /// From there to the end, or to now.
    pub(crate) took_s: f64,
    /// How many rounds it has begun.
    pub(crate) rounds: u32,
    pub(crate) leaders_lost: u32,
    /// mean T.
    pub(crate) mean_time_s: Option<f64>,
    /// max ε_i.
    pub(crate) max_deviation: Option<f64>,
    /// (max T_i − min T_i) / mean T.
    pub(crate) spread: Option<f64>,
}

/// What one node did for one job; a row of `teams.csv`, after the job's name.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Share {
    pub(crate) node: String,
    /// In (0, 1]; 1 is the fastest node for this job (eq. 4).
    pub(crate) performance_index: Option<f64>,
    /// How many MsVPUs it deserves (eq. 8), before rounding.
    pub(crate) load_index: Option<f64>,
    /// In the last round.
    pub(crate) msvpus: u32,
    pub(crate) predicted_s: Option<f64>,
    /// T_i: from the task to the last answer, over all rounds.
    pub(crate) actual_s: f64,
    /// ε_i = |T_i − mean T| / mean T.
    pub(crate) deviation: f64,
}

/// A row of `nodes.csv`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) cpus: u32,
    /// Elementary operations per second on one CPU.
    pub(crate) speed: f64,
    pub(crate) latency_s: f64,
    /// 10⁶ bits per second.
    pub(crate) bandwidth_mbps: f64,
    /// Of its CPUs together.
    pub(crate) busy_s: f64,
    /// busy / (CPUs × makespan).
    pub(crate) utilisation: f64,
    /// On tiles.
    pub(crate) steps: u64,
    /// Of its process.
    pub(crate) starts: u64,
    pub(crate) messages_sent: u64,
    pub(crate) bytes_sent: f64,
    pub(crate) bytes_received: f64,
}

impl Report {
    pub(crate) fn new(
        path: &Path,
        spec: &Spec,
        outcome: &Outcome,
        found: Vec<Found>,
        limit: Duration,
    ) -> Self {
        let jobs: Vec<Job> = found
            .into_iter()
            .enumerate()
            .map(|(index, found)| {
                let ended = outcome.jobs.iter().find(|job| job.index == index);
                job(spec, index, ended, found)
            })
            .collect();
        let began = |job: &&Job| job.row.state != "not-submitted";
        let first = jobs.iter().filter(began).map(|job| job.row.submitted_s);
        let last = jobs
            .iter()
            .filter(began)
            .map(|job| job.row.submitted_s + job.row.took_s);
        let makespan_s = (last.fold(0.0, f64::max) - first.fold(f64::INFINITY, f64::min)).max(0.0);
        let nodes: Vec<Node> = spec
            .nodes
            .iter()
            .zip(&outcome.nodes)
            .map(|(spec, of)| Node {
                name: of.name.clone(),
                cpus: of.cpus,
                speed: spec.speed,
                latency_s: seconds(spec.latency),
                bandwidth_mbps: spec.bandwidth / 1e6,
                busy_s: seconds(of.busy),
                utilisation: ratio(seconds(of.busy), f64::from(of.cpus) * makespan_s),
                steps: of.steps,
                starts: of.starts,
                messages_sent: of.messages_sent,
                bytes_sent: of.bytes_sent,
                bytes_received: of.bytes_received,
            })
            .collect();
        let head = outcome.head;
        let cpus = nodes.iter().map(|node| u64::from(node.cpus)).sum();
        let busy_s = nodes.iter().map(|node| node.busy_s).sum();
        Self {
            spec: path.to_string_lossy().into_owned(),
            seed: spec.seed,
            compute: match spec.compute {
                ComputeMode::Cost => "cost",
                ComputeMode::Real => "real",
            },
            strategy: spec.strategy.clone(),
            communication: spec.communication.name.clone(),
            jitter: spec.jitter,
            lease_s: seconds(spec.lease),
            trace: format!("{:016x}", outcome.trace),
            finished: outcome.finished,
            elapsed_s: seconds(outcome.elapsed),
            limit_s: seconds(limit),
            makespan_s,
            cpus,
            busy_s,
            utilisation: ratio(busy_s, cpus as f64 * makespan_s),
            recoveries: Recoveries {
                kills: outcome.kills,
                restarts: nodes.iter().map(|node| node.starts.saturating_sub(1)).sum(),
                nodes_given_up: outcome.counters.nodes_given_up,
                leaders_lost: jobs.iter().map(|job| u64::from(job.row.leaders_lost)).sum(),
            },
            messages: Messages {
                sent: head.messages_sent + nodes.iter().map(|node| node.messages_sent).sum::<u64>(),
                bytes_sent: head.bytes_sent + nodes.iter().map(|node| node.bytes_sent).sum::<f64>(),
                bytes_received: head.bytes_received
                    + nodes.iter().map(|node| node.bytes_received).sum::<f64>(),
                head,
                lost: outcome.messages_lost,
                repeated: outcome.messages_repeated,
                overtaken: outcome.messages_overtaken,
                mailboxes: outcome.counters,
            },
            left_over: outcome.left_over,
            jobs,
            nodes,
        }
    }

    /// The job whose team has worked longest: it stands for all where there is room for one.
    pub(crate) fn main_job(&self) -> Option<&Job> {
        let time = |job: &Job| job.nodes.iter().map(|share| share.actual_s).sum::<f64>();
        let jobs = self.jobs.iter().filter(|job| !job.nodes.is_empty());
        // Of equals the first.
        jobs.rev().max_by(|a, b| time(a).total_cmp(&time(b)))
    }
}

fn job(spec: &Spec, index: usize, outcome: Option<&JobOutcome>, found: Found) -> Job {
    let planned = &spec.jobs[index];
    let nodes: Vec<Share> = outcome.map_or_else(Vec::new, |job| {
        let shares = job.nodes.iter().map(|of| Share {
            node: (of.node.0 as usize)
                .checked_sub(1)
                .and_then(|node| spec.nodes.get(node))
                .map_or_else(|| "head".to_owned(), |node| node.name.clone()),
            performance_index: of.performance_index,
            load_index: of.load_index,
            msvpus: of.msvpus,
            predicted_s: of.predicted.map(seconds),
            actual_s: seconds(of.actual),
            deviation: of.deviation,
        });
        shares.collect()
    });
    let (state, reason) = match (outcome.map(|job| &job.state), found.refused) {
        (None, Some(reason)) => ("refused", Some(reason)),
        (None, None) => ("not-submitted", None),
        (Some(JobState::Pending), _) => ("pending", None),
        (Some(JobState::Running(phase)), _) => ("running", Some(phase.to_string())),
        (Some(JobState::Waiting(reason)), _) => ("waiting", Some(reason.to_string())),
        (Some(JobState::Succeeded), _) if found.bit_equal == Some(false) => (
            "succeeded",
            Some("its result is not that of the local deployment".to_owned()),
        ),
        (Some(JobState::Succeeded), _) => ("succeeded", None),
        (Some(JobState::Failed(error)), _) => ("failed", Some(error.to_string())),
        (Some(JobState::Cancelled), _) => ("cancelled", None),
    };
    let as_expected = match outcome.map(|job| &job.state) {
        Some(JobState::Succeeded) => found.bit_equal != Some(false),
        Some(JobState::Failed(error)) => is_planned(spec, index, error),
        _ => false,
    };
    let times = || nodes.iter().map(|share| share.actual_s);
    let mean = (!nodes.is_empty()).then(|| times().sum::<f64>() / nodes.len() as f64);
    let (most, least) = (
        times().fold(0.0, f64::max),
        times().fold(f64::INFINITY, f64::min),
    );
    let row = JobRow {
        name: planned.name.clone(),
        service: planned.service.clone(),
        owner: planned.owner.clone(),
        priority: planned.priority,
        tiles: planned.tiles,
        tile_size: planned.tile_size,
        state,
        reason,
        as_expected,
        bit_equal: found.bit_equal,
        submitted_s: seconds(planned.at),
        took_s: outcome.map_or(0.0, |job| seconds(job.took)),
        rounds: outcome.map_or(0, |job| job.rounds),
        leaders_lost: outcome.map_or(0, |job| job.leaders_lost),
        mean_time_s: mean,
        max_deviation: mean.map(|_| {
            nodes
                .iter()
                .map(|share| share.deviation)
                .fold(0.0, f64::max)
        }),
        spread: mean.map(|mean| ratio(most - least, mean)),
    };
    Job { row, nodes }
}

/// Whether the job was to fail so.
fn is_planned(spec: &Spec, index: usize, error: &JobError) -> bool {
    spec.faults.iter().any(|fault| match (&fault.kind, error) {
        (FaultKind::Panic { job, .. }, JobError::Panicked { .. })
        | (FaultKind::Poison { job, .. }, JobError::PoisonTile { .. }) => *job == index,
        _ => false,
    })
}

/// 0 of nothing.
fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}
