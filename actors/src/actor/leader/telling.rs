//! What watchers of the job are told, by way of the proxy.

use std::time::Duration;

use super::TeamLeader;
use crate::core::msvpu::Stage;
use crate::job::{JobState, Phase};
use crate::message::{Address, ProxyMessage};

/// A round that takes longer tells watchers how many tiles have answered, no oftener than this.
const TILES_EVERY: Duration = Duration::from_millis(50);

/// What the MsVPUs did is told no oftener than this …
const TIMES_EVERY: Duration = Duration::from_millis(500);
/// … and later when so small a part of all that there is to see is new.
const TIMES_PART: u32 = 64;

/// How much of what the MsVPUs did watchers were told, and when.
#[derive(Debug)]
pub(super) struct ToldTimes {
    /// When this leader began.
    began: Duration,
    at: Duration,
    ended: Option<Stage>,
}

impl ToldTimes {
    /// Nothing yet.
    pub(super) const fn at(now: Duration) -> Self {
        Self {
            began: now,
            at: now,
            ended: None,
        }
    }
}

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

    /// What the MsVPUs did meanwhile. If that gets lost it comes with the job's end.
    pub(super) fn tell_times(&mut self, now: Duration) {
        let ToldTimes { began, at, .. } = self.told_times;
        let every = TIMES_EVERY.max(now.saturating_sub(began) / TIMES_PART);
        if self.core.has_ended() || now.saturating_sub(at) < every {
            return;
        }
        let (team, times) = (self.team, self.core.times());
        let news = times.since(self.told_times.ended);
        self.told_times = ToldTimes {
            began,
            at: now,
            ended: times.last_ended(),
        };
        let times = ProxyMessage::Times { team, news };
        self.host.link.send(Address::Proxy, times);
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
