//! What each node did for a job, beside what was expected of it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::core::crew::Lap;
use crate::core::performance::deviations;
use crate::id::NodeId;
use crate::job::{Forecast, NodeReport};

/// Kept by the leader, round by round, and in the record of each for the next leader.
#[derive(Debug, Default)]
pub(crate) struct Reports {
    forecasts: BTreeMap<NodeId, Forecast>,
    nodes: BTreeMap<NodeId, NodeReport>,
    /// What stands in the latest record, and the number of that.
    recorded: (u64, Vec<NodeReport>),
}

impl Reports {
    /// Of a leader that goes on where another was lost.
    pub(crate) fn resumed(done: Vec<NodeReport>) -> Self {
        Self {
            nodes: done.into_iter().map(|of| (of.node, of)).collect(),
            ..Self::default()
        }
    }

    /// From now on this is expected.
    pub(crate) fn foretell(&mut self, forecasts: &[Forecast]) {
        for forecast in forecasts {
            self.forecasts.insert(forecast.node, *forecast);
        }
    }

    /// A round is over.
    pub(crate) fn round(&mut self, laps: &[Lap]) {
        // Nodes that have no part in it any more run none.
        for report in self.nodes.values_mut() {
            report.msvpus = 0;
        }
        for lap in laps {
            let Some(took) = lap.took else {
                continue;
            };
            let node = lap.origin.node;
            let forecast = self.forecasts.get(&node);
            let report = self.nodes.entry(node).or_insert(NodeReport {
                node,
                performance_index: None,
                load_index: None,
                msvpus: 0,
                predicted: forecast.map(|_| Duration::ZERO),
                actual: Duration::ZERO,
                deviation: 0.0,
            });
            report.msvpus = lap.ranks.len() as u32;
            report.actual += took;
            if let Some(forecast) = forecast {
                report.performance_index = Some(forecast.performance_index);
                report.load_index = Some(forecast.load_index);
                let before = report.predicted;
                report.predicted = before.map(|sum| sum.saturating_add(forecast.round));
            }
        }
    }

    /// What belongs into the record of that number: what was done before it was made, however often and
    /// late it is told.
    pub(crate) fn recorded(&mut self, sequence: u64) -> Vec<NodeReport> {
        if sequence > self.recorded.0 {
            self.recorded = (sequence, self.nodes());
        }
        self.recorded.1.clone()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{Incarnation, Origin};

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn forecast(node: u32, index: f64, round: Duration) -> Forecast {
        Forecast {
            node: NodeId(node),
            performance_index: index,
            load_index: 10.0 * index,
            round,
        }
    }

    fn time(node: u32, ranks: std::ops::Range<u32>, took: Duration) -> Lap {
        let origin = Origin {
            node: NodeId(node),
            incarnation: Incarnation(1),
        };
        Lap {
            origin,
            ranks: ranks.into(),
            took: Some(took),
            whole: false,
        }
    }

    #[test]
    fn rounds_add_up_beside_what_was_expected() {
        let mut reports = Reports::default();
        reports.foretell(&[forecast(1, 0.5, ms(100)), forecast(2, 1.0, ms(80))]);
        reports.round(&[time(1, 0..4, ms(110)), time(2, 4..12, ms(90))]);
        // MsVPUs move: from now on other times are expected.
        reports.foretell(&[forecast(1, 0.25, ms(50))]);
        reports.round(&[time(1, 0..2, ms(50)), time(2, 2..12, ms(150))]);
        let [one, two] = &reports.nodes()[..] else {
            panic!("two nodes")
        };
        assert_eq!((one.node, one.msvpus), (NodeId(1), 2));
        assert_eq!(
            (one.performance_index, one.load_index),
            (Some(0.25), Some(2.5))
        );
        assert_eq!((one.predicted, one.actual), (Some(ms(150)), ms(160)));
        assert_eq!((two.node, two.msvpus), (NodeId(2), 10));
        assert_eq!((two.predicted, two.actual), (Some(ms(160)), ms(240)));
        // The mean is 200 ms: both are 40 ms off it.
        assert!((one.deviation - 0.2).abs() < 1e-12 && (two.deviation - 0.2).abs() < 1e-12);
    }

    #[test]
    fn a_node_of_which_nothing_is_known_has_no_forecast() {
        let mut reports = Reports::default();
        assert!(reports.nodes().is_empty());
        reports.round(&[time(3, 0..1, ms(10))]);
        let report = reports.nodes()[0];
        assert_eq!((report.performance_index, report.predicted), (None, None));
        assert_eq!((report.actual, report.deviation), (ms(10), 0.0));
    }

    #[test]
    fn a_node_that_was_lost_keeps_what_it_did() {
        let mut reports = Reports::default();
        reports.round(&[time(1, 0..2, ms(10)), time(2, 2..4, ms(10))]);
        reports.round(&[time(2, 0..4, ms(20))]);
        let nodes = reports.nodes();
        assert_eq!(nodes[0].actual, ms(10));
        assert_eq!(nodes[1].actual, ms(30));
        // The mean is 20 ms.
        assert!((nodes[0].deviation - 0.5).abs() < 1e-12, "{nodes:?}");
    }

    #[test]
    fn the_next_leader_goes_on_adding() {
        let mut first = Reports::default();
        first.foretell(&[forecast(1, 0.5, ms(10))]);
        first.round(&[time(1, 0..2, ms(10)), time(2, 2..4, ms(20))]);
        let mut next = Reports::resumed(first.nodes());
        assert_eq!(next.nodes(), first.nodes());
        next.foretell(&[forecast(2, 1.0, ms(40))]);
        next.round(&[time(2, 0..4, ms(40))]);
        let [one, two] = &next.nodes()[..] else {
            panic!("two nodes")
        };
        assert_eq!((one.msvpus, one.actual), (0, ms(10)));
        assert_eq!(
            (one.performance_index, one.predicted),
            (Some(0.5), Some(ms(10)))
        );
        assert_eq!((two.msvpus, two.actual), (4, ms(60)));
        assert_eq!(two.predicted, None, "not of all rounds");
    }

    /// It would be added again when the next leader computes the round again.
    #[test]
    fn a_record_that_is_told_again_holds_no_round_that_ended_meanwhile() {
        let mut reports = Reports::default();
        assert!(reports.recorded(1).is_empty());
        reports.round(&[time(1, 0..2, ms(10))]);
        assert!(reports.recorded(1).is_empty(), "told again");
        assert_eq!(reports.recorded(2), reports.nodes());
        reports.round(&[time(1, 0..2, ms(10))]);
        let mut next = Reports::resumed(reports.recorded(2));
        next.round(&[time(1, 0..2, ms(10))]);
        assert_eq!(next.nodes()[0].actual, ms(20), "two rounds");
    }

    #[test]
    fn a_round_beyond_all_bounds_is_no_overflow() {
        let mut reports = Reports::default();
        reports.foretell(&[forecast(1, 1.0, Duration::MAX)]);
        for _ in 0..2 {
            reports.round(&[time(1, 0..1, ms(1))]);
        }
        assert_eq!(reports.nodes()[0].predicted, Some(Duration::MAX));
    }
}
