//! Which node runs what: MsVPUs are placed, moved, lost, and given their tiles and orders.

use super::{Demand, Dropped, Effect, State, Team};
use crate::core::allotment::Share;
use crate::core::crew::Crew;
use crate::core::ranks::Ranks;
use crate::core::suspects::Former;
use crate::id::{Origin, Rank};
use crate::job::Phase;
use crate::payload::Payload;

impl Team {
    pub(super) fn allotted(&mut self, shares: Vec<Share>, effects: &mut Vec<Effect>) {
        for share in shares {
            let ranks = share.ranks.intersection(&self.unplaced);
            if ranks.is_empty() {
                effects.push(Effect::Drop(Dropped::Duplicate));
                continue;
            }
            if !self.crews.place(share.origin, &ranks) {
                // Its node has come back since; the tick asks anew.
                effects.push(Effect::Drop(Dropped::Stale));
                continue;
            }
            self.unplaced = self.unplaced.without(&ranks);
            self.unrecorded = true;
            effects.push(Effect::Start(share.origin, ranks));
        }
        if self.waiting && self.unplaced.is_empty() {
            self.waiting = false;
            let phase = if self.state.is_collecting() {
                Phase::Assembling
            } else {
                Phase::Iterating
            };
            effects.push(Effect::Enter(phase));
        }
        if self.recoverable {
            self.commit(effects);
        }
    }

    /// Who has what is part of the record, for the sake of tiles that kill their leader: until that
    /// is safe no tile goes to where it was not before. When the rounds are over there are no
    /// records any more.
    fn places_are_safe(&self) -> bool {
        let is_over = matches!(self.state, State::Asking(Demand::Output(_), _));
        is_over || !self.recoverable || (!self.unrecorded && self.committed >= self.placed)
    }

    /// Ranks change nodes between rounds only, so that no answer is computed twice for it.
    pub(super) fn apply_moves(&mut self, effects: &mut Vec<Effect>) {
        for share in std::mem::take(&mut self.moves) {
            let mut moving = Ranks::default();
            for (origin, ranks) in self.crews.remove(&share.ranks, share.origin) {
                moving = moving.union(&ranks);
                effects.push(Effect::Retire(origin, ranks));
            }
            if moving.is_empty() {
                continue;
            }
            self.unrecorded = true;
            if self.crews.place(share.origin, &moving) {
                effects.push(Effect::Start(share.origin, moving));
            } else {
                self.unplaced = self.unplaced.union(&moving);
                effects.push(Effect::Allot(self.unplaced.clone()));
            }
        }
    }

    /// Tiles go out as soon as the MsVPUs are there and that is recorded, with the order of the
    /// moment.
    pub(super) fn started(&mut self, origin: Origin, ranks: &Ranks, effects: &mut Vec<Effect>) {
        let Some(new) = self.crews.started(origin, ranks) else {
            effects.push(Effect::Drop(Dropped::Stale));
            return;
        };
        let strays = self.crews.strays(origin, ranks);
        if !strays.is_empty() {
            effects.push(Effect::Retire(origin, strays));
        }
        if new.is_empty() {
            effects.push(Effect::Drop(Dropped::Duplicate));
            return;
        }
        self.crews.hold_back(origin, &new);
        self.send_held_back(effects);
        self.try_next(effects);
    }

    /// Those that wait for the record of where they are, or for others to start.
    pub(super) fn send_held_back(&mut self, effects: &mut Vec<Effect>) {
        if self.places_are_safe() && !self.crews.are_starting() {
            self.send_tiles(effects);
        }
    }

    /// At a tick nobody is waited for any more.
    pub(super) fn send_without_the_late(&mut self, effects: &mut Vec<Effect>) {
        if self.places_are_safe() {
            self.send_tiles(effects);
        }
    }

    /// One tile to each node in turn: they share the leader's line, and none is to stand idle while
    /// all of another's go out.
    fn send_tiles(&mut self, effects: &mut Vec<Effect>) {
        let mut crews = self.crews.take_unsent();
        for (origin, ranks) in &mut crews {
            *ranks = ranks.without(&self.withheld(*origin));
            self.note_trial(ranks);
        }
        let orders = crews.len();
        effects.reserve(orders + crews.iter().map(|(_, ranks)| ranks.len()).sum::<usize>());
        let mut queues: Vec<_> = crews
            .iter()
            .map(|(origin, ranks)| (*origin, ranks.iter()))
            .collect();
        while !queues.is_empty() {
            queues.retain_mut(|(origin, ranks)| {
                let next = ranks.next();
                let tile = next.and_then(|rank| Some((rank, self.tile(rank)?)));
                effects.extend(tile.map(|(rank, tile)| Effect::SendTile(*origin, rank, tile)));
                next.is_some()
            });
        }
        if let State::Asking(demand, gather) = &self.state {
            for (origin, ranks) in &crews {
                let ranks = gather.missing(ranks);
                if !ranks.is_empty() {
                    effects.push(demand.order(*origin, ranks));
                }
            }
        }
    }

    /// Those that were to stop have. An order to retire may be overtaken by the order to start the same
    /// MsVPU again, and end it when it has come back.
    pub(super) fn absent(&mut self, origin: Origin, ranks: &Ranks, effects: &mut Vec<Effect>) {
        let retired = self.crews.retired(origin, ranks);
        let absent = self.crews.absent(origin, ranks);
        if !absent.is_empty() {
            effects.push(Effect::Start(origin, absent));
        } else if !retired {
            effects.push(Effect::Drop(Dropped::Stale));
        }
    }

    /// A node that has not heard that it is to stop some keeps them and their tiles, and does not
    /// leave.
    pub(super) fn retire_again(&self, effects: &mut Vec<Effect>) {
        let retiring = self.crews.iter_retiring();
        effects.extend(retiring.map(|(origin, ranks)| Effect::Retire(origin, ranks.clone())));
    }

    pub(super) fn tile(&mut self, rank: Rank) -> Option<Payload> {
        let tile = self.tiles.get_mut(rank.index())?;
        Some(if self.recoverable {
            tile.clone()
        } else {
            std::mem::take(tile)
        })
    }

    /// Something was lost on the way to MsVPUs, or has not come yet.
    pub(super) fn supply(
        &mut self,
        origin: Origin,
        tiles: &Ranks,
        orders: &Ranks,
        effects: &mut Vec<Effect>,
    ) {
        let live = self.crews.get(origin).map(|crew| crew.live.clone());
        let lacking = live.map(|live| tiles.union(orders).intersection(&live));
        let Some(lacking) = lacking.filter(|lacking| !lacking.is_empty()) else {
            return effects.push(Effect::Drop(Dropped::Stale));
        };
        let lacking = lacking.without(&self.withheld(origin));
        if !tiles.intersection(&lacking).is_empty() {
            self.crews.loading(origin);
        }
        self.note_trial(&lacking);
        for rank in tiles.intersection(&lacking).iter() {
            if let Some(tile) = self.tile(rank) {
                effects.push(Effect::SendTile(origin, rank, tile));
            }
        }
        if let State::Asking(demand, gather) = &self.state {
            let ranks = gather.missing(&lacking);
            if !ranks.is_empty() {
                effects.push(demand.order(origin, ranks));
            }
        }
    }

    /// The nodes of which the leader must know when they are lost.
    pub(super) fn watched(&self) -> Vec<Origin> {
        let former = self.suspects.unsettled().into_iter();
        let former = former.filter(|origin| !self.crews.has(*origin));
        self.crews.origins().into_iter().chain(former).collect()
    }

    /// What earlier leaders had on lost nodes is suspected, unless it is at work here: then it is
    /// asked again, when it has answered or is lost here, too. None is held while it is at work.
    fn lose_former(&mut self, lost: &[Origin]) {
        let State::Asking(demand, gather) = &self.state else {
            return;
        };
        if self.suspects.unsettled().is_empty() {
            return;
        }
        let stage = demand.stage();
        let at_work = |(origin, crew): (Origin, &Crew)| {
            gather.missing(&crew.live.without(&self.withheld(origin)))
        };
        let at_work = self.crews.iter().map(at_work);
        let at_work = at_work.fold(Ranks::default(), |all, ranks| all.union(&ranks));
        // Who has answered may have been a round further there.
        let suspected = |former: &Former| match former.stage > stage {
            true => former.ranks.clone(),
            false => gather.missing(&former.ranks),
        };
        let is_lost = |origin| lost.contains(&origin);
        self.suspects.lost_former(is_lost, suspected, &at_work);
    }

    pub(super) fn lost(&mut self, origins: &[Origin], effects: &mut Vec<Effect>) {
        for origin in origins {
            let (withheld, on_trial) = (self.withheld(*origin), self.is_on_trial(*origin));
            let Some(Crew { live, starting, .. }) = self.crews.lose(*origin) else {
                continue;
            };
            self.trials.lost(*origin);
            if let State::Asking(demand, gather) = &self.state {
                let at_work = gather.missing(&live.without(&withheld));
                self.suspects.lost(*origin, &at_work, demand.stage());
            }
            if on_trial {
                self.suspects.withdraw();
            }
            self.unplaced = self.unplaced.union(&live).union(&starting);
        }
        self.lose_former(origins);
        if !self.unplaced.is_empty() {
            effects.push(Effect::Allot(self.unplaced.clone()));
        }
    }
}
