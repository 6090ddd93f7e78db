//! What happens to a job of the machine, told in the terms that all services share.

use std::time::Duration;

use msvpu_actors::{JobState, NodeId, NodeReport, Phase, Progress, VirtualMachine};
use msvpu_web::model::{self, EventBody, IterationRow, NodeRow};
use msvpu_web::service::{Reporter, Told};

use crate::report::milliseconds;

/// Tells where a job stands and how far its rounds are.
pub(super) struct Teller {
    reporter: Reporter,
    phase: model::Phase,
}

impl Teller {
    pub(super) fn new(reporter: &Reporter) -> Self {
        Self {
            reporter: reporter.clone(),
            phase: model::Phase::Placing,
        }
    }

    /// Tells of what every program does; its tasks are for others to read.
    pub(super) fn event<Task>(&mut self, event: &Progress<Task>) {
        match event {
            Progress::State { state, .. } => self.state(state),
            Progress::Tiles {
                round,
                answered,
                team_size,
                ..
            } => self.reporter.tell(Told::Event(EventBody::Tiles {
                round: round.0,
                answered: *answered,
                team_size: *team_size,
            })),
            Progress::Round { .. } => {}
        }
    }

    fn state(&mut self, state: &JobState) {
        let reason = match state {
            JobState::Pending => Some("as many jobs run on the machine as may".to_owned()),
            JobState::Waiting(reason) => Some(reason.to_string()),
            JobState::Running(phase) => {
                self.phase = of_phase(*phase);
                None
            }
            // How it ends, its result tells.
            JobState::Succeeded | JobState::Failed(_) | JobState::Cancelled => return,
        };
        self.reporter.tell(Told::Phase(self.phase, reason));
    }

    pub(super) fn iteration(&self, row: IterationRow) {
        self.reporter.tell(Told::Event(EventBody::Iteration(row)));
    }
}

const fn of_phase(phase: Phase) -> model::Phase {
    match phase {
        Phase::Placing => model::Phase::Placing,
        Phase::Splitting => model::Phase::Splitting,
        Phase::Iterating => model::Phase::Iterating,
        Phase::Assembling => model::Phase::Assembling,
    }
}

/// A row that shows nothing but that a round is over.
pub(super) fn bare_row(iteration: u32, elapsed: Duration) -> IterationRow {
    IterationRow {
        iteration,
        values: Vec::new(),
        error: None,
        elapsed_ms: milliseconds(elapsed),
        details: serde_json::Map::new(),
    }
}

/// Tells what each node did.
pub(super) fn nodes(reporter: &Reporter, machine: &VirtualMachine, reports: &[NodeReport]) {
    let known = machine.nodes();
    let name = |node: NodeId| {
        let status = known.iter().find(|status| status.origin.node == node);
        status.map(|status| status.name.clone())
    };
    let row = |of: &NodeReport| NodeRow {
        node: of.node.0,
        name: name(of.node).filter(|name| !name.is_empty()),
        performance_index: of.performance_index,
        load_index: of.load_index,
        msvpus: of.msvpus,
        predicted_ms: of.predicted.map(milliseconds),
        actual_ms: milliseconds(of.actual),
        deviation: of.deviation,
    };
    let nodes = reports.iter().map(row).collect();
    reporter.tell(Told::Event(EventBody::Node { nodes }));
}
