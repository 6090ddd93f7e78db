//! Every bundle comes apart as it was, and nothing else does.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;
use crate::id::{Incarnation, NodeId};

type Sent = (&'static str, PartHead, Bytes);

fn head(node: u32, sequence: u64, part: u32, parts: u32) -> PartHead {
    PartHead {
        from: Origin {
            node: NodeId(node),
            incarnation: Incarnation(1_700_000_000_000),
        },
        sequence,
        part,
        parts,
    }
}

/// Cut in two, as a message and its bulk data are.
fn body(bytes: &Bytes) -> Body {
    let half = bytes.len() / 2;
    let mut body = Body::from(bytes.slice(..half));
    body.push(bytes.slice(half..));
    body
}

fn packed(sent: &[Sent]) -> Bytes {
    let bodies: Vec<Body> = sent.iter().map(|(_, _, bytes)| body(bytes)).collect();
    let parts = sent.iter().zip(&bodies);
    pack(parts.map(|((kind, head, _), body)| (*kind, *head, body))).unwrap()
}

fn flat(unpacked: Vec<Unpacked>) -> Vec<(String, PartHead, Bytes)> {
    let parts = |Unpacked { kind, parts }: Unpacked| {
        let with_kind = move |(head, body)| (kind.clone(), head, body);
        parts.into_iter().map(with_kind)
    };
    unpacked.into_iter().flat_map(parts).collect()
}

fn sent() -> impl Strategy<Value = Vec<Sent>> {
    let kind = select(vec!["supervisor.tile", "leader.answers", "", "§"]);
    let numbers = (0..2_u32, any::<u64>(), 0..3_u32, 3..5_u32);
    let part = (kind, numbers, vec(any::<u8>(), 0..50));
    vec(part, 0..30).prop_map(|parts| {
        let part = |(kind, (node, sequence, part, parts), bytes)| {
            (kind, head(node, sequence, part, parts), Bytes::from(bytes))
        };
        parts.into_iter().map(part).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_bundle_comes_apart_as_it_was(sent in sent()) {
        let bundle = packed(&sent);
        let got = flat(unpack(bundle).unwrap());
        prop_assert_eq!(got.len(), sent.len());
        for (got, (kind, head, body)) in got.into_iter().zip(sent) {
            prop_assert_eq!(got, (kind.to_owned(), head, body));
        }
    }

    /// Lengths in them may say anything: what comes back is no longer than what came.
    #[test]
    fn a_bundle_with_bytes_changed_or_cut_off_never_panics(
        sent in sent(),
        changes in vec((any::<Index>(), any::<u8>()), 0..8),
        cut in any::<Index>(),
    ) {
        let mut bundle = packed(&sent).to_vec();
        for (at, byte) in changes {
            let at = at.index(bundle.len());
            bundle[at] = byte;
        }
        bundle.truncate(cut.index(bundle.len() + 1));
        let came = bundle.len();
        if let Ok(unpacked) = unpack(bundle.into()) {
            let got = flat(unpacked);
            prop_assert!(got.len() <= MAX_PARTS);
            prop_assert!(got.iter().map(|(_, _, body)| body.len()).sum::<usize>() <= came);
            prop_assert!(got.iter().all(|(_, head, _)| head.part < head.parts));
        }
    }

    #[test]
    fn garbage_is_refused_or_no_longer_than_it_came(garbage in vec(any::<u8>(), 0..300)) {
        let came = garbage.len();
        if let Ok(unpacked) = unpack(garbage.into()) {
            let got: usize = flat(unpacked).iter().map(|(_, _, body)| body.len()).sum();
            prop_assert!(got <= came);
        }
    }
}

fn small(number: usize) -> Sent {
    let body = Bytes::from_static(b"tile");
    ("supervisor.tile", head(1, number as u64, 0, 1), body)
}

#[test]
fn nothing_is_copied_out_and_little_is_added() {
    let tile = |number| {
        let (kind, head, _) = small(number);
        (kind, head, Bytes::from(vec![7; 1024]))
    };
    let bundle = packed(&(100_000..100_200).map(tile).collect::<Vec<_>>());
    let bodies = 200 * 1024;
    assert!(bundle.len() - bodies < bodies / 100, "{}", bundle.len());
    let start = bundle.as_ptr() as usize + bundle.len() - bodies;
    for (number, (_, _, body)) in flat(unpack(bundle).unwrap()).iter().enumerate() {
        assert_eq!(body.as_ptr() as usize, start + number * 1024);
    }
}

/// A receiver counts what waits: a byte of a bundle must not keep all of it.
#[test]
fn what_waits_for_other_parts_keeps_nothing_of_its_bundle() {
    let part = |sequence, parts| {
        let body = Bytes::from_static(b"tile");
        ("supervisor.tile", head(1, sequence, 0, parts), body)
    };
    let bundle = packed(&[part(1, 2), part(2, 1)]);
    let all = bundle.as_ptr_range();
    let [(_, _, waits), (_, _, whole)] = &flat(unpack(bundle.clone()).unwrap())[..] else {
        panic!("two parts")
    };
    assert_eq!((&waits[..], &whole[..]), (&b"tile"[..], &b"tile"[..]));
    assert!(!all.contains(&waits.as_ptr()));
    assert!(all.contains(&whole.as_ptr()));
}

#[test]
fn what_cannot_be_is_refused() {
    let full: Vec<Sent> = (0..MAX_PARTS).map(small).collect();
    assert_eq!(flat(unpack(packed(&full)).unwrap()).len(), MAX_PARTS);
    let more: Vec<Sent> = (0..=MAX_PARTS).map(small).collect();
    let parts = MAX_PARTS + 1;
    assert_eq!(unpack(packed(&more)), Err(WireError::Bundle { parts }));

    let of = |bytes: usize| {
        let (kind, head, _) = small(1);
        [(kind, head, Bytes::from(vec![7; bytes]))]
    };
    assert!(unpack(packed(&of(MAX_BYTES))).is_ok());
    let bytes = MAX_BYTES + 1;
    assert_eq!(
        unpack(packed(&of(bytes))),
        Err(WireError::LongBundle { bytes })
    );

    let impossible = [("supervisor.tile", head(1, 1, 3, 3), Bytes::new())];
    let refused = Err(WireError::Part { part: 3, parts: 3 });
    assert_eq!(unpack(packed(&impossible)), refused);

    let longer = [&packed(&full)[..], b"x"].concat();
    let refused = unpack(longer.into());
    assert!(
        matches!(refused, Err(WireError::Bulk { .. })),
        "{refused:?}"
    );
    assert!(matches!(unpack(Bytes::new()), Err(WireError::Body(_))));
}

#[test]
fn the_header_is_the_version_and_nothing_else() {
    assert_eq!(check(&header()), Ok(()));
    assert_eq!(check(&[]), Err(WireError::NoHead));
    assert_eq!(check(&[VERSION - 1]), Err(WireError::Version(VERSION - 1)));
    assert_eq!(check(&[VERSION, 0]), Err(WireError::Head));
}

#[test]
fn no_message_of_ours_is_called_a_bundle() {
    assert!(!crate::message::Message::KINDS.contains(&KIND));
}
