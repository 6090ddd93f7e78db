//! What becomes of jobs whose leader was lost, or for which there is no node.

use super::{Job, MAX_LEADER_LOSSES, Proxy, is_lost};
use crate::core::patience::Patience;
use crate::error::JobError;
use crate::id::{JobId, Origin, Round};
use crate::message::Address;
use crate::message::BalancerMessage;

impl Proxy {
    /// A node is lost: the jobs that were led there get another leader.
    pub(super) fn lost(&mut self, origin: Origin) {
        let now = self.host.clock.now();
        self.lost.insert(origin.node, (origin.incarnation, now));
        let led: Vec<JobId> = self
            .jobs
            .iter()
            .filter(|(_, job)| job.leader == Some(origin))
            .map(|(id, _)| *id)
            .collect();
        for id in led {
            if let Err(error) = self.replace_leader(id) {
                self.end(id, Err(error));
            }
        }
    }

    /// What was lost so long ago is chosen by nobody any more.
    pub(super) fn forget_lost(&mut self) {
        if let Some(timing) = self.host.timing {
            let now = self.host.clock.now();
            self.lost
                .retain(|_, (_, at)| now.saturating_sub(*at) <= timing.memory());
        }
    }

    /// # Errors
    /// When so many were lost that the job is given up.
    pub(super) fn replace_leader(&mut self, id: JobId) -> Result<(), JobError> {
        let Some(job) = self.jobs.get_mut(&id) else {
            return Ok(());
        };
        log::debug!("job {id}: its leader was lost");
        if let Some(journal) = self.journals.get(id) {
            journal.leader_lost();
        }
        (job.leader, job.team) = (None, None);
        (job.ordered, job.started) = (false, false);
        job.patience = Patience::default();
        // The next leader counts anew.
        (job.told, job.answered) = (0, (Round(0), 0));
        job.losses += 1;
        if let Some(record) = &mut job.record {
            // Other nodes may have gone down before, unheard of by the leader.
            record.lost(|origin| is_lost(&self.lost, origin));
            record.sequence = 0;
        }
        if job.losses >= MAX_LEADER_LOSSES {
            return Err(JobError::LeadersLost {
                losses: job.losses,
                round: job.round(),
            });
        }
        let forget = BalancerMessage::Forget { job: id };
        self.host.link.send(Address::Balancer, forget);
        self.place(id);
        Ok(())
    }

    /// Who has waited for a node for as long as may be, waits no longer.
    pub(super) fn end_those_without_node(&mut self) {
        let Some(timeout) = self.host.timing.and_then(|timing| timing.node_timeout) else {
            return;
        };
        let now = self.host.clock.now();
        let over = |job: &Job| {
            job.waiting_since
                .is_some_and(|since| now - since >= timeout)
        };
        let over = self.jobs.iter().filter(|(_, job)| over(job));
        for id in over.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.cancel(id);
            self.end(id, Err(JobError::NoNode { timeout }));
        }
    }
}
