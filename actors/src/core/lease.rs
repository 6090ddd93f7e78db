//! Which nodes the machine has, for how long, and which leader of a job may speak.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::id::{Epoch, Incarnation, JobId, NodeId, Origin, TeamId};

/// What is known of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Member {
    pub(crate) origin: Origin,
    /// The incarnation under which its process came up: all from that one to this were the same.
    pub(crate) process: Incarnation,
    /// The jobs of which something is at work there still that was stopped, a step that has begun, and the first
    /// incarnation under which that was.
    pub(crate) lingering: Vec<(JobId, Incarnation)>,
    /// For people.
    pub(crate) name: String,
    /// How many steps it computes at once. A node of none runs leaders only, and gets them before
    /// all others: that is the head, where the inputs of the jobs are.
    pub(crate) cpus: u32,
    /// Whether it is about to leave, and gets nothing more.
    pub(crate) draining: bool,
}

/// What the directory answers to a sign of life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Renewal {
    /// A node that was not there.
    Joined,
    /// A node that was lost or had left, under a later incarnation than then.
    Rejoined,
    /// A node that was there under an incarnation that is lost now.
    Replaced(Origin),
    /// A node that was there.
    Renewed,
    /// A node that was there, and says something else of itself than before.
    Changed,
    /// This incarnation was given up; a higher one than this may join.
    Expelled(Incarnation),
}

/// The directory's memory.
///
/// A lease counts from the latest grant that the node has *seen*: it says which with each sign of
/// life. So a node that can be heard but cannot hear is lost like one that is silent.
#[derive(Debug)]
pub(crate) struct Leases {
    /// `None`: nodes are never lost, because there is but one process.
    lease: Option<Duration>,
    memory: Duration,
    members: BTreeMap<NodeId, Lease>,
    /// The highest incarnation of each node that was given up, and when; for a while.
    expelled: BTreeMap<NodeId, (Incarnation, Duration)>,
    epochs: BTreeMap<JobId, Epoch>,
}

#[derive(Debug)]
struct Lease {
    member: Member,
    /// When the latest grant that the node has seen was made.
    since: Duration,
}

impl Leases {
    /// Who was given up is remembered as such for `memory`.
    pub(crate) const fn new(lease: Option<Duration>, memory: Duration) -> Self {
        Self {
            lease,
            memory,
            members: BTreeMap::new(),
            expelled: BTreeMap::new(),
            epochs: BTreeMap::new(),
        }
    }

    /// A sign of life at `now`; `seen` is the time of the latest grant of this directory that the
    /// node has seen under that incarnation.
    pub(crate) fn renew(
        &mut self,
        member: Member,
        seen: Option<Duration>,
        now: Duration,
    ) -> Renewal {
        let Origin { node, incarnation } = member.origin;
        if let Some((given_up, _)) = self.expelled.get(&node)
            && incarnation <= *given_up
        {
            return Renewal::Expelled(*given_up);
        }
        match self.members.get_mut(&node) {
            Some(lease) if lease.member.origin.incarnation == incarnation => {
                // Never into the future, whatever the node says.
                lease.since = lease.since.max(seen.unwrap_or_default().min(now));
                if lease.member == member {
                    return Renewal::Renewed;
                }
                lease.member = member;
                Renewal::Changed
            }
            Some(lease) if lease.member.origin.incarnation > incarnation => {
                Renewal::Expelled(lease.member.origin.incarnation)
            }
            Some(lease) => {
                let lost = lease.member.origin;
                *lease = Lease { member, since: now };
                self.expelled.insert(node, (lost.incarnation, now));
                Renewal::Replaced(lost)
            }
            // It was there, so long ago that this is forgotten.
            None if seen.is_some() => Renewal::Expelled(incarnation),
            None => {
                self.members.insert(node, Lease { member, since: now });
                if self.expelled.contains_key(&node) {
                    Renewal::Rejoined
                } else {
                    Renewal::Joined
                }
            }
        }
    }

    /// Takes out the nodes whose lease has run out.
    pub(crate) fn expire(&mut self, now: Duration) -> Vec<Member> {
        let Some(term) = self.lease else {
            return Vec::new();
        };
        let lost: Vec<Origin> = self
            .members
            .values()
            .filter(|lease| now.saturating_sub(lease.since) > term)
            .map(|lease| lease.member.origin)
            .collect();
        let lost = lost
            .into_iter()
            .filter_map(|origin| self.leave(origin, now))
            .collect();
        let memory = self.memory;
        self.expelled
            .retain(|_, (_, at)| now.saturating_sub(*at) <= memory);
        lost
    }

    /// This incarnation is not there any more. Tells who it was, if it was there.
    pub(crate) fn leave(&mut self, origin: Origin, now: Duration) -> Option<Member> {
        match self.members.entry(origin.node) {
            Entry::Occupied(lease) if lease.get().member.origin == origin => {
                self.expelled.insert(origin.node, (origin.incarnation, now));
                Some(lease.remove().member)
            }
            _ => None,
        }
    }

    /// How long ago each node was last known to hear and speak.
    pub(crate) fn ages(&self, now: Duration) -> Vec<(NodeId, Duration)> {
        let age = |(node, lease): (&NodeId, &Lease)| (*node, now.saturating_sub(lease.since));
        self.members.iter().map(age).collect()
    }

    /// The nodes, by id.
    pub(crate) fn members(&self) -> Vec<Member> {
        let members = self.members.values();
        members.map(|lease| lease.member.clone()).collect()
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

    /// Those of the teams whose job has ended or is led under a higher epoch.
    pub(crate) fn over(&self, teams: &[TeamId]) -> Vec<TeamId> {
        let current = |team: &TeamId| self.epochs.get(&team.job) == Some(&team.epoch);
        teams
            .iter()
            .filter(|team| !current(team))
            .copied()
            .collect()
    }
}

#[cfg(test)]
mod tests;
