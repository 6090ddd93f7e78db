//! How a leader drives a job: split, place, ask, fold, collect, whatever gets lost on the way.

mod answers;
mod demand;
mod event;
mod placing;
mod recording;
mod trial;

use std::time::Duration;

use crate::core::allotment::Share;
use crate::core::crew::Crews;
use crate::core::gather::Gather;
use crate::core::ranks::Ranks;
use crate::core::record::Record;
use crate::core::suspects::Suspects;
use crate::core::timesheet::Timesheet;
use crate::error::JobError;
use crate::id::{Origin, Round};
use crate::job::{Finished, Limits, Phase};
use crate::payload::Payload;
use crate::program::Step;

use demand::Demand;
pub(crate) use event::{Dropped, Effect, Event};
use trial::Trials;

/// The memory of a leader between events.
#[derive(Debug)]
pub(crate) struct Team {
    limits: Limits,
    /// Whether messages and nodes can get lost, so that tiles must be kept to be sent again.
    recoverable: bool,
    /// Where an earlier leader had got to.
    resumed: Option<Record>,
    team_size: u32,
    tiles: Vec<Payload>,
    crews: Crews,
    /// Ranks that no node has been found for yet.
    unplaced: Ranks,
    /// Whether watchers were told that there is no node.
    waiting: bool,
    /// Moves that wait for the next round.
    moves: Vec<Share>,
    suspects: Suspects,
    trials: Trials,
    sequence: u64,
    committed: u64,
    /// Whether ranks are where the latest record does not say, and the latest record that said so
    /// first of any.
    unrecorded: bool,
    placed: u64,
    /// The latest record, until the proxy has it.
    record: Option<Box<Record>>,
    /// What the MsVPUs did, since this leader gave its first order.
    times: Timesheet,
    begun: Duration,
    state: State,
    /// For the answers to the next demand: millions may come, round after round.
    gather: Option<Gather<Option<Payload>>>,
}

#[derive(Debug)]
enum State {
    Splitting,
    /// Every rank is asked for its answer to the demand.
    Asking(Demand, Gather<Option<Payload>>),
    Folding(Round),
    /// The next task waits until the record of the round before is safe.
    Committing(Demand),
    Ended,
}

impl State {
    /// Whether the rounds are over and the output is there.
    const fn is_collecting(&self) -> bool {
        matches!(
            self,
            Self::Asking(Demand::Output(_), _) | Self::Committing(Demand::Output(_))
        )
    }
}

impl Team {
    pub(crate) fn new(limits: Limits, recoverable: bool, resumed: Option<Record>) -> Self {
        Self {
            limits,
            recoverable,
            resumed,
            team_size: 0,
            tiles: Vec::new(),
            crews: Crews::default(),
            unplaced: Ranks::default(),
            waiting: false,
            moves: Vec::new(),
            suspects: Suspects::default(),
            trials: Trials::default(),
            sequence: 0,
            committed: 0,
            unrecorded: false,
            placed: 0,
            record: None,
            times: Timesheet::default(),
            begun: Duration::ZERO,
            state: State::Splitting,
            gather: None,
        }
    }

    /// The nodes that run MsVPUs of the team.
    pub(crate) fn origins(&self) -> Vec<Origin> {
        self.crews.origins()
    }

    pub(crate) const fn team_size(&self) -> u32 {
        self.team_size
    }

    /// The round under way and how many of its answers are there.
    pub(crate) fn answered(&self) -> Option<(Round, usize)> {
        match &self.state {
            State::Asking(Demand::Task(round, _), gather) => Some((*round, gather.answered())),
            _ => None,
        }
    }

    /// What the MsVPUs did.
    pub(crate) const fn times(&self) -> &Timesheet {
        &self.times
    }

    pub(crate) const fn has_ended(&self) -> bool {
        matches!(self.state, State::Ended)
    }

    pub(crate) fn step(&mut self, event: Event, now: Duration) -> Vec<Effect> {
        if self.has_ended() {
            return Vec::new();
        }
        let mut effects = Vec::new();
        match event {
            Event::End(error) | Event::Split(Err(error)) | Event::Folded(Err(error)) => {
                return self.finish(Err(error));
            }
            Event::Failed(origin, error) => {
                if self.crews.has(origin) {
                    return self.finish(Err(error));
                }
                effects.push(Effect::Drop(Dropped::Stale));
            }
            Event::Split(Ok((tiles, task))) => return self.split(tiles, task, now),
            Event::Allotted(shares) => self.allotted(shares, &mut effects),
            Event::Moved(shares) => self.moves = shares,
            Event::Started(origin, ranks) => self.started(origin, &ranks, &mut effects),
            Event::Answered {
                origin,
                sent,
                answers,
            } => return self.take(origin, sent, answers, now),
            Event::Loading(origin) => self.crews.loading(origin),
            Event::Lacks {
                origin,
                tiles,
                orders,
            } => self.supply(origin, &tiles, &orders, &mut effects),
            Event::Absent(origin, ranks) => self.absent(origin, &ranks, &mut effects),
            Event::Folded(Ok(Step::Next(task))) => return self.next(task, now),
            Event::Folded(Ok(Step::Done(output))) => return self.collect(output, now),
            Event::Committed(sequence) => {
                let before = self.committed;
                self.committed = before.max(sequence);
                self.release(before, &mut effects);
                self.send_held_back(&mut effects);
                effects.extend(self.commit_done(now));
            }
            Event::Reserved(origin, id) => self.reserved(origin, id, &mut effects),
            Event::Released(origin, id) => self.trials.released(origin, id),
            Event::Settled(origin) => self.settled(origin, &mut effects),
            Event::NoNode if !self.unplaced.is_empty() && !self.waiting => {
                self.waiting = true;
                effects.push(Effect::Wait);
            }
            Event::NoNode => {}
            Event::Lost(origins) => self.lost(&origins, &mut effects),
            Event::Fates(fates) => self.learn_fates(fates, &mut effects),
            Event::Tick => self.tick(&mut effects),
        }
        match self.poison() {
            Some(poison) => self.finish(Err(poison)),
            None => effects,
        }
    }

    fn finish(&mut self, result: Result<Finished, JobError>) -> Vec<Effect> {
        self.state = State::Ended;
        vec![Effect::Finish(result)]
    }

    fn split(&mut self, tiles: Vec<Payload>, task: Payload, now: Duration) -> Vec<Effect> {
        let limit = self.limits.max_tiles_per_job;
        match u32::try_from(tiles.len()) {
            Ok(0) => return self.finish(Err(JobError::NoTiles)),
            Ok(team_size) if tiles.len() <= limit => self.team_size = team_size,
            _ => {
                let tiles = tiles.len();
                return self.finish(Err(JobError::TooManyTiles { tiles, limit }));
            }
        }
        self.tiles = tiles;
        self.times = Timesheet::of(self.team_size);
        self.begun = now;
        self.unplaced = (0..self.team_size).into();
        let demand = match self.resumed.take() {
            Some(record) => {
                self.suspects = record.suspects;
                Demand::Task(record.round, record.task)
            }
            None => Demand::Task(Round(1), task),
        };
        let mut effects = vec![
            Effect::Enter(Phase::Iterating),
            Effect::Allot(self.unplaced.clone()),
        ];
        self.ask(demand, now, &mut effects);
        self.settle(&mut effects);
        effects
    }

    /// Asks every rank that is there for its answer; the others get the order with their tile.
    fn ask(&mut self, demand: Demand, now: Duration, effects: &mut Vec<Effect>) {
        match demand {
            Demand::Task(..) => self.apply_moves(effects),
            // No round gets shorter by it: who moves for the collection drags its tile along for nothing.
            Demand::Output(_) => self.moves.clear(),
        }
        self.crews.ask(now);
        let since_begun = now.saturating_sub(self.begun);
        self.times.begin(demand.stage(), since_begun);
        let kept = self.gather.take();
        let gather = kept.unwrap_or_else(|| Gather::new(self.team_size as usize));
        self.state = State::Asking(demand, gather);
        self.commit(effects);
        if let State::Asking(demand, _) = &self.state {
            for (origin, crew) in self.crews.iter() {
                let ranks = crew.live.without(&self.withheld(origin));
                if !ranks.is_empty() {
                    effects.push(demand.order(origin, ranks));
                }
            }
        }
        self.send_held_back(effects);
        self.try_next(effects);
    }

    fn tick(&mut self, effects: &mut Vec<Effect>) {
        if let State::Splitting = self.state {
            return;
        }
        effects.push(Effect::Survey {
            origins: self.watched(),
            accused: self.await_fates(),
        });
        if !self.unplaced.is_empty() {
            effects.push(Effect::Allot(self.unplaced.clone()));
        }
        if self.committed < self.sequence
            && let Some(record) = &self.record
        {
            effects.push(Effect::Commit(record.clone()));
        }
        self.settle(effects);
        effects.extend(self.trials.repeat(self.committed));
        self.retire_again(effects);
        self.send_without_the_late(effects);
        self.crews.tick();
        for (origin, crew) in self.crews.iter_quiet() {
            if !crew.starting.is_empty() {
                effects.push(Effect::Start(origin, crew.starting.clone()));
            }
            if let State::Asking(demand, gather) = &self.state {
                let ranks = gather.missing(&crew.live.without(&self.withheld(origin)));
                if !ranks.is_empty() {
                    effects.push(Effect::Inquire(origin, ranks, demand.stage()));
                }
            }
        }
        self.try_next(effects);
    }
}

#[cfg(test)]
mod tests;
