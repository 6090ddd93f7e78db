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
        envelope_bytes: 120.0,
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
    /// | envelope | 120 bytes: an estimate of this project's envelope (version, kind, job, epoch, round, tile, sender) with the frames of AMQP 0-9-1 | 623 bytes: counted on a typical `inform` in FIPA SC00070I (ACL Message Representation in String) |
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
    use super::*;

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
