//! What is told of the nodes.

use super::{Balance, step_cost};
use crate::core::examination::{Examination, PROBES};
use crate::core::ranks::Ranks;
use crate::job::{Cost, NodeStatus};

impl Balance {
    /// What is known of the nodes. Their indices are those of eq. 4 for a step of the work and the
    /// size of the larger test: unlike eq. 1, which has no CPUs, it tells what a node does with all of
    /// them.
    pub(crate) fn status(&self) -> Vec<NodeStatus> {
        let [_, larger] = PROBES;
        let test = step_cost(Cost {
            complexity: larger.work,
            bytes_exchanged: larger.bytes,
            tile_bytes: 0.0,
        });
        let seconds = |node: &Examination| Some(node.performance()?.execution_seconds(test));
        let shortest = self
            .nodes
            .values()
            .filter_map(seconds)
            .fold(f64::INFINITY, f64::min);
        let status = |node: &Examination| NodeStatus {
            origin: node.member.origin,
            name: node.member.name.clone(),
            age: None,
            draining: node.member.draining,
            cpus: node.member.cpus,
            performance_index: seconds(node).map(|seconds| shortest / seconds),
            msvpus: self
                .teams
                .values()
                .filter_map(|placement| placement.places.get(&node.member.origin))
                .map(|ranks: &Ranks| ranks.len() as u32)
                .sum(),
            load: node.load(),
        };
        let computing = self.nodes.values().filter(|node| node.member.cpus > 0);
        computing.map(status).collect()
    }
}
