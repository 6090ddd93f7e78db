//! How a leader drives a job: split, place, ask, fold, collect, whatever gets lost on the way.

use std::time::Duration;

use crate::core::allotment::Share;
use crate::core::crew::{Crew, Crews};
use crate::core::gather::{Gather, Taken};
use crate::core::msvpu::Stage;
use crate::core::ranks::Ranks;
use crate::core::record::{Record, Suspects};
use crate::error::{JobError, Site};
use crate::id::{Origin, Rank, Round};
use crate::job::{Finished, Limits, Phase};
use crate::payload::Payload;
use crate::program::Step;

/// What the leader learns.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// The program has split its input: tiles and the first task.
    Split(Result<(Vec<Payload>, Payload), JobError>),
    /// The balancer has said who gets which ranks.
    Allotted(Vec<Share>),
    /// The balancer moves MsVPUs to other nodes.
    Moved(Vec<Share>),
    /// MsVPUs are there.
    Started(Origin, Ranks),
    /// An MsVPU has computed its part of a round, or handed over its part of the result.
    Answered(Origin, Rank, Stage, Option<Payload>),
    /// An MsVPU was asked for an answer and has no tile or no order.
    Lacks {
        origin: Origin,
        rank: Rank,
        tile: bool,
    },
    /// The program has folded the partial results.
    Folded(Result<Step<Payload, Payload>, JobError>),
    /// The proxy has the record of that sequence number.
    Committed(u64),
    /// A node works for nobody now but for this team.
    Reserved(Origin),
    /// These nodes are lost.
    Lost(Vec<Origin>),
    /// MsVPUs of this node cannot go on.
    Failed(Origin, JobError),
    /// The program failed at the leader, or someone asked for the job's end.
    End(JobError),
    /// Time has passed: whatever got no answer is asked for again.
    Tick,
}

/// What the leader does about it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Tell watchers what the job is at.
    Enter(Phase),
    /// Ask the balancer where these go.
    Allot(Ranks),
    /// Ask a node to start these.
    Start(Origin, Ranks),
    /// Ask a node to stop these, because they have moved.
    Retire(Origin, Ranks),
    /// Send a tile to its MsVPU.
    SendTile(Origin, Rank, Payload),
    /// Send the task of a round to these.
    SendTask(Origin, Ranks, Round, Payload),
    /// Send the output to these, and ask for what each tile contributes.
    SendOutput(Origin, Ranks, Payload),
    /// Ask these what has become of their answers.
    Inquire(Origin, Ranks, Stage),
    /// Ask the balancer which of these nodes are lost.
    Survey(Vec<Origin>),
    /// Ask a node to finish what it works on, and then to work for this team alone.
    Reserve(Origin),
    /// Let a node work for others again.
    Release(Origin),
    /// Put the record where it outlives the leader.
    Commit(Record),
    /// Let the program fold the partial results of a round.
    Fold(Round, Payload, Vec<Payload>),
    /// Tell the balancer how long each node took for the round, and for which MsVPUs.
    Measured(Round, Vec<(Origin, Ranks, Duration)>),
    /// An answer came twice, late, or from no rank of this team: dropped, counted.
    Drop(Dropped),
    /// The job is over; stop the team.
    Finish(Result<Finished, JobError>),
}

/// Why an answer was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dropped {
    /// It had come before, or its round is over.
    Duplicate,
    /// No such rank in this team.
    Stranger,
    /// From a node that the rank is not placed on any more.
    Stale,
}

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
    /// Moves that wait for the next round.
    moves: Vec<Share>,
    suspects: Suspects,
    /// The next to be tried, and the node that is asked to be there for it alone.
    wanted: Option<(Rank, Origin)>,
    sequence: u64,
    committed: u64,
    /// The latest record, until the proxy has it.
    record: Option<Record>,
    state: State,
}

#[derive(Debug)]
enum State {
    Splitting,
    /// Every rank is asked for its answer to the demand.
    Asking(Demand, Gather<Option<Payload>>),
    Folding(Round),
    /// The next task waits until the record of the round before is safe.
    Committing(Round, Payload),
    Ended,
}

/// What every MsVPU is asked for.
#[derive(Clone, Debug)]
enum Demand {
    Task(Round, Payload),
    Output(Payload),
}

impl Demand {
    const fn stage(&self) -> Stage {
        match self {
            Self::Task(round, _) => Stage::Round(*round),
            Self::Output(_) => Stage::Collecting,
        }
    }

    fn order(&self, origin: Origin, ranks: Ranks) -> Effect {
        match self {
            Self::Task(round, task) => Effect::SendTask(origin, ranks, *round, task.clone()),
            Self::Output(output) => Effect::SendOutput(origin, ranks, output.clone()),
        }
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
            moves: Vec::new(),
            suspects: Suspects::default(),
            wanted: None,
            sequence: 0,
            committed: 0,
            record: None,
            state: State::Splitting,
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
            Event::Answered(origin, rank, stage, answer) => {
                return self.take(origin, rank, stage, answer, now);
            }
            Event::Lacks { origin, rank, tile } => self.supply(origin, rank, tile, &mut effects),
            Event::Folded(Ok(Step::Next(task))) => return self.next(task, now),
            Event::Folded(Ok(Step::Done(output))) => {
                effects.push(Effect::Enter(Phase::Assembling));
                self.ask(Demand::Output(output), now, &mut effects);
            }
            Event::Committed(sequence) => {
                self.committed = self.committed.max(sequence);
                return self.commit_done(now);
            }
            Event::Reserved(origin) => self.reserved(origin, &mut effects),
            Event::Lost(origins) => return self.lost(&origins),
            Event::Tick => self.tick(&mut effects),
        }
        effects
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
        effects
    }

    /// Asks every rank that is there for its answer; the others get the order with their tile.
    fn ask(&mut self, demand: Demand, now: Duration, effects: &mut Vec<Effect>) {
        self.apply_moves(effects);
        self.crews.ask(now);
        self.state = State::Asking(demand, Gather::new(self.team_size as usize));
        self.commit(effects);
        if let State::Asking(demand, _) = &self.state {
            for (origin, crew) in self.crews.iter() {
                let ranks = crew.live.without(&self.withheld(origin));
                if !ranks.is_empty() {
                    effects.push(demand.order(origin, ranks));
                }
            }
        }
        self.try_next(effects);
    }

    fn commit(&mut self, effects: &mut Vec<Effect>) {
        // Of a round only: the rounds are over when the output is there, and a new leader computes
        // the last of them again.
        let State::Asking(Demand::Task(round, task), _) = &self.state else {
            return;
        };
        self.sequence += 1;
        let record = Record {
            sequence: self.sequence,
            round: *round,
            task: task.clone(),
            shares: self.crews.shares(),
            suspects: self.suspects.clone(),
        };
        self.record = self.recoverable.then(|| record.clone());
        effects.push(Effect::Commit(record));
    }

    /// Ranks that may not run now on that node: suspects that wait for their trial; all others
    /// where one is on trial or about to be, and that one as long as the proxy does not know of it,
    /// because it may take the leader with it.
    fn withheld(&self, origin: Origin) -> Ranks {
        let all = || Ranks::from(0..self.team_size);
        let trial = self.suspects.trial();
        match trial.filter(|trial| self.crews.runs(origin, *trial)) {
            Some(trial) if self.committed >= self.sequence => all().without(&trial.into()),
            Some(_) => all(),
            None if self.wanted.is_some_and(|(_, at)| at == origin) => all(),
            None => self.suspects.held(),
        }
    }

    fn allotted(&mut self, shares: Vec<Share>, effects: &mut Vec<Effect>) {
        for share in shares {
            let ranks = share.ranks.intersection(&self.unplaced);
            if ranks.is_empty() {
                effects.push(Effect::Drop(Dropped::Duplicate));
                continue;
            }
            if !self.crews.place(share.origin, &ranks) {
                // Its node has come back since; the tick asks anew.
                effects.push(Effect::Drop(Dropped::Stale));
                continue;
            }
            self.unplaced = self.unplaced.without(&ranks);
            effects.push(Effect::Start(share.origin, ranks));
        }
        // Who had what is part of the record, for the sake of tiles that kill their leader.
        if self.recoverable {
            self.commit(effects);
        }
    }

    /// Ranks change nodes between rounds only, so that no answer is computed twice for it.
    fn apply_moves(&mut self, effects: &mut Vec<Effect>) {
        for share in std::mem::take(&mut self.moves) {
            let mut moving = Ranks::default();
            for (origin, ranks) in self.crews.remove(&share.ranks, share.origin) {
                moving = moving.union(&ranks);
                effects.push(Effect::Retire(origin, ranks));
            }
            if moving.is_empty() {
                continue;
            }
            if self.crews.place(share.origin, &moving) {
                effects.push(Effect::Start(share.origin, moving));
            } else {
                self.unplaced = self.unplaced.union(&moving);
                effects.push(Effect::Allot(self.unplaced.clone()));
            }
        }
    }

    /// Tiles go out as soon as their MsVPUs are there, with the order of the moment.
    fn started(&mut self, origin: Origin, ranks: &Ranks, effects: &mut Vec<Effect>) {
        let Some(new) = self.crews.started(origin, ranks) else {
            effects.push(Effect::Drop(Dropped::Stale));
            return;
        };
        if new.is_empty() {
            effects.push(Effect::Drop(Dropped::Duplicate));
            return;
        }
        let new = new.without(&self.withheld(origin));
        for rank in new.iter() {
            if let Some(tile) = self.tile(rank) {
                effects.push(Effect::SendTile(origin, rank, tile));
            }
        }
        if let State::Asking(demand, gather) = &self.state {
            let ranks = gather.missing(&new);
            if !ranks.is_empty() {
                effects.push(demand.order(origin, ranks));
            }
        }
        self.try_next(effects);
    }

    fn tile(&mut self, rank: Rank) -> Option<Payload> {
        let tile = self.tiles.get_mut(rank.index())?;
        Some(if self.recoverable {
            tile.clone()
        } else {
            std::mem::take(tile)
        })
    }

    /// Something was lost on the way to an MsVPU.
    fn supply(&mut self, origin: Origin, rank: Rank, tile: bool, effects: &mut Vec<Effect>) {
        if !self.crews.runs(origin, rank) {
            return effects.push(Effect::Drop(Dropped::Stale));
        }
        if self.withheld(origin).contains(rank) {
            return;
        }
        if tile && let Some(tile) = self.tile(rank) {
            effects.push(Effect::SendTile(origin, rank, tile));
        }
        if let State::Asking(demand, gather) = &self.state
            && !gather.has(rank)
        {
            effects.push(demand.order(origin, rank.into()));
        }
    }

    fn take(
        &mut self,
        origin: Origin,
        rank: Rank,
        stage: Stage,
        answer: Option<Payload>,
        now: Duration,
    ) -> Vec<Effect> {
        let dropped = |why| vec![Effect::Drop(why)];
        if rank.0 >= self.team_size {
            return dropped(Dropped::Stranger);
        }
        if !self.crews.runs(origin, rank) {
            return dropped(Dropped::Stale);
        }
        let State::Asking(demand, gather) = &mut self.state else {
            return dropped(Dropped::Duplicate);
        };
        if stage != demand.stage() {
            return dropped(Dropped::Duplicate);
        }
        let taken = gather.take(rank, answer);
        let mut effects = Vec::new();
        match taken {
            Taken::Stranger => return dropped(Dropped::Stranger),
            Taken::Duplicate => return dropped(Dropped::Duplicate),
            Taken::Conflict => {
                let site = match stage {
                    Stage::Round(round) => Site::LocalStep(round, rank),
                    Stage::Collecting => Site::Collect(rank),
                };
                return self.finish(Err(JobError::Nondeterministic { site }));
            }
            Taken::First | Taken::Last => self.crews.answered(origin, now),
        }
        if self.suspects.clear(rank) {
            effects.push(Effect::Release(origin));
            self.commit(&mut effects);
        }
        self.try_next(&mut effects);
        if taken == Taken::Last {
            self.complete(&mut effects);
        }
        effects
    }

    /// All answers are there.
    fn complete(&mut self, effects: &mut Vec<Effect>) {
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Asking(Demand::Task(round, task), gather) => {
                self.state = State::Folding(round);
                effects.push(Effect::Measured(round, self.crews.times()));
                let partials = gather.into_answers().into_iter().flatten().collect();
                effects.push(Effect::Fold(round, task, partials));
            }
            State::Asking(Demand::Output(output), gather) => {
                let tiles = gather.into_answers();
                effects.extend(self.finish(Ok(Finished { output, tiles })));
            }
            state => self.state = state,
        }
    }

    /// The round's record must be safe before the next round begins.
    fn next(&mut self, task: Payload, now: Duration) -> Vec<Effect> {
        let State::Folding(round) = self.state else {
            return vec![Effect::Drop(Dropped::Duplicate)];
        };
        let limit = self.limits.max_rounds_per_job;
        if round.0 >= limit {
            return self.finish(Err(JobError::TooManyRounds { limit }));
        }
        self.state = State::Committing(round.next(), task);
        self.commit_done(now)
    }

    fn commit_done(&mut self, now: Duration) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.committed < self.sequence {
            return effects;
        }
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Committing(round, task) => {
                self.ask(Demand::Task(round, task), now, &mut effects);
            }
            state => {
                self.state = state;
                self.send_trial(&mut effects);
            }
        }
        effects
    }

    /// Asks for a node for the next suspect, where nothing else of the team is at work.
    fn try_next(&mut self, effects: &mut Vec<Effect>) {
        if self.suspects.trial().is_some() || self.wanted.is_some() {
            return;
        }
        let held = self.suspects.held();
        let place = |rank| Some((rank, self.crews.place_of(rank)?));
        let next = held.iter().filter_map(place);
        let next = next
            .into_iter()
            .find(|(_, origin)| self.is_alone(*origin, &held));
        if let Some((rank, origin)) = next {
            self.wanted = Some((rank, origin));
            effects.push(Effect::Reserve(origin));
        }
    }

    /// Whether nothing of the team is at work there but held suspects, which are not.
    fn is_alone(&self, origin: Origin, held: &Ranks) -> bool {
        let State::Asking(_, gather) = &self.state else {
            return false;
        };
        let crew = self.crews.get(origin);
        crew.is_some_and(|crew| gather.missing(&crew.live.without(held)).is_empty())
    }

    /// The node is there for the next suspect alone. What happens to it now is that one's doing.
    fn reserved(&mut self, origin: Origin, effects: &mut Vec<Effect>) {
        let wanted = self.wanted.filter(|(rank, at)| {
            let held = self.suspects.held();
            *at == origin && held.contains(*rank) && self.crews.runs(origin, *rank)
        });
        match wanted {
            Some((rank, _)) => {
                self.wanted = None;
                self.suspects.try_rank(rank);
                self.commit(effects);
                self.send_trial(effects);
            }
            // Asked for twice, and granted again.
            None if self.is_on_trial(origin) => effects.push(Effect::Drop(Dropped::Duplicate)),
            None => effects.push(Effect::Release(origin)),
        }
    }

    fn is_on_trial(&self, origin: Origin) -> bool {
        let trial = self.suspects.trial();
        trial.is_some_and(|trial| self.crews.runs(origin, trial))
    }

    /// Sends the one on trial, once the proxy knows of it.
    fn send_trial(&mut self, effects: &mut Vec<Effect>) {
        if self.committed >= self.sequence
            && let Some(rank) = self.suspects.trial()
            && let Some(origin) = self.crews.place_of(rank)
        {
            self.supply(origin, rank, true, effects);
        }
    }

    fn lost(&mut self, origins: &[Origin]) -> Vec<Effect> {
        let mut effects = Vec::new();
        for origin in origins {
            let Some(Crew { live, starting, .. }) = self.crews.lose(*origin) else {
                continue;
            };
            self.wanted = self.wanted.filter(|(_, at)| at != origin);
            if let State::Asking(_, gather) = &self.state {
                let at_work = gather.missing(&live);
                if let Err(error) = self.suspects.lost(&at_work) {
                    return self.finish(Err(error));
                }
            }
            self.unplaced = self.unplaced.union(&live).union(&starting);
        }
        if !self.unplaced.is_empty() {
            effects.push(Effect::Allot(self.unplaced.clone()));
        }
        effects
    }

    fn tick(&mut self, effects: &mut Vec<Effect>) {
        if let State::Splitting = self.state {
            return;
        }
        effects.push(Effect::Survey(self.crews.origins()));
        if !self.unplaced.is_empty() {
            effects.push(Effect::Allot(self.unplaced.clone()));
        }
        if self.committed < self.sequence
            && let Some(record) = &self.record
        {
            effects.push(Effect::Commit(record.clone()));
        }
        if let Some((_, origin)) = self.wanted {
            effects.push(Effect::Reserve(origin));
        }
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
