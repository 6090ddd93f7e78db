//! A node: MsVPUs, and the CPUs that they share with those of other jobs.

use uuid::Uuid;

use super::program::tile_output;
use super::*;
use crate::core::fair::Flow;
use crate::core::gate::Gate;
use crate::core::msvpu::{Agenda, Next, Word, Work};
use crate::core::reservation::{Asked, Reservations};
use crate::id::{Incarnation, JobId};
use crate::job::Priority;

const CPUS: usize = 2;

/// An answer that is younger may be on its way.
const WAY: Duration = Duration::from_millis(50);

/// Where an MsVPU is: there may be another of its rank, before it or after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) epoch: u32,
    pub(super) rank: Rank,
    /// Under which incarnation of its node.
    pub(super) origin: Origin,
    number: u32,
}

/// Work for the CPUs.
#[derive(Debug)]
pub(super) enum Piece {
    Ours(Place, Work<Payload>),
    /// Another job's, which may take down the node.
    Others {
        deadly: bool,
    },
}

impl Piece {
    pub(super) fn is_of(&self, epoch: u32, rank: Rank) -> bool {
        matches!(self, Self::Ours(place, _) if place.epoch == epoch && place.rank == rank)
    }
}

pub(super) struct Node {
    pub(super) origin: Origin,
    /// The incarnation under which its process came up.
    pub(super) process: Incarnation,
    /// The epoch of the team that it hosts.
    epoch: Option<u32>,
    msvpus: BTreeMap<Rank, (Place, Agenda<Payload>)>,
    started: u32,
    gate: Gate<Piece>,
    pub(super) running: Vec<Piece>,
    /// Who is to be told when the CPUs are reserved.
    asked: Vec<(u32, ReservationId)>,
    reservations: Reservations,
    /// Those who are to be told now.
    pub(super) granted: Vec<(u32, ReservationId)>,
}

/// Ours.
pub(super) const fn job() -> JobId {
    JobId::new(Uuid::from_u128(2))
}

fn flow(ours: bool) -> Flow {
    Flow {
        owner: 1,
        job: match ours {
            true => job(),
            false => JobId::new(Uuid::from_u128(1)),
        },
        weight: Priority::Normal,
    }
}

impl Node {
    pub(super) fn new(origin: Origin, process: Incarnation) -> Self {
        Self {
            origin,
            process,
            epoch: None,
            msvpus: BTreeMap::new(),
            started: 0,
            gate: Gate::new(),
            running: Vec::new(),
            asked: Vec::new(),
            reservations: Reservations::default(),
            granted: Vec::new(),
        }
    }

    /// Joins again as the same process, with nothing running but the steps that have begun.
    pub(super) fn rejoin(&mut self, origin: Origin) {
        self.origin = origin;
        self.epoch = None;
        self.clear();
    }

    fn clear(&mut self) {
        self.msvpus.clear();
        self.asked.clear();
        self.granted.clear();
        self.reservations = Reservations::default();
        self.gate.forget(flow(true).job);
    }

    /// The steps that have begun, and not ended.
    pub(super) fn steps(&self) -> impl Iterator<Item = Place> {
        self.running.iter().filter_map(|piece| match piece {
            Piece::Ours(place, Work::Step(..)) => Some(*place),
            _ => None,
        })
    }

    /// Of what it began under an incarnation before this one nothing runs any more.
    pub(super) fn settled(&self) -> Incarnation {
        let begun = self.steps().map(|place| place.origin.incarnation);
        begun.min().unwrap_or(self.origin.incarnation)
    }

    /// Stops what earlier leaders have here; whether nothing of it runs any more.
    pub(super) fn settle(&mut self, epoch: u32) -> bool {
        self.host(epoch) && self.steps().all(|place| place.epoch >= epoch)
    }

    /// Makes room for a team, and stops the one of an earlier leader; `false` when this one is the
    /// earlier.
    pub(super) fn host(&mut self, epoch: u32) -> bool {
        if self.epoch < Some(epoch) {
            self.epoch = Some(epoch);
            self.clear();
        }
        self.epoch == Some(epoch)
    }

    pub(super) fn start(&mut self, epoch: u32, ranks: &Ranks) -> bool {
        let hosted = self.host(epoch);
        for rank in ranks.iter().filter(|_| hosted) {
            self.started += 1;
            let number = self.started;
            let place = Place {
                epoch,
                rank,
                origin: self.origin,
                number,
            };
            let msvpu = || (place, Agenda::new());
            self.msvpus.entry(rank).or_insert_with(msvpu);
        }
        hosted
    }

    /// `false` when the team is not here.
    pub(super) fn retire(&mut self, epoch: u32, ranks: &Ranks) -> bool {
        let hosted = self.epoch == Some(epoch);
        if hosted {
            self.msvpus.retain(|rank, _| !ranks.contains(*rank));
        }
        hosted
    }

    pub(super) fn runs(&self, epoch: u32, rank: Rank) -> bool {
        self.epoch == Some(epoch) && self.msvpus.contains_key(&rank)
    }

    pub(super) fn order(&mut self, epoch: u32, rank: Rank, order: Order) {
        if self.epoch == Some(epoch)
            && let Some((place, agenda)) = self.msvpus.get_mut(&rank)
        {
            let (place, next) = (*place, agenda.order(order));
            self.go_on(place, next);
        }
    }

    fn go_on(&mut self, place: Place, next: Next<Payload>) {
        if let Some(work) = next.work {
            self.submit(Piece::Ours(place, work));
        }
    }

    pub(super) fn submit(&mut self, piece: Piece) {
        let flow = flow(matches!(piece, Piece::Ours(..)));
        self.gate.push(flow, 1.0, piece);
    }

    pub(super) fn reserve(&mut self, epoch: u32, rank: Rank, id: ReservationId) {
        if self.epoch == Some(epoch) {
            match self.reservations.reserve(id, rank) {
                Asked::New => self.open(),
                Asked::Again => {}
                Asked::Late => return,
            }
            self.asked.push((epoch, id));
            let granted = self.gate.reserve(flow(true).job);
            self.grant(granted);
        }
    }

    pub(super) fn admitted(&self, ranks: &Ranks) -> Ranks {
        self.reservations.admitted(ranks)
    }

    /// `false` when the team is not here.
    pub(super) fn release(&mut self, epoch: u32, id: ReservationId) -> bool {
        let hosted = self.epoch == Some(epoch);
        if hosted && self.reservations.release(id) {
            self.open();
        }
        hosted
    }

    fn open(&mut self) {
        self.asked.clear();
        let granted = self.gate.release(flow(true).job);
        self.grant(granted);
    }

    fn grant(&mut self, granted: Option<JobId>) {
        if granted.is_some() {
            self.granted.append(&mut self.asked);
        }
    }

    /// Takes the piece whose turn it is to a CPU; `false` when there is none, of either.
    pub(super) fn begin(&mut self) -> bool {
        let free = self.running.len() < CPUS;
        let piece = if free {
            self.gate.pop().map(|(.., piece)| piece)
        } else {
            None
        };
        let begun = piece.is_some();
        self.running.extend(piece);
        begun
    }

    /// A piece of those that run is done; returns whose answer that is.
    pub(super) fn finish(
        &mut self,
        which: usize,
        now: Duration,
    ) -> Option<(Place, Stage, Option<Payload>)> {
        let piece = self.running.swap_remove(which);
        let answer = self.end(piece, now);
        let granted = self.gate.finished();
        self.grant(granted);
        answer
    }

    fn end(&mut self, piece: Piece, now: Duration) -> Option<(Place, Stage, Option<Payload>)> {
        let Piece::Ours(place, work) = piece else {
            return None;
        };
        let (tile, answer) = match work {
            Work::Load(tile) => (Some(Arc::unwrap_or_clone(tile)), None),
            Work::Step(tile, round, task) => {
                let partial = partial(&tile, round, &task);
                (Some(tile), Some((Stage::Round(round), Some(partial))))
            }
            Work::Collect(tile, output) => {
                (None, Some((Stage::Collecting, tile_output(&tile, &output))))
            }
        };
        if let Some((of, agenda)) = self.msvpus.get_mut(&place.rank)
            && *of == place
        {
            let next = agenda.done(tile, answer.clone(), now);
            self.go_on(place, next);
        }
        answer.map(|(stage, payload)| (place, stage, payload))
    }

    /// What an MsVPU says when it is asked for an answer.
    pub(super) fn speak(
        &self,
        epoch: u32,
        rank: Rank,
        stage: Stage,
        now: Duration,
    ) -> Option<Event> {
        let origin = self.origin;
        let (place, agenda) = self.msvpus.get(&rank)?;
        if place.epoch != epoch {
            return None;
        }
        Some(match agenda.inquire(stage, now, WAY) {
            Word::Busy => return None,
            Word::LacksTile => Event::Lacks {
                origin,
                tiles: rank.into(),
                orders: Ranks::default(),
            },
            Word::LacksOrder => Event::Lacks {
                origin,
                tiles: Ranks::default(),
                orders: rank.into(),
            },
            Word::Answered(payload) => answered(origin, rank, stage, payload),
            Word::Failed(error) => Event::Failed(origin, error),
        })
    }
}
