//! What watchers of the job are told.

use std::time::Duration;

use super::TeamLeader;
use crate::job::{JobState, Phase, What};
use crate::message::{Address, ProxyMessage};

/// A round that takes longer tells watchers how many tiles have answered, no oftener than this.
const TILES_EVERY: Duration = Duration::from_millis(50);

impl TeamLeader {
    pub(super) fn tell_tiles(&mut self) {
        let Some((round, answered)) = self.core.answered() else {
            return;
        };
        let now = self.host.clock.now();
        if answered > 0 && now.saturating_sub(self.told) >= TILES_EVERY {
            self.told = now;
            self.tell(What::Tiles {
                round,
                answered: answered as u32,
                team_size: self.core.team_size(),
            });
        }
    }

    pub(super) fn enter(&self, phase: Phase) {
        log::debug!("job {}: {phase}", self.team.job);
        self.tell(What::State(JobState::Running(phase)));
    }

    /// Tells watchers, by way of the proxy.
    pub(super) fn tell(&self, what: What) {
        let team = self.team;
        self.host
            .link
            .send(Address::Proxy, ProxyMessage::Progressed { team, what });
    }
}
