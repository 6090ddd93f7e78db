//! Messages that no process of ours has sent.

use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, QueueDeleteOptions};
use lapin::types::{AMQPValue, FieldTable, LongString};
use lapin::{BasicProperties, Channel, Confirmation};
use msvpu_actors::{Node, Origin};

use crate::support::{Cluster, assert_equal, connection, total, until};
use crate::work::{Work, noise};

/// Whom rubbish pretends to be from.
fn stranger() -> Origin {
    let bytes = postcard::to_allocvec(&(9_u32, 9_u64)).unwrap();
    postcard::from_bytes(&bytes).unwrap()
}

/// The version of frames and bundles.
const OURS: u8 = 3;

/// The header of a part, as `wire/frame.rs` has it.
fn head(version: u8, sequence: u64, part: u32, parts: u32) -> Vec<u8> {
    let head = (stranger(), sequence, part, parts);
    postcard::to_extend(&head, vec![version]).unwrap()
}

/// A kind, whom it is from, and of each part: sequence number, which part, of how many, of how many
/// bytes; as `wire/bundle.rs` has it.
type Run<'a> = (&'a str, Origin, Vec<(u64, u32, u32, u32)>);

/// A bundle of messages that nobody can read.
fn of_rubbish(bodies: &[&str]) -> Vec<u8> {
    let parts = bodies.iter().zip(1 << 20..);
    let parts = parts.map(|(body, sequence)| (sequence, 0, 1, body.len() as u32));
    let run: Run<'_> = ("supervisor.stop", stranger(), parts.collect());
    let mut bundle = postcard::to_allocvec(&vec![run]).unwrap();
    bodies.iter().for_each(|body| bundle.extend(body.bytes()));
    bundle
}

/// A kind, a header of ours, and a body.
type Rubbish<'a> = (Option<&'a str>, Option<Vec<u8>>, &'a [u8]);

struct Sender {
    channel: Channel,
    exchange: String,
}

impl Sender {
    async fn send(&self, key: &str, kind: Option<&str>, head: Option<Vec<u8>>, body: &[u8]) {
        let mut properties = BasicProperties::default();
        if let Some(kind) = kind {
            properties = properties.with_type(kind.into());
        }
        if let Some(head) = head {
            let mut headers = FieldTable::default();
            headers.insert(
                "msvpu".into(),
                AMQPValue::LongString(LongString::from(head)),
            );
            properties = properties.with_headers(headers);
        }
        let options = BasicPublishOptions {
            mandatory: true,
            ..BasicPublishOptions::default()
        };
        let exchange = self.exchange.clone().into();
        let sent = self
            .channel
            .basic_publish(exchange, key.into(), options, body, properties);
        let confirmed = sent.await.unwrap().await.unwrap();
        assert_eq!(confirmed, Confirmation::Ack(None), "{key}: it must arrive");
    }
}

#[tokio::test]
async fn rubbish_is_counted_and_kept_and_the_node_lives() {
    let cluster = Cluster::new("rubbish");
    let (machine, nodes) = cluster.start::<1>().await;
    let node = &nodes[0];
    let connection = connection(&cluster.url).await;
    let channel = connection.create_channel().await.unwrap();
    let confirms = channel.confirm_select(ConfirmSelectOptions::default());
    confirms.await.unwrap();
    let exchange = format!("msvpu.{}", cluster.vm);
    let sender = Sender { channel, exchange };

    let (known, bundle) = (Some("supervisor.stop"), Some("bundle"));
    let nothing = postcard::to_allocvec(&Vec::<Run<'_>>::new()).unwrap();
    let one = of_rubbish(&["hello"]);
    let two = of_rubbish(&["hello", "again"]);
    let garbage = noise(300).body;
    let long = vec![7; (1 << 20) + 1];
    let kinds = ["control", "data_queue", "tasks_queue", "results_queue"];
    let mut short = 0;
    let mut sequence = 0;
    let mut next = || {
        sequence += 1;
        sequence
    };
    for to in [node.origin().node.0, 0] {
        for queue in kinds {
            let key = format!("{queue}.{to}");
            let cut = &postcard::to_allocvec(&(0_u8, 5_u8)).unwrap()[..1];
            let rubbish: Vec<Rubbish<'_>> = vec![
                // Nothing of ours at all.
                (None, None, b""),
                (None, None, b"hello"),
                (known, None, b"hello"),
                // Another version, no version, a header cut short, one too long.
                (known, Some(head(OURS - 1, next(), 0, 1)), b"hello"),
                (known, Some(Vec::new()), b"hello"),
                (known, Some(vec![OURS]), b"hello"),
                (known, Some(vec![OURS; 3]), b"hello"),
                (
                    known,
                    Some([head(OURS, next(), 0, 1), vec![0]].concat()),
                    b"",
                ),
                // Kinds that nobody knows, or of another message.
                (
                    Some("supervisor.sing"),
                    Some(head(OURS, next(), 0, 1)),
                    b"hello",
                ),
                (None, Some(head(OURS, next(), 0, 1)), b"hello"),
                (
                    Some("proxy.ended"),
                    Some(head(OURS, next(), 0, 1)),
                    b"hello",
                ),
                // Bodies that are garbage, empty, cut short.
                (known, Some(head(OURS, next(), 0, 1)), &garbage),
                (known, Some(head(OURS, next(), 0, 1)), b""),
                (known, Some(head(OURS, next(), 0, 1)), cut),
                // Parts that cannot be.
                (known, Some(head(OURS, next(), 1, 1)), b"hello"),
                (known, Some(head(OURS, next(), 5, 3)), b"hello"),
                (known, Some(head(OURS, next(), 0, 0)), b"hello"),
                (known, Some(head(OURS, next(), 0, 65_537)), b"hello"),
                (known, Some(head(OURS, next(), 0, u32::MAX)), b"hello"),
                // Bundles of another version, with a header too long, of garbage, empty, cut short.
                (bundle, None, &nothing),
                (bundle, Some(vec![OURS - 1]), &nothing),
                (bundle, Some(head(OURS, next(), 0, 1)), &nothing),
                (bundle, Some(vec![OURS]), &garbage),
                (bundle, Some(vec![OURS]), b""),
                (bundle, Some(vec![OURS]), &two[..two.len() - 1]),
                // One of which nothing can be read, though it can be taken apart: one.
                (bundle, Some(vec![OURS]), &one),
            ];
            short += rubbish.len() as u64;
            for (kind, head, body) in rubbish {
                sender.send(&key, kind, head, body).await;
            }
            // A bundle of which each message is counted and kept.
            sender.send(&key, bundle, Some(vec![OURS]), &two).await;
            short += 2;
            // Longer than any part of ours; it is neither kept nor waited with for the other part.
            let part = head(OURS, next(), 0, 2);
            sender.send(&key, known, Some(part), &long).await;
            short += 1;
            // Messages that say they are long, and of which nothing more comes.
            for _ in 0..200 {
                let part = head(OURS, next(), 65_535, 65_536);
                sender.send(&key, known, Some(part), b"x").await;
            }
        }
    }
    let dead = |node: &Node| total(&node.broker_counters(), |queue| queue.dead);
    until("the node has seen all", || dead(node) >= short / 2).await;
    let of_head = || total(&machine.broker_counters().unwrap(), |queue| queue.dead);
    until("the head has seen all", || of_head() >= short / 2).await;
    assert_eq!((dead(node), of_head()), (short / 2, short / 2));
    let counters = node.broker_counters();
    for queue in [
        counters.control,
        counters.data,
        counters.tasks,
        counters.results,
    ] {
        assert_eq!(queue.dead, short / 8, "each kind of queue counts its own");
    }

    let (work, input) = (Work::new(3, 3), noise(3_000_000));
    let job = machine.submit(work.clone(), input.clone()).await.unwrap();
    assert_equal(job, work, input).await;

    assert_eq!(
        cluster.exhume(short).await,
        garbage.len(),
        "the longest of them"
    );
    connection.close(200, "OK".into()).await.unwrap();
    cluster.end(machine, nodes).await;
}

#[tokio::test]
async fn a_body_of_100_mb_is_refused_and_the_node_lives() {
    let cluster = Cluster::new("heavy");
    let (machine, nodes) = cluster.start::<1>().await;
    let node = &nodes[0];
    let connection = connection(&cluster.url).await;
    let channel = connection.create_channel().await.unwrap();
    let body = vec![0; 100_000_000];
    let key = format!("data_queue.{}", node.origin().node);
    let mut headers = FieldTable::default();
    let part = LongString::from(head(OURS, 1, 0, 1));
    headers.insert("msvpu".into(), AMQPValue::LongString(part));
    let properties = BasicProperties::default()
        .with_type("supervisor.tile".into())
        .with_headers(headers);
    let sent = channel.basic_publish(
        format!("msvpu.{}", cluster.vm).into(),
        key.into(),
        BasicPublishOptions::default(),
        &body,
        properties,
    );
    // A RabbitMQ of version 4 takes none of more than 16 MiB and closes the channel.
    sent.await.unwrap();
    until("someone has refused it", || {
        node.broker_counters().data.dead == 1 || !channel.status().connected()
    })
    .await;
    let (work, input) = (Work::new(3, 3), noise(3_000_000));
    let job = machine.submit(work.clone(), input.clone()).await.unwrap();
    assert_equal(job, work, input).await;
    let channel = connection.create_channel().await.unwrap();
    let name = format!("msvpu.{}.dead", cluster.vm);
    let deleted = channel.queue_delete(name.into(), QueueDeleteOptions::default());
    deleted.await.unwrap();
    connection.close(200, "OK".into()).await.unwrap();
    cluster.end(machine, nodes).await;
}
