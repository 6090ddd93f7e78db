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
        lingering: Vec::new(),
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

/// All tests but the last, each 50 ms after the one before; the small ones are on the way for 5 ms, the large ones
/// for 35, and those of `held_up` for a second more.
fn pass_all_but_one(examination: &mut Examination, held_up: &[usize]) {
    for test in 0..TESTS - 1 {
        let (sent, size) = (50 * test as u64, test % 2);
        let way = if size == 0 { 20 } else { 50 };
        let more = if held_up.contains(&test) { 1000 } else { 0 };
        let number = test as u64 + 1;
        let back = sent + way + more;
        assert_eq!(pass(examination, number, sent, back), Some(size));
        assert_eq!(examination.performance(), None, "{test} is not enough");
    }
}

/// The last of them, until [`EXAMINED`].
fn pass_last(examination: &mut Examination) {
    let (number, back) = (TESTS as u64, EXAMINED.as_millis() as u64);
    assert_eq!(pass(examination, number, back - 50, back), Some(1));
}

/// When a node is examined.
const EXAMINED: Duration = Duration::from_millis(50 * TESTS as u64);

/// Tested until [`EXAMINED`].
fn tested() -> Examination {
    let mut examination = examination();
    pass_all_but_one(&mut examination, &[]);
    pass_last(&mut examination);
    examination
}

#[test]
fn two_sizes_tell_latency_and_bandwidth_apart() {
    let performance = tested().performance().unwrap();
    assert_eq!((performance.node(), performance.cpus()), (NodeId(4), 2));
    assert!((performance.compute_seconds(1e6) - 0.010).abs() < 1e-12);
    // 20 − 5 − 10 = 5 ms for 64 bytes, 50 − 5 − 10 = 35 ms for 65,536.
    let each = 0.030 / 65_472.0;
    let network = performance.network();
    assert!((network.seconds_per_byte - each).abs() < 1e-15);
    assert!((network.latency.as_secs_f64() - (0.005 - 64.0 * each)).abs() < 1e-8);
}

#[test]
fn what_holds_a_test_up_does_not_count() {
    let undisturbed = tested().performance();
    // But for one of each size.
    for held_up in [&[0][..], &[1], &[0, 1, 2, 3], &[2, 3, 4], &[0, 3, 4]] {
        let mut examination = examination();
        pass_all_but_one(&mut examination, held_up);
        pass_last(&mut examination);
        assert_eq!(examination.performance(), undisturbed, "{held_up:?}");
    }
    // Of an earlier examination nothing counts.
    let mut examination = tested();
    let later = EXAMINED + STALE_AFTER + ms(1);
    for test in 0..TESTS as u64 {
        let sent = later.as_millis() as u64 + 200 * test;
        pass(&mut examination, 100 + test, sent, sent + 115);
    }
    let network = examination.performance().unwrap().network();
    assert!(
        (network.latency.as_secs_f64() - 0.1).abs() < 1e-9,
        "{network:?}"
    );
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
    pass_all_but_one(&mut examination, &[]);
    let last = TESTS as u64;
    assert_eq!(examination.next(last, EXAMINED - ms(50), PATIENCE), Some(1));
    let answered = examination.answer((HERE, last), idle(0), (ms(10), ms(5)), EXAMINED);
    assert!(answered.is_err(), "no CPUs");
    assert!(examination.is_refused());
    let (at, number) = (EXAMINED + PATIENCE, last + 1);
    assert_eq!(examination.next(number, at, PATIENCE), None, "patience");
    for test in 0..TESTS as u64 {
        let sent = at.as_millis() as u64 + 1 + 50 * test;
        let size = pass(&mut examination, number + test, sent, sent + 50);
        assert_eq!(size, Some(test as usize % 2));
    }
    assert!(examination.performance().is_some() && !examination.is_refused());
    assert_eq!(
        examination.next(99, ms(3000), PATIENCE),
        None,
        "it is known"
    );
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
    let stale = EXAMINED + STALE_AFTER;
    assert_eq!(examination.next(3, stale, PATIENCE), None);
    assert_eq!(examination.next(3, stale + ms(1), PATIENCE), Some(0));
    assert!(
        examination.performance().is_some(),
        "the old one holds until then"
    );
}

#[test]
fn a_test_is_repeated_when_rounds_belie_it_but_not_at_once() {
    let settled = EXAMINED + SETTLED_AFTER + ms(1);
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
    let now = EXAMINED + SETTLED_AFTER * 2;
    examination.compare(0.0, 0.0, now);
    assert_eq!(examination.next(3, now, PATIENCE), None);
}

#[test]
fn an_impossible_answer_is_refused_with_the_name_of_the_node() {
    let mut examination = examination();
    pass_all_but_one(&mut examination, &[]);
    let last = TESTS as u64;
    examination.next(last, EXAMINED - ms(50), PATIENCE);
    let refused = examination.answer((HERE, last), idle(0), (ms(10), ms(5)), EXAMINED);
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
    for (number, now) in (1..).zip([0, 100, 200, 300, 400, 500]) {
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
    for number in 1..=TESTS as u64 {
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
