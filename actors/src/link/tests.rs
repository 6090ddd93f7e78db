use super::*;
use crate::id::{Epoch, JobId, TeamId};
use crate::message::{LeaderMessage, ProxyMessage};
use actix::{Context, System};
use uuid::Uuid;

const HERE: Origin = Origin {
    node: NodeId(0),
    incarnation: Incarnation(1),
};

struct Nobody;

impl Actor for Nobody {
    type Context = Context<Self>;
}

impl Handler<Letter> for Nobody {
    type Result = ();

    fn handle(&mut self, _: Letter, _: &mut Self::Context) {}
}

fn leader() -> Address {
    let team = TeamId {
        job: JobId::new(Uuid::from_u128(1)),
        epoch: Epoch(1),
    };
    Address::Leader(team, HERE.node)
}

#[test]
fn what_cannot_be_delivered_is_counted() {
    let link = Link::local(HERE);
    let cancel = || LeaderMessage::Cancel;
    link.send(leader(), cancel());
    assert_eq!(link.counters().undeliverable, 1, "nobody was ever there");
    System::new().block_on(async {
        let registration = link.register(leader(), Nobody.start().recipient());
        link.send(leader(), cancel());
        assert_eq!(link.counters().sent, 1);
        drop(registration);
        link.send(leader(), cancel());
        assert_eq!(link.counters().undeliverable, 2, "its registration is gone");
        link.register_forever(Address::Proxy, Nobody.start().recipient());
    });
    link.send(Address::Proxy, ProxyMessage::Lost(HERE));
    assert_eq!(link.counters().undeliverable, 3, "its event loop is gone");
    assert_eq!(link.counters().sent, 1);
}

#[test]
fn what_comes_twice_from_another_node_is_taken_once() {
    System::new().block_on(async {
        let link = Link::local(HERE);
        link.register_forever(leader(), Nobody.start().recipient());
        let envelope = |incarnation, sequence| Envelope {
            from: Origin {
                node: NodeId(7),
                incarnation: Incarnation(incarnation),
            },
            sequence,
            to: leader(),
            incarnation: None,
            message: LeaderMessage::Cancel.into(),
        };
        for (incarnation, sequence) in [(1, 1), (1, 2), (1, 1), (1, 2), (2, 1), (2, 1)] {
            link.deliver(envelope(incarnation, sequence));
        }
        assert_eq!(link.counters().sent, 3);
        assert_eq!(link.counters().repeated, 3);
    });
}

#[test]
fn who_is_not_heard_of_any_more_is_forgotten() {
    let second = Duration::from_secs;
    let to = |node| (NodeId(node), Queue::Data);
    let from = |node| {
        let incarnation = Incarnation(1);
        let node = NodeId(node);
        (Origin { node, incarnation }, Queue::Data)
    };
    let (mut here, mut there) = (Exchange::default(), Exchange::default());
    for (node, messages) in [(7, 5), (8, 2)] {
        for number in 1..=messages {
            assert_eq!(here.number(to(node)), number);
            assert!(there.is_new(from(node), number));
        }
    }
    for now in (1..=100).map(second) {
        here.forget_silent(now, second(100));
        there.forget_silent(now, second(100));
        here.number(to(8));
        there.is_new(from(8), now.as_secs() + 2);
    }
    assert_eq!((here.sent.len(), there.seen.len()), (2, 2), "not yet");
    for exchange in [&mut here, &mut there] {
        exchange.forget_silent(second(130), second(100));
    }
    assert!(here.sent.keys().eq([&to(8)]));
    assert!(there.seen.keys().eq([&from(8)]));
    // Whoever remembers would take lower numbers for repetitions.
    assert_eq!(here.number(to(7)), 6);
    assert_eq!(here.number(to(9)), 6, "whoever that is");
}

/// 10,000 tiles wait in the queue for data, and the leader's node is told of its lease meanwhile.
#[test]
fn what_overtakes_in_another_queue_makes_nothing_look_repeated() {
    System::new().block_on(async {
        let sent = Arc::<Mutex<Vec<Envelope>>>::default();
        struct Way(Arc<Mutex<Vec<Envelope>>>);
        impl Transport for Way {
            fn send(&self, _: NodeId, envelope: Envelope) {
                self.0.lock().unwrap().push(envelope);
            }
        }
        let node = NodeId(7);
        let there = Link::local(Origin { node, ..HERE });
        there.register_forever(Address::Supervisor(node), Nobody.start().recipient());
        let way = Arc::new(Way(Arc::clone(&sent)));
        let here = Link::new(HERE, HERE.node, Some(way), Arc::default());
        let team = TeamId {
            job: JobId::new(Uuid::from_u128(1)),
            epoch: Epoch(1),
        };
        for rank in (0..10_000).map(crate::id::Rank) {
            let tile = crate::payload::Payload::default();
            let tile = SupervisorMessage::Tile {
                team,
                rank,
                tile,
                complexity: 0.0,
            };
            here.send(Address::Supervisor(node), tile);
        }
        let incarnation = Incarnation(0);
        let expelled = SupervisorMessage::Expelled { incarnation };
        here.send(Address::Supervisor(node), expelled);
        let mut sent = std::mem::take(&mut *sent.lock().unwrap());
        // The last overtakes all others.
        sent.rotate_right(1);
        for envelope in sent {
            there.deliver(envelope);
        }
        assert_eq!(
            (there.counters().sent, there.counters().repeated),
            (10_001, 0)
        );
    });
}

/// A team has a tile for each of its MsVPUs, and all of them may wait in one mailbox.
#[test]
fn letters_are_small() {
    assert!(size_of::<Letter>() <= 144, "{}", size_of::<Letter>());
}
