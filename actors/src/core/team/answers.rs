//! The leader takes in what the MsVPUs answer.

use std::time::Duration;

use super::demand::Demand;
use super::{Dropped, Effect, State, Team};
use crate::core::answer::Answer;
use crate::core::gather::Taken;
use crate::core::msvpu::Stage;
use crate::error::{JobError, Site};
use crate::id::{Origin, Rank};
use crate::job::Finished;
use crate::payload::Payload;

impl Team {
    /// Takes answers of one node, which have come together; `sent` by its clock.
    pub(super) fn take(
        &mut self,
        origin: Origin,
        sent: Duration,
        answers: Vec<Answer>,
        now: Duration,
    ) -> Vec<Effect> {
        let since_begun = now.saturating_sub(self.begun);
        let mut effects = Vec::new();
        for answer in answers {
            if self.has_ended() {
                break;
            }
            let Answer { rank, stage, .. } = answer;
            let taken = match self.book(origin, rank, stage, answer.payload) {
                Ok(taken) => taken,
                Err(why) => {
                    effects.push(Effect::Drop(why));
                    continue;
                }
            };
            if taken == Taken::Conflict {
                let site = match stage {
                    Stage::Round(round) => Site::LocalStep(round, rank),
                    Stage::Collecting => Site::Collect(rank),
                };
                effects.extend(self.finish(Err(JobError::Nondeterministic { site })));
                continue;
            }
            self.crews.answered(origin, now);
            if let Some(effort) = answer.effort {
                let spent = effort.sent(sent);
                self.times.answered(rank, origin.node, spent, since_begun);
            }
            self.acquit(origin, rank, stage, &mut effects);
            if taken == Taken::Last {
                self.times.end(since_begun);
                self.complete(&mut effects);
            }
        }
        effects
    }

    /// Puts an answer down for the demand of the moment; never [`Taken::Duplicate`] or [`Taken::Stranger`].
    fn book(
        &mut self,
        origin: Origin,
        rank: Rank,
        stage: Stage,
        answer: Option<Payload>,
    ) -> Result<Taken, Dropped> {
        if rank.0 >= self.team_size {
            return Err(Dropped::Stranger);
        }
        if !self.crews.runs(origin, rank) {
            return Err(Dropped::StaleAnswer);
        }
        let gather = match &mut self.state {
            State::Asking(demand, gather) if demand.stage() == stage => gather,
            _ => return Err(Dropped::Duplicate),
        };
        match gather.take(rank, answer) {
            Taken::Stranger => Err(Dropped::Stranger),
            Taken::Duplicate => Err(Dropped::Duplicate),
            taken => Ok(taken),
        }
    }

    /// All answers are there.
    fn complete(&mut self, effects: &mut Vec<Effect>) {
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Asking(Demand::Task(round, task), mut gather) => {
                self.state = State::Folding(round);
                self.suspects.clear_all(Stage::Round(round));
                effects.push(Effect::Measured(round, self.crews.laps()));
                // Of a known length, so that it never grows.
                let mut partials = Vec::with_capacity(gather.answered());
                partials.extend(gather.drain().flatten());
                self.gather = Some(gather);
                effects.push(Effect::Fold(round, task, partials));
            }
            State::Asking(Demand::Output(output), mut gather) => {
                let mut tiles = Vec::with_capacity(gather.answered());
                tiles.extend(gather.drain());
                effects.extend(self.finish(Ok(Finished { output, tiles })));
            }
            state => self.state = state,
        }
    }
}
