//! What each node did for a job, beside what was expected of it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::core::performance::deviations;
use crate::core::ranks::Ranks;
use crate::id::{NodeId, Origin};
use crate::job::{Forecast, NodeReport};

/// Kept by the leader, round by round.
#[derive(Debug, Default)]
pub(crate) struct Reports {
    forecasts: BTreeMap<NodeId, Forecast>,
    nodes: BTreeMap<NodeId, NodeReport>,
}

impl Reports {
    /// From now on this is expected.
    pub(crate) fn expect(&mut self, forecasts: &[Forecast]) {
        for forecast in forecasts {
            self.forecasts.insert(forecast.node, *forecast);
        }
    }

    /// A round is over.
    pub(crate) fn round(&mut self, times: &[(Origin, Ranks, Duration)]) {
        // Nodes that have no part in it any more run none.
        for report in self.nodes.values_mut() {
            report.msvpus = 0;
        }
        for (origin, ranks, took) in times {
            let forecast = self.forecasts.get(&origin.node);
            let report = self.nodes.entry(origin.node).or_insert(NodeReport {
                node: origin.node,
                performance_index: None,
                load_index: None,
                msvpus: 0,
                predicted: forecast.map(|_| Duration::ZERO),
                actual: Duration::ZERO,
                deviation: 0.0,
            });
            report.msvpus = ranks.len() as u32;
            report.actual += *took;
            if let Some(forecast) = forecast {
                report.performance_index = Some(forecast.performance_index);
                report.load_index = Some(forecast.load_index);
                let before = report.predicted;
                report.predicted = before.map(|sum| sum.saturating_add(forecast.round));
            }
        }
    }

    /// The nodes that have computed, with how far each is off the mean.
    pub(crate) fn nodes(&self) -> Vec<NodeReport> {
        let seconds: Vec<f64> = self
            .nodes
            .values()
            .map(|n| n.actual.as_secs_f64())
            .collect();
        let reports = self.nodes.values().zip(deviations(&seconds));
        reports
            .map(|(report, deviation)| NodeReport {
                deviation,
                ..*report
            })
            .collect()
    }
}
