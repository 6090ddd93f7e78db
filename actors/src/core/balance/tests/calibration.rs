//! What the rounds of a program teach of its operations, and of the nodes.

use super::*;

/// The times of a round of a team by node: which ranks, and how long they took.
fn times(of: &[(Origin, std::ops::Range<u32>, u64)]) -> Vec<Lap> {
    let time = |(origin, range, took): &(_, std::ops::Range<u32>, _)| {
        lap(*origin, ranks(range.clone()), ms(*took))
    };
    of.iter().map(time).collect()
}

#[test]
fn rounds_show_what_the_operations_of_a_program_are_worth() {
    let mut balance = uneven("performance-index");
    let foretold = |plan: &Plan| -> Vec<f64> {
        let rounds = plan.forecasts.iter().map(|of| of.round.as_secs_f64());
        rounds.collect()
    };
    let plan = allot(&mut balance, team(1), 0..8);
    assert!((foretold(&plan)[0] - 0.2).abs() < 1e-5);
    // Each operation takes four times as long as one of the test; half of node 2 is used by others.
    for round in 1..=2 {
        let took = times(&[(node(1), 0..2, 800), (node(2), 2..8, 1600)]);
        balance.measured(team(1), Round(round), &took, ms(900));
    }
    balance.forget(job(1));
    let plan = allot(&mut balance, team(2), 0..10);
    // Speeds of 1 and 1.5 where the test says 1 and 3; a step is 0.4 s on node 1.
    assert_eq!(counts(&plan), [(1, 4), (2, 6)]);
    for seconds in foretold(&plan) {
        assert!((seconds - 1.6).abs() < 1e-3, "{seconds}");
    }
    balance.forget(job(2));
    // Of other programs nothing is known.
    let other = balance.allot(team(3), LEADER, &ranks(0..8), ("other", cost(0.1)));
    assert_eq!(counts(&other.unwrap()), [(1, 2), (2, 6)]);
}

#[test]
fn rounds_beside_other_teams_teach_nothing() {
    let mut balance = uneven("performance-index");
    allot(&mut balance, team(1), 0..8);
    allot(&mut balance, team(2), 0..8);
    for round in 1..=3 {
        let took = times(&[(node(1), 0..2, 900), (node(2), 2..8, 300)]);
        balance.measured(team(1), Round(round), &took, ms(900));
    }
    balance.forget(job(1));
    balance.forget(job(2));
    let plan = allot(&mut balance, team(3), 0..8);
    assert_eq!(counts(&plan), [(1, 2), (2, 6)]);
}

#[test]
fn what_the_rounds_have_shown_is_forgotten_when_the_test_shows_another_node() {
    let mut balance = uneven("performance-index");
    allot(&mut balance, team(1), 0..8);
    for round in 1..=2 {
        let took = times(&[(node(1), 0..2, 200), (node(2), 2..8, 800)]);
        balance.measured(team(1), Round(round), &took, ms(900));
    }
    balance.forget(job(1));
    // Node 2 looks four times slower than its test says, and then the test says so itself.
    let plan = allot(&mut balance, team(2), 0..7);
    assert_eq!(counts(&plan), [(1, 4), (2, 3)]);
    balance.forget(job(2));
    let later = Duration::from_secs(100);
    for _ in 0..TESTS {
        for (id, number, size) in balance.tests_due(later, PATIENCE) {
            let origin = if id == NodeId(1) { node(1) } else { node(2) };
            let speed = if id == NodeId(1) { 1.0 } else { 0.75 };
            let took = Duration::from_secs_f64(PROBES[size].work / (1e9 * speed));
            let times = (took, Duration::ZERO);
            balance
                .tested((origin, number), idle(1), times, later + took)
                .unwrap();
        }
    }
    let plan = allot(&mut balance, team(3), 0..7);
    assert_eq!(counts(&plan), [(1, 4), (2, 3)]);
}
