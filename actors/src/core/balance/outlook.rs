//! What is known of the nodes, and what is expected of them.

use std::time::Duration;

use super::{Balance, step_cost};
use crate::core::examination::{Examination, PROBES};
use crate::core::performance::{NodePerformance, load_indices, performance_indices};
use crate::core::ranks::Ranks;
use crate::id::{NodeId, TeamId};
use crate::job::{Cost, Forecast, NodeStatus};

impl Balance {
    /// What each node is expected to do for the team (eqs. 4 and 8).
    pub(super) fn forecasts(&self, team: TeamId) -> Vec<Forecast> {
        let Some(placement) = self.teams.get(&team) else {
            return Vec::new();
        };
        let cost = step_cost(placement.cost);
        let nodes: Vec<(NodeId, u32, NodePerformance)> = self
            .nodes
            .values()
            .filter_map(|node| {
                let here = placement
                    .places
                    .get(&node.member.origin)
                    .map_or(0, Ranks::len);
                Some((node.member.origin.node, here as u32, node.performance()?))
            })
            .collect();
        let seconds: Vec<f64> = nodes
            .iter()
            .map(|(.., p)| p.execution_seconds(cost))
            .collect();
        let indices = performance_indices(&seconds);
        let all: u32 = nodes.iter().map(|(_, count, _)| count).sum();
        let loads = load_indices(f64::from(all), &indices);
        let forecast = nodes.iter().zip(indices).zip(loads).map(
            |(((node, count, performance), performance_index), load_index)| Forecast {
                node: *node,
                performance_index,
                load_index,
                round: Duration::try_from_secs_f64(performance.round_seconds(*count, cost))
                    .unwrap_or(Duration::MAX),
            },
        );
        forecast.collect()
    }

    /// What is known of the nodes (eq. 1).
    pub(crate) fn status(&self) -> Vec<NodeStatus> {
        let test = step_cost(Cost {
            complexity: PROBES[0].work,
            bytes_exchanged: PROBES[0].bytes,
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
            cpus: node.member.cpus,
            performance_index: seconds(node).map(|seconds| shortest / seconds),
            msvpus: self
                .teams
                .values()
                .filter_map(|placement| placement.places.get(&node.member.origin))
                .map(|ranks| ranks.len() as u32)
                .sum(),
        };
        self.nodes.values().map(status).collect()
    }
}
