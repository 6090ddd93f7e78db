//! What a machine has left on a broker.

use std::time::Duration;

use lapin::options::{ExchangeDeclareOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{Connection, ConnectionProperties, ErrorKind, ExchangeKind};

pub(crate) async fn connection(url: &str) -> Connection {
    let properties = ConnectionProperties::default();
    Connection::connect(url, properties).await.unwrap()
}

/// Waits until a machine has nothing on the broker any more. The exchange is there as long as one
/// queue is bound to it; the two other queues are not.
pub(crate) async fn assert_gone(url: &str, vm: &str) {
    let connection = connection(url).await;
    let exchange = format!("msvpu.{vm}");
    for queue in [None, Some("directory"), Some("dead")] {
        let mut looks = tokio::time::interval(Duration::from_millis(20));
        // What belongs to a connection that is about to end is locked.
        while is_there(&connection, &exchange, queue).await {
            looks.tick().await;
        }
    }
    connection.close(200, "OK".into()).await.unwrap();
}

/// Whether there is the exchange, or a queue that is named after it.
pub(crate) async fn is_there(connection: &Connection, exchange: &str, queue: Option<&str>) -> bool {
    // A channel whose predecessor of the same number is just being closed may inherit its error: to be
    // looked at again.
    let Ok(channel) = connection.create_channel().await else {
        return true;
    };
    let declared = match queue {
        None => {
            let options = ExchangeDeclareOptions {
                passive: true,
                ..ExchangeDeclareOptions::default()
            };
            let (name, kind) = (exchange.into(), ExchangeKind::Direct);
            let declared = channel.exchange_declare(name, kind, options, FieldTable::default());
            declared.await
        }
        Some(queue) => {
            let options = QueueDeclareOptions {
                passive: true,
                ..QueueDeclareOptions::default()
            };
            let name = format!("{exchange}.{queue}").into();
            let declared = channel.queue_declare(name, options, FieldTable::default());
            declared.await.map(drop)
        }
    };
    match declared {
        Ok(()) => {
            channel.close(200, "OK".into()).await.unwrap();
            true
        }
        Err(error) => !is_not_found(&error),
    }
}

fn is_not_found(error: &lapin::Error) -> bool {
    matches!(error.kind(), ErrorKind::ProtocolError(error) if error.get_id() == 404)
}
