//! A job that has not ended, in memory: how it stands, what happened last, who watches it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use time::OffsetDateTime;
use tokio::sync::watch;
use uuid::Uuid;

use super::estimate::Estimate;
use super::generation_of;
use super::standing::{End, Ending, Standing, ToldArtifact, ordinal};
use crate::model::{Event, Job, Phase, State, TeamTimes};
use crate::service::{Folder, Told};
use crate::store::JobRecord;

/// How far a job is; a change wakes whoever watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Marks {
    pub(super) revision: u64,
    pub(super) last_event: u64,
    pub(super) ended: bool,
}

/// A job that has not ended.
pub(super) struct Live {
    pub(super) id: Uuid,
    pub(super) upload: Uuid,
    pub(super) folder: Folder,
    state: Mutex<Standing>,
    marks: watch::Sender<Marks>,
    over: watch::Sender<bool>,
    cancel: watch::Sender<bool>,
    doomed: watch::Sender<bool>,
    /// It was found by a start of the server: the one before may have ended because of it.
    pub(super) is_found: bool,
}

/// Events that a watcher asked for.
pub(super) enum Seen {
    /// The next ones.
    Events(Vec<Event>),
    /// The store has them.
    Stored,
    /// There are none yet.
    NoneYet,
}

impl Live {
    /// A job that has just been accepted.
    pub(super) fn new(record: JobRecord, folder: Folder) -> Self {
        let reason = record.job.reason.clone();
        Self::with(Standing::accepted(record, reason), folder, false)
    }

    /// A job that has not ended by the time of another start of the server, with `last_event` events in the store.
    pub(super) fn found(record: JobRecord, last_event: u64, folder: Folder) -> Self {
        let standing = match last_event {
            // Events are written when there are many, or with the end.
            0 => Standing::accepted(record, "it was accepted".to_owned()),
            stored => Standing::new(record, stored),
        };
        Self::with(standing, folder, true)
    }

    fn with(standing: Standing, folder: Folder, is_found: bool) -> Self {
        let record = &standing.record;
        let marks = Marks {
            revision: record.job.revision,
            last_event: standing.last_event,
            ended: false,
        };
        Self {
            id: record.job.id,
            upload: record.job.input.upload_id,
            folder,
            marks: watch::Sender::new(marks),
            over: watch::Sender::new(false),
            cancel: watch::Sender::new(record.cancel_asked),
            doomed: watch::Sender::new(false),
            is_found,
            state: Mutex::new(standing),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Standing> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As it stands.
    pub(super) fn job(&self) -> Job {
        self.lock().record.job.clone()
    }

    /// In which start of the server it runs or has ended.
    pub(super) fn generation(&self) -> u64 {
        generation_of(self.lock().record.job.revision)
    }

    /// How often the server has crashed while it ran.
    pub(super) fn crashes(&self) -> u32 {
        self.lock().record.crashes
    }

    /// What its events take in the store so far, in bytes.
    pub(super) fn event_bytes(&self) -> u64 {
        self.lock().record.event_bytes
    }

    /// Its record, and the events that the store does not have.
    pub(super) fn snapshot(&self) -> (JobRecord, Vec<Event>) {
        let standing = self.lock();
        (standing.record.clone(), standing.unstored())
    }

    /// Tells of changes.
    pub(super) fn watch(&self) -> watch::Receiver<Marks> {
        self.marks.subscribe()
    }

    /// Waits until everybody may see its end.
    pub(super) async fn over(&self) {
        // The sender lives as long as `self`.
        let _ = self.over.subscribe().wait_for(|over| *over).await;
    }

    /// Tells when someone asks to end it.
    pub(super) fn cancelled(&self) -> watch::Receiver<bool> {
        self.cancel.subscribe()
    }

    pub(super) fn is_cancel_asked(&self) -> bool {
        *self.cancel.borrow()
    }

    fn publish(&self, standing: &Standing, ended: bool) {
        self.marks.send_replace(Marks {
            revision: standing.record.job.revision,
            last_event: standing.last_event,
            ended,
        });
    }

    /// Changes the job, with an event that tells of it.
    pub(super) fn turn(&self, state: State, phase: Option<Phase>, reason: String) {
        let mut standing = self.lock();
        if standing.is_closed {
            return;
        }
        standing.turn(state, phase, reason);
        self.publish(&standing, false);
    }

    /// Another attempt begins; `write` is handed its record before any later one can be written.
    pub(super) fn begin<T>(&self, write: impl FnOnce(&JobRecord) -> T) -> (Job, T) {
        let mut standing = self.lock();
        let job = &mut standing.record.job;
        job.attempts += 1;
        job.started_at = Some(OffsetDateTime::now_utc());
        let reason = if job.attempts > 1 {
            format!("it runs, for the {} time", ordinal(job.attempts))
        } else {
            "it runs".to_owned()
        };
        standing.estimate = Estimate::default();
        standing.turn(State::Running, None, reason);
        self.publish(&standing, false);
        (standing.record.job.clone(), write(&standing.record))
    }

    /// Says why it waits; no event tells of it.
    pub(super) fn explain(&self, reason: impl Into<String>) {
        let reason = reason.into();
        let mut standing = self.lock();
        if standing.is_closed || standing.record.job.reason == reason {
            return;
        }
        standing.record.job.reason = reason;
        standing.record.job.revision += 1;
        self.publish(&standing, false);
    }

    /// Someone asks to end it; `write` is handed the record before its end can be decided. `None` if that is decided.
    pub(super) fn ask_cancel<T>(&self, write: impl FnOnce(&JobRecord) -> T) -> Option<T> {
        let mut standing = self.lock();
        if standing.is_closed {
            return None;
        }
        if !standing.record.cancel_asked {
            standing.record.cancel_asked = true;
            if standing.record.job.state == State::Running {
                let phase = standing.record.job.phase;
                let reason = "it is being cancelled".to_owned();
                standing.turn(State::Running, phase, reason);
            }
            self.publish(&standing, false);
        }
        self.cancel.send_replace(true);
        Some(write(&standing.record))
    }

    /// Takes in what its service tells; gives events that are to be handed to the store.
    pub(super) fn told(&self, told: Told) -> Option<Vec<Event>> {
        let mut standing = self.lock();
        if standing.is_closed || standing.record.job.state != State::Running {
            return None;
        }
        if standing.take(told) {
            self.publish(&standing, false);
        }
        standing.spill()
    }

    /// What its team has done so far.
    pub(super) fn team(&self) -> Arc<TeamTimes> {
        self.lock().team.clone().unwrap_or_default()
    }

    /// Takes what it has told of its artifacts.
    pub(super) fn take_artifacts(&self) -> Vec<ToldArtifact> {
        std::mem::take(&mut self.lock().told_artifacts)
    }

    /// Decides the end; nobody sees it yet. `None` if it is decided already, or if success comes after someone has
    /// asked to end the job.
    pub(super) fn decide(&self, end: End) -> Option<Ending> {
        let mut standing = self.lock();
        let is_late = end.state == State::Succeeded && standing.record.cancel_asked;
        if standing.is_closed || is_late {
            return None;
        }
        standing.is_closed = true;
        standing.told_artifacts = Vec::new();
        Some(standing.ending(end))
    }

    /// What was decided could not be written: it ends another way.
    pub(super) fn decide_again(&self, end: End) -> Ending {
        let ending = self.lock().ending(end);
        // There may be no room for more.
        Ending {
            team: None,
            ..ending
        }
    }

    /// The end is on the disk: everybody may see it.
    pub(super) fn end(&self, ending: Ending) {
        let mut standing = self.lock();
        standing.record = ending.record;
        standing.last_event = ending
            .events
            .last()
            .map_or(standing.last_event, |event| event.id);
        standing.stored = standing.last_event;
        standing.tail.clear();
        standing.tail_bytes = 0;
        self.publish(&standing, true);
        drop(standing);
        self.over.send_replace(true);
    }

    /// The events after `after`, up to some number.
    pub(super) fn events(&self, after: u64) -> Seen {
        const AT_ONCE: usize = 64;
        let standing = self.lock();
        if after >= standing.last_event {
            return Seen::NoneYet;
        }
        match standing.tail.front() {
            Some((first, _)) if first.id <= after + 1 => {
                let skip = usize::try_from(after + 1 - first.id).unwrap_or(usize::MAX);
                let events = standing.tail.iter().skip(skip).take(AT_ONCE);
                Seen::Events(events.map(|(event, _)| event.clone()).collect())
            }
            _ => Seen::Stored,
        }
    }

    /// The first event of the attempt that runs, and the last event.
    pub(super) fn span(&self) -> (u64, u64) {
        let standing = self.lock();
        (standing.attempt_event, standing.last_event)
    }

    /// The store has what it was handed, events up to this one and of so many bytes, so that memory need not keep
    /// it; or, with `None`, could not take it.
    pub(super) fn handed(&self, taken: Option<(u64, u64)>) {
        let mut standing = self.lock();
        standing.is_handing = false;
        let Some((up_to, bytes)) = taken else {
            return;
        };
        standing.record.event_bytes += bytes;
        standing.stored = standing.stored.max(up_to);
        while let Some((event, bytes)) = standing.tail.front() {
            if event.id > up_to {
                break;
            }
            let bytes = *bytes;
            standing.tail_bytes -= bytes;
            standing.tail.pop_front();
        }
    }

    /// It cannot go on; whoever runs it ends it, and its service is told to let go of it.
    pub(super) fn doom(&self) {
        self.doomed.send_replace(true);
        self.cancel.send_replace(true);
    }

    /// Tells when it cannot go on.
    pub(super) fn doomed(&self) -> watch::Receiver<bool> {
        self.doomed.subscribe()
    }
}
