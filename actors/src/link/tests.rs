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
