//! What the MsVPUs of a team have in common on one node, and how they answer together.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::catalog::Instance;
use crate::core::answer::Answer;
use crate::core::fair::Flow;
use crate::core::outbox::Outbox;
use crate::host::Host;
use crate::id::{NodeId, Origin, TeamId};
use crate::job::JobOptions;
use crate::message::{Address, LeaderMessage};

/// What the MsVPUs of one node's share of a team have in common.
pub(crate) struct LocalTeam {
    pub(super) host: Host,
    /// Of this node, when the share was started: what is computed under an incarnation that was
    /// given up must not pass for the work of the next.
    pub(super) origin: Origin,
    team: TeamId,
    leader: NodeId,
    pub(super) flow: Flow,
    pub(super) instance: Arc<dyn Instance>,
    outbox: Mutex<Outbox<Answer>>,
}

impl LocalTeam {
    pub(crate) fn new(
        host: Host,
        team: TeamId,
        leader: NodeId,
        options: &JobOptions,
        instance: Arc<dyn Instance>,
    ) -> Self {
        Self {
            origin: host.link.origin(),
            host,
            team,
            leader,
            flow: options.flow(team.job),
            instance,
            outbox: Mutex::new(Outbox::new()),
        }
    }

    /// So many MsVPUs are about to get an order that ends in an answer.
    pub(crate) fn ordered(&self, msvpus: usize, now: Duration) {
        locked(&self.outbox).order(msvpus, now);
    }

    pub(super) fn answer(&self, answer: Answer, now: Duration) {
        let answers = locked(&self.outbox).put(answer, now);
        self.tell_answers(answers, now);
    }

    /// Sends what waits for the others.
    pub(crate) fn flush(&self) {
        let now = self.host.clock.now();
        let answers = locked(&self.outbox).tick(now);
        self.tell_answers(answers, now);
    }

    pub(super) fn drop_orders(&self, orders: usize) {
        for _ in 0..orders {
            let now = self.host.clock.now();
            let answers = locked(&self.outbox).drop_order(now);
            self.tell_answers(answers, now);
        }
    }

    pub(super) fn tell_answers(&self, answers: Option<Vec<Answer>>, sent: Duration) {
        if let Some(answers) = answers {
            self.tell_leader(LeaderMessage::Answers {
                origin: self.origin,
                sent,
                answers,
            });
        }
    }

    /// There is no need to ask for tiles that are still coming.
    pub(crate) fn tell_loading(&self) {
        let origin = self.origin;
        self.tell_leader(LeaderMessage::Loading { origin });
    }

    pub(super) fn tell_leader(&self, message: LeaderMessage) {
        let leader = Address::Leader(self.team, self.leader);
        self.host.link.send(leader, message);
    }
}

/// What is locked here is changed by functions that do not panic, and no work runs under a lock.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
