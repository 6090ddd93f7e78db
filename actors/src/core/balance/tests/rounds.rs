//! What rounds show of nodes, and what moves for it.

use super::*;

#[test]
fn msvpus_leave_a_node_that_has_become_slow() {
    for (strategy, moves) in [("adaptive", true), ("performance-index", false)] {
        let mut balance = balance(strategy, &[(node(1), 1, 1.0), (node(2), 1, 1.0)]);
        allot(&mut balance, team(1), 0..20);
        // Node 2 takes four times as long as the test has shown.
        let mut moved = None;
        for round in (1..=10).map(Round) {
            let laps = laps(&balance, team(1), &[0.1, 0.4]);
            let plan = balance.measured(team(1), round, &laps, ms(0));
            if moved.is_none() {
                moved = plan.map(|plan| (round, plan));
            }
        }
        assert_eq!(moved.is_some(), moves, "{strategy}");
        let Some((first, plan)) = moved else {
            continue;
        };
        assert!(first > Round(1), "in the first round the tiles are loaded");
        for share in &plan.shares {
            assert_eq!(share.origin, node(1));
            assert!(share.ranks.iter().all(|rank| rank >= Rank(10)), "{plan:?}");
        }
        // 0.1 · 16 = 0.4 · 4: the best that there is.
        let [one, two] = &balance.status()[..] else {
            panic!("two nodes")
        };
        assert_eq!(one.msvpus + two.msvpus, 20);
        assert!((15..=17).contains(&one.msvpus), "{one:?} {two:?}");
    }
}

#[test]
fn while_msvpus_move_rounds_show_nothing() {
    let mut balance = balance("adaptive", &[(node(1), 1, 1.0), (node(2), 1, 1.0)]);
    allot(&mut balance, team(1), 0..20);
    let mut told = Vec::new();
    for round in (1..=30).map(Round) {
        // Ever the same, as if nothing moved.
        let laps = [
            lap(node(1), ranks(0..10), ms(1000)),
            lap(node(2), ranks(10..20), ms(4000)),
        ];
        if balance.measured(team(1), round, &laps, ms(0)).is_some() {
            told.push(round.0);
        }
    }
    assert!(told.len() > 1, "it was told and did not move: told again");
    assert!(
        told.windows(2).all(|pair| pair[1] - pair[0] > 2),
        "{told:?}"
    );
    let unknown = balance.measured(team(7), Round(9), &[], ms(0));
    assert!(unknown.is_none());
}

/// A node is lost, and the other takes over its tiles in the middle of a round: it was not slow.
#[test]
fn the_time_that_a_recovery_takes_moves_nothing() {
    for (whole, moves) in [(false, false), (true, true)] {
        let mut balance = balance("adaptive", &[(node(1), 1, 1.0), (node(2), 1, 1.0)]);
        allot(&mut balance, team(1), 0..20);
        let mut moved = 0;
        for round in (1..=6).map(Round) {
            let mut laps = laps(&balance, team(1), &[0.1, 0.1]);
            if round == Round(4) {
                laps[1].took = Some(ms(30_000));
                laps[1].whole = whole;
            }
            let plan = balance.measured(team(1), round, &laps, ms(0));
            moved += u32::from(plan.is_some());
        }
        assert_eq!(moved > 0, moves, "whole: {whole}");
    }
}

/// A job is led anew in its fifth round, and tiles are loaded in that.
#[test]
fn the_first_round_of_a_leader_shows_nothing_whatever_its_number() {
    for first in [1, 5] {
        let mut balance = balance("adaptive", &[(node(1), 1, 1.0), (node(2), 1, 1.0)]);
        allot(&mut balance, team(1), 0..20);
        let slow = laps(&balance, team(1), &[0.1, 3.0]);
        assert!(
            balance
                .measured(team(1), Round(first), &slow, ms(0))
                .is_none()
        );
        assert_eq!(balance.teams[&team(1)].rounds_seen, 0);
        let plan = balance.measured(team(1), Round(first + 1), &slow, ms(0));
        assert!(plan.is_some(), "now it is the node");
    }
}

#[test]
fn rounds_that_belie_the_test_have_it_repeated() {
    let later = Duration::from_secs(10);
    for (each, repeated) in [(0.1, 0), (0.3, 1)] {
        let mut balance = balance("uniform", &[(node(1), 1, 1.0), (node(2), 1, 1.0)]);
        allot(&mut balance, team(1), 0..20);
        let usual = laps(&balance, team(1), &[0.1, 0.1]);
        for round in 1..=2 {
            balance.measured(team(1), Round(round), &usual, later);
            assert_eq!(balance.tests_due(later, PATIENCE), [], "as foretold");
        }
        let slow = laps(&balance, team(1), &[0.1, each]);
        balance.measured(team(1), Round(3), &slow, later);
        let due = balance.tests_due(later, PATIENCE);
        assert_eq!(due.len(), repeated);
        assert!(due.iter().all(|(node, ..)| *node == NodeId(2)));
    }
}
