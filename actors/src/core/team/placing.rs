//! Which node runs what: MsVPUs are placed, moved, lost, and given their tiles and orders.

use super::demand::Demand;
use super::{Dropped, Effect, State, Team};
use crate::core::allotment::Share;
use crate::core::crew::Crew;
use crate::core::ranks::Ranks;
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
            effects.push(Effect::Start(share.origin, ranks));
        }
        if self.waiting && self.unplaced.is_empty() {
            self.waiting = false;
            let collecting = matches!(&self.state, State::Asking(Demand::Output(_), _));
            let phase = if collecting {
                Phase::Assembling
            } else {
                Phase::Iterating
            };
            effects.push(Effect::Enter(phase));
        }
        // Who had what is part of the record, for the sake of tiles that kill their leader.
        if self.recoverable {
            self.commit(effects);
        }
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
            if self.crews.place(share.origin, &moving) {
                effects.push(Effect::Start(share.origin, moving));
            } else {
                self.unplaced = self.unplaced.union(&moving);
                effects.push(Effect::Allot(self.unplaced.clone()));
            }
        }
    }

    /// Tiles go out as soon as their MsVPUs are there, with the order of the moment.
    pub(super) fn started(&mut self, origin: Origin, ranks: &Ranks, effects: &mut Vec<Effect>) {
        let Some(new) = self.crews.started(origin, ranks) else {
            effects.push(Effect::Drop(Dropped::Stale));
            return;
        };
        if new.is_empty() {
            effects.push(Effect::Drop(Dropped::Duplicate));
            return;
        }
        let new = new.without(&self.withheld(origin));
        self.note_trial(&new);
        for rank in new.iter() {
            if let Some(tile) = self.tile(rank) {
                effects.push(Effect::SendTile(origin, rank, tile));
            }
        }
        if let State::Asking(demand, gather) = &self.state {
            let ranks = gather.missing(&new);
            if !ranks.is_empty() {
                effects.push(demand.order(origin, ranks));
            }
        }
        self.try_next(effects);
    }

    /// An order to retire may be overtaken by the order to start the same MsVPU again, and end it
    /// when it has come back.
    pub(super) fn absent(&mut self, origin: Origin, ranks: &Ranks, effects: &mut Vec<Effect>) {
        let absent = self.crews.absent(origin, ranks);
        effects.push(if absent.is_empty() {
            Effect::Drop(Dropped::Stale)
        } else {
            Effect::Start(origin, absent)
        });
    }

    pub(super) fn tile(&mut self, rank: Rank) -> Option<Payload> {
        let tile = self.tiles.get_mut(rank.index())?;
        Some(if self.recoverable {
            tile.clone()
        } else {
            std::mem::take(tile)
        })
    }

    /// Something was lost on the way to an MsVPU.
    pub(super) fn supply(
        &mut self,
        origin: Origin,
        rank: Rank,
        tile: bool,
        effects: &mut Vec<Effect>,
    ) {
        if !self.crews.runs(origin, rank) {
            return effects.push(Effect::Drop(Dropped::Stale));
        }
        if self.withheld(origin).contains(rank) {
            return;
        }
        self.note_trial(&rank.into());
        if tile && let Some(tile) = self.tile(rank) {
            effects.push(Effect::SendTile(origin, rank, tile));
        }
        if let State::Asking(demand, gather) = &self.state
            && !gather.has(rank)
        {
            effects.push(demand.order(origin, rank.into()));
        }
    }

    pub(super) fn lost(&mut self, origins: &[Origin]) -> Vec<Effect> {
        let mut effects = Vec::new();
        for origin in origins {
            let (withheld, on_trial) = (self.withheld(*origin), self.is_on_trial(*origin));
            let Some(Crew { live, starting, .. }) = self.crews.lose(*origin) else {
                continue;
            };
            self.trials.lost(*origin);
            if let State::Asking(_, gather) = &self.state {
                let at_work = gather.missing(&live.without(&withheld));
                if let Err(error) = self.suspects.lost(&at_work) {
                    return self.finish(Err(error));
                }
            }
            if on_trial {
                self.suspects.withdraw();
            }
            self.unplaced = self.unplaced.union(&live).union(&starting);
        }
        if !self.unplaced.is_empty() {
            effects.push(Effect::Allot(self.unplaced.clone()));
        }
        effects
    }
}
