//! What goes wrong with the nodes, and when.

use std::time::Duration;

use super::Cluster;
use crate::error::Site;
use crate::simulation::network::Flaws;
use crate::simulation::processors::{Fate, Fates};
use crate::simulation::spec::FaultKind;
use crate::simulation::timeline::Process;
use crate::work::Label;

impl Cluster {
    /// Ends a node's process.
    fn kill(&self, node: usize) {
        self.timeline.kill(node);
        self.timeline.note(&[3, node as u64]);
        let mut state = self.state();
        state.kills += 1;
        let slot = &mut state.nodes[node];
        let processors = slot.processors.take();
        if let Some(processors) = &processors {
            let (busy, steps) = processors.spent();
            slot.spent.0 += busy;
            slot.spent.1 += steps;
        }
        drop(state);
        if let Some(processors) = processors {
            processors.halt();
        }
        if let Some(link) = self.network.disconnect(node) {
            link.close();
        }
    }

    fn later(&self, delay: Option<Duration>, what: impl FnOnce(&Self) + Send + 'static) {
        let Some(delay) = delay else {
            return;
        };
        let this = self.this.clone();
        let action = move || {
            if let Some(this) = this.upgrade() {
                what(&this);
            }
        };
        let at = self.timeline.now().saturating_add(delay);
        self.timeline.schedule(at, None, Box::new(action));
    }

    fn set_factor(&self, node: usize, factor: f64) {
        let mut state = self.state();
        state.nodes[node].factor = factor;
        let processors = state.nodes[node].processors.clone();
        drop(state);
        if let Some(processors) = processors {
            processors.set_speed(self.spec.nodes[node - 1].speed * factor);
        }
    }

    /// Puts the faults of the spec on the timeline, counted from now.
    pub(crate) fn schedule_faults(&self) {
        for fault in &self.spec.faults {
            let kind = fault.kind.clone();
            if matches!(kind, FaultKind::Panic { .. } | FaultKind::Poison { .. }) {
                // These wait for their step.
                continue;
            }
            self.later(Some(fault.at), move |cluster| cluster.suffer(&kind));
        }
    }

    /// Nodes of the spec that are there from the start.
    pub(crate) fn first_nodes(&self) -> Vec<usize> {
        let joins = |node: &usize| {
            self.spec
                .faults
                .iter()
                .any(|fault| fault.kind == FaultKind::Join { node: node - 1 })
        };
        (1..=self.spec.nodes.len())
            .filter(|node| !joins(node))
            .collect()
    }

    fn suffer(&self, fault: &FaultKind) {
        match *fault {
            FaultKind::Kill {
                node,
                restart_after,
            } => {
                let node = node + 1;
                self.kill(node);
                self.later(restart_after, move |cluster| cluster.start(node));
            }
            FaultKind::Pause { node, duration } => {
                let node = node + 1;
                self.timeline.pause(node);
                self.timeline.note(&[4, node as u64]);
                self.later(Some(duration), move |cluster| cluster.timeline.resume(node));
            }
            FaultKind::Slow {
                node,
                factor,
                duration,
            } => {
                let node = node + 1;
                self.set_factor(node, factor);
                self.later(duration, move |cluster| cluster.set_factor(node, 1.0));
            }
            FaultKind::Partition {
                node,
                direction,
                duration,
            } => {
                let node = node + 1;
                self.network.cut(node, direction, true);
                self.later(Some(duration), move |cluster| {
                    cluster.network.cut(node, direction, false);
                });
            }
            FaultKind::Join { node } => self.start(node + 1),
            FaultKind::Link {
                node,
                loss,
                duplication,
                reordering,
                duration,
            } => {
                let node = node + 1;
                let flaws = Flaws {
                    loss,
                    duplication,
                    reordering,
                };
                self.network.flaw(node, flaws);
                self.later(duration, move |cluster| {
                    cluster.network.flaw(node, Flaws::default());
                });
            }
            // These wait for their step.
            FaultKind::Panic { .. } | FaultKind::Poison { .. } => {}
        }
    }
}

impl Fates for Cluster {
    fn fate(&self, process: Process, label: &Label) -> Fate {
        let Site::LocalStep(now, rank) = label.site else {
            return Fate::Runs;
        };
        let known = self
            .state()
            .jobs
            .get(&label.flow.job)
            .map(|(index, _)| *index);
        let Some(index) = known else {
            return Fate::Runs;
        };
        for fault in &self.spec.faults {
            match fault.kind {
                FaultKind::Panic { job, tile, round }
                    if (job, tile, round) == (index, rank.0, now.0) =>
                {
                    return Fate::Panics("a fault of the simulation".to_owned());
                }
                FaultKind::Poison { job, tile, round }
                    if (job, tile, round) == (index, rank.0, now.0) =>
                {
                    let node = process.node;
                    self.kill(node);
                    self.later(Some(self.spec.lease), move |cluster| cluster.start(node));
                    return Fate::Aborts;
                }
                _ => {}
            }
        }
        Fate::Runs
    }
}
