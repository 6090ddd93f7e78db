//! How long the operations of a program take beside those of the performance test.
//!
//! A program counts its work in operations of its own, `C_k`, and the test in other ones, `C_0`; the
//! ratio of eq. 5 takes them for the same. What one is worth in the other, and how much of a node
//! others leave, the rounds show.

use std::collections::BTreeMap;

use crate::id::NodeId;

/// What a new round weighs beside all before it.
const SMOOTHING: f64 = 0.5;

/// No operation is worth more, or the reciprocal of less.
const LARGEST: f64 = 1e6;

/// What was learned of the programs, on each node.
#[derive(Debug, Default)]
pub(crate) struct Calibration {
    programs: BTreeMap<String, BTreeMap<NodeId, Factor>>,
}

#[derive(Clone, Copy, Debug)]
struct Factor {
    value: f64,
    /// Of a first round only, in which tiles were on their way too.
    provisional: bool,
}

impl Calibration {
    /// By what to multiply the time that the performance test foretells; what other nodes have shown
    /// where this one has shown nothing, 1 where none has.
    pub(crate) fn factor(&self, program: &str, node: NodeId) -> f64 {
        let Some(nodes) = self.programs.get(program) else {
            return 1.0;
        };
        if let Some(factor) = nodes.get(&node) {
            return factor.value;
        }
        let logarithms = nodes.values().map(|factor| libm::log(factor.value));
        libm::exp(logarithms.sum::<f64>() / nodes.len().max(1) as f64)
    }

    /// A round took so many times as long as the test alone foretells.
    pub(crate) fn learn(&mut self, program: &str, node: NodeId, ratio: f64, provisional: bool) {
        if !ratio.is_finite() || ratio <= 0.0 {
            return;
        }
        let value = ratio.clamp(1.0 / LARGEST, LARGEST);
        let nodes = self.programs.entry(program.to_owned()).or_default();
        let new = Factor { value, provisional };
        let factor = nodes.entry(node).or_insert(new);
        match (factor.provisional, provisional) {
            (false, true) => {}
            (true, false) => *factor = new,
            _ => factor.value += SMOOTHING * (value - factor.value),
        }
    }

    /// What was learned of this node does not hold any more.
    pub(crate) fn forget(&mut self, node: NodeId) {
        self.retain(|of| of != node);
    }

    /// Forgets the nodes that are not there any more.
    pub(crate) fn retain(&mut self, is_there: impl Fn(NodeId) -> bool) {
        for nodes in self.programs.values_mut() {
            nodes.retain(|node, _| is_there(*node));
        }
        self.programs.retain(|_, nodes| !nodes.is_empty());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: NodeId = NodeId(1);
    const THERE: NodeId = NodeId(2);
    const NEW: NodeId = NodeId(3);

    #[test]
    fn nothing_is_known_until_a_round_has_shown_it() {
        let mut calibration = Calibration::default();
        assert_eq!(calibration.factor("a", HERE), 1.0);
        calibration.learn("a", HERE, 4.0, false);
        assert_eq!(calibration.factor("a", HERE), 4.0);
        assert_eq!(calibration.factor("b", HERE), 1.0, "another program");
    }

    #[test]
    fn a_new_node_is_taken_for_one_like_the_others() {
        let mut calibration = Calibration::default();
        calibration.learn("a", HERE, 4.0, false);
        calibration.learn("a", THERE, 9.0, false);
        let factor = calibration.factor("a", NEW);
        assert!((factor - 6.0).abs() < 1e-12, "{factor}");
        calibration.retain(|node| node == HERE);
        assert!((calibration.factor("a", NEW) - 4.0).abs() < 1e-12);
        calibration.retain(|_| false);
        assert_eq!(calibration.factor("a", HERE), 1.0);
    }

    #[test]
    fn what_changes_is_followed_and_a_first_round_counts_for_little() {
        let mut calibration = Calibration::default();
        calibration.learn("a", HERE, 30.0, true);
        assert_eq!(calibration.factor("a", HERE), 30.0);
        calibration.learn("a", HERE, 4.0, false);
        assert_eq!(calibration.factor("a", HERE), 4.0);
        calibration.learn("a", HERE, 30.0, true);
        assert_eq!(calibration.factor("a", HERE), 4.0);
        for _ in 0..20 {
            calibration.learn("a", HERE, 8.0, false);
        }
        assert!((calibration.factor("a", HERE) - 8.0).abs() < 1e-4);
    }

    #[test]
    fn what_is_no_ratio_teaches_nothing() {
        let mut calibration = Calibration::default();
        for ratio in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            calibration.learn("a", HERE, ratio, false);
        }
        assert_eq!(calibration.factor("a", HERE), 1.0);
        calibration.learn("a", HERE, 1e-300, false);
        assert_eq!(calibration.factor("a", HERE), 1e-6);
    }
}
