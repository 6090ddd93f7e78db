//! What happens in the world, good or bad.

use super::node::{Piece, job};
use super::*;
use crate::core::msvpu::Work;
use crate::core::suspects::MAX_LOSSES;
use crate::id::Incarnation;

impl World {
    /// A node joins, as a new process.
    pub(super) fn join(&mut self, node: NodeId) {
        let process = Incarnation(self.joined[node.0 as usize] + 1);
        let origin = again(node.0, self.joined[node.0 as usize] + 1);
        self.there(Node::new(origin, process));
    }

    pub(super) fn there(&mut self, node: Node) {
        let origin = node.origin;
        self.joined[origin.node.0 as usize] = origin.incarnation.0;
        self.nodes.insert(origin.node, node);
        self.renew(origin.node);
    }

    /// What the node says of itself.
    fn renew(&mut self, node: NodeId) {
        let Some(node) = self.nodes.get(&node) else {
            return;
        };
        let (origin, process, settled) = (node.origin, node.process, node.settled());
        let lingers = settled < origin.incarnation;
        self.lives.seen(&Member {
            origin,
            process,
            lingering: lingers.then_some((job(), settled)).into_iter().collect(),
            name: String::new(),
            cpus: 1,
            draining: false,
        });
        let ended = |fall: &Origin| {
            fall.node == origin.node && (process..settled).contains(&fall.incarnation)
        };
        for falls in self.falls.values_mut() {
            falls.retain(|fall| !ended(fall));
        }
    }

    /// The node that a message is for, if it is there under that incarnation.
    fn receiver(&mut self, to: Origin) -> Option<&mut Node> {
        self.nodes
            .get_mut(&to.node)
            .filter(|node| node.origin == to)
    }

    pub(super) fn host_leader(&mut self) {
        let leader = self.nodes.get_mut(&self.leader);
        leader.expect("it is alive").host(self.epoch);
    }

    /// The balancer learns who is there.
    pub(super) fn notice(&mut self) {
        let there: BTreeSet<Origin> = self.nodes.values().map(|node| node.origin).collect();
        for origin in &there {
            self.renew(origin.node);
        }
        let lost: Vec<Origin> = self.members.difference(&there).copied().collect();
        self.members = there;
        if !lost.is_empty() {
            self.places.retain(|_, origin| !lost.contains(origin));
            self.way.push((self.epoch, Mail::Leader(Event::Lost(lost))));
        }
    }

    fn deliver(&mut self, (epoch, mail): (u32, Mail)) {
        let of_leader = matches!(
            mail,
            Mail::Leader(_) | Mail::Commit(_) | Mail::Allot(_) | Mail::Survey(..)
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
                    self.record = Some(*record);
                }
                self.way.push(back(Event::Committed(sequence)));
            }
            Mail::Survey(origins, accused) => {
                let gone = |origin: &Origin| !self.members.contains(origin);
                let lost: Vec<Origin> = origins.into_iter().filter(gone).collect();
                if !lost.is_empty() {
                    self.way.push(back(Event::Lost(lost)));
                }
                let there = |node| self.members.iter().any(|member| member.node == node);
                let word = |of: Origin| self.lives.finding(job(), of, there(of.node));
                let fates: Vec<_> = accused.into_iter().filter_map(word).collect();
                if !fates.is_empty() {
                    self.way.push(back(Event::Fates(fates)));
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
                if let Some(node) = self.receiver(to)
                    && node.start(epoch, &ranks)
                {
                    self.way.push(back(Event::Started(to, ranks)));
                }
            }
            Mail::Retire(to, ranks) => {
                if let Some(node) = self.receiver(to)
                    && node.retire(epoch, &ranks)
                {
                    self.way.push(back(Event::Absent(to, ranks)));
                }
            }
            Mail::Order(to, ranks, order) => {
                if let Some(node) = self.receiver(to) {
                    for rank in node.admitted(&ranks).iter() {
                        node.order(epoch, rank, order.clone());
                    }
                }
            }
            Mail::Settle(to) => {
                if let Some(node) = self.receiver(to)
                    && node.settle(epoch)
                {
                    self.way.push(back(Event::Settled(to)));
                }
            }
            Mail::Reserve(to, rank, id) => {
                if let Some(node) = self.receiver(to) {
                    node.reserve(epoch, rank, id);
                }
                self.grants(to.node);
            }
            Mail::Release(to, id) => {
                if let Some(node) = self.receiver(to)
                    && node.release(epoch, id)
                {
                    self.way.push(back(Event::Released(to, id)));
                }
                self.grants(to.node);
            }
            Mail::Inquire(to, ranks, stage) => {
                let now = self.now;
                if let Some(node) = self.receiver(to) {
                    let speak = |rank| node.speak(epoch, rank, stage, now);
                    let mut events: Vec<Event> = ranks.iter().filter_map(speak).collect();
                    let there = |rank: &Rank| node.runs(epoch, *rank);
                    let absent: Ranks = ranks.iter().filter(|rank| !there(rank)).collect();
                    if !absent.is_empty() {
                        events.push(Event::Absent(to, absent));
                    }
                    self.way.extend(events.into_iter().map(back));
                }
            }
        }
    }

    /// What a node has granted since it was asked last.
    fn grants(&mut self, node: NodeId) {
        if let Some(node) = self.nodes.get_mut(&node) {
            let origin = node.origin;
            let granted = node.granted.drain(..);
            let mails =
                granted.map(|(epoch, id)| (epoch, Mail::Leader(Event::Reserved(origin, id))));
            self.way.extend(mails);
        }
    }

    /// A node begins the piece of work whose turn it is, or ends one; tells whether there was one.
    fn compute(&mut self, node: NodeId, which: usize) -> bool {
        let begins = which.is_multiple_of(2);
        let begun = begins && self.begin(node);
        begun || self.finish(node, which / 2) || (!begins && self.begin(node))
    }

    fn begin(&mut self, node: NodeId) -> bool {
        let Some(here) = self.nodes.get_mut(&node) else {
            return false;
        };
        let begun = here.begin();
        let trial = self.team.suspects.trial();
        let on_trial = |piece: &Piece| {
            let place = trial.filter(|trial| self.team.crews.runs(here.origin, *trial));
            place.is_some_and(|trial| piece.is_of(self.epoch, trial))
        };
        if here.running.iter().any(on_trial) {
            assert_eq!(
                here.running.len(),
                1,
                "{trial:?} is alone: {:?}",
                here.running
            );
        }
        self.check_places();
        begun
    }

    /// Those that it has taken down, and those where it may do so: at no time more than three.
    fn check_places(&self) {
        let of = |node: &&Node| node.steps().any(|place| self.poison == Some(place.rank));
        let places = self.nodes.values().filter(of).count() as u32;
        let (taken, most) = (self.poisoned, u32::from(MAX_LOSSES));
        assert!(
            taken + places <= most,
            "{taken} are down, {places} may follow"
        );
    }

    fn finish(&mut self, node: NodeId, which: usize) -> bool {
        let Some(here) = self.nodes.get_mut(&node) else {
            return false;
        };
        let Some(piece) = here.running.get(which % here.running.len().max(1)) else {
            return false;
        };
        let deadly = match piece {
            Piece::Others { deadly } => *deadly,
            Piece::Ours(place, Work::Step(..)) if self.poison == Some(place.rank) => {
                self.poisoned += 1;
                true
            }
            Piece::Ours(..) => false,
        };
        if deadly {
            // The machine has nodes enough to lose, and they come back.
            if self.nodes.len() == 1 {
                self.join(NodeId((node.0 + 1) % NODES));
            }
            self.kill(node);
            return true;
        }
        let which = which % here.running.len();
        if let Some((place, stage, payload)) = here.finish(which, self.now) {
            let event = answered(place.origin, place.rank, stage, payload);
            self.way.push((place.epoch, Mail::Leader(event)));
        }
        self.grants(node);
        true
    }

    fn fold(&mut self) {
        if let Some(event) = self.folding.take() {
            self.tell(event);
        }
    }

    /// One thing happens, good or bad.
    pub(super) fn happen(&mut self, kind: u8, which: usize) {
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
            54..84 => drop(self.compute(node, which / 7)),
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
            110..113 => self.cut_off(node),
            // Others work there too, and some of it takes down the node.
            100..110 => {
                if let Some(here) = self.nodes.get_mut(&node) {
                    here.submit(Piece::Others {
                        deadly: kind >= 106,
                    });
                }
            }
            _ => self.fold(),
        }
    }

    /// Nothing gets lost, everything in order, until there is nothing left to happen.
    pub(super) fn settle(&mut self) {
        loop {
            let nodes: Vec<NodeId> = self.nodes.keys().copied().collect();
            if !self.way.is_empty() {
                let mail = self.way.remove(0);
                self.deliver(mail);
            } else if nodes.iter().any(|node| self.compute(*node, 0)) {
                // A node has done something.
            } else if self.folding.is_some() {
                self.fold();
            } else {
                return;
            }
        }
    }

    /// From now on the world is fair.
    pub(super) fn end(mut self) -> Self {
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
