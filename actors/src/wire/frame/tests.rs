//! Every message comes back as it was, and nothing else comes back as a message.

mod examples;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use uuid::Uuid;

use super::*;
use crate::core::timesheet::Timesheet;
use crate::id::{Epoch, Incarnation, JobId};
use crate::job::Finished;
use crate::message::ProxyMessage;
use crate::payload::Payload;
use examples::{NODE, ORIGIN, messages};

fn envelope(message: Message) -> Envelope {
    Envelope {
        from: ORIGIN,
        sequence: 42,
        to: Address::Supervisor(NODE),
        incarnation: Some(ORIGIN.incarnation),
        message,
    }
}

/// So many bytes that tell where they stand.
fn bytes(len: usize) -> Bytes {
    (0..len as u32)
        .map(|at| (at.wrapping_mul(0x9e37_79b9) >> 24) as u8)
        .collect::<Vec<u8>>()
        .into()
}

/// The bodies as they come out of the broker.
fn gathered(parcel: &Parcel) -> Vec<Bytes> {
    parcel.parts.iter().map(Body::gather).collect()
}

fn same(left: &Envelope, right: &Envelope) -> bool {
    let encode = |envelope| postcard::to_allocvec(envelope).unwrap();
    encode(left) == encode(right)
}

fn assert_returns(message: Message) {
    let (kind, sent) = (message.kind(), envelope(message));
    let parcel = Parcel::seal(sent.clone()).unwrap();
    assert_eq!(
        (parcel.kind, parcel.from, parcel.sequence),
        (kind, ORIGIN, 42)
    );
    assert!(parcel.parts.iter().all(|part| part.len() <= PART_BYTES));
    let got = open(kind, ORIGIN, 42, gathered(&parcel)).unwrap();
    assert!(same(&sent, &got), "{kind}");
}

#[test]
fn there_is_an_example_of_every_kind() {
    let examples = messages(Bytes::new);
    let mut kinds: Vec<_> = examples.iter().map(Message::kind).collect();
    kinds.dedup();
    let mut expected = Message::KINDS.to_vec();
    kinds.sort_unstable();
    expected.sort_unstable();
    assert_eq!(kinds, expected);
}

#[test]
fn every_kind_returns_with_bulk_data_of_every_size_around_the_limits() {
    let limits = [DETACHED_BYTES, INLINE_BYTES, PART_BYTES, 3 * PART_BYTES];
    let around = limits
        .iter()
        .flat_map(|limit| [limit - 1, *limit, limit + 1]);
    for len in [0, 1].into_iter().chain(around) {
        let bulk = bytes(len);
        messages(|| bulk.clone())
            .into_iter()
            .for_each(assert_returns);
    }
}

#[test]
fn what_is_small_goes_in_one_part_and_what_is_long_is_not_copied() {
    let tile = |len| {
        let mut long = messages(|| bytes(len)).into_iter();
        let tile = long.find(|message| message.kind() == "supervisor.tile");
        Parcel::seal(envelope(tile.unwrap())).unwrap()
    };
    for len in [0, DETACHED_BYTES, DETACHED_BYTES + 1, INLINE_BYTES] {
        assert_eq!(tile(len).parts.len(), 1, "{len}");
    }
    let long = gathered(&tile(2 * PART_BYTES + 1));
    assert_eq!(long.len(), 1 + 3);
    assert!(
        long[0].len() < DETACHED_BYTES,
        "the message without its bulk"
    );
    let at = |part: &Bytes| part.as_ptr() as usize;
    assert_eq!(at(&long[2]), at(&long[1]) + PART_BYTES);
    assert_eq!(at(&long[3]), at(&long[2]) + PART_BYTES);
}

/// One part each would be more than a receiver takes of a message.
#[test]
fn many_short_pieces_go_together() {
    const TILES: usize = 3000;
    let piece = DETACHED_BYTES + 1;
    let all = bytes(TILES * piece);
    let tile = |tile: usize| Payload {
        head: Bytes::new(),
        body: all.slice(tile * piece..(tile + 1) * piece),
    };
    let ended = ProxyMessage::Ended {
        team: TeamId {
            job: JobId::new(Uuid::from_u128(1)),
            epoch: Epoch(1),
        },
        result: Box::new(Ok(Finished {
            output: Payload::default(),
            tiles: (0..TILES).map(|number| Some(tile(number))).collect(),
        })),
        nodes: Vec::new(),
        times: Timesheet::default(),
    };
    let parcel = Parcel::seal(envelope(ended.clone().into())).unwrap();
    let full = TILES.div_ceil(PART_BYTES / piece);
    assert_eq!(parcel.parts.len(), 1 + full);
    assert_returns(ended.into());
}

#[test]
fn a_tile_for_a_node_that_joined_anew_is_another() {
    let for_incarnation = |incarnation| {
        let mut all = messages(|| bytes(1)).into_iter();
        let tile = all.find(|message| message.kind() == "supervisor.tile");
        let envelope = Envelope {
            incarnation,
            ..envelope(tile.unwrap())
        };
        Parcel::seal(envelope).unwrap().tile.unwrap()
    };
    let [first, second] = [1, 2].map(|of| for_incarnation(Some(Incarnation(of))));
    assert_eq!(first, for_incarnation(Some(Incarnation(1))));
    assert_ne!(first, second);
}

#[test]
fn a_message_whose_own_part_is_longer_than_a_part_returns() {
    // A task whose head is long; and one whose body is, too.
    for body in [0, DETACHED_BYTES + 1, PART_BYTES + 1] {
        let task = Payload {
            head: bytes(2 * PART_BYTES + 12_345),
            body: bytes(body),
        };
        assert_returns(Message::from(SupervisorMessage::Collect {
            team: TeamId {
                job: JobId::new(Uuid::from_u128(1)),
                epoch: Epoch(1),
            },
            ranks: (0..1).into(),
            output: task,
        }));
    }
}

#[test]
fn heads_return_and_nothing_else_is_one() {
    let head = PartHead {
        from: ORIGIN,
        sequence: u64::MAX,
        part: 3,
        parts: 4,
    };
    let encoded = head.encode().unwrap();
    assert_eq!(PartHead::decode(&encoded), Ok(head));
    assert_eq!(PartHead::decode(&[]), Err(WireError::NoHead));
    for cut in 1..encoded.len() {
        assert_eq!(PartHead::decode(&encoded[..cut]), Err(WireError::Head));
    }
    let longer = [&encoded[..], &[0]].concat();
    assert_eq!(PartHead::decode(&longer), Err(WireError::Head));
    let mut other = encoded;
    other[0] = VERSION + 1;
    let refused = PartHead::decode(&other);
    assert_eq!(refused, Err(WireError::Version(VERSION + 1)));
    for (part, parts) in [(0, 0), (4, 4), (u32::MAX, 1)] {
        let head = PartHead {
            part,
            parts,
            ..head
        };
        let refused = PartHead::decode(&head.encode().unwrap());
        assert_eq!(refused, Err(WireError::Part { part, parts }));
    }
}

#[test]
fn parts_that_are_missing_or_too_many_are_told() {
    let message = || {
        let mut long = messages(|| bytes(3 * PART_BYTES)).into_iter();
        let ended = long.find(|message| message.kind() == "proxy.ended");
        Parcel::seal(envelope(ended.unwrap())).unwrap()
    };
    let whole = gathered(&message());
    assert!(open("proxy.ended", ORIGIN, 42, Vec::new()).is_err());
    for missing in 0..whole.len() {
        let mut parts = whole.clone();
        parts.remove(missing);
        let opened = open("proxy.ended", ORIGIN, 42, parts);
        assert!(opened.is_err(), "without part {missing}");
    }
    let mut parts = whole;
    parts.push(Bytes::from_static(b"x"));
    let opened = open("proxy.ended", ORIGIN, 42, parts);
    assert!(matches!(opened, Err(WireError::Bulk { .. })), "{opened:?}");
}

fn sizes() -> impl Strategy<Value = usize> {
    let limit = select(vec![
        0,
        DETACHED_BYTES,
        INLINE_BYTES,
        PART_BYTES,
        2 * PART_BYTES,
    ]);
    prop_oneof![
        3 => 0_usize..4096,
        1 => (limit, 0_usize..4).prop_map(|(limit, by)| (limit + by).saturating_sub(2)),
        1 => 0..3 * PART_BYTES,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_message_returns_whatever_the_sizes_of_its_parts(
        sizes in prop::collection::vec(sizes(), 1..6),
        which in any::<Index>(),
    ) {
        let longest = bytes(*sizes.iter().max().unwrap());
        let mut sizes = sizes.into_iter().cycle();
        let all = messages(|| longest.slice(..sizes.next().unwrap()));
        assert_returns(which.get(&all).clone());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    /// Lengths in them may say anything: what comes back is no longer than what came.
    #[test]
    fn garbage_is_refused_or_no_longer_than_it_came(
        kind in select(Message::KINDS.to_vec()),
        parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..4),
    ) {
        let came: usize = parts.iter().map(Vec::len).sum();
        let parts = parts.into_iter().map(Bytes::from).collect();
        if let Ok(mut envelope) = open(kind, ORIGIN, 42, parts) {
            let bulk: usize = envelope.message.bulk().iter().map(|bulk| bulk.len()).sum();
            prop_assert!(bulk <= came);
        }
        prop_assert!(PartHead::decode(kind.as_bytes()).is_err());
    }

    #[test]
    fn a_message_with_bytes_changed_or_cut_off_never_panics(
        which in any::<Index>(),
        len in 0_usize..3000,
        changes in prop::collection::vec((any::<Index>(), any::<u8>()), 1..8),
        cut in any::<Index>(),
        said in select(Message::KINDS.to_vec()),
    ) {
        let bulk = bytes(len);
        let all = messages(|| bulk.clone());
        let parcel = Parcel::seal(envelope(which.get(&all).clone())).unwrap();
        let mut body = parcel.parts[0].gather().to_vec();
        for (at, byte) in changes {
            let at = at.index(body.len());
            body[at] = byte;
        }
        body.truncate(1 + cut.index(body.len()));
        let came = body.len();
        for kind in [parcel.kind, said] {
            let opened = open(kind, ORIGIN, 42, vec![body.clone().into()]);
            if let Ok(mut envelope) = opened {
                prop_assert_eq!(envelope.message.kind(), kind);
                let bulk: usize = envelope.message.bulk().iter().map(|bulk| bulk.len()).sum();
                prop_assert!(bulk <= came);
            }
        }
    }
}
