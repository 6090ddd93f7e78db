//! What is still at work for teams that were stopped: a step that has begun cannot be stopped.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::{Crew, Supervisor};
use crate::actor::msvpu::LocalTeam;
use crate::id::{Epoch, Incarnation, JobId, NodeId, TeamId};
use crate::message::{Address, LeaderMessage};

#[derive(Default)]
pub(super) struct Lingering {
    /// With the incarnation under which they were stopped. Whatever computes for a team has a share
    /// in it.
    teams: Vec<(TeamId, Incarnation, Weak<LocalTeam>)>,
    /// For which leader of a job this node has worked last, or ended what was before it, and when; for a
    /// while: what an earlier one has ordered may come yet.
    latest: BTreeMap<JobId, (Epoch, Duration)>,
}

impl Lingering {
    pub(super) fn stopped(&mut self, team: TeamId, at: Incarnation, crew: &Crew) {
        self.teams.retain(|(.., of)| of.strong_count() > 0);
        self.teams.push((team, at, Arc::downgrade(&crew.team)));
    }

    fn at_work(&self) -> impl Iterator<Item = (TeamId, Incarnation)> {
        let teams = self.teams.iter().filter(|(.., of)| of.strong_count() > 0);
        teams.map(|(team, incarnation, _)| (*team, *incarnation))
    }

    /// The jobs of which something is at work still, and the first incarnation under which that was
    /// stopped.
    pub(super) fn jobs(&self) -> Vec<(JobId, Incarnation)> {
        let mut jobs = BTreeMap::new();
        for (team, incarnation) in self.at_work() {
            let first = jobs.entry(team.job).or_insert(incarnation);
            *first = incarnation.min(*first);
        }
        jobs.into_iter().collect()
    }

    /// The leader of this team orders something.
    pub(super) fn heard(&mut self, team: TeamId, now: Duration) {
        self.latest.insert(team.job, (team.epoch, now));
    }

    pub(super) fn is_replaced(&self, team: TeamId) -> bool {
        let latest = self.latest.get(&team.job);
        latest.is_some_and(|(epoch, _)| *epoch > team.epoch)
    }

    pub(super) fn forget(&mut self, now: Duration, memory: Duration) {
        self.latest
            .retain(|_, (_, at)| now.saturating_sub(*at) <= memory);
    }
}

impl Supervisor {
    /// Ends what earlier leaders of the job have here, and tells this one when that is so.
    pub(super) fn settle(&mut self, team: TeamId, leader: NodeId) {
        self.stop_earlier(team);
        let now = self.host.clock.now();
        self.lingering.heard(team, now);
        let earlier = |of: TeamId| of.job == team.job && of.epoch < team.epoch;
        if !self.lingering.at_work().any(|(of, _)| earlier(of)) {
            let origin = self.host.link.origin();
            let settled = LeaderMessage::Settled { origin };
            self.host.link.send(Address::Leader(team, leader), settled);
        }
    }

    /// Stops what earlier leaders of the job have here.
    pub(super) fn stop_earlier(&mut self, team: TeamId) {
        let earlier = |of: &&TeamId| of.job == team.job && of.epoch < team.epoch;
        let earlier: Vec<TeamId> = self.hosted.keys().filter(earlier).copied().collect();
        for team in earlier {
            self.stop(team);
        }
    }
}
