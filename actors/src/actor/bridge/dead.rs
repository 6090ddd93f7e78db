//! Messages that nobody can read, kept where people can look at them.

use lapin::options::{BasicPublishOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Error};

use super::Bridge;
use super::receiver::Dead;
use crate::wire::queues::dead;

/// How many unreadable messages are kept for people to look at, for how long, and how many bytes.
const DEAD_MESSAGES: i32 = 1000;
const DEAD_EXPIRES_MS: i32 = 7 * 24 * 3600 * 1000;
const DEAD_BYTES: i32 = 64 << 20;

impl Bridge {
    /// Keeps an unreadable message where people can look at it.
    pub(super) fn bury(&mut self, dead_message: Dead) {
        let Dead {
            queue,
            reason,
            properties,
            body,
        } = dead_message;
        log::warn!(
            "{queue}: an unreadable message, {} bytes: {reason}",
            body.len()
        );
        let Some(connected) = &mut self.connected else {
            return;
        };
        let channel = connected.connections.burial.clone();
        let name = dead(&self.membership.vm);
        let declare = !std::mem::replace(&mut connected.has_dead_queue, true);
        self.runtime.spawn(async move {
            if let Err(error) = bury(&channel, name, declare, properties, &body).await {
                log::warn!("an unreadable message could not be kept: {error}");
            }
        });
    }
}

async fn bury(
    channel: &Channel,
    name: String,
    declare: bool,
    properties: BasicProperties,
    body: &[u8],
) -> Result<(), Error> {
    if declare {
        let mut arguments = FieldTable::default();
        let bounds = [
            ("x-max-length", DEAD_MESSAGES),
            ("x-max-length-bytes", DEAD_BYTES),
            ("x-expires", DEAD_EXPIRES_MS),
        ];
        for (name, bound) in bounds {
            arguments.insert(name.into(), AMQPValue::LongInt(bound));
        }
        let options = QueueDeclareOptions {
            durable: true,
            ..QueueDeclareOptions::default()
        };
        channel
            .queue_declare(name.clone().into(), options, arguments)
            .await?;
    }
    let options = BasicPublishOptions::default();
    let properties = properties.with_delivery_mode(2);
    let published = channel.basic_publish("".into(), name.into(), options, body, properties);
    published.await?.await?;
    Ok(())
}
