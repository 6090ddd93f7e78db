//! Tiles that are suspected of killing their nodes are tried one at a time, each alone on a node.

use std::collections::BTreeMap;

use super::{Dropped, Effect, State, Team};
use crate::core::fate::{Fate, Finding};
use crate::core::msvpu::Stage;
use crate::core::ranks::Ranks;
use crate::core::reservation::ReservationId;
use crate::core::suspects::MAX_LOSSES;
use crate::error::JobError;
use crate::id::{Origin, Rank};

/// How far the trials have got.
#[derive(Debug, Default)]
pub(super) struct Trials {
    /// The next to be tried, and the node that is asked to be there for it alone.
    wanted: Option<(Rank, Origin)>,
    /// The latest reservation that was asked for: that of `wanted`, or of the trial under way.
    latest: ReservationId,
    /// Where the trial under way is.
    at: Option<Origin>,
    /// Whether the one on trial was sent there.
    sent: bool,
    /// Nodes where a trial is over, until they know, and the number of the record that says so. As
    /// long as that is not safe, a loss of the node would be blamed on the tile that was on trial.
    over: BTreeMap<Origin, (ReservationId, u64)>,
    /// What is known of the nodes that tiles are suspected to have brought down.
    accused: BTreeMap<Origin, Accused>,
}

/// Of a node that was lost.
#[derive(Clone, Copy, Debug)]
enum Accused {
    /// Nothing was heard of it for so many ticks.
    Silent(u32),
    /// It is dead.
    Dead,
}

/// After so many ticks a node that does not come back is taken for dead: ten leases, so that none
/// is which was just cut off for a while.
const MAX_SILENCE: u32 = 40;

impl Trials {
    /// Orders that may have got lost.
    pub(super) fn repeat(&self, committed: u64) -> Vec<Effect> {
        let reserve = |(rank, at)| Effect::Reserve(at, rank, self.latest);
        let wanted = self.wanted.map(reserve);
        let over = self.over.iter();
        let over = over.filter(|(_, (_, record))| *record <= committed);
        let released = over.map(|(origin, (id, _))| Effect::Release(*origin, *id));
        wanted.into_iter().chain(released).collect()
    }

    pub(super) fn released(&mut self, origin: Origin, id: ReservationId) {
        if self.over.get(&origin).is_some_and(|(over, _)| *over <= id) {
            self.over.remove(&origin);
        }
    }

    pub(super) fn lost(&mut self, origin: Origin) {
        self.wanted = self.wanted.filter(|(_, at)| *at != origin);
        self.at = self.at.filter(|at| *at != origin);
        self.over.remove(&origin);
    }

    fn is_dead(&self, origin: &Origin) -> bool {
        match self.accused.get(origin) {
            Some(Accused::Silent(ticks)) => *ticks >= MAX_SILENCE,
            Some(Accused::Dead) => true,
            None => false,
        }
    }
}

impl Team {
    /// Ranks that may not run now on that node: those whose place the proxy does not know yet,
    /// because they may take the leader with them; suspects that wait for their trial; all others
    /// where one is on trial or about to be, or was until just now, and that one as long as the
    /// proxy does not know of it.
    pub(super) fn withheld(&self, origin: Origin) -> Ranks {
        let suspected = self.suspected(origin);
        match self.crews.get(origin) {
            Some(crew) if !crew.unsent.is_empty() => suspected.union(&crew.unsent),
            _ => suspected,
        }
    }

    fn suspected(&self, origin: Origin) -> Ranks {
        let all = || Ranks::from(0..self.team_size);
        let over = self.trials.over.get(&origin);
        match self.suspects.trial() {
            Some(trial) if self.is_on_trial(origin) => {
                if self.trials.sent || self.committed >= self.sequence {
                    all().without(&trial.into())
                } else {
                    all()
                }
            }
            _ if self.trials.wanted.is_some_and(|(_, at)| at == origin) => all(),
            _ if over.is_some_and(|(_, record)| *record > self.committed) => all(),
            _ => self.suspects.held(),
        }
    }

    /// Asks for a node for the next suspect, where nothing else of the team is at work.
    pub(super) fn try_next(&mut self, effects: &mut Vec<Effect>) {
        let is_busy = self.suspects.trial().is_some() || self.trials.wanted.is_some();
        if self.suspects.is_empty() || is_busy {
            return;
        }
        let State::Asking(_, gather) = &self.state else {
            return;
        };
        let held = self.suspects.held();
        let place = |rank| Some((rank, self.crews.place_of(rank)?));
        let may_be_tried = |rank: &Rank| self.suspects.awaits_trial(*rank);
        let missing = gather.missing(&held);
        let mut next = missing.iter().filter(may_be_tried).filter_map(place);
        if let Some((rank, origin)) = next.find(|(_, origin)| self.is_alone(*origin, &held)) {
            self.trials.latest = self.trials.latest.next();
            self.trials.wanted = Some((rank, origin));
            effects.push(Effect::Reserve(origin, rank, self.trials.latest));
        }
    }

    /// Whether nothing of the team is at work there but held suspects, which are not.
    fn is_alone(&self, origin: Origin, held: &Ranks) -> bool {
        let State::Asking(_, gather) = &self.state else {
            return false;
        };
        // What is starting may be at work: word that it was absent may have come late.
        self.crews.get(origin).is_some_and(|crew| {
            let there = crew.live.union(&crew.starting).without(held);
            gather.missing(&there).is_empty()
        })
    }

    /// Whether a trial is under way there.
    pub(super) fn is_on_trial(&self, origin: Origin) -> bool {
        self.trials.at == Some(origin)
    }

    /// The node is there for the next suspect alone. What happens to it now is that one's doing.
    pub(super) fn reserved(
        &mut self,
        origin: Origin,
        id: ReservationId,
        effects: &mut Vec<Effect>,
    ) {
        let wanted = self.trials.wanted;
        let Some((rank, _)) = wanted.filter(|(_, at)| *at == origin && id == self.trials.latest)
        else {
            // Asked for twice, and granted again.
            return effects.push(Effect::Drop(Dropped::Duplicate));
        };
        self.trials.wanted = None;
        if self.suspects.awaits_trial(rank) && self.crews.runs(origin, rank) {
            (self.trials.at, self.trials.sent) = (Some(origin), false);
            self.suspects.try_rank(rank);
            // It is sent when the proxy knows of the trial: it may take the leader with it.
            self.commit(effects);
            self.send_trial(effects);
        } else {
            self.trial_over(origin, effects);
            self.try_next(effects);
        }
    }

    /// These are sent to their node: from now on the one on trial may be to blame for its loss.
    pub(super) fn note_trial(&mut self, sent: &Ranks) {
        let trial = self.suspects.trial();
        self.trials.sent |= trial.is_some_and(|trial| sent.contains(trial));
    }

    /// Once: what gets lost on the way is asked for like everything else.
    pub(super) fn send_trial(&mut self, effects: &mut Vec<Effect>) {
        if !self.trials.sent
            && self.committed >= self.sequence
            && let Some(rank) = self.suspects.trial()
            && let Some(origin) = self.trials.at
            && self.crews.runs(origin, rank)
        {
            self.supply(origin, &rank.into(), &Ranks::default(), effects);
        }
    }

    /// A rank has answered: it is no suspect, and its trial, if it was on one, is over.
    pub(super) fn acquit(
        &mut self,
        origin: Origin,
        rank: Rank,
        stage: Stage,
        effects: &mut Vec<Effect>,
    ) {
        if self.suspects.clear(rank, stage) {
            self.commit(effects);
            self.trial_over(origin, effects);
        }
        self.try_next(effects);
    }

    /// The nodes of which it is to be asked what became of them. A tick has passed.
    pub(super) fn await_fates(&mut self) -> Vec<Origin> {
        let nodes = self.suspects.nodes();
        self.trials
            .accused
            .retain(|origin, _| nodes.contains(origin));
        let mut unknown = Vec::new();
        for origin in nodes {
            let accused = self.trials.accused.entry(origin);
            if let Accused::Silent(ticks) = accused.or_insert(Accused::Silent(0)) {
                *ticks += 1;
                unknown.push(origin);
            }
        }
        unknown
    }

    /// What became of nodes that were lost.
    pub(super) fn learn_fates(&mut self, fates: Vec<Finding>, effects: &mut Vec<Effect>) {
        let before = self.suspects.held();
        for Finding { of, process, fate } in fates {
            self.suspects.unite(of, process);
            match fate {
                None => {}
                Some(Fate::Survived) => self.suspects.forgive(of),
                Some(Fate::Busy) => {
                    let silent = Accused::Silent(0);
                    self.trials.accused.insert(of, silent);
                }
                Some(Fate::Died) => drop(self.trials.accused.insert(of, Accused::Dead)),
            }
        }
        self.let_go(&before, effects);
    }

    /// Asks where earlier leaders have left something at work.
    pub(super) fn settle(&self, effects: &mut Vec<Effect>) {
        effects.extend(self.suspects.unsettled().into_iter().map(Effect::Settle));
    }

    /// Nothing of earlier leaders is at work there any more.
    pub(super) fn settled(&mut self, origin: Origin, effects: &mut Vec<Effect>) {
        let before = self.suspects.held();
        if self.suspects.settled(origin) {
            self.let_go(&before, effects);
        } else {
            effects.push(Effect::Drop(Dropped::Duplicate));
        }
    }

    /// Who is not held any more runs like all others again, when the proxy does not hold it for held.
    fn let_go(&mut self, before: &Ranks, effects: &mut Vec<Effect>) {
        let freed = before.without(&self.suspects.held());
        if !freed.is_empty() {
            for origin in self.crews.origins() {
                self.crews.hold_back(origin, &freed);
            }
            self.unrecorded = true;
            self.commit(effects);
            self.send_held_back(effects);
        }
        self.try_next(effects);
    }

    /// The tile that is to blame for the loss of its nodes, if one is.
    pub(super) fn poison(&self) -> Option<JobError> {
        let rank = self.suspects.poison(|origin| self.trials.is_dead(origin))?;
        Some(JobError::PoisonTile {
            rank,
            losses: MAX_LOSSES,
        })
    }

    fn trial_over(&mut self, origin: Origin, effects: &mut Vec<Effect>) {
        self.trials.at = None;
        let over = (self.trials.latest, self.sequence);
        self.trials.over.insert(origin, over);
        if self.committed >= self.sequence {
            effects.push(Effect::Release(origin, self.trials.latest));
        }
    }

    /// Where a trial is over the node may work for others when the record of it is safe.
    pub(super) fn release(&mut self, before: u64, effects: &mut Vec<Effect>) {
        for (origin, (id, record)) in &self.trials.over {
            if *record > before && *record <= self.committed {
                effects.push(Effect::Release(*origin, *id));
            }
        }
    }
}
