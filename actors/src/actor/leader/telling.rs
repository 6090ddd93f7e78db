//! What watchers of the job are told, by way of the proxy.

use std::time::Duration;

use super::TeamLeader;
use crate::job::{JobState, Phase};
use crate::message::{Address, ProxyMessage};

/// A round that takes longer tells watchers how many tiles have answered, no oftener than this.
const TILES_EVERY: Duration = Duration::from_millis(50);

/// What the job is at, and how often that has changed.
#[derive(Debug)]
pub(super) struct Stand {
    number: u64,
    state: JobState,
}

impl Default for Stand {
    fn default() -> Self {
        Self {
            number: 0,
            state: JobState::Running(Phase::Splitting),
        }
    }
}

impl TeamLeader {
    pub(super) fn tell_tiles(&mut self) {
        let Some((round, answered)) = self.core.answered() else {
            return;
        };
        let now = self.host.clock.now();
        if answered > 0 && now.saturating_sub(self.told) >= TILES_EVERY {
            self.told = now;
            let progressed = ProxyMessage::Progressed {
                team: self.team,
                round,
                answered: answered as u32,
                team_size: self.core.team_size(),
            };
            self.host.link.send(Address::Proxy, progressed);
        }
    }

    pub(super) fn enter(&mut self, phase: Phase) {
        log::debug!("job {}: {phase}", self.team.job);
        self.stand_at(JobState::Running(phase));
    }

    pub(super) fn stand_at(&mut self, state: JobState) {
        let number = self.stand.number + 1;
        self.stand = Stand { number, state };
        self.tell_stand();
    }

    /// Told again at every tick: it may have got lost, or been overtaken.
    pub(super) fn tell_stand(&self) {
        let Stand { number, state } = &self.stand;
        let stands = ProxyMessage::Stands {
            team: self.team,
            number: *number,
            state: state.clone(),
        };
        self.host.link.send(Address::Proxy, stands);
    }
}
