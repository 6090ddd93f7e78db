//! What is put where it outlives the leader, and what waits until it is there.

use std::time::Duration;

use super::{Demand, Dropped, Effect, State, Team};
use crate::core::record::Record;
use crate::error::JobError;
use crate::job::Phase;
use crate::payload::Payload;

impl Team {
    pub(super) fn commit(&mut self, effects: &mut Vec<Effect>) {
        // Of a round only: the rounds are over when the output is there, and a new leader computes
        // the last of them again.
        let State::Asking(Demand::Task(round, task), _) = &self.state else {
            return;
        };
        self.sequence += 1;
        if std::mem::take(&mut self.unrecorded) {
            self.placed = self.sequence;
        }
        let record = Box::new(Record {
            sequence: self.sequence,
            round: *round,
            task: task.clone(),
            shares: self.crews.shares(),
            suspects: self.suspects.clone(),
            done: Vec::new(),
        });
        self.record = self.recoverable.then(|| record.clone());
        effects.push(Effect::Commit(record));
    }

    /// The round's record must be safe before the next round begins.
    pub(super) fn next(&mut self, task: Payload, now: Duration) -> Vec<Effect> {
        let State::Folding(round) = self.state else {
            return vec![Effect::Drop(Dropped::Duplicate)];
        };
        let limit = self.limits.max_rounds_per_job;
        if round.0 >= limit {
            return self.finish(Err(JobError::TooManyRounds { limit }));
        }
        self.state = State::Committing(Demand::Task(round.next(), task));
        self.commit_done(now)
    }

    /// The last round's record, too: the end must not overtake it, or nobody is told of that round.
    pub(super) fn collect(&mut self, output: Payload, now: Duration) -> Vec<Effect> {
        self.state = State::Committing(Demand::Output(output));
        let mut effects = Vec::new();
        // Who waits for a node goes on waiting, until there is one.
        if !self.waiting {
            effects.push(Effect::Enter(Phase::Assembling));
        }
        effects.extend(self.commit_done(now));
        effects
    }

    pub(super) fn commit_done(&mut self, now: Duration) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.committed < self.sequence {
            return effects;
        }
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Committing(demand) => self.ask(demand, now, &mut effects),
            state => {
                self.state = state;
                self.send_trial(&mut effects);
            }
        }
        effects
    }
}
