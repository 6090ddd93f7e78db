//! Which nodes the machine has, for how long, and which leader of a job may speak.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::id::{Epoch, Incarnation, JobId, NodeId, Origin, TeamId};

/// What is known of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Member {
    pub(crate) origin: Origin,
    /// The incarnation under which its process came up: all from that one to this were the same.
    pub(crate) process: Incarnation,
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
                Renewal::Joined
            }
        }
    }

    /// Takes out the nodes whose lease has run out.
    pub(crate) fn expire(&mut self, now: Duration) -> Vec<Origin> {
        let Some(term) = self.lease else {
            return Vec::new();
        };
        let lost: Vec<Origin> = self
            .members
            .values()
            .filter(|lease| now.saturating_sub(lease.since) > term)
            .map(|lease| lease.member.origin)
            .collect();
        for origin in &lost {
            self.leave(*origin, now);
        }
        let memory = self.memory;
        self.expelled
            .retain(|_, (_, at)| now.saturating_sub(*at) <= memory);
        lost
    }

    /// This incarnation is not there any more. Tells whether it was.
    pub(crate) fn leave(&mut self, origin: Origin, now: Duration) -> bool {
        let its = |lease: &Lease| lease.member.origin == origin;
        if !self.members.get(&origin.node).is_some_and(its) {
            return false;
        }
        self.members.remove(&origin.node);
        self.expelled.insert(origin.node, (origin.incarnation, now));
        true
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
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    const TERM: Duration = Duration::from_secs(2);
    const MEMORY: Duration = Duration::from_secs(200);

    fn at(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn member(incarnation: u64) -> Member {
        Member {
            origin: Origin {
                node: NodeId(1),
                incarnation: Incarnation(incarnation),
            },
            name: "one".to_owned(),
            process: Incarnation(incarnation),
            cpus: 4,
            draining: false,
        }
    }

    #[test]
    fn a_node_that_leaves_is_gone_at_once_and_for_good() {
        let mut leases = Leases::new(Some(TERM), MEMORY);
        leases.renew(member(1), None, at(0));
        let draining = Member {
            draining: true,
            ..member(1)
        };
        assert_eq!(
            leases.renew(draining.clone(), None, at(1)),
            Renewal::Changed
        );
        assert_eq!(leases.members(), [draining]);
        assert_eq!(leases.ages(at(5)), [(NodeId(1), at(5))]);
        assert!(!leases.leave(member(2).origin, at(5)));
        assert!(leases.leave(member(1).origin, at(5)));
        assert!(!leases.leave(member(1).origin, at(5)));
        assert_eq!(leases.members(), []);
        assert_eq!(
            leases.renew(member(1), None, at(2)),
            Renewal::Expelled(Incarnation(1))
        );
    }

    #[test]
    fn epochs_of_a_job_only_grow() {
        let mut leases = Leases::new(None, MEMORY);
        let job = |n| JobId::new(Uuid::from_u128(n));
        let (a, b) = (job(1), job(2));
        assert_eq!(leases.grant(a), Epoch(1));
        assert_eq!(leases.grant(a), Epoch(2));
        assert_eq!(leases.grant(b), Epoch(1));
        let team = |job, epoch| TeamId {
            job,
            epoch: Epoch(epoch),
        };
        let teams = [team(a, 1), team(a, 2), team(b, 1), team(job(3), 1)];
        assert_eq!(leases.over(&teams), [team(a, 1), team(job(3), 1)]);
        leases.release(b);
        assert_eq!(
            leases.over(&teams),
            [team(a, 1), team(b, 1), team(job(3), 1)]
        );
        assert_eq!(leases.grant(a), Epoch(3));
    }

    #[test]
    fn a_silent_node_is_lost_when_its_lease_is_over_and_not_before() {
        let mut leases = Leases::new(Some(TERM), MEMORY);
        assert_eq!(leases.renew(member(1), None, at(0)), Renewal::Joined);
        assert_eq!(
            leases.renew(member(1), Some(at(500)), at(600)),
            Renewal::Renewed
        );
        assert_eq!(leases.expire(at(2500)), []);
        assert_eq!(leases.expire(at(2501)), [member(1).origin]);
        assert_eq!(leases.members(), []);
    }

    #[test]
    fn a_node_that_hears_nothing_is_lost_however_often_it_speaks() {
        let mut leases = Leases::new(Some(TERM), MEMORY);
        leases.renew(member(1), None, at(0));
        for ms in (100..=2000).step_by(100) {
            assert_eq!(
                leases.renew(member(1), Some(at(0)), at(ms)),
                Renewal::Renewed
            );
            assert_eq!(leases.expire(at(ms)), []);
        }
        assert_eq!(leases.expire(at(2001)), [member(1).origin]);
    }

    #[test]
    fn no_lease_reaches_into_the_future() {
        let mut leases = Leases::new(Some(TERM), MEMORY);
        leases.renew(member(1), None, at(0));
        leases.renew(member(1), Some(at(1_000_000)), at(100));
        assert_eq!(leases.expire(at(2101)), [member(1).origin]);
    }

    #[test]
    fn a_lost_incarnation_never_comes_back() {
        let mut leases = Leases::new(Some(TERM), MEMORY);
        leases.renew(member(3), None, at(0));
        assert_eq!(
            leases.renew(member(2), None, at(1)),
            Renewal::Expelled(Incarnation(3))
        );
        leases.expire(at(2001));
        for old in 1..=3 {
            let answer = leases.renew(member(old), Some(at(2000)), at(2002));
            assert_eq!(answer, Renewal::Expelled(Incarnation(3)));
        }
        assert_eq!(leases.renew(member(4), None, at(2003)), Renewal::Joined);
        assert_eq!(
            leases.renew(member(5), None, at(2004)),
            Renewal::Replaced(member(4).origin)
        );
        assert_eq!(
            leases.renew(member(4), None, at(2005)),
            Renewal::Expelled(Incarnation(4))
        );
        assert_eq!(leases.members(), [member(5)]);
    }

    #[test]
    fn who_was_given_up_is_forgotten_and_does_not_come_back_for_it() {
        let mut leases = Leases::new(Some(TERM), MEMORY);
        leases.renew(member(3), None, at(0));
        leases.expire(at(2001));
        leases.expire(at(2001) + MEMORY);
        assert_eq!(leases.expelled.len(), 1);
        let late = at(2002) + MEMORY;
        leases.expire(late);
        assert_eq!(leases.expelled.len(), 0);
        assert_eq!(
            leases.renew(member(3), Some(at(1000)), late),
            Renewal::Expelled(Incarnation(3)),
            "it knows itself that it was there"
        );
        assert_eq!(leases.renew(member(4), None, late), Renewal::Joined);
    }

    proptest! {
        /// Against a plain account of who was granted what, and when.
        #[test]
        fn leases_are_kept_as_a_plain_account_has_it(
            steps in prop::collection::vec(
                (0_u8..6, 1_u32..4, 1_u64..5, 0_u64..3000, 0_u64..900),
                0..200,
            ),
        ) {
            let mut leases = Leases::new(Some(TERM), MEMORY);
            // Who is there, and since when its latest seen grant counts; who is lost for good.
            let mut there = BTreeMap::<NodeId, (Incarnation, Duration)>::new();
            let mut lost = BTreeMap::<NodeId, Incarnation>::new();
            let mut now = Duration::ZERO;
            for (what, node, incarnation, seen, passed) in steps {
                now += at(passed);
                let origin = Origin {
                    node: NodeId(node),
                    incarnation: Incarnation(incarnation),
                };
                let member = Member { origin, ..member(1) };
                let node = origin.node;
                match what {
                    0 => {
                        let mut expected = Vec::new();
                        there.retain(|node, (incarnation, since)| {
                            let stays = now <= *since + TERM;
                            if !stays {
                                let incarnation = *incarnation;
                                expected.push(Origin { node: *node, incarnation });
                                lost.insert(*node, incarnation);
                            }
                            stays
                        });
                        prop_assert_eq!(leases.expire(now), expected);
                    }
                    1 => {
                        let was = there.get(&node).is_some_and(|(i, _)| *i == origin.incarnation);
                        if was {
                            there.remove(&node);
                            lost.insert(node, origin.incarnation);
                        }
                        prop_assert_eq!(leases.leave(origin, now), was);
                    }
                    _ => {
                        let known = there.get(&node).copied();
                        let gone = lost.get(&node).copied();
                        let seen = (what > 2).then(|| at(seen));
                        let expected = if gone.is_some_and(|gone| origin.incarnation <= gone) {
                            Renewal::Expelled(gone.unwrap())
                        } else if let Some((before, since)) = known {
                            if before > origin.incarnation {
                                Renewal::Expelled(before)
                            } else if before == origin.incarnation {
                                let seen = seen.unwrap_or_default().min(now);
                                there.insert(node, (before, since.max(seen)));
                                Renewal::Renewed
                            } else {
                                there.insert(node, (origin.incarnation, now));
                                lost.insert(node, before);
                                Renewal::Replaced(Origin { node, incarnation: before })
                            }
                        } else if seen.is_some() {
                            Renewal::Expelled(origin.incarnation)
                        } else {
                            there.insert(node, (origin.incarnation, now));
                            Renewal::Joined
                        };
                        prop_assert_eq!(leases.renew(member, seen, now), expected);
                    }
                }
                let ages = there.iter().map(|(node, (_, since))| (*node, now - *since));
                prop_assert_eq!(leases.ages(now), ages.collect::<Vec<_>>());
            }
        }
    }
}
