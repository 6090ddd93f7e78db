//! How a leader drives a job: split, allot, start, iterate, collect.

use crate::core::allotment::Share;
use crate::core::gather::{Gather, Taken};
use crate::error::{JobError, Site};
use crate::id::{NodeId, Rank, Round};
use crate::job::{Finished, Limits, Phase};
use crate::payload::Payload;
use crate::program::Step;

/// What the leader learns.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// The program has split its input.
    Split(Result<(Vec<Payload>, Payload), JobError>),
    /// The balancer has said which node gets which ranks.
    Allotted(Vec<Share>),
    /// A node's MsVPUs are there.
    Started(NodeId),
    /// An MsVPU has computed its part of a round.
    Partial(Rank, Round, Payload),
    /// The program has folded the partial results.
    Folded(Result<Step<Payload, Payload>, JobError>),
    /// An MsVPU has handed over its part of the result.
    Collected(Rank, Option<Payload>),
    /// An MsVPU cannot go on.
    Failed(JobError),
    /// Someone asked for the job's end.
    Cancel,
}

/// What the leader does about it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Tell watchers what the job is at.
    Enter(Phase),
    /// Ask the balancer where that many MsVPUs go.
    Allot(u32),
    /// Ask a node to start its share.
    Start(Share),
    /// Send a tile to its MsVPU.
    SendTile(Rank, Payload),
    /// Send the task of a round to all.
    SendTask(Round, Payload),
    /// Let the program fold the partial results of a round.
    Fold(Round, Payload, Vec<Payload>),
    /// Send the output to all, and ask for what each tile contributes.
    SendOutput(Payload),
    /// An answer came twice, or from no rank of this team: dropped, counted.
    Drop(Taken),
    /// The job is over; stop the team.
    Finish(Result<Finished, JobError>),
}

/// The memory of a leader between events.
#[derive(Debug)]
pub(crate) struct Team {
    limits: Limits,
    shares: Vec<Share>,
    team_size: usize,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Splitting,
    Allotting(Vec<Payload>, Payload),
    /// Tiles by rank, the first task, and how many nodes have not started their share.
    Starting(Vec<Payload>, Payload, usize),
    Iterating(Round, Payload, Gather<Payload>),
    Folding(Round),
    Collecting(Payload, Gather<Option<Payload>>),
    Ended,
}

impl Team {
    pub(crate) const fn new(limits: Limits) -> Self {
        Self {
            limits,
            shares: Vec::new(),
            team_size: 0,
            stage: Stage::Splitting,
        }
    }

    /// Which node runs which ranks.
    pub(crate) fn shares(&self) -> &[Share] {
        &self.shares
    }

    pub(crate) const fn team_size(&self) -> usize {
        self.team_size
    }

    /// The round under way and how many of its answers are there.
    pub(crate) fn answered(&self) -> Option<(Round, usize)> {
        match &self.stage {
            Stage::Iterating(round, _, gather) => Some((*round, gather.answered())),
            _ => None,
        }
    }

    pub(crate) fn step(&mut self, event: Event) -> Vec<Effect> {
        match (std::mem::replace(&mut self.stage, Stage::Ended), event) {
            (Stage::Ended, _) => Vec::new(),
            (_, Event::Cancel) => vec![Effect::Finish(Err(JobError::Cancelled))],
            (_, Event::Failed(error) | Event::Split(Err(error)) | Event::Folded(Err(error))) => {
                vec![Effect::Finish(Err(error))]
            }
            (Stage::Splitting, Event::Split(Ok((tiles, task)))) => self.split(tiles, task),
            (Stage::Allotting(tiles, task), Event::Allotted(shares)) => {
                self.shares = shares;
                self.stage = Stage::Starting(tiles, task, self.shares.len());
                self.shares.iter().cloned().map(Effect::Start).collect()
            }
            (Stage::Starting(tiles, task, awaited), Event::Started(node)) => {
                self.started(tiles, task, awaited, node)
            }
            (Stage::Iterating(now, task, gather), Event::Partial(rank, round, partial)) => {
                self.partial(now, task, gather, rank, round, partial)
            }
            (Stage::Folding(round), Event::Folded(Ok(Step::Next(task)))) => {
                if round.0 >= self.limits.max_rounds_per_job {
                    let limit = self.limits.max_rounds_per_job;
                    vec![Effect::Finish(Err(JobError::TooManyRounds { limit }))]
                } else {
                    vec![self.begin(round.next(), task)]
                }
            }
            (Stage::Folding(_), Event::Folded(Ok(Step::Done(output)))) => {
                self.stage = Stage::Collecting(output.clone(), Gather::new(self.team_size));
                vec![Effect::Enter(Phase::Assembling), Effect::SendOutput(output)]
            }
            (Stage::Collecting(output, gather), Event::Collected(rank, tile)) => {
                self.collected(output, gather, rank, tile)
            }
            // An answer of a round that is over; every other event comes in its stage only.
            (stage, _) => {
                self.stage = stage;
                vec![Effect::Drop(Taken::Duplicate)]
            }
        }
    }

    fn split(&mut self, tiles: Vec<Payload>, task: Payload) -> Vec<Effect> {
        let limit = self.limits.max_tiles_per_job;
        self.team_size = tiles.len();
        match u32::try_from(tiles.len()) {
            Ok(0) => vec![Effect::Finish(Err(JobError::NoTiles))],
            Ok(team_size) if tiles.len() <= limit => {
                self.stage = Stage::Allotting(tiles, task);
                vec![Effect::Allot(team_size)]
            }
            _ => {
                let tiles = tiles.len();
                vec![Effect::Finish(Err(JobError::TooManyTiles { tiles, limit }))]
            }
        }
    }

    /// Tiles go to a node as soon as its MsVPUs are there, the first task when all have theirs.
    fn started(
        &mut self,
        mut tiles: Vec<Payload>,
        task: Payload,
        awaited: usize,
        node: NodeId,
    ) -> Vec<Effect> {
        let mut effects: Vec<Effect> = self
            .shares
            .iter()
            .filter(|share| share.node == node)
            .flat_map(|share| share.ranks.clone())
            .filter_map(|rank| {
                let tile = tiles.get_mut(rank as usize)?;
                Some(Effect::SendTile(Rank(rank), std::mem::take(tile)))
            })
            .collect();
        if awaited > 1 {
            self.stage = Stage::Starting(tiles, task, awaited - 1);
        } else {
            effects.push(Effect::Enter(Phase::Iterating));
            effects.push(self.begin(Round(1), task));
        }
        effects
    }

    fn begin(&mut self, round: Round, task: Payload) -> Effect {
        self.stage = Stage::Iterating(round, task.clone(), Gather::new(self.team_size));
        Effect::SendTask(round, task)
    }

    fn partial(
        &mut self,
        now: Round,
        task: Payload,
        mut gather: Gather<Payload>,
        rank: Rank,
        round: Round,
        partial: Payload,
    ) -> Vec<Effect> {
        let taken = if round == now {
            gather.take(rank, partial)
        } else {
            Taken::Duplicate
        };
        match taken {
            Taken::Last => {
                self.stage = Stage::Folding(now);
                vec![Effect::Fold(now, task, gather.into_answers())]
            }
            Taken::Conflict => {
                let site = Site::LocalStep(now, rank);
                vec![Effect::Finish(Err(JobError::Nondeterministic { site }))]
            }
            taken => {
                self.stage = Stage::Iterating(now, task, gather);
                dropped(taken)
            }
        }
    }

    fn collected(
        &mut self,
        output: Payload,
        mut gather: Gather<Option<Payload>>,
        rank: Rank,
        tile: Option<Payload>,
    ) -> Vec<Effect> {
        match gather.take(rank, tile) {
            Taken::Last => vec![Effect::Finish(Ok(Finished {
                output,
                tiles: gather.into_answers(),
            }))],
            Taken::Conflict => {
                let site = Site::Collect(rank);
                vec![Effect::Finish(Err(JobError::Nondeterministic { site }))]
            }
            taken => {
                self.stage = Stage::Collecting(output, gather);
                dropped(taken)
            }
        }
    }
}

fn dropped(taken: Taken) -> Vec<Effect> {
    if taken == Taken::First {
        Vec::new()
    } else {
        vec![Effect::Drop(taken)]
    }
}

#[cfg(test)]
mod tests;
