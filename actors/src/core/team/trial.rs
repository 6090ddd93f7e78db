//! Tiles that are suspected of killing their nodes are tried one at a time, each alone on a node.

use super::{Dropped, Effect, State, Team};
use crate::core::ranks::Ranks;
use crate::id::{Origin, Rank};

impl Team {
    /// Ranks that may not run now on that node: suspects that wait for their trial; all others
    /// where one is on trial or about to be, and that one as long as the proxy does not know of it,
    /// because it may take the leader with it.
    pub(super) fn withheld(&self, origin: Origin) -> Ranks {
        let all = || Ranks::from(0..self.team_size);
        match self.suspects.trial() {
            Some(trial) if self.is_on_trial(origin) => {
                if self.tried || self.committed >= self.sequence {
                    all().without(&trial.into())
                } else {
                    all()
                }
            }
            _ if self.wanted.is_some_and(|(_, at)| at == origin) => all(),
            _ => self.suspects.held(),
        }
    }

    /// Asks for a node for the next suspect, where nothing else of the team is at work.
    pub(super) fn try_next(&mut self, effects: &mut Vec<Effect>) {
        if self.suspects.is_empty() || self.suspects.trial().is_some() || self.wanted.is_some() {
            return;
        }
        let held = self.suspects.held();
        let place = |rank| Some((rank, self.crews.place_of(rank)?));
        let mut next = held.iter().filter_map(place);
        if let Some((rank, origin)) = next.find(|(_, origin)| self.is_alone(*origin, &held)) {
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

    pub(super) fn is_on_trial(&self, origin: Origin) -> bool {
        let trial = self.suspects.trial();
        trial.is_some_and(|trial| self.crews.runs(origin, trial))
    }

    /// The node is there for the next suspect alone. What happens to it now is that one's doing.
    pub(super) fn reserved(&mut self, origin: Origin, effects: &mut Vec<Effect>) {
        let wanted = self.wanted.filter(|(rank, at)| {
            *at == origin && self.suspects.held().contains(*rank) && self.crews.runs(origin, *rank)
        });
        match wanted {
            Some((rank, _)) => {
                self.wanted = None;
                self.tried = false;
                self.suspects.try_rank(rank);
                // It is sent when the proxy knows of the trial: it may take the leader with it.
                self.commit(effects);
                self.send_trial(effects);
            }
            // Asked for twice, and granted again.
            None if self.is_on_trial(origin) => effects.push(Effect::Drop(Dropped::Duplicate)),
            None => effects.push(Effect::Release(origin)),
        }
    }

    /// These are sent to their node: from now on the one on trial may be to blame for its loss.
    pub(super) fn note_trial(&mut self, sent: &Ranks) {
        let trial = self.suspects.trial();
        self.tried |= trial.is_some_and(|trial| sent.contains(trial));
    }

    /// Once: what gets lost on the way is asked for like everything else.
    pub(super) fn send_trial(&mut self, effects: &mut Vec<Effect>) {
        if !self.tried
            && self.committed >= self.sequence
            && let Some(rank) = self.suspects.trial()
            && let Some(origin) = self.crews.place_of(rank)
        {
            self.supply(origin, rank, true, effects);
        }
    }

    /// A rank has answered: it is no suspect, and its trial, if it was on one, is over.
    pub(super) fn acquit(&mut self, origin: Origin, rank: Rank, effects: &mut Vec<Effect>) {
        if self.suspects.clear(rank) {
            effects.push(Effect::Release(origin));
            self.commit(effects);
        }
        self.try_next(effects);
    }
}
