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
        lingering: Vec::new(),
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
    assert_eq!(leases.members(), std::slice::from_ref(&draining));
    assert_eq!(leases.ages(at(5)), [(NodeId(1), at(5))]);
    assert_eq!(leases.leave(member(2).origin, at(5)), None);
    assert_eq!(leases.leave(member(1).origin, at(5)), Some(draining));
    assert_eq!(leases.leave(member(1).origin, at(5)), None);
    assert_eq!(leases.members(), []);
    assert_eq!(
        leases.renew(member(1), None, at(2)),
        Renewal::Expelled(Incarnation(1))
    );
    assert_eq!(leases.renew(member(2), None, at(6)), Renewal::Rejoined);
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
    assert_eq!(leases.expire(at(2501)), [member(1)]);
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
    assert_eq!(leases.expire(at(2001)), [member(1)]);
}

#[test]
fn no_lease_reaches_into_the_future() {
    let mut leases = Leases::new(Some(TERM), MEMORY);
    leases.renew(member(1), None, at(0));
    leases.renew(member(1), Some(at(1_000_000)), at(100));
    assert_eq!(leases.expire(at(2101)), [member(1)]);
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
    assert_eq!(leases.renew(member(4), None, at(2003)), Renewal::Rejoined);
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
                    let got = leases.expire(now).into_iter().map(|member| member.origin);
                    prop_assert_eq!(got.collect::<Vec<_>>(), expected);
                }
                1 => {
                    let was = there.get(&node).is_some_and(|(i, _)| *i == origin.incarnation);
                    if was {
                        there.remove(&node);
                        lost.insert(node, origin.incarnation);
                    }
                    let got = leases.leave(origin, now).map(|member| member.origin);
                    prop_assert_eq!(got, was.then_some(origin));
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
                        if gone.is_some() { Renewal::Rejoined } else { Renewal::Joined }
                    };
                    prop_assert_eq!(leases.renew(member, seen, now), expected);
                }
            }
            let ages = there.iter().map(|(node, (_, since))| (*node, now - *since));
            prop_assert_eq!(leases.ages(now), ages.collect::<Vec<_>>());
        }
    }
}
