//! What goes wrong with the nodes, and when.

use std::collections::HashMap;
use std::time::Duration;

use super::Cluster;
use crate::error::Site;
use crate::simulation::network::Flaws;
use crate::simulation::overlapping::Overlapping;
use crate::simulation::processors::{Fate, Fates};
use crate::simulation::spec::{Fault, FaultKind};
use crate::simulation::timeline::{Action, Process};
use crate::work::Label;

/// The faults that wait for their step, by job, tile and round.
pub(super) type StepFaults = HashMap<(usize, u32, u32), StepFault>;

/// What becomes of a step.
#[derive(Clone, Copy, Debug)]
pub(super) enum StepFault {
    Panic,
    Poison,
}

/// Of two for the same step the first counts.
pub(super) fn step_faults(faults: &[Fault]) -> StepFaults {
    let mut of = StepFaults::new();
    for fault in faults {
        let (step, fault) = match fault.kind {
            FaultKind::Panic { job, tile, round } => ((job, tile, round), StepFault::Panic),
            FaultKind::Poison { job, tile, round } => ((job, tile, round), StepFault::Poison),
            _ => continue,
        };
        of.entry(step).or_insert(fault);
    }
    of
}

impl Cluster {
    /// Ends a node's process, if there is one.
    fn kill(&self, node: usize) -> bool {
        if !self.is_up(node) {
            return false;
        }
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
        true
    }

    fn is_up(&self, node: usize) -> bool {
        let state = self.state();
        let slot = state.nodes.get(node);
        slot.is_some_and(|slot| slot.processors.is_some())
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
        self.timeline
            .schedule(at, None, Action::Once(Box::new(action)));
    }

    /// Slow faults begin or end.
    fn change_factors(&self, node: usize, change: impl FnOnce(&mut Overlapping<f64>)) {
        let mut state = self.state();
        let slot = &mut state.nodes[node];
        change(&mut slot.factors);
        let factor = slot.factors.now().unwrap_or(1.0);
        let processors = slot.processors.clone();
        drop(state);
        if let Some(processors) = processors {
            processors.set_speed(self.spec.nodes[node - 1].speed * factor);
        }
    }

    /// Stops a node's process for a while, if there is one.
    fn pause(&self, node: usize, duration: Duration) {
        let Some(processors) = self.state().nodes[node].processors.clone() else {
            return;
        };
        let (process, ran) = self.timeline.pause(node);
        self.timeline.note(&[4, node as u64]);
        if ran {
            processors.pause();
        }
        self.later(Some(duration), move |cluster| {
            if cluster.timeline.resume(process) {
                processors.resume();
            }
        });
    }

    /// Puts the faults of the spec on the timeline, counted from now.
    pub(crate) fn schedule_faults(&self) {
        for (number, fault) in self.spec.faults.iter().enumerate() {
            let kind = fault.kind.clone();
            if matches!(kind, FaultKind::Panic { .. } | FaultKind::Poison { .. }) {
                // These wait for their step.
                continue;
            }
            self.later(Some(fault.at), move |cluster| {
                cluster.suffer(number, &kind);
            });
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

    fn suffer(&self, number: usize, fault: &FaultKind) {
        match *fault {
            FaultKind::Kill {
                node,
                restart_after,
            } => {
                let node = node + 1;
                if self.kill(node) {
                    self.later(restart_after, move |cluster| cluster.start(node));
                }
            }
            FaultKind::Pause { node, duration } => self.pause(node + 1, duration),
            FaultKind::Slow {
                node,
                factor,
                duration,
            } => {
                let node = node + 1;
                self.change_factors(node, |factors| factors.begin(number, factor));
                self.later(duration, move |cluster| {
                    cluster.change_factors(node, |factors| factors.end(number));
                });
            }
            FaultKind::Partition {
                node,
                direction,
                duration,
            } => {
                let node = node + 1;
                self.network.cut(node, direction);
                self.later(Some(duration), move |cluster| {
                    cluster.network.heal(node, direction);
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
                self.network.flaw(node, number, flaws);
                self.later(duration, move |cluster| {
                    cluster.network.mend(node, number);
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
        if self.step_faults.is_empty() {
            return Fate::Runs;
        }
        let known = self
            .state()
            .jobs
            .get(&label.flow.job)
            .map(|(index, _)| *index);
        let fault = known.and_then(|job| Some((job, self.step_faults.get(&(job, rank.0, now.0))?)));
        match fault {
            None => Fate::Runs,
            Some((_, StepFault::Panic)) => Fate::Panics("a fault of the simulation".to_owned()),
            Some((job, StepFault::Poison)) => {
                let node = process.node;
                let killed = u64::from(self.kill(node));
                *self.state().killed.entry(job).or_default() += killed;
                self.later(Some(self.spec.lease), move |cluster| cluster.start(node));
                Fate::Aborts
            }
        }
    }
}
