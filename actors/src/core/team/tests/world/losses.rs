//! Nodes die or are cut off, and leaders with them.

use super::node::Node;
use super::*;

impl World {
    /// A node was cut off, given up, and joins again with nothing running.
    pub(super) fn cut_off(&mut self, node: NodeId) {
        if let Some(mut lost) = self.lose(node, false) {
            lost.rejoin(again(node.0, self.joined[node.0 as usize] + 1));
            self.there(lost);
        }
    }

    pub(super) fn kill(&mut self, node: NodeId) {
        self.lose(node, true);
    }

    /// Takes it out, unless it is the only one: one node always stays.
    fn lose(&mut self, node: NodeId, dies: bool) -> Option<Node> {
        if self.nodes.len() == 1 {
            return None;
        }
        let lost = self.nodes.remove(&node)?;
        if dies {
            let process = lost.process.0..=lost.origin.incarnation.0;
            self.dead
                .extend(process.map(|of| (again(node.0, of), lost.process)));
        }
        self.fall(&lost);
        if node == self.leader && self.ended.is_none() {
            self.lose_leader(lost.origin);
        }
        Some(lost)
    }

    /// Takes down which tiles may have been at work on nodes that are lost.
    fn fall(&mut self, lost: &Node) {
        let hosted = (0..TILES)
            .map(Rank)
            .filter(|rank| lost.runs(self.epoch, *rank));
        let mut falls: Vec<(Rank, Origin)> = hosted.map(|rank| (rank, lost.origin)).collect();
        falls.extend(lost.steps().map(|place| (place.rank, place.origin)));
        // Whether one that was placed had started, nobody but the leader can know.
        if let Some(record) = &self.record {
            let there = |origin: &Origin| self.nodes.values().any(|node| node.origin == *origin);
            let shares = record.shares.iter().map(|of| (of.origin, &of.ranks));
            let former = record.suspects.former().map(|of| (of.origin, &of.ranks));
            for (origin, ranks) in shares.chain(former).filter(|(origin, _)| !there(origin)) {
                falls.extend(ranks.iter().map(|rank| (rank, origin)));
            }
        }
        for (rank, origin) in falls {
            self.falls.entry(rank).or_default().insert(origin);
        }
    }

    fn lose_leader(&mut self, lost: Origin) {
        self.epoch += 1;
        self.places.clear();
        self.taken.clear();
        self.folding = None;
        self.leader = *self.nodes.keys().next().unwrap();
        if let Some(record) = &mut self.record {
            record.sequence = 0;
            // Of others that went down before it may hear after that.
            record.lost(|origin| origin == lost || !self.members.contains(&origin));
        }
        self.host_leader();
        self.team = Team::new(Limits::default(), self.recoverable, self.record.clone());
        self.split();
    }
}
