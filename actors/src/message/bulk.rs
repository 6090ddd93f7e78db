//! Where the bulk data of a message is.

use bytes::Bytes;

use super::{LeaderMessage, Message, MonitorMessage, ProxyMessage, SupervisorMessage};

impl Message {
    /// What may be long in the message, always in the same order.
    pub(crate) fn bulk(&mut self) -> Vec<&mut Bytes> {
        match self {
            Self::Proxy(ProxyMessage::Commit { record, .. }) => vec![&mut record.task.body],
            Self::Proxy(ProxyMessage::Ended { result, .. }) => match result.as_mut() {
                Ok(finished) => {
                    let tiles = finished.tiles.iter_mut().flatten();
                    std::iter::once(&mut finished.output)
                        .chain(tiles)
                        .map(|payload| &mut payload.body)
                        .collect()
                }
                Err(_) => Vec::new(),
            },
            Self::Supervisor(SupervisorMessage::StartLeader { input, resumed, .. }) => {
                let resumed = resumed.iter_mut().map(|record| &mut record.task.body);
                std::iter::once(&mut input.body).chain(resumed).collect()
            }
            Self::Supervisor(
                SupervisorMessage::Tile { tile: payload, .. }
                | SupervisorMessage::Task { task: payload, .. }
                | SupervisorMessage::Collect {
                    output: payload, ..
                },
            ) => vec![&mut payload.body],
            Self::Monitor(MonitorMessage::Test { ballast, .. }) => vec![ballast],
            Self::Leader(LeaderMessage::Answers { answers, .. }) => {
                let payloads = answers
                    .iter_mut()
                    .filter_map(|answer| answer.payload.as_mut());
                payloads.map(|payload| &mut payload.body).collect()
            }
            _ => Vec::new(),
        }
    }
}
