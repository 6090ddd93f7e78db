//! A small world around the leader: nodes with MsVPUs, a balancer, a proxy, and a way between them
//! that loses, repeats and reorders. It checks every effect; when it turns fair the job must end.

mod delivery;
mod program;

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use self::program::{folded, partial, reference};
use super::*;
use crate::core::msvpu::{Agenda, Order, Work};
use crate::id::NodeId;

const ROUNDS: u32 = 3;
const TILES: u32 = 5;
const NODES: u32 = 4;

/// In so many ticks after the last fault the job is over.
const FAIR_TICKS: usize = 60;

/// What is under way.
#[derive(Clone, Debug)]
enum Mail {
    Leader(Event),
    Start(NodeId, Ranks),
    Retire(NodeId, Ranks),
    Order(NodeId, Ranks, Order),
    Inquire(NodeId, Ranks, Stage),
    Reserve(NodeId),
    Allot(Ranks),
    Survey(Vec<Origin>),
    Commit(Record),
}

struct Node {
    origin: Origin,
    /// By the epoch of their leader.
    msvpus: BTreeMap<(u32, Rank), Agenda<Payload>>,
    work: Vec<(u32, Rank, Work<Payload>)>,
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
    places: BTreeMap<Rank, Origin>,
    /// What the proxy has.
    record: Option<Record>,
    /// With the epoch of the leader that it is of.
    way: Vec<(u32, Mail)>,
    folding: Option<Event>,
    /// Answers that were taken, of this leader.
    taken: BTreeSet<(Rank, Stage)>,
    /// With how many nodes a tile has gone down.
    falls: BTreeMap<Rank, u32>,
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
            places: BTreeMap::new(),
            record: None,
            way: Vec::new(),
            folding: None,
            taken: BTreeSet::new(),
            falls: BTreeMap::new(),
            poison,
            poisoned: 0,
            ended: None,
        };
        for node in 0..nodes {
            world.join(NodeId(node));
        }
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
            Event::Answered(_, rank, stage, _) => Some((*rank, *stage)),
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
            Effect::Enter(_) | Effect::Measured(..) | Effect::Drop(_) | Effect::Release(_) => {
                return;
            }
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
            Effect::Survey(origins) => Mail::Survey(origins),
            Effect::Commit(record) => Mail::Commit(record),
            Effect::Reserve(origin) => Mail::Reserve(origin.node),
            Effect::Start(origin, ranks) => Mail::Start(origin.node, ranks),
            Effect::Retire(origin, ranks) => Mail::Retire(origin.node, ranks),
            Effect::Inquire(origin, ranks, stage) => {
                self.check(&ranks, Some(stage));
                Mail::Inquire(origin.node, ranks, stage)
            }
            Effect::SendTile(origin, rank, tile) => {
                self.check(&rank.into(), None);
                Mail::Order(origin.node, rank.into(), Order::Load(tile))
            }
            Effect::SendTask(origin, ranks, round, task) => {
                self.check(&ranks, Some(Stage::Round(round)));
                let safe = self.record.as_ref().map_or(0, |record| record.round.0);
                assert!(safe + 1 >= round.0, "the checkpoint is of round {safe}");
                Mail::Order(origin.node, ranks, Order::Step(round, task))
            }
            Effect::SendOutput(origin, ranks, output) => {
                self.check(&ranks, Some(Stage::Collecting));
                Mail::Order(origin.node, ranks, Order::Collect(output))
            }
        };
        self.way.push((self.epoch, mail));
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

    /// A node joins. What was under way to it when it went down is lost with its queues.
    fn join(&mut self, node: NodeId) {
        self.way.retain(|(_, mail)| match mail {
            Mail::Start(to, _) | Mail::Retire(to, _) | Mail::Reserve(to) => *to != node,
            Mail::Order(to, ..) | Mail::Inquire(to, ..) => *to != node,
            Mail::Leader(_) | Mail::Allot(_) | Mail::Survey(_) | Mail::Commit(_) => true,
        });
        self.joined[node.0 as usize] += 1;
        let origin = again(node.0, self.joined[node.0 as usize]);
        let (msvpus, work) = (BTreeMap::new(), Vec::new());
        self.nodes.insert(
            node,
            Node {
                origin,
                msvpus,
                work,
            },
        );
    }

    /// The balancer learns who is there.
    fn notice(&mut self) {
        let there: BTreeSet<Origin> = self.nodes.values().map(|node| node.origin).collect();
        let lost: Vec<Origin> = self.members.difference(&there).copied().collect();
        self.members = there;
        if !lost.is_empty() {
            self.places.retain(|_, origin| !lost.contains(origin));
            self.way.push((self.epoch, Mail::Leader(Event::Lost(lost))));
        }
    }

    fn kill(&mut self, node: NodeId) {
        if self.nodes.len() == 1 {
            return;
        }
        let Some(lost) = self.nodes.remove(&node) else {
            return;
        };
        let here = lost.msvpus.keys().filter(|(epoch, _)| *epoch == self.epoch);
        let mut fallen: BTreeSet<Rank> = here.map(|(_, rank)| *rank).collect();
        if node == self.leader {
            // Whether one that was to start had started, the proxy cannot know.
            let shares = self.record.iter().flat_map(|record| &record.shares);
            let shares = shares.filter(|share| share.origin == lost.origin);
            let known: Ranks = shares.flat_map(|share| share.ranks.iter()).collect();
            fallen.extend(known.iter());
        }
        for rank in fallen {
            *self.falls.entry(rank).or_default() += 1;
        }
        if node != self.leader || self.ended.is_some() {
            return;
        }
        self.epoch += 1;
        self.places.clear();
        self.taken.clear();
        self.folding = None;
        self.leader = *self.nodes.keys().next().unwrap();
        if let Some(record) = &mut self.record {
            record.sequence = 0;
            if let Err(error) = record.lost(lost.origin) {
                self.team.state = State::Ended;
                self.ended = Some(Err(error));
                return;
            }
        }
        self.team = Team::new(Limits::default(), self.recoverable, self.record.clone());
        self.split();
    }

    fn fold(&mut self) {
        if let Some(event) = self.folding.take() {
            self.tell(event);
        }
    }

    /// One thing happens, good or bad.
    fn happen(&mut self, kind: u8, which: usize) {
        self.now += at(10);
        let some = |of: usize| which % of.max(1);
        let node = NodeId(some(NODES as usize) as u32);
        match kind {
            0..40 if !self.way.is_empty() => {
                let mail = self.way.remove(some(self.way.len()));
                self.deliver(mail);
            }
            40..44 if !self.way.is_empty() => drop(self.way.swap_remove(some(self.way.len()))),
            44..48 if !self.way.is_empty() => {
                let copy = self.way[some(self.way.len())].clone();
                self.way.push(copy);
            }
            48..54 => self.tell(Event::Tick),
            54..84 => self.compute(node, which / 7),
            84..87 => self.kill(node),
            87..90 if !self.nodes.contains_key(&node) => self.join(node),
            90..93 => {
                let rank = Rank((which / 7) as u32 % TILES);
                if let Some(to) = self.members.iter().find(|to| to.node == node) {
                    let share = share(*to, [rank.0]);
                    self.places.insert(rank, *to);
                    self.way
                        .push((self.epoch, Mail::Leader(Event::Moved(vec![share]))));
                }
            }
            93..95 => self.notice(),
            _ => self.fold(),
        }
    }

    /// Nothing gets lost, everything in order, until there is nothing left to happen.
    fn settle(&mut self) {
        loop {
            let nodes: Vec<NodeId> = self.nodes.keys().copied().collect();
            let busy = |node: &&NodeId| self.nodes.get(node).is_some_and(|n| !n.work.is_empty());
            if !self.way.is_empty() {
                let mail = self.way.remove(0);
                self.deliver(mail);
            } else if let Some(node) = nodes.iter().find(busy) {
                self.compute(*node, 0);
            } else if self.folding.is_some() {
                self.fold();
            } else {
                return;
            }
        }
    }

    /// From now on the world is fair.
    fn end(mut self) -> Self {
        for _ in 0..FAIR_TICKS {
            self.settle();
            if self.ended.is_some() {
                return self;
            }
            self.now += at(500);
            self.notice();
            self.tell(Event::Tick);
        }
        panic!(
            "the job hangs: {:?}, the balancer knows {:?}",
            self.team, self.members
        );
    }
}

fn script(length: usize) -> impl Strategy<Value = Vec<(u8, usize)>> {
    prop::collection::vec((0_u8..100, 0_usize..1000), 0..length)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Whatever gets lost, repeated or overtaken, and whichever nodes: the result is right.
    #[test]
    fn a_job_ends_with_the_right_result_whatever_gets_lost(script in script(300)) {
        let mut world = World::new(true, NODES, None);
        for (kind, which) in script {
            world.happen(kind, which);
        }
        let world = world.end();
        match world.ended {
            Some(Ok(finished)) => prop_assert_eq!(finished, world.expected),
            Some(Err(JobError::PoisonTile { rank, losses: 3 })) => {
                prop_assert!(world.falls[&rank] >= 3, "{} has fallen {:?}", rank, world.falls);
            }
            other => prop_assert!(false, "{other:?}"),
        }
    }

    /// A tile that takes down whoever touches it takes down three, and is named.
    #[test]
    fn poison_is_found(poison in 0..TILES, script in script(120)) {
        let mut world = World::new(true, NODES, Some(Rank(poison)));
        for (kind, which) in script {
            // No other losses.
            if !(84..87).contains(&kind) {
                world.happen(kind, which);
            }
        }
        let world = world.end();
        let named = JobError::PoisonTile { rank: Rank(poison), losses: 3 };
        prop_assert_eq!(world.ended, Some(Err(named)));
        // What a leader learned last may go down with it: then not all losses are counted.
        prop_assert!(world.poisoned == 3 || world.epoch > 1, "{}", world.poisoned);
    }

    /// In one process nothing gets lost and nobody ticks.
    #[test]
    fn in_one_process_no_tick_is_needed(script in script(200)) {
        let mut world = World::new(false, 1, None);
        for (kind, which) in script {
            if matches!(kind, 0..40 | 54..84 | 95..) {
                world.happen(kind, which);
            }
        }
        world.settle();
        prop_assert_eq!(world.ended, Some(Ok(world.expected)));
    }
}
