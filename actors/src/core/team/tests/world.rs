//! A small world around the leader: nodes with MsVPUs, a balancer, a proxy, and a way between them
//! that loses, repeats and reorders. It checks every effect; when it turns fair the job must end.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::core::msvpu::{Agenda, Next, Order, Word, Work};
use crate::id::NodeId;

const ROUNDS: u32 = 3;
const TILES: u32 = 5;
const NODES: u32 = 4;

/// In so many ticks after the last fault the job is over.
const FAIR_TICKS: usize = 60;

/// What the program computes: any mixture that differs for other arguments.
fn mixed(values: impl IntoIterator<Item = u32>) -> Payload {
    let mix = |sum: u32, value: u32| (sum ^ value).wrapping_mul(0x0100_0193).rotate_left(5);
    let mixed = values.into_iter().fold(7, mix);
    Payload {
        head: mixed.to_le_bytes().to_vec().into(),
        ..Payload::default()
    }
}

fn numbers(payload: &Payload) -> impl Iterator<Item = u32> {
    payload.head.iter().copied().map(u32::from)
}

fn partial(tile: &Payload, round: Round, task: &Payload) -> Payload {
    mixed(
        [round.0]
            .into_iter()
            .chain(numbers(tile))
            .chain(numbers(task)),
    )
}

fn tile_output(tile: &Payload, output: &Payload) -> Option<Payload> {
    let mixed = mixed(numbers(tile).chain(numbers(output)));
    Some(mixed).filter(|mixed| mixed.head[0] > 60)
}

fn folded(partials: &[Payload]) -> Payload {
    mixed(partials.iter().flat_map(numbers))
}

/// The tasks of all rounds, then the output, as one who knows no nodes computes them.
fn reference(tiles: &[Payload]) -> (Vec<Payload>, Finished) {
    let mut tasks = vec![payload(9)];
    for round in (1..=ROUNDS).map(Round) {
        let task = &tasks[tasks.len() - 1];
        let partials: Vec<_> = tiles
            .iter()
            .map(|tile| partial(tile, round, task))
            .collect();
        tasks.push(folded(&partials));
    }
    let output = tasks[ROUNDS as usize].clone();
    let tiles = tiles
        .iter()
        .map(|tile| tile_output(tile, &output))
        .collect();
    (tasks, Finished { output, tiles })
}

/// What is under way.
#[derive(Clone, Debug)]
enum Mail {
    Leader(Event),
    Start(NodeId, Ranks),
    Retire(NodeId, Ranks),
    Order(NodeId, Ranks, Order),
    Inquire(NodeId, Ranks, Stage),
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
            Effect::Enter(_) | Effect::Measured(..) | Effect::Drop(_) => return,
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
            Mail::Start(to, _) | Mail::Retire(to, _) => *to != node,
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

    fn deliver(&mut self, (epoch, mail): (u32, Mail)) {
        let of_leader = matches!(
            mail,
            Mail::Leader(_) | Mail::Commit(_) | Mail::Allot(_) | Mail::Survey(_)
        );
        if of_leader && epoch != self.epoch {
            return;
        }
        let back = |mail| (epoch, Mail::Leader(mail));
        match mail {
            Mail::Leader(event) => self.tell(event),
            Mail::Commit(record) => {
                let sequence = record.sequence;
                if self
                    .record
                    .as_ref()
                    .is_none_or(|known| known.sequence < sequence)
                {
                    self.record = Some(record);
                }
                self.way.push(back(Event::Committed(sequence)));
            }
            Mail::Survey(origins) => {
                let gone = |origin: &Origin| !self.members.contains(origin);
                let lost: Vec<Origin> = origins.into_iter().filter(gone).collect();
                if !lost.is_empty() {
                    self.way.push(back(Event::Lost(lost)));
                }
            }
            Mail::Allot(ranks) => {
                let members: Vec<Origin> = self.members.iter().copied().collect();
                let place = |rank: Rank| {
                    let new = members[(rank.0 + self.epoch) as usize % members.len()];
                    let origin = *self.places.entry(rank).or_insert(new);
                    Share {
                        origin,
                        ranks: rank.into(),
                    }
                };
                let shares = ranks.iter().map(place).collect();
                self.way.push(back(Event::Allotted(shares)));
            }
            Mail::Start(to, ranks) => {
                if let Some(node) = self.nodes.get_mut(&to) {
                    for rank in ranks.iter() {
                        node.msvpus.entry((epoch, rank)).or_insert_with(Agenda::new);
                    }
                    self.way.push(back(Event::Started(node.origin, ranks)));
                }
            }
            Mail::Retire(to, ranks) => {
                if let Some(node) = self.nodes.get_mut(&to) {
                    node.msvpus
                        .retain(|(of, rank), _| *of != epoch || !ranks.contains(*rank));
                    node.work
                        .retain(|(of, rank, _)| *of != epoch || !ranks.contains(*rank));
                }
            }
            Mail::Order(to, ranks, order) => {
                if let Some(node) = self.nodes.get_mut(&to) {
                    for rank in ranks.iter() {
                        if let Some(agenda) = node.msvpus.get_mut(&(epoch, rank)) {
                            let next = agenda.order(order.clone());
                            node.begin(epoch, rank, next);
                        }
                    }
                }
            }
            Mail::Inquire(to, ranks, stage) => {
                if let Some(node) = self.nodes.get(&to) {
                    let events = ranks
                        .iter()
                        .filter_map(|rank| node.speak(epoch, rank, stage));
                    self.way.extend(events.map(back));
                    let there = |rank: &Rank| node.msvpus.contains_key(&(epoch, *rank));
                    let absent: Ranks = ranks.iter().filter(|rank| !there(rank)).collect();
                    if !absent.is_empty() {
                        self.way.push(back(Event::Absent(node.origin, absent)));
                    }
                }
            }
        }
    }

    /// A node does a piece of its work.
    fn compute(&mut self, node: NodeId, piece: usize) {
        let Some(here) = self.nodes.get_mut(&node) else {
            return;
        };
        if here.work.is_empty() {
            return;
        }
        let (epoch, rank, work) = here.work.swap_remove(piece % here.work.len());
        let (tile, answer) = match work {
            Work::Load(tile) => (Some(tile), None),
            Work::Step(..) if self.poison == Some(rank) => {
                // The machine has nodes enough to lose, and they come back.
                self.poisoned += u32::from(epoch == self.epoch);
                let last = self.nodes.len() == 1;
                if last {
                    self.join(NodeId((node.0 + 1) % NODES));
                }
                self.kill(node);
                return;
            }
            Work::Step(tile, round, task) => {
                let partial = partial(&tile, round, &task);
                (Some(tile), Some((Stage::Round(round), Some(partial))))
            }
            Work::Collect(tile, output) => {
                (None, Some((Stage::Collecting, tile_output(&tile, &output))))
            }
        };
        if let Some((stage, payload)) = &answer {
            let event = Event::Answered(here.origin, rank, *stage, payload.clone());
            self.way.push((epoch, Mail::Leader(event)));
        }
        if let Some(agenda) = here.msvpus.get_mut(&(epoch, rank)) {
            let next = agenda.done(tile, answer);
            here.begin(epoch, rank, next);
        }
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

impl Node {
    fn begin(&mut self, epoch: u32, rank: Rank, next: Next<Payload>) {
        self.work.extend(next.work.map(|work| (epoch, rank, work)));
    }

    fn speak(&self, epoch: u32, rank: Rank, stage: Stage) -> Option<Event> {
        let origin = self.origin;
        Some(match self.msvpus.get(&(epoch, rank))?.inquire(stage) {
            Word::Busy => return None,
            Word::LacksTile => Event::Lacks {
                origin,
                rank,
                tile: true,
            },
            Word::LacksOrder => Event::Lacks {
                origin,
                rank,
                tile: false,
            },
            Word::Answered(payload) => Event::Answered(origin, rank, stage, payload),
            Word::Failed(error) => Event::Failed(origin, error),
        })
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
