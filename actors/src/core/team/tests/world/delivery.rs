//! What arrives where, and what is done there.

use super::program::tile_output;
use super::*;
use crate::core::msvpu::{Next, Word};

impl World {
    pub(super) fn deliver(&mut self, (epoch, mail): (u32, Mail)) {
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
            Mail::Reserve(to) => {
                if let Some(node) = self.nodes.get(&to) {
                    self.way.push(back(Event::Reserved(node.origin)));
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
    pub(super) fn compute(&mut self, node: NodeId, piece: usize) {
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
