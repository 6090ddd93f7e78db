use super::*;
use crate::id::{Incarnation, NodeId};

/// A node of so many CPUs, all of which may run and none of which does.
fn idle(cpus: u32) -> Capacity {
    Capacity {
        cpus,
        share: 1.0,
        load: 0,
    }
}

const HERE: Origin = Origin {
    node: NodeId(4),
    incarnation: Incarnation(2),
};
const PATIENCE: Duration = Duration::from_millis(500);

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn examination() -> Examination {
    Examination::new(Member {
        origin: HERE,
        name: "here".to_owned(),
        process: HERE.incarnation,
        cpus: 2,
        draining: false,
    })
}

/// Sends the test of the number at `sent`; it computes 10 ms, after 5 ms of waiting for a CPU, and
/// its answer comes at `back`.
fn pass(examination: &mut Examination, number: u64, sent: u64, back: u64) -> Option<usize> {
    let size = examination.next(number, ms(sent), PATIENCE);
    let times = (ms(10), ms(5));
    examination
        .answer((HERE, number), idle(2), times, ms(back))
        .unwrap();
    size
}

/// Tested with both sizes until 100 ms.
fn tested() -> Examination {
    let mut examination = examination();
    pass(&mut examination, 1, 0, 20);
    pass(&mut examination, 2, 50, 100);
    examination
}

#[test]
fn two_sizes_tell_latency_and_bandwidth_apart() {
    let mut examination = examination();
    assert_eq!(pass(&mut examination, 1, 0, 20), Some(0));
    assert_eq!(examination.performance(), None, "one is not enough");
    assert_eq!(pass(&mut examination, 2, 50, 100), Some(1));
    let performance = examination.performance().unwrap();
    assert_eq!((performance.node(), performance.cpus()), (NodeId(4), 2));
    assert!((performance.compute_seconds(1e6) - 0.010).abs() < 1e-12);
    // 20 − 5 − 10 = 5 ms for 64 bytes, 50 − 5 − 10 = 35 ms for 65,536.
    let each = 0.030 / 65_472.0;
    let network = performance.network();
    assert!((network.seconds_per_byte - each).abs() < 1e-15);
    assert!((network.latency.as_secs_f64() - (0.005 - 64.0 * each)).abs() < 1e-8);
}

#[test]
fn one_test_at_a_time_and_again_when_it_is_not_answered() {
    let mut examination = examination();
    assert_eq!(examination.next(1, ms(0), PATIENCE), Some(0));
    assert_eq!(examination.next(2, ms(500), PATIENCE), None, "patience");
    assert_eq!(examination.next(3, ms(501), PATIENCE), Some(0));
    // The first answer comes after all; when its test was sent is forgotten.
    let late = examination.answer((HERE, 1), idle(2), (ms(10), ms(0)), ms(510));
    assert_eq!(late, Ok(()));
    assert_eq!(
        examination.next(4, ms(520), PATIENCE),
        None,
        "still under way"
    );
    assert_eq!(pass(&mut examination, 4, 1100, 1120), Some(0));
    assert_eq!(examination.next(5, ms(1120), PATIENCE), Some(1));
    assert_eq!(
        examination.next(6, ms(1621), PATIENCE),
        Some(1),
        "the size that is lost"
    );
}

#[test]
fn a_test_that_comes_to_nothing_is_repeated_before_it_is_stale() {
    let mut examination = examination();
    pass(&mut examination, 1, 0, 20);
    assert_eq!(examination.next(2, ms(50), PATIENCE), Some(1));
    let answered = examination.answer((HERE, 2), idle(0), (ms(10), ms(5)), ms(100));
    assert!(answered.is_err(), "no CPUs");
    assert!(examination.is_refused());
    assert_eq!(examination.next(3, ms(600), PATIENCE), None, "patience");
    assert_eq!(pass(&mut examination, 3, 601, 620), Some(0));
    assert_eq!(pass(&mut examination, 4, 620, 670), Some(1));
    assert!(examination.performance().is_some() && !examination.is_refused());
    assert_eq!(examination.next(5, ms(2000), PATIENCE), None, "it is known");
}

#[test]
fn answers_of_others_are_of_no_use() {
    let mut examination = examination();
    let times = (ms(10), ms(0));
    assert_eq!(
        examination.answer((HERE, 1), idle(2), times, ms(9)),
        Ok(()),
        "not asked"
    );
    examination.next(7, ms(0), PATIENCE);
    let earlier = Origin {
        incarnation: Incarnation(1),
        ..HERE
    };
    let other = Origin {
        node: NodeId(5),
        ..HERE
    };
    for (origin, number) in [(earlier, 7), (other, 7), (HERE, 6), (HERE, 8)] {
        assert_eq!(
            examination.answer((origin, number), idle(2), times, ms(20)),
            Ok(())
        );
        assert_eq!(
            examination.next(9, ms(21), PATIENCE),
            None,
            "{origin} {number}"
        );
    }
}

#[test]
fn a_test_is_repeated_when_it_is_old() {
    let mut examination = tested();
    let stale = ms(100) + STALE_AFTER;
    assert_eq!(examination.next(3, stale, PATIENCE), None);
    assert_eq!(examination.next(3, stale + ms(1), PATIENCE), Some(0));
    assert!(
        examination.performance().is_some(),
        "the old one holds until then"
    );
}

#[test]
fn a_test_is_repeated_when_rounds_belie_it_but_not_at_once() {
    let settled = ms(100) + SETTLED_AFTER + ms(1);
    for (took, now, repeated) in [
        (1.51, settled, true),
        (1.5, settled, false),
        (1.0, settled, false),
        (0.67, settled, false),
        (0.66, settled, true),
        (9.0, settled - ms(1), false),
    ] {
        let mut examination = tested();
        examination.compare(1.0, took, now);
        let next = examination.next(3, now, PATIENCE);
        assert_eq!(next, repeated.then_some(0), "{took} at {now:?}");
    }
    // Not while it is tested.
    let mut examination = tested();
    examination.compare(1.0, 9.0, settled);
    pass(&mut examination, 3, 6000, 6020);
    examination.compare(1.0, 9.0, settled * 2);
    assert_eq!(examination.next(4, settled * 2, PATIENCE), Some(1));
}

#[test]
fn a_round_of_no_time_where_none_was_foretold_belies_nothing() {
    let mut examination = tested();
    let now = ms(100) + SETTLED_AFTER * 2;
    examination.compare(0.0, 0.0, now);
    assert_eq!(examination.next(3, now, PATIENCE), None);
}

#[test]
fn an_impossible_answer_is_refused_with_the_name_of_the_node() {
    let mut examination = examination();
    pass(&mut examination, 1, 0, 20);
    examination.next(2, ms(50), PATIENCE);
    let refused = examination.answer((HERE, 2), idle(0), (ms(10), ms(5)), ms(100));
    let error = refused.unwrap_err().to_string();
    assert!(
        error.contains("node 4") && error.contains("CPUs"),
        "{error}"
    );
    assert_eq!(examination.performance(), None);
}

#[test]
fn a_clock_that_rounds_up_makes_no_negative_latency() {
    let mut examination = examination();
    for (number, now) in [(1, 0), (2, 100)] {
        examination.next(number, ms(now), PATIENCE);
        let answer = examination.answer((HERE, number), idle(2), (ms(11), ms(0)), ms(now + 10));
        assert_eq!(answer, Ok(()));
    }
    let performance = examination.performance().unwrap();
    assert_eq!(performance.network().latency, Duration::ZERO);
}

#[test]
fn a_quota_that_the_test_does_not_show_slows_the_node_down() {
    let mut examination = examination();
    for number in 1..=2 {
        examination.next(number, ms(0), PATIENCE).unwrap();
        let times = (ms(10), ms(0));
        examination
            .answer(
                (HERE, number),
                Capacity {
                    share: 0.25,
                    ..idle(2)
                },
                times,
                ms(15),
            )
            .unwrap();
    }
    let performance = examination.performance().unwrap();
    assert!((performance.compute_seconds(1e6) - 0.040).abs() < 1e-12);
    // The way is what it is.
    assert!((performance.network().latency.as_secs_f64() - 0.005).abs() < 1e-9);
    for wrong in [0.0, -1.0, f64::NAN, 7.0] {
        let mut examination = tested();
        let number = 9;
        let later = ms(61_000);
        examination.next(number, later, PATIENCE).unwrap();
        let times = (ms(10), ms(0));
        let answer = examination.answer(
            (HERE, number),
            Capacity {
                share: wrong,
                ..idle(2)
            },
            times,
            later + ms(15),
        );
        assert_eq!(answer, Ok(()));
        let seconds = examination.performance().unwrap().compute_seconds(1e6);
        assert!((seconds - 0.010).abs() < 1e-12, "{wrong}: {seconds}");
    }
}
