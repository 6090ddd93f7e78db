//! Which nodes the machine has, and which leader of a job may speak.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use crate::id::{Epoch, Incarnation, JobId, NodeId};

/// What is known of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Member {
    pub(crate) node: NodeId,
    pub(crate) incarnation: Incarnation,
    /// How many steps it computes at once.
    pub(crate) cpus: u32,
}

/// The directory's memory.
#[derive(Debug, Default)]
pub(crate) struct Membership {
    members: BTreeMap<NodeId, Member>,
    epochs: HashMap<JobId, Epoch>,
}

impl Membership {
    /// Takes a node in; an older incarnation than the known one is refused.
    pub(crate) fn join(&mut self, member: Member) -> bool {
        let stale = self
            .members
            .get(&member.node)
            .is_some_and(|known| known.incarnation > member.incarnation);
        if !stale {
            self.members.insert(member.node, member);
        }
        !stale
    }

    /// The nodes, by id.
    pub(crate) fn members(&self) -> Vec<Member> {
        self.members.values().copied().collect()
    }

    /// A new epoch for a job, higher than every one granted before.
    pub(crate) fn grant(&mut self, job: JobId) -> Epoch {
        let epoch = self.epochs.entry(job).or_default();
        epoch.0 += 1;
        *epoch
    }

    /// Forgets a job that has ended.
    pub(crate) fn release(&mut self, job: JobId) {
        self.epochs.remove(&job);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn epochs_of_a_job_only_grow() {
        let mut membership = Membership::default();
        let (a, b) = (
            JobId::new(Uuid::from_u128(1)),
            JobId::new(Uuid::from_u128(2)),
        );
        assert_eq!(membership.grant(a), Epoch(1));
        assert_eq!(membership.grant(a), Epoch(2));
        assert_eq!(membership.grant(b), Epoch(1));
        membership.release(b);
        assert_eq!(membership.grant(a), Epoch(3));
    }

    #[test]
    fn a_stale_incarnation_cannot_join() {
        let mut membership = Membership::default();
        let member = |incarnation, cpus| Member {
            node: NodeId(1),
            incarnation: Incarnation(incarnation),
            cpus,
        };
        assert!(membership.join(member(2, 4)));
        assert!(!membership.join(member(1, 8)));
        assert_eq!(membership.members(), [member(2, 4)]);
        assert!(membership.join(member(3, 8)));
        assert_eq!(membership.members(), [member(3, 8)]);
    }
}
