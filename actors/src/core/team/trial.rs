//! Tiles that are suspected of killing their nodes run one at a time.

use super::{Effect, State, Team};
use crate::core::ranks::Ranks;

impl Team {
    /// Ranks that may not run now: suspects that wait for their trial, and the one on trial as
    /// long as the proxy does not know of it, because it may take the leader with it.
    pub(super) fn withheld(&self) -> Ranks {
        let held = self.suspects.held();
        match self.suspects.trial() {
            Some(trial) if self.committed < self.sequence => held.union(&trial.into()),
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
            // It is sent when the proxy knows of the trial: the tile may take the leader with it.
            self.commit(effects);
            if self.committed >= self.sequence {
                self.send_trial(effects);
            }
        }
        found
    }

    pub(super) fn send_trial(&mut self, effects: &mut Vec<Effect>) {
        if let Some(rank) = self.suspects.trial()
            && let Some(origin) = self.crews.place_of(rank)
        {
            self.supply(origin, rank, true, effects);
        }
    }
}
