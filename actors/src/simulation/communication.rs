//! What messages cost: the models that come with the simulation.

use std::time::Duration;

use crate::simulation::spec::Communication;

/// A model as a constant; [`Communication`] owns its name.
pub(crate) struct Preset {
    pub(crate) name: &'static str,
    envelope_bytes: f64,
    expansion: f64,
    handling: Duration,
    migration_bytes: f64,
}

/// Where each number comes from stands at [`Communication::preset`].
pub(crate) const PRESETS: [Preset; 2] = [
    Preset {
        name: "amqp",
        envelope_bytes: 167.0,
        expansion: 1.0,
        handling: Duration::from_micros(20),
        migration_bytes: 0.0,
    },
    Preset {
        name: "acl",
        envelope_bytes: 623.0,
        expansion: 4.0 / 3.0,
        handling: Duration::from_micros(200),
        migration_bytes: 65_536.0,
    },
];

impl Preset {
    fn owned(&self) -> Communication {
        Communication {
            name: self.name.to_owned(),
            envelope_bytes: self.envelope_bytes,
            expansion: self.expansion,
            handling: self.handling,
            migration_bytes: self.migration_bytes,
        }
    }
}

impl Communication {
    /// The model of that name: `amqp` (MsVPU, this project) or `acl` (AVPU: mobile agents that talk in FIPA
    /// ACL); `None` for another. Where each number comes from:
    ///
    /// | | `amqp` | `acl` |
    /// |---|---|---|
    /// | envelope | 167 bytes: the mean over the messages of Table III's job. What sealing a message for the broker adds to it (to whom, for which incarnation; of each of its parts a header with sender, sequence and place) is encoded with postcard; the frames of AMQP 0-9-1 around each part are counted by that specification, for the exchange, the routing keys and the properties that this project publishes with. A test repeats both | 623 bytes: counted on a typical `inform` in FIPA SC00070I (ACL Message Representation in String) |
    /// | expansion | 1: bodies travel as they are | 4/3: the representation is text, and JADE's `StringACLCodec` puts bytes into Base64 (RFC 4648, section 4) |
    /// | handling | 20 µs at each end: 26,000 confirmed messages of 1 KiB a second on one host, measured with lapin on RabbitMQ 3.10, are 38 µs a message | 200 µs at each end: not known from the paper, and not measured; assumed ten times `amqp`, for writing and parsing text |
    /// | migration | 0: the program is on every node already | 64 KiB: the paper says that agents take their code and state along, not how much; assumed: a small agent's class files and serialised state |
    #[must_use]
    pub fn preset(name: &str) -> Option<Self> {
        let found = PRESETS.iter().find(|preset| preset.name == name)?;
        Some(found.owned())
    }
}

/// This project's own: `amqp`.
impl Default for Communication {
    fn default() -> Self {
        let [amqp, _] = &PRESETS;
        amqp.owned()
    }
}

#[cfg(test)]
mod tests {
    #[cfg(feature = "amqp")]
    use bytes::Bytes;
    #[cfg(feature = "amqp")]
    use uuid::Uuid;

    use super::*;
    #[cfg(feature = "amqp")]
    use crate::{
        core::{answer::Answer, msvpu::Stage},
        id::{Epoch, Incarnation, JobId, NodeId, Origin, Rank, Round, TeamId},
        message::{Address, Envelope, LeaderMessage, SupervisorMessage},
        payload::Payload,
        simulation::network::size_bytes,
        wire::body::Body,
        wire::frame::{Parcel, PartHead},
        wire::queues::exchange,
    };

    /// An agent of a simulated node tells its leader a partial result, in the grammar of FIPA SC00070I:
    /// agent identifiers with one address each, and the parameters that a reply in FIPA-request carries.
    const INFORM: &str = "\
(inform
 :sender (agent-identifier :name avpu-000123@node-001.cluster.example:1099/JADE :addresses (sequence http://node-001.cluster.example:7778/acc))
 :receiver (set (agent-identifier :name leader-0001@node-000.cluster.example:1099/JADE :addresses (sequence http://node-000.cluster.example:7778/acc)))
 :content \"\"
 :reply-with leader-0001@node-000.cluster.example:1099/JADE1479848503123
 :in-reply-to avpu-000123@node-001.cluster.example:1099/JADE1479848503001
 :encoding fipa.acl.rep.string.base64
 :language fipa-sl0
 :ontology team-work
 :protocol fipa-request
 :conversation-id 0190d7a2-7c41-7b1e-9f35-2f1c6d1e8a10
)";

    #[test]
    fn the_envelope_of_acl_is_that_of_a_typical_message() {
        let acl = Communication::preset("acl").unwrap();
        assert_eq!(acl.envelope_bytes, INFORM.len() as f64);
    }

    /// The messages of Table III's job between its leader and its nodes, with how often each is sent:
    /// 1000 tiles on 10 nodes in 10 rounds. Nodes are numbered at random, and incarnations are times.
    #[cfg(feature = "amqp")]
    fn messages_of_table_three() -> [(f64, Envelope); 3] {
        let (leader, worker) = (NodeId(0xB7E1_5163), NodeId(0xADF8_5458));
        let incarnation = Incarnation(1_479_848_503_123);
        let origin = |node| Origin { node, incarnation };
        let team = TeamId {
            job: JobId::new(Uuid::from_u128(0x0190_d7a2_7c41_7b1e_9f35_2f1c_6d1e_8a10)),
            epoch: Epoch(1),
        };
        let payload = |bytes| Payload {
            head: Bytes::new(),
            body: Bytes::from(vec![0; bytes]),
        };
        let down = |message: SupervisorMessage| Envelope {
            from: origin(leader),
            sequence: 600,
            to: Address::Supervisor(worker),
            incarnation: Some(incarnation),
            message: message.into(),
        };
        let answers = LeaderMessage::Answers {
            origin: origin(worker),
            sent: Duration::from_nanos(123_456_789),
            answers: vec![Answer {
                rank: Rank(500),
                stage: Stage::Round(Round(5)),
                payload: Some(payload(24)),
                effort: None,
            }],
        };
        let up = Envelope {
            from: origin(worker),
            sequence: 600,
            to: Address::Leader(team, leader),
            incarnation: None,
            message: answers.into(),
        };
        let tile = SupervisorMessage::Tile {
            team,
            rank: Rank(500),
            tile: payload(1024 * 786),
            complexity: 6.5e11,
        };
        let task = SupervisorMessage::Task {
            team,
            ranks: (450..550).into(),
            round: Round(5),
            task: payload(1),
        };
        [(1000.0, down(tile)), (100.0, down(task)), (10_000.0, up)]
    }

    /// How many bytes AMQP 0-9-1 makes of a message, part by part and frame by frame (sections 2.3.5
    /// and 4.2): `basic.publish`, a content header with the type and one entry in the table of headers,
    /// and the body in frames of at most 128 KiB, as RabbitMQ has it unless told otherwise.
    #[cfg(feature = "amqp")]
    fn published_bytes(envelope: Envelope) -> usize {
        const FRAME: usize = 1 + 2 + 4 + 1;
        let to = match envelope.to {
            Address::Leader(_, node) | Address::Supervisor(node) => node,
            other => unreachable!("{other:?}"),
        };
        let parcel = Parcel::seal(envelope).unwrap();
        let short = |text: &str| 1 + text.len();
        let key = parcel.queue.routing_key(to);
        let method = 2 + 2 + 2 + short(&exchange("main")) + short(&key) + 1;
        let parts = parcel.parts.len() as u32;
        let part_bytes = |(part, body): (u32, &Body)| {
            let head = PartHead {
                from: parcel.from,
                sequence: parcel.sequence,
                part,
                parts,
            };
            let table = 4 + short("msvpu") + 1 + 4 + head.encode().unwrap().len();
            let header = 2 + 2 + 8 + 2 + short(parcel.kind) + table;
            let bodies = body.len().div_ceil((128 << 10) - FRAME);
            (2 + bodies) * FRAME + method + header + body.len()
        };
        (0..).zip(&parcel.parts).map(part_bytes).sum()
    }

    #[cfg(feature = "amqp")]
    #[test]
    fn the_envelope_of_amqp_is_that_of_the_messages_of_this_project() {
        let (mut bytes, mut count) = (0.0, 0.0);
        for (times, envelope) in messages_of_table_three() {
            let payload = size_bytes(&envelope.message);
            bytes += times * (published_bytes(envelope) as f64 - payload);
            count += times;
        }
        let amqp = Communication::preset("amqp").unwrap();
        assert_eq!(amqp.envelope_bytes, (bytes / count).round());
    }

    #[test]
    fn presets_are_found_by_name() {
        for name in ["amqp", "acl"] {
            assert_eq!(Communication::preset(name).unwrap().name, name);
        }
        assert_eq!(Communication::preset("mpi"), None);
        assert_eq!(
            Communication::preset("amqp").unwrap(),
            Communication::default()
        );
    }
}
