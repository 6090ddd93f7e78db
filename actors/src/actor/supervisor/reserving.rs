//! The node's CPUs for one team alone.

use super::Supervisor;
use crate::core::ranks::Ranks;
use crate::core::reservation::{Asked, ReservationId};
use crate::id::{NodeId, Rank, TeamId};
use crate::message::{Address, LeaderMessage};

impl Supervisor {
    pub(super) fn reserve(&mut self, team: TeamId, leader: NodeId, rank: Rank, id: ReservationId) {
        let link = self.host.link.clone();
        let Some(hosted) = self.hosted.get_mut(&team) else {
            return link.undeliverable(&team);
        };
        match hosted.reservations.reserve(id, rank) {
            Asked::New => self.host.processors.release(team.job),
            Asked::Again => {}
            Asked::Late => return link.stale(),
        }
        let origin = link.origin();
        let reserved = move || {
            let reserved = LeaderMessage::Reserved { origin, id };
            link.send(Address::Leader(team, leader), reserved);
        };
        self.host.processors.reserve(team.job, Box::new(reserved));
    }

    /// Those of the ranks that may be given orders now.
    pub(super) fn admitted(&self, team: TeamId, ranks: &Ranks) -> Ranks {
        let hosted = self.hosted.get(&team);
        hosted.map_or_else(
            || ranks.clone(),
            |hosted| hosted.reservations.admitted(ranks),
        )
    }

    pub(super) fn release(&mut self, team: TeamId, leader: NodeId, id: ReservationId) {
        let link = &self.host.link;
        let Some(hosted) = self.hosted.get_mut(&team) else {
            return link.undeliverable(&team);
        };
        if hosted.reservations.release(id) {
            self.host.processors.release(team.job);
        }
        let origin = link.origin();
        let released = LeaderMessage::Released { origin, id };
        link.send(Address::Leader(team, leader), released);
    }
}
