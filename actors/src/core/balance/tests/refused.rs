//! Nodes that nothing can be computed for.

use super::*;

fn test(balance: &mut Balance, cpus: u32, at: Duration) -> Vec<bool> {
    let due = balance.tests_due(at, PATIENCE);
    let passed = due.into_iter().map(|(id, number, _)| {
        let times = (ms(10), Duration::ZERO);
        let origin = Origin {
            node: id,
            incarnation: Incarnation(1),
        };
        balance
            .tested((origin, number), idle(cpus), times, at + ms(20))
            .is_ok()
    });
    passed.collect()
}

#[test]
fn a_job_waits_for_a_node_while_no_test_comes_to_something() {
    let mut balance = Balance::new("performance-index", true).unwrap();
    balance.members(vec![member(node(1), 2)]);
    balance.place_leader(job(1)).unwrap();
    let allot = |balance: &mut Balance| balance.allot(team(1), LEADER, &ranks(0..4), step(1.0));
    assert!(allot(&mut balance).is_none());
    assert!(balance.has_cpus(), "its test is under way");
    for _ in 1..TESTS {
        let answered = test(&mut balance, 0, ms(0));
        assert_eq!(answered, [true], "few tests tell little");
    }
    assert_eq!(test(&mut balance, 0, ms(50)), [false]);
    assert!(test(&mut balance, 0, ms(100)).is_empty(), "not at once");
    assert!(allot(&mut balance).is_none());
    assert!(!balance.has_cpus(), "it says that it has none");
    for _ in 0..TESTS {
        assert_eq!(test(&mut balance, 2, ms(2000)), [true]);
    }
    assert!(balance.has_cpus());
    assert_eq!(counts(&allot(&mut balance).unwrap()), [(1, 4)]);
}

#[test]
fn no_node_is_too_busy_to_be_counted() {
    let mut balance = balance("performance-index", &[(node(1), 2, 1.0), (node(2), 2, 1.0)]);
    let heavy = Cost {
        complexity: 1e30,
        ..cost(1.0)
    };
    balance.allot(team(1), LEADER, &ranks(0..40), ("heavy", heavy));
    let plan = balance.allot(team(2), LEADER, &ranks(0..8), step(1.0));
    assert_eq!(counts(&plan.unwrap()), [(1, 4), (2, 4)]);
    assert!(balance.take_refusals().is_empty());
}

/// They would wait without a reason until its end.
#[test]
fn a_team_whose_work_is_no_number_hides_no_node_from_others() {
    for wrong in [f64::NAN, f64::INFINITY, -1.0] {
        let nodes = [(node(1), 2, 1.0), (node(2), 2, 1.0)];
        let mut balance = balance("performance-index", &nodes);
        let wrong = Cost {
            complexity: wrong,
            bytes_exchanged: wrong,
            tile_bytes: wrong,
        };
        balance.allot(team(1), LEADER, &ranks(0..2), ("wrong", wrong));
        let plan = balance.allot(team(2), LEADER, &ranks(0..8), step(1.0));
        assert_eq!(counts(&plan.unwrap()), [(1, 4), (2, 4)], "{wrong:?}");
        assert!(balance.take_refusals().is_empty());
    }
}
