//! Tiles that are suspected of killing their nodes run one at a time.

use super::{Effect, State, Team};
use crate::core::ranks::Ranks;

impl Team {
    /// Ranks that may not run now: suspects that wait for their trial, and the one on trial as
    /// long as the proxy does not know of it, because it may take the leader with it.
    pub(super) fn withheld(&self) -> Ranks {
        let held = self.suspects.held();
        match self.suspects.trial() {
            Some(trial) if !self.tried && self.committed < self.sequence => {
                held.union(&trial.into())
            }
            _ => held,
        }
    }

    /// Puts the next suspect on trial; tells whether there was one.
    pub(super) fn try_next(&mut self, effects: &mut Vec<Effect>) -> bool {
        let State::Asking(..) = &self.state else {
            return false;
        };
        let found = self.suspects.try_next().is_some();
        if found {
            self.tried = false;
            // It is sent when the proxy knows of the trial: the tile may take the leader with it.
            self.commit(effects);
            if self.committed >= self.sequence {
                self.send_trial(effects);
            }
        }
        found
    }

    /// These are sent to their node: from now on the one on trial may be to blame for its loss.
    pub(super) fn note_trial(&mut self, sent: &Ranks) {
        self.tried |= self
            .suspects
            .trial()
            .is_some_and(|trial| sent.contains(trial));
    }

    /// Once: what gets lost on the way is asked for like everything else.
    pub(super) fn send_trial(&mut self, effects: &mut Vec<Effect>) {
        if !self.tried
            && let Some(rank) = self.suspects.trial()
            && let Some(origin) = self.crews.place_of(rank)
        {
            self.supply(origin, rank, true, effects);
        }
    }
}
