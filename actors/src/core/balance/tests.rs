//! What the balancer decides, with a machine whose times are chosen.

mod calibration;
mod draining;
mod refused;
mod rounds;

use super::*;
use crate::core::crew::Lap;
use crate::core::examination::{Capacity, PROBES, TESTS};
use crate::id::{Epoch, Incarnation, Rank};
use uuid::Uuid;

/// A node's first incarnation.
fn node(node: u32) -> Origin {
    again(node, 1)
}

fn again(node: u32, incarnation: u64) -> Origin {
    Origin {
        node: NodeId(node),
        incarnation: Incarnation(incarnation),
    }
}

fn member(origin: Origin, cpus: u32) -> Member {
    Member {
        origin,
        name: origin.to_string(),
        process: origin.incarnation,
        lingering: Vec::new(),
        cpus,
        draining: false,
    }
}

fn job(number: u128) -> JobId {
    JobId::new(Uuid::from_u128(number))
}

fn team(number: u128) -> TeamId {
    led(number, 1)
}

fn led(number: u128, epoch: u64) -> TeamId {
    TeamId {
        job: job(number),
        epoch: Epoch(epoch),
    }
}

/// A step that takes so many seconds on one CPU of speed 1 (10⁹ operations a second).
fn cost(seconds: f64) -> Cost {
    Cost {
        complexity: seconds * 1e9,
        bytes_exchanged: 0.0,
        tile_bytes: 0.0,
    }
}

/// A program whose steps take so long.
fn step(seconds: f64) -> (&'static str, Cost) {
    ("program", cost(seconds))
}

fn ranks(range: std::ops::Range<u32>) -> Ranks {
    range.into()
}

const LEADER: NodeId = NodeId(1);
const PATIENCE: Duration = Duration::from_secs(1);

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// So many CPUs, all of which may run and none of which does.
fn idle(cpus: u32) -> Capacity {
    Capacity {
        cpus,
        share: 1.0,
        load: 0,
    }
}

/// Nodes of so many CPUs and such a speed, all of them tested over a way that takes no time. Jobs
/// 1 to 3 have leaders.
fn balance(strategy: &str, nodes: &[(Origin, u32, f64)]) -> Balance {
    let mut balance = Balance::new(strategy, true).unwrap();
    let members = nodes.iter().map(|(origin, cpus, _)| member(*origin, *cpus));
    balance.members(members.collect());
    for _ in 0..TESTS {
        for (id, number, size) in balance.tests_due(ms(0), PATIENCE) {
            let (origin, cpus, speed) = nodes.iter().find(|(at, ..)| at.node == id).unwrap();
            let took = Duration::from_secs_f64(PROBES[size].work / (1e9 * speed));
            let times = (took, Duration::ZERO);
            balance
                .tested((*origin, number), idle(*cpus), times, took)
                .unwrap();
        }
    }
    for number in 1..=3 {
        balance.place_leader(job(number)).unwrap();
    }
    balance
}

/// How many each node gets.
fn counts(plan: &Plan) -> Vec<(u32, usize)> {
    let mut counts = BTreeMap::new();
    for share in &plan.shares {
        *counts.entry(share.origin.node.0).or_default() += share.ranks.len();
    }
    counts.into_iter().collect()
}

fn allot(balance: &mut Balance, team: TeamId, range: std::ops::Range<u32>) -> Plan {
    balance
        .allot(team, LEADER, &ranks(range), step(0.1))
        .unwrap()
}

/// One CPU of speed 1, one of speed 3.
fn uneven(strategy: &str) -> Balance {
    balance(strategy, &[(node(1), 1, 1.0), (node(2), 1, 3.0)])
}

#[test]
fn msvpus_are_dealt_by_what_the_tests_have_shown() {
    let mut balance = uneven("performance-index");
    let plan = allot(&mut balance, team(1), 0..8);
    // NPI 1/3 and 1 (eq. 4), NLI 8/2 · (1/3, 1) / (2/3) = 2 and 6 (eq. 8).
    assert_eq!(counts(&plan), [(1, 2), (2, 6)]);
    assert_eq!(plan.shares[0].ranks, ranks(0..2));
    assert_eq!(plan.shares[1].ranks, ranks(2..8));
    let forecasts: Vec<_> = plan
        .forecasts
        .iter()
        .map(|f| (f.node.0, f.performance_index, f.load_index, f.round))
        .collect();
    // A step is 0.1 s on node 1, and 2 waves; 1/30 s on node 2, and 6 waves.
    for (found, expected) in forecasts.iter().zip([(1, 1.0 / 3.0, 2.0), (2, 1.0, 6.0)]) {
        assert_eq!(found.0, expected.0);
        assert!((found.1 - expected.1).abs() < 1e-5, "{found:?}");
        assert!((found.2 - expected.2).abs() < 1e-5, "{found:?}");
        assert!((found.3.as_secs_f64() - 0.2).abs() < 1e-5, "{found:?}");
    }
    let uniform = allot(&mut uneven("uniform"), team(1), 0..8);
    assert_eq!(counts(&uniform), [(1, 4), (2, 4)]);
}

#[test]
fn asked_again_the_balancer_gives_the_same_answer() {
    let mut balance = uneven("performance-index");
    let first = allot(&mut balance, team(1), 0..8);
    assert_eq!(allot(&mut balance, team(1), 0..8).shares, first.shares);
    let some = allot(&mut balance, team(1), 1..3);
    assert_eq!(some.shares[0].ranks, ranks(1..2));
    assert_eq!(some.shares[1].ranks, ranks(2..3));
    assert_eq!(balance.status()[0].msvpus, 2);
    assert_eq!(balance.status()[1].msvpus, 6);
}

#[test]
fn nobody_is_placed_before_a_test_is_answered() {
    let mut balance = Balance::new("uniform", true).unwrap();
    assert!(balance.place_leader(job(1)).is_none(), "there is no node");
    balance.members(vec![member(node(1), 2)]);
    balance.place_leader(job(1)).unwrap();
    assert!(
        balance
            .allot(team(1), LEADER, &ranks(0..4), step(0.1))
            .is_none()
    );
    // Where nothing is tested, the CPUs decide.
    let mut balance = Balance::new("uniform", false).unwrap();
    balance.members(vec![member(node(1), 2), member(node(2), 6)]);
    balance.place_leader(job(1)).unwrap();
    assert!(balance.tests_due(ms(0), PATIENCE).is_empty());
    let plan = allot(&mut balance, team(1), 0..4);
    assert_eq!(counts(&plan), [(1, 1), (2, 3)]);
}

#[test]
fn what_a_lost_node_ran_is_placed_elsewhere() {
    let mut balance = uneven("performance-index");
    allot(&mut balance, team(1), 0..8);
    assert_eq!(balance.members(vec![member(node(2), 1)]), [node(1)]);
    assert!(!balance.is_there(node(1)) && balance.is_there(node(2)));
    let plan = allot(&mut balance, team(1), 0..8);
    assert_eq!(counts(&plan), [(2, 8)]);
    assert_eq!(balance.members(vec![member(node(2), 1)]), [], "once");
}

#[test]
fn a_node_that_comes_back_at_once_has_lost_what_it_ran() {
    let mut balance = uneven("performance-index");
    allot(&mut balance, team(1), 0..8);
    let members = vec![member(again(1, 2), 1), member(node(2), 1)];
    assert_eq!(balance.members(members), [node(1)]);
    assert!(!balance.is_there(node(1)) && balance.is_there(again(1, 2)));
    let plan = allot(&mut balance, team(1), 0..8);
    assert_eq!(counts(&plan), [(2, 8)], "the other was not tested yet");
    assert!(
        plan.shares
            .iter()
            .all(|share| balance.is_there(share.origin))
    );
    assert_eq!(balance.status()[0].performance_index, None);
}

#[test]
fn the_work_of_other_jobs_counts() {
    let mut balance = balance("least-loaded", &[(node(1), 1, 1.0), (node(2), 1, 1.0)]);
    allot(&mut balance, team(1), 0..4);
    // 2 and 2 there; another 4 on node 2 alone make it 2 and 6.
    balance
        .teams
        .get_mut(&team(1))
        .unwrap()
        .places
        .insert(node(2), ranks(2..8));
    let plan = allot(&mut balance, team(2), 0..6);
    // 2 + 5 = 7 and 6 + 1 = 7.
    assert_eq!(counts(&plan), [(1, 5), (2, 1)]);
    balance.forget(job(1));
    let plan = allot(&mut balance, team(3), 0..4);
    // Job 2 has 5 and 1 there: 5 + 0 and 1 + 4.
    assert_eq!(counts(&plan), [(2, 4)]);
}

#[test]
fn nothing_is_left_of_a_job_that_is_over() {
    let mut balance = uneven("uniform");
    allot(&mut balance, team(1), 0..8);
    balance.forget(job(1));
    assert!(balance.status().iter().all(|node| node.msvpus == 0));
    // What its leader asked last comes late.
    assert!(
        balance
            .allot(team(1), LEADER, &ranks(0..8), step(0.1))
            .is_none()
    );
    assert!(balance.status().iter().all(|node| node.msvpus == 0));
    assert_eq!(balance.teams().count(), 0);
}

#[test]
fn of_the_leaders_of_a_job_the_latest_is_served() {
    let mut balance = uneven("uniform");
    allot(&mut balance, led(1, 2), 0..8);
    assert!(
        balance
            .allot(led(1, 1), LEADER, &ranks(0..8), step(0.1))
            .is_none()
    );
    allot(&mut balance, led(1, 3), 0..8);
    let teams: Vec<TeamId> = balance.teams().map(|(team, _)| team).collect();
    assert_eq!(teams, [led(1, 3)]);
}

#[test]
fn leaders_are_spread_by_cpus() {
    let mut balance = Balance::new("uniform", false).unwrap();
    balance.members(vec![member(node(1), 2), member(node(2), 4)]);
    let places: Vec<u32> = (1..=6)
        .map(|n| balance.place_leader(job(n)).unwrap().node.0)
        .collect();
    // CPUs for each leader: 2, 4; then 2, 2 (the first of equals); 1, 2; 1, 4/3; 1, 1; 2/3, 1.
    assert_eq!(places, [2, 1, 2, 2, 1, 2]);
    // Asked again a leader is not beside itself.
    assert_eq!(balance.place_leader(job(6)), Some(node(2)));
    assert_eq!(balance.place_leader(job(6)), Some(node(2)));
}

/// Of a round that began with all tiles there.
fn lap(origin: Origin, ranks: Ranks, took: Duration) -> Lap {
    Lap {
        origin,
        ranks,
        took: Some(took),
        whole: true,
    }
}

/// What the rounds of a team take, on nodes of these seconds for each MsVPU.
fn laps(balance: &Balance, team: TeamId, seconds: &[f64]) -> Vec<Lap> {
    let places = &balance.teams[&team].places;
    let time = |(origin, there): (&Origin, &Ranks)| {
        let each = seconds[origin.node.0 as usize - 1];
        let took = Duration::from_secs_f64(each * there.len() as f64);
        lap(*origin, there.clone(), took)
    };
    places
        .iter()
        .filter(|(_, there)| !there.is_empty())
        .map(time)
        .collect()
}

#[test]
fn status_tells_the_indices_of_the_test() {
    let mut balance = balance("uniform", &[(node(1), 1, 1.0), (node(2), 2, 1.0)]);
    balance.members(vec![
        member(node(1), 1),
        member(node(2), 2),
        member(node(3), 4),
    ]);
    let status: Vec<_> = balance
        .status()
        .iter()
        .map(|node| (node.origin, node.cpus, node.performance_index))
        .collect();
    // The test takes 1 ms on one CPU, half of it on two (eq. 7); the index is ½ and 1 (eq. 4).
    assert_eq!(
        status,
        [
            (node(1), 1, Some(0.5)),
            (node(2), 2, Some(1.0)),
            (node(3), 4, None)
        ]
    );
}

#[test]
fn status_tells_what_a_node_had_at_work() {
    let mut balance = Balance::new("least-loaded", true).unwrap();
    balance.members(vec![member(node(1), 1), member(node(2), 1)]);
    let loads = |balance: &Balance| {
        balance
            .status()
            .iter()
            .map(|of| of.load)
            .collect::<Vec<_>>()
    };
    assert_eq!(loads(&balance), [None, None]);
    for _ in 0..TESTS {
        for (id, number, _) in balance.tests_due(ms(0), PATIENCE) {
            let load = if id == NodeId(1) { 4 } else { 0 };
            balance
                .tested(
                    (node(id.0), number),
                    Capacity { load, ..idle(1) },
                    (ms(1), ms(0)),
                    ms(1),
                )
                .unwrap();
        }
    }
    assert_eq!(loads(&balance), [Some(4), Some(0)]);
    balance.place_leader(job(1)).unwrap();
    let plan = allot(&mut balance, team(1), 0..8);
    assert_eq!(counts(&plan), [(1, 2), (2, 6)]);
}

#[test]
fn a_strategy_that_there_is_not_is_refused_with_those_that_there_are() {
    let error = Balance::new("fastest", true).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("performance-index"), "{error}");
}
