//! What the MsVPUs of a team did over time, round by round.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::core::msvpu::Stage;
use crate::core::stopwatch::Spent;
use crate::id::{NodeId, Rank, Round};

/// Of so many MsVPUs the times are kept, at most: more are no picture any more.
const MAX_MSVPUS: u32 = 128;
/// So many [`Stint`]s are kept, a third of a megabyte, at most: of 128 MsVPUs 32 rounds.
const MAX_STINTS: usize = 4096;
/// So many rounds are kept, at most.
const MAX_ROUNDS: usize = 256;

/// What one MsVPU did in one round, as its leader saw it.
///
/// No two clocks are compared. `arrived` is an interval of the leader's clock, the others are
/// intervals of the clock of the MsVPU's node. What they leave of `arrived` is
/// [`transfer`](Self::transfer). On the leader's clock the parts follow each other in this order:
/// half of the transfer, `waited`, `computed`, `kept`, the other half.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stint {
    /// Where it ran.
    pub node: NodeId,
    /// From the round's begin at the leader to the answer's arrival there.
    pub arrived: Duration,
    /// What was not computing between the order's arrival at the MsVPU and the end of its step: the
    /// waiting for a CPU, and where the tile was new, for that and for the task.
    pub waited: Duration,
    /// The step, and the loading of the tile where that was new.
    pub computed: Duration,
    /// How long the answer lay at its node, until those of others were there: in a short round a node
    /// sends one message.
    pub kept: Duration,
}

impl Stint {
    /// What a node says cannot have taken longer than the leader has waited for it.
    fn new(node: NodeId, arrived: Duration, spent: Spent) -> Self {
        let computed = spent.computed.min(arrived);
        let waited = spent.waited.min(arrived - computed);
        let kept = spent.kept.min(arrived - computed - waited);
        Self {
            node,
            arrived,
            waited,
            computed,
            kept,
        }
    }

    /// On the way, or at work on the way: order and answer, the start of the MsVPU and its tile where
    /// they are new, messages that were lost and sent again.
    #[must_use]
    pub const fn transfer(&self) -> Duration {
        self.arrived
            .saturating_sub(self.waited)
            .saturating_sub(self.computed)
            .saturating_sub(self.kept)
    }
}

/// What a team did in one round.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoundTimes {
    stage: Stage,
    /// When the leader gave the order, by its clock, since it gave its first.
    pub began: Duration,
    /// When it had all answers. `None` while it waits for some.
    pub ended: Option<Duration>,
    /// Of each MsVPU that is kept, in the order of ranks: `stints[i]` is that of rank
    /// `i × `[`stride`](Timesheet::stride). `None` before its answer has come.
    pub stints: Vec<Option<Stint>>,
}

impl RoundTimes {
    /// Which round; `None` for the time after the last, in which the leader takes in what each tile
    /// contributes to the result.
    #[must_use]
    pub const fn round(&self) -> Option<Round> {
        match self.stage {
            Stage::Round(round) => Some(round),
            Stage::Collecting => None,
        }
    }
}

/// What the MsVPUs of a team did over time: the latest rounds, of some of its MsVPUs.
///
/// It takes a third of a megabyte at most: of large teams every [`stride`](Self::stride)th MsVPU is kept, so that no
/// more than 128 are; of long jobs the latest rounds, 256 or fewer. A leader that takes over for one
/// that was lost begins anew.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timesheet {
    team_size: u32,
    rounds: VecDeque<RoundTimes>,
}

impl Timesheet {
    /// How many MsVPUs the team has; 0 before anything is known of it.
    #[must_use]
    pub const fn team_size(&self) -> u32 {
        self.team_size
    }

    /// The ranks that are kept are its multiples; at least 1.
    #[must_use]
    pub const fn stride(&self) -> u32 {
        stride(self.team_size)
    }

    /// The rounds that are kept, in order.
    pub fn rounds(&self) -> impl ExactSizeIterator<Item = &RoundTimes> {
        self.rounds.iter()
    }

    /// Of a team that begins.
    pub(crate) const fn of(team_size: u32) -> Self {
        Self {
            team_size,
            rounds: VecDeque::new(),
        }
    }

    /// How many MsVPUs are kept.
    const fn kept(&self) -> usize {
        self.team_size.div_ceil(self.stride()) as usize
    }

    const fn max_rounds(&self) -> usize {
        let fit = MAX_STINTS / if self.kept() > 0 { self.kept() } else { 1 };
        if fit < MAX_ROUNDS { fit } else { MAX_ROUNDS }
    }

    /// The leader gives an order.
    pub(crate) fn begin(&mut self, stage: Stage, now: Duration) {
        let kept = self.kept();
        let mut stints = if self.rounds.len() < self.max_rounds() {
            Vec::with_capacity(kept)
        } else {
            // The oldest gives its place away.
            let oldest = self.rounds.pop_front();
            oldest.map(|round| round.stints).unwrap_or_default()
        };
        stints.clear();
        stints.resize(kept, None);
        self.rounds.push_back(RoundTimes {
            stage,
            began: now,
            ended: None,
            stints,
        });
    }

    /// The answer of an MsVPU has come to the order of the moment.
    pub(crate) fn answered(&mut self, rank: Rank, node: NodeId, spent: Spent, now: Duration) {
        let stride = self.stride();
        if let Some(round) = self.rounds.back_mut()
            && rank.0.is_multiple_of(stride)
            && let Some(stint) = round.stints.get_mut((rank.0 / stride) as usize)
        {
            let arrived = now.saturating_sub(round.began);
            *stint = Some(Stint::new(node, arrived, spent));
        }
    }

    /// All answers have come.
    pub(crate) fn end(&mut self, now: Duration) {
        if let Some(round) = self.rounds.back_mut() {
            round.ended = Some(now);
        }
    }

    /// The latest round that has ended.
    pub(crate) fn last_ended(&self) -> Option<Stage> {
        let mut latest = self.rounds.iter().rev();
        latest
            .find(|round| round.ended.is_some())
            .map(|round| round.stage)
    }

    /// What has come after `told`, the latest that had ended then.
    pub(crate) fn since(&self, told: Option<Stage>) -> Self {
        let from = self
            .rounds
            .partition_point(|round| Some(round.stage) <= told);
        Self {
            team_size: self.team_size,
            rounds: self.rounds.range(from..).cloned().collect(),
        }
    }

    /// Takes in what the leader tells. That may come in any order, and more than once.
    pub(crate) fn absorb(&mut self, news: Self) {
        if self.team_size != news.team_size {
            *self = Self::of(news.team_size);
        }
        for round in news.rounds {
            let at = self.rounds.partition_point(|of| of.stage < round.stage);
            match self.rounds.get_mut(at) {
                Some(known) if known.stage == round.stage => {
                    if known.ended.is_none() {
                        *known = round;
                    }
                }
                _ => self.rounds.insert(at, round),
            }
        }
        let excess = self.rounds.len().saturating_sub(self.max_rounds());
        self.rounds.drain(..excess);
    }
}

/// Of so large a team the ranks are kept that are multiples of this.
const fn stride(team_size: u32) -> u32 {
    let stride = team_size.div_ceil(MAX_MSVPUS);
    if stride > 1 { stride } else { 1 }
}

/// Whether the times of the rank are kept, so that it has to measure them.
pub(crate) const fn is_kept(rank: Rank, team_size: u32) -> bool {
    rank.0.is_multiple_of(stride(team_size))
}

#[cfg(test)]
mod tests;
