//! What leaders want of the MsVPUs of this node.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Addr};

use super::{Crew, Supervisor};
use crate::actor::msvpu::{Errand, LocalTeam, Msvpu};
use crate::core::ranks::Ranks;
use crate::error::JobError;
use crate::host::Counted;
use crate::id::{NodeId, Rank, TeamId};
use crate::message::{Address, Invocation, LeaderMessage};
use crate::program;

impl Supervisor {
    pub(super) fn start_msvpus(
        &mut self,
        team: TeamId,
        leader: NodeId,
        invocation: &Invocation,
        ranks: &Ranks,
        team_size: u32,
    ) -> Result<(), JobError> {
        let host = self.host.clone();
        let (tiles, limit) = (
            team_size.max(ranks.end()) as usize,
            host.limits.max_tiles_per_job,
        );
        if tiles > limit {
            return Err(JobError::TooManyTiles { tiles, limit });
        }
        log::debug!(
            "job {}: hop 4, node {} starts {} MsVPUs",
            team.job,
            host.link.origin(),
            ranks.len()
        );
        let hosted = self.host(team, invocation)?;
        let (instance, cancellation) = (&hosted.instance, &hosted.cancellation);
        let crew = hosted.crew.get_or_insert_with(|| Crew {
            team: Arc::new(LocalTeam::new(
                host.clone(),
                team,
                leader,
                &invocation.options,
                Arc::clone(instance),
            )),
            leader,
            told: Duration::ZERO,
            msvpus: BTreeMap::new(),
        });
        for rank in ranks.iter() {
            crew.msvpus.entry(rank).or_insert_with(|| {
                let place = program::Context::new(rank, team_size, cancellation.clone());
                let counted = Counted::new(&host.census, |census| &mut census.msvpus);
                Msvpu::new(Arc::clone(&crew.team), place, counted).start()
            });
        }
        Ok(())
    }

    /// Gives each of the MsVPUs an errand, made for the time at which that is; `answered` when each is
    /// to end in an answer.
    pub(super) fn hand_out(
        &self,
        team: TeamId,
        ranks: &Ranks,
        answered: bool,
        errand: impl Fn(Duration) -> Errand,
    ) {
        let link = &self.host.link;
        let crew = self
            .hosted
            .get(&team)
            .and_then(|hosted| hosted.crew.as_ref());
        let Some(crew) = crew else {
            return link.undeliverable(&team);
        };
        let here =
            |range: &std::ops::Range<u32>| crew.msvpus.range(Rank(range.start)..Rank(range.end));
        let now = self.host.clock.now();
        if answered {
            let orders = ranks.ranges().iter().map(|range| here(range).count()).sum();
            crew.team.ordered(orders, now);
        }
        let give = |msvpu: &Addr<Msvpu>| link.tell(msvpu, errand(now));
        match ranks.ranges() {
            // A tile is for one, and there are as many as MsVPUs: it is looked for once, and not from both ends.
            [range] if range.len() == 1 => {
                crew.msvpus
                    .get(&Rank(range.start))
                    .into_iter()
                    .for_each(give);
            }
            ranges => ranges
                .iter()
                .flat_map(here)
                .for_each(|(_, msvpu)| give(msvpu)),
        }
    }

    /// Tells the leader that tiles come, often enough for it not to ask for them.
    pub(super) fn tell_loading(&mut self, team: TeamId) {
        let Some(timing) = self.host.timing else {
            return;
        };
        let now = self.host.clock.now();
        if let Some(crew) = self.hosted.get_mut(&team).and_then(|h| h.crew.as_mut())
            && now.saturating_sub(crew.told) >= timing.retry() / 3
        {
            crew.told = now;
            crew.team.tell_loading();
        }
    }

    /// Those that this node does not run.
    pub(super) fn absent(&self, team: TeamId, ranks: &Ranks) -> Ranks {
        let crew = self
            .hosted
            .get(&team)
            .and_then(|hosted| hosted.crew.as_ref());
        let there = |rank: &Rank| crew.is_some_and(|crew| crew.msvpus.contains_key(rank));
        ranks.iter().filter(|rank| !there(rank)).collect()
    }

    /// Told until the leader knows that they are not here.
    pub(super) fn retire(&mut self, team: TeamId, ranks: Ranks) {
        let link = self.host.link.clone();
        let Some(crew) = self.hosted.get_mut(&team).and_then(|h| h.crew.as_mut()) else {
            return link.undeliverable(&team);
        };
        for rank in ranks.iter() {
            crew.msvpus.remove(&rank);
        }
        let origin = link.origin();
        let absent = LeaderMessage::Absent { origin, ranks };
        link.send(Address::Leader(team, crew.leader), absent);
    }
}
