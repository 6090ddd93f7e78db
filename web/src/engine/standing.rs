//! How a job stands, and what happened to it last: what [`Live`](super::live::Live) keeps under its lock.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use time::OffsetDateTime;

use super::estimate::Estimate;
use crate::model::{Artifact, Event, EventBody, Failure, IterationRow, Phase, State, TeamTimes};
use crate::service::{RunError, Told};
use crate::store::{JobRecord, StoreError};

/// So many bytes of events wait in memory for the job's end; then they are handed to the store.
const MAX_TAIL_BYTES: usize = 64 << 10;
/// Of the times of a team so many entries are kept, which take a megabyte at most.
const MAX_TEAM_ENTRIES: usize = 8192;
/// How often it is told how many tiles have answered.
const TILES_EVERY: Duration = Duration::from_millis(100);

/// How a job ends.
#[derive(Debug)]
pub(super) struct End {
    pub(super) state: State,
    pub(super) reason: String,
    pub(super) result: Option<serde_json::Value>,
    pub(super) error: Option<Failure>,
    pub(super) artifacts: Vec<Artifact>,
    /// The contents of its artifacts, if they are small: they are written with the end.
    pub(super) contents: Vec<(String, Bytes)>,
}

pub(super) fn failed(code: &str, message: impl Into<String>) -> End {
    let message = message.into();
    End {
        state: State::Failed,
        reason: message.clone(),
        result: None,
        error: Some(Failure {
            code: code.to_owned(),
            message,
        }),
        artifacts: Vec::new(),
        contents: Vec::new(),
    }
}

pub(super) fn disk_full() -> End {
    failed("disk-full", RunError::DiskFull.to_string())
}

impl From<StoreError> for End {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::DiskFull => disk_full(),
            other => failed("store", format!("the artifacts could not be kept: {other}")),
        }
    }
}

/// An end as it is written before anybody sees it.
pub(super) struct Ending {
    pub(super) record: JobRecord,
    /// All events that the store does not have.
    pub(super) events: Vec<Event>,
    /// What the others take, in bytes.
    pub(super) handed_bytes: u64,
    pub(super) contents: Vec<(String, Bytes)>,
    pub(super) team: Option<Arc<TeamTimes>>,
}

/// What a job has told of an artifact.
#[derive(Clone, Debug)]
pub(super) struct ToldArtifact {
    /// Without its length and digest.
    pub(super) artifact: Artifact,
    /// What is in it, if it is no file.
    pub(super) content: Option<Bytes>,
}

impl ToldArtifact {
    fn new(name: String, media_type: String, doc: String, content: Option<Bytes>) -> Self {
        let artifact = Artifact {
            name,
            media_type,
            bytes: 0,
            sha256: String::new(),
            doc,
        };
        Self { artifact, content }
    }
}

/// How a job stands, and what happened to it last.
pub(super) struct Standing {
    pub(super) record: JobRecord,
    /// The events that only memory has.
    pub(super) tail: VecDeque<(Event, usize)>,
    pub(super) tail_bytes: usize,
    /// The id of the last event that the store has.
    pub(super) stored: u64,
    /// The store was handed events, and has not answered.
    pub(super) is_handing: bool,
    pub(super) last_event: u64,
    /// The first event of this attempt.
    pub(super) attempt_event: u64,
    /// The end is decided: nothing that is told counts any more.
    pub(super) is_closed: bool,
    pub(super) told_artifacts: Vec<ToldArtifact>,
    pub(super) team: Option<Arc<TeamTimes>>,
    pub(super) last_tiles: Option<Instant>,
    pub(super) estimate: Estimate,
}

impl Standing {
    /// Of a job with `last_event` events in the store.
    pub(super) fn new(record: JobRecord, last_event: u64) -> Self {
        Self {
            record,
            tail: VecDeque::new(),
            tail_bytes: 0,
            stored: last_event,
            is_handing: false,
            last_event,
            attempt_event: last_event + 1,
            is_closed: false,
            told_artifacts: Vec::new(),
            team: None,
            last_tiles: None,
            estimate: Estimate::default(),
        }
    }

    /// Of a job of which the store has no event: the first is that it was accepted, with this reason to wait.
    pub(super) fn accepted(record: JobRecord, reason: String) -> Self {
        let at = record.job.created_at;
        let mut standing = Self::new(record, 0);
        let body = EventBody::State {
            state: State::Pending,
            phase: None,
            reason,
        };
        standing.push_at(at, body);
        standing.attempt_event = standing.last_event + 1;
        standing
    }

    pub(super) fn push(&mut self, body: EventBody) {
        self.push_at(OffsetDateTime::now_utc(), body);
    }

    fn push_at(&mut self, at: OffsetDateTime, body: EventBody) {
        self.last_event += 1;
        let event = Event {
            id: self.last_event,
            at,
            body,
        };
        let bytes = size_bytes(&event);
        self.tail_bytes += bytes;
        self.tail.push_back((event, bytes));
    }

    pub(super) fn turn(&mut self, state: State, phase: Option<Phase>, reason: String) {
        let job = &mut self.record.job;
        job.state = state;
        job.phase = phase;
        job.reason.clone_from(&reason);
        job.revision += 1;
        self.push(EventBody::State {
            state,
            phase,
            reason,
        });
    }

    /// Whether there is something to see.
    pub(super) fn take(&mut self, told: Told) -> bool {
        match told {
            Told::Phase(phase, waits) => {
                let reason = waits.unwrap_or_else(|| phase_reason(phase).to_owned());
                let job = &self.record.job;
                if job.phase == Some(phase) && job.reason == reason {
                    return false;
                }
                self.turn(State::Running, Some(phase), reason);
            }
            Told::MaxIterations(max) => {
                self.record.job.progress.max_iterations = Some(max);
                self.record.job.revision += 1;
            }
            Told::ErrorBound(bound) => {
                self.estimate.bound(bound);
                return false;
            }
            Told::Artifact {
                name,
                media_type,
                doc,
            } => {
                self.add(ToldArtifact::new(name, media_type, doc, None));
                return false;
            }
            Told::Document {
                name,
                media_type,
                doc,
                content,
            } => {
                self.add(ToldArtifact::new(name, media_type, doc, Some(content)));
                return false;
            }
            Told::Team(mut times) => {
                times.bound(MAX_TEAM_ENTRIES);
                self.team = Some(Arc::new(times));
                return false;
            }
            Told::Event(body) => return self.happened(body),
        }
        true
    }

    /// In the place of an earlier one of the same name.
    fn add(&mut self, told: ToldArtifact) {
        let others = &mut self.told_artifacts;
        others.retain(|other| other.artifact.name != told.artifact.name);
        others.push(told);
    }

    fn happened(&mut self, body: EventBody) -> bool {
        match &body {
            // Where it stands is told by phases, and its end by the engine.
            EventBody::State { .. } | EventBody::Done { .. } => return false,
            EventBody::Iteration(row) => self.iterated(row),
            EventBody::Tiles {
                answered,
                team_size,
                ..
            } => {
                let now = Instant::now();
                let is_soon = self
                    .last_tiles
                    .is_some_and(|last| now.duration_since(last) < TILES_EVERY);
                if is_soon && answered < team_size {
                    return false;
                }
                self.last_tiles = Some(now);
                let progress = &mut self.record.job.progress;
                progress.tiles_answered = Some(*answered);
                progress.tiles = Some(*team_size);
            }
            EventBody::Node { .. } | EventBody::Log { .. } => {}
        }
        self.record.job.revision += 1;
        self.push(body);
        true
    }

    fn iterated(&mut self, row: &IterationRow) {
        self.estimate.add(row);
        let progress = &mut self.record.job.progress;
        progress.iteration = row.iteration;
        progress.tiles_answered = None;
        self.estimate.tell(progress);
    }

    /// The events that memory should not keep until the end.
    pub(super) fn spill(&mut self) -> Option<Vec<Event>> {
        if self.tail_bytes < MAX_TAIL_BYTES || self.is_handing {
            return None;
        }
        self.is_handing = true;
        Some(self.unstored())
    }

    /// The events that the store does not have.
    pub(super) fn unstored(&self) -> Vec<Event> {
        let events = self.tail.iter().filter(|(event, _)| event.id > self.stored);
        events.map(|(event, _)| event.clone()).collect()
    }

    pub(super) fn ending(&self, end: End) -> Ending {
        let mut record = self.record.clone();
        let job = &mut record.job;
        job.state = end.state;
        job.phase = None;
        job.reason = end.reason;
        job.ended_at = Some(OffsetDateTime::now_utc());
        job.result = end.result;
        job.error = end.error;
        job.artifacts = end.artifacts;
        job.revision += 1;
        if end.state == State::Succeeded {
            job.progress.fraction = Some(1.0);
            job.progress.eta_ms = Some(0);
        } else {
            job.progress.eta_ms = None;
        }
        let mut events = self.unstored();
        let at = OffsetDateTime::now_utc();
        let bodies = [
            EventBody::State {
                state: job.state,
                phase: None,
                reason: job.reason.clone(),
            },
            EventBody::Done {
                state: job.state,
                // The record has it, and whoever reads the event gets it from there.
                result: None,
                error: job.error.clone(),
            },
        ];
        events.extend(bodies.into_iter().zip(1..).map(|(body, nth)| Event {
            id: self.last_event + nth,
            at,
            body,
        }));
        Ending {
            handed_bytes: record.event_bytes,
            record,
            events,
            contents: end.contents,
            team: self.team.clone(),
        }
    }
}

const fn phase_reason(phase: Phase) -> &'static str {
    match phase {
        Phase::Decoding => "the input is decoded",
        Phase::Placing => "the balancer chooses the leader's node",
        Phase::Splitting => "the leader cuts the input into tiles",
        Phase::Iterating => "the MsVPUs compute the rounds",
        Phase::Assembling => "the leader takes in what each tile contributes",
        Phase::Writing => "the artifacts are written",
    }
}

pub(super) fn ordinal(number: u32) -> String {
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

/// What an event takes in memory, roughly.
fn size_bytes(event: &Event) -> usize {
    const ALONE: usize = 200;
    ALONE
        + match &event.body {
            EventBody::Iteration(row) => {
                row.values
                    .iter()
                    .map(|item| 24 + 8 * item.len())
                    .sum::<usize>()
                    + 64 * row.details.len()
            }
            EventBody::Node { nodes } => 128 * nodes.len(),
            EventBody::Log { message, .. } => message.len(),
            EventBody::State { reason, .. } => reason.len(),
            EventBody::Tiles { .. } | EventBody::Done { .. } => 0,
        }
}
