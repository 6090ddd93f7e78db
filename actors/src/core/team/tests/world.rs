//! A small world around the leader: nodes with MsVPUs, a balancer, a proxy, and a way between them
//! that loses, repeats and reorders. It checks every effect; when it turns fair the job must end.

mod happenings;
mod laws;
mod losses;
mod node;
mod program;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::*;
use crate::core::fate::Lives;
use crate::core::lease::Member;
use crate::core::msvpu::Order;
use crate::core::reservation::ReservationId;
use crate::id::{Incarnation, NodeId};
use node::Node;
use program::{folded, partial, reference};

const ROUNDS: u32 = 3;
const TILES: u32 = 5;
const NODES: u32 = 4;

/// In so many ticks after the last fault the job is over.
const FAIR_TICKS: usize = 150;

/// What is under way.
#[derive(Clone, Debug)]
enum Mail {
    Leader(Event),
    Start(Origin, Ranks),
    Retire(Origin, Ranks),
    Order(Origin, Ranks, Order),
    Inquire(Origin, Ranks, Stage),
    Settle(Origin),
    Reserve(Origin, Rank, ReservationId),
    Release(Origin, ReservationId),
    Allot(Ranks),
    Survey(Vec<Origin>, Vec<Origin>),
    Commit(Box<Record>),
}

struct World {
    team: Team,
    epoch: u32,
    leader: NodeId,
    now: Duration,
    recoverable: bool,
    tiles: Vec<Payload>,
    tasks: Vec<Payload>,
    expected: Finished,
    nodes: BTreeMap<NodeId, Node>,
    /// How often each has joined.
    joined: [u64; NODES as usize],
    /// The nodes that the balancer knows, and what it has placed there.
    members: BTreeSet<Origin>,
    lives: Lives,
    places: BTreeMap<Rank, Origin>,
    /// What the proxy has.
    record: Option<Record>,
    /// With the epoch of the leader that it is of.
    way: Vec<(u32, Mail)>,
    folding: Option<Event>,
    /// Answers that were taken, of this leader.
    taken: BTreeSet<(Rank, Stage)>,
    /// Incarnations whose process has ended, all of each process, and under which that came up.
    dead: BTreeMap<Origin, Incarnation>,
    /// The nodes with which a tile has gone down, or may have, as far as anybody knows.
    falls: BTreeMap<Rank, BTreeSet<Origin>>,
    /// Takes down whatever node begins a step on it.
    poison: Option<Rank>,
    poisoned: u32,
    ended: Option<Result<Finished, JobError>>,
}

impl World {
    fn new(recoverable: bool, nodes: u32, poison: Option<Rank>) -> Self {
        let tiles: Vec<_> = (0..TILES as u8).map(payload).collect();
        let (tasks, expected) = reference(&tiles);
        let mut world = Self {
            team: Team::new(Limits::default(), recoverable, None),
            epoch: 1,
            leader: NodeId(0),
            now: Duration::ZERO,
            recoverable,
            tiles,
            tasks,
            expected,
            nodes: BTreeMap::new(),
            joined: [0; NODES as usize],
            members: BTreeSet::new(),
            lives: Lives::default(),
            places: BTreeMap::new(),
            record: None,
            way: Vec::new(),
            folding: None,
            taken: BTreeSet::new(),
            dead: BTreeMap::new(),
            falls: BTreeMap::new(),
            poison,
            poisoned: 0,
            ended: None,
        };
        for node in 0..nodes {
            world.join(NodeId(node));
        }
        world.host_leader();
        world.notice();
        world.split();
        world
    }

    fn split(&mut self) {
        let split = (self.tiles.clone(), self.tasks[0].clone());
        self.tell(Event::Split(Ok(split)));
    }

    /// The leader learns something; what it does is checked and done.
    fn tell(&mut self, event: Event) {
        let answer = match &event {
            Event::Answered { answers, .. } => {
                let [answer] = answers.as_slice() else {
                    panic!("nodes of this world answer one by one: {answers:?}");
                };
                Some((answer.rank, answer.stage))
            }
            _ => None,
        };
        let effects = self.team.step(event, self.now);
        if let Some(answer) = answer
            && self.ended.is_none()
            && !matches!(effects[..], [Effect::Drop(_)])
        {
            assert!(self.taken.insert(answer), "{answer:?} was taken twice");
        }
        for effect in effects {
            assert!(self.ended.is_none(), "{effect:?} after the end");
            self.perform(effect);
        }
    }

    fn perform(&mut self, effect: Effect) {
        let mail = match effect {
            Effect::Enter(_) | Effect::Wait | Effect::Measured(..) | Effect::Drop(_) => return,
            Effect::Fold(round, task, partials) => {
                let expected = &self.tasks[round.0 as usize - 1];
                assert_eq!(task, *expected, "the task of round {round}");
                let of = |tile| partial(tile, round, expected);
                let right: Vec<_> = self.tiles.iter().map(of).collect();
                assert_eq!(partials, right, "in rank order, each once, round {round}");
                let next = folded(&partials);
                let step = if round.0 < ROUNDS {
                    Step::Next(next)
                } else {
                    Step::Done(next)
                };
                self.folding = Some(Event::Folded(Ok(step)));
                return;
            }
            Effect::Finish(result) => {
                self.ended = Some(result);
                return;
            }
            Effect::Allot(ranks) => Mail::Allot(ranks),
            Effect::Survey { origins, accused } => Mail::Survey(origins, accused),
            Effect::Commit(record) => Mail::Commit(record),
            Effect::Start(origin, ranks) => Mail::Start(origin, ranks),
            Effect::Retire(origin, ranks) => Mail::Retire(origin, ranks),
            Effect::Inquire(origin, ranks, stage) => {
                self.check(&ranks, Some(stage));
                Mail::Inquire(origin, ranks, stage)
            }
            Effect::Settle(origin) => Mail::Settle(origin),
            Effect::Reserve(origin, rank, id) => Mail::Reserve(origin, rank, id),
            Effect::Release(origin, id) => Mail::Release(origin, id),
            Effect::SendTile(origin, rank, tile) => {
                self.check(&rank.into(), None);
                Mail::Order(origin, rank.into(), Order::Load(Arc::new(tile)))
            }
            Effect::SendTask(origin, ranks, round, task) => {
                self.check(&ranks, Some(Stage::Round(round)));
                let safe = self.record.as_ref().map_or(0, |record| record.round.0);
                assert!(safe + 1 >= round.0, "the checkpoint is of round {safe}");
                Mail::Order(origin, ranks, Order::Step(round, Arc::new(task)))
            }
            Effect::SendOutput(origin, ranks, output) => {
                self.check(&ranks, Some(Stage::Collecting));
                Mail::Order(origin, ranks, Order::Collect(Arc::new(output)))
            }
        };
        self.way.push((self.epoch, mail));
    }

    /// With how many dead processes a tile has gone down, or may have.
    fn deaths(&self, rank: Rank) -> usize {
        let falls = self.falls.get(&rank).into_iter().flatten();
        let process = |fall: &Origin| Some((fall.node, *self.dead.get(fall)?));
        falls.filter_map(process).collect::<BTreeSet<_>>().len()
    }

    /// None that must not run is sent, none that has answered is asked.
    fn check(&self, sent: &Ranks, stage: Option<Stage>) {
        let held = self.team.suspects.held().intersection(sent);
        assert!(held.is_empty(), "{held:?} wait for their trial");
        if let Some(stage) = stage {
            let again = sent
                .iter()
                .find(|rank| self.taken.contains(&(*rank, stage)));
            assert_eq!(again, None, "it has answered in {stage:?}");
        }
    }
}
