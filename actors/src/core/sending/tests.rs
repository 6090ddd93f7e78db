use proptest::prelude::*;

use uuid::Uuid;

use super::*;
use crate::id::JobId;

/// As many bytes as it says; even ones go with even ones.
impl Part for usize {
    fn len_bytes(&self) -> usize {
        *self
    }

    fn joins(&self, other: &Self) -> bool {
        self % 2 == other % 2
    }

    fn flow(&self) -> Flow {
        Flow::of(None)
    }
}

/// Of a job, so many bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Of(u128, usize);

impl Part for Of {
    fn len_bytes(&self) -> usize {
        self.1
    }

    fn joins(&self, _other: &Self) -> bool {
        false
    }

    fn flow(&self) -> Flow {
        Flow::of(Some(JobId::new(Uuid::from_u128(self.0))))
    }
}

const LIMITS: WindowLimits = WindowLimits {
    messages: 3,
    bytes: 100,
    bundle: BundleLimits {
        parts: 4,
        bytes: 50,
    },
    kept: 5,
};

/// What is sent now.
fn sent(sending: &mut Sending<usize>) -> Vec<(u64, Vec<usize>)> {
    let next = || {
        sending
            .next()
            .map(|(number, parts)| (number, parts.to_vec()))
    };
    std::iter::from_fn(next).collect()
}

fn push(sending: &mut Sending<usize>, parts: &[usize]) {
    for part in parts {
        assert_eq!(sending.push(*part, Vec::new()), [0; 0]);
    }
}

#[test]
fn the_window_is_bounded_by_number_and_by_bytes() {
    let mut sending = Sending::new(LIMITS);
    assert_eq!(sent(&mut sending), []);
    sending.connect();
    push(&mut sending, &[10, 11, 12, 13, 14]);
    let first = [(1, vec![10]), (2, vec![11]), (3, vec![12])];
    assert_eq!(sent(&mut sending), first);
    assert_eq!(sending.settled(2), Some(vec![11].into()));
    assert_eq!(sending.settled(2), None);
    assert_eq!(sent(&mut sending), [(4, vec![13])]);
    for number in [1, 3, 4] {
        sending.settled(number);
    }
    assert_eq!(sent(&mut sending), [(5, vec![14])]);
    push(&mut sending, &[1000, 1000]);
    let however_long = [(6, vec![1000])];
    assert_eq!(sent(&mut sending), however_long, "it fills the window");
}

#[test]
fn what_waits_goes_together_as_far_as_it_may() {
    let mut sending = Sending::new(LIMITS);
    sending.connect();
    push(&mut sending, &[2]);
    assert_eq!(sent(&mut sending), [(1, vec![2])], "not waiting for more");
    push(&mut sending, &[2, 4, 6, 8, 10, 1, 3, 40, 12]);
    let full = [(2, vec![2, 4, 6, 8]), (3, vec![10])];
    assert_eq!(sent(&mut sending), full, "four are the most");
    for number in 1..=3 {
        sending.settled(number);
    }
    let bytes = [(4, vec![1, 3]), (5, vec![40]), (6, vec![12])];
    assert_eq!(sent(&mut sending), bytes, "and 50 bytes; in their order");
    assert_eq!(sending.unconfirmed_bytes, 56);
    assert_eq!(sending.disconnect(), [0; 0]);
    sending.connect();
    assert_eq!(
        sent(&mut sending),
        [(7, vec![1, 3]), (8, vec![40]), (9, vec![12])]
    );
}

#[test]
fn jobs_take_turns_and_keep_their_order() {
    let mut sending = Sending::new(WindowLimits {
        messages: 100,
        ..LIMITS
    });
    sending.connect();
    let big = (0..20).map(|i| Of(1, 30 + i));
    let small = (0..3).map(|i| Of(2, 10 + i));
    for part in big.clone().chain(small.clone()) {
        assert_eq!(sending.push(part, Vec::new()), []);
    }
    let mut sent = Vec::new();
    while let Some((number, parts)) = sending.next() {
        sent.extend(parts.iter().copied());
        sending.settled(number);
    }
    let of = |job| sent.iter().copied().filter(move |part| part.0 == job);
    assert!(of(1).eq(big) && of(2).eq(small), "{sent:?}");
    let last = sent.iter().rposition(|part| part.0 == 2);
    assert!(last < Some(7), "{sent:?}");
}

#[test]
fn the_parts_of_a_message_stay_together() {
    let mut sending = Sending::new(WindowLimits {
        messages: 100,
        kept: 100,
        ..LIMITS
    });
    sending.connect();
    for job in [1, 2] {
        for _ in 0..3 {
            let others = (1..4).map(|i| Of(job, i)).collect();
            assert_eq!(sending.push(Of(job, 0), others), []);
        }
    }
    let mut sent = Vec::new();
    while let Some((number, parts)) = sending.next() {
        sent.extend(parts.iter().copied());
        sending.settled(number);
        // What had begun goes on first.
        assert_eq!(sending.disconnect(), []);
        sending.connect();
    }
    let whole = |parts: &[Of]| (0..4).map(|i| Of(parts[0].0, i)).eq(parts.iter().copied());
    assert!(sent.chunks(4).all(whole), "{sent:?}");
    let jobs: Vec<u128> = sent.chunks(4).map(|parts| parts[0].0).collect();
    assert_eq!(jobs, [1, 2, 1, 2, 1, 2]);
}

proptest! {
    #[test]
    fn nothing_is_lost_by_a_lost_connection_unless_it_is_said(
        steps in prop::collection::vec(0_u8..6, 0..300),
    ) {
        let mut sending = Sending::new(WindowLimits {
            bytes: 5000,
            bundle: BundleLimits { parts: 3, bytes: 1000 },
            ..LIMITS
        });
        let (mut pushed, mut settled, mut dropped) = (0, Vec::new(), Vec::new());
        // Ever greater; four at a time may go together.
        let part = |number: usize| 2 * number + number / 4 % 2;
        let mut under_way = Vec::new();
        for step in steps {
            match step {
                0 | 1 => {
                    pushed += 1;
                    dropped.extend(sending.push(part(pushed), Vec::new()));
                }
                2 => under_way.extend(sending.next()),
                3 => if let Some((number, parts)) = under_way.pop() {
                    let told = sending.settled(number);
                    prop_assert_eq!(told.as_ref(), Some(&parts));
                    prop_assert!(parts.is_sorted());
                    settled.extend(parts.to_vec());
                },
                4 => sending.connect(),
                _ => {
                    dropped.extend(sending.disconnect());
                    under_way.clear();
                }
            }
            prop_assert!(sending.unconfirmed.len() <= LIMITS.messages);
            let parts = || sending.unconfirmed.values();
            let bytes = parts().flat_map(|sent| sent.parts.iter()).sum::<usize>();
            prop_assert_eq!(bytes, sending.unconfirmed_bytes);
        }
        let settled_all = settled.len() + dropped.len() == pushed;
        let mut all: Vec<usize> = settled;
        all.extend(dropped);
        let unconfirmed = sending.unconfirmed.values();
        all.extend(unconfirmed.flat_map(|sent| sent.parts.iter()));
        prop_assert_eq!(sending.is_empty(), settled_all);
        let waiting: Vec<usize> = std::iter::from_fn(|| sending.pop()).collect();
        prop_assert!(waiting.is_sorted());
        all.extend(waiting);
        all.sort_unstable();
        prop_assert_eq!(all, (1..=pushed).map(part).collect::<Vec<_>>());
    }
}
