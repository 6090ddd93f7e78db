//! What the bridge costs beside the same done with lapin alone, on the broker at
//! `MSVPU_TEST_AMQP_URL`, in one run:
//!
//! - throughput: a job whose tiles go to one node, beside as many messages of that size through one
//!   queue, with confirmations, acknowledgements, the same window and the best prefetch, and beside
//!   the same job in one process, which is all that does not pass the broker;
//! - a round: 32 and 1000 MsVPUs with an empty step on two nodes, beside one message to each of two
//!   queues and one back from each.
//!
//! Prints the medians, and the ratio of the medians. `-- 1024 round` runs only those. Both sides use the
//! allocator of the command.
#![allow(clippy::unwrap_used, reason = "a bench that fails here says so")]

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions,
    ConfirmSelectOptions, QueueDeclareOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties, Consumer};
use msvpu_actors::{
    Block, Cancellation, Context, Limits, Node, Program, Result, Round, Step, VirtualMachine,
};
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const REPETITIONS: usize = 5;
const ROUNDS: u32 = 1000;
const WINDOW: usize = 1024;
const WINDOW_BYTES: usize = 32 << 20;
/// How many messages may be unacknowledged. Which is best depends on their size: the baseline is the
/// best of these, and a round, which never has so many, takes the first.
const PREFETCHES: [u16; 3] = [64, 256, 1024];

/// Its tiles only have to arrive.
#[derive(Serialize, Deserialize)]
struct Carry {
    tiles: u32,
    bytes: usize,
    rounds: u32,
}

impl Program for Carry {
    const NAME: &'static str = "carry";
    type Input = ();
    type Tile = Block<()>;
    type State = u64;
    type Task = ();
    type Partial = u64;
    type TileOutput = ();
    type Output = u64;

    fn split(&self, (): (), _: &Cancellation) -> Result<(Vec<Block<()>>, ())> {
        let body = Bytes::from(vec![7; self.bytes]);
        let tile = || Block {
            head: (),
            body: body.clone(),
        };
        Ok(((0..self.tiles).map(|_| tile()).collect(), ()))
    }

    fn load(&self, tile: Block<()>, _: &Context) -> Result<u64> {
        Ok(tile.body.len() as u64)
    }

    fn local_step(&self, bytes: &mut u64, (): &(), _: &Context) -> Result<u64> {
        Ok(*bytes)
    }

    fn global_step(
        &self,
        round: Round,
        (): &(),
        partials: &[u64],
        _: &Cancellation,
    ) -> Result<Step<(), u64>> {
        Ok(if round.0 < self.rounds {
            Step::Next(())
        } else {
            Step::Done(partials.iter().sum())
        })
    }
}

fn broker() -> String {
    std::env::var("MSVPU_TEST_AMQP_URL").unwrap()
}

fn limits() -> Limits {
    Limits {
        max_rounds_per_job: u32::MAX,
        ..Limits::default()
    }
}

async fn one_process() -> VirtualMachine {
    let machine = VirtualMachine::local().workers(2).limits(limits());
    machine.service::<Carry>().start().await.unwrap()
}

async fn machine(vm: &str, nodes: usize) -> (VirtualMachine, Vec<Node>) {
    let head = VirtualMachine::cluster(broker()).vm(vm).limits(limits());
    let head = head.service::<Carry>().start().await.unwrap();
    let mut joined = Vec::new();
    for _ in 0..nodes {
        let node = Node::join(broker()).vm(vm).cpus(1).service::<Carry>();
        joined.push(node.start().await.unwrap());
    }
    let tested = |n: &msvpu_actors::NodeStatus| n.performance_index.is_some();
    head.nodes_are(|there| there.iter().filter(|n| tested(n)).count() == nodes)
        .await;
    (head, joined)
}

async fn run(head: &VirtualMachine, program: Carry) -> Duration {
    let expected = u64::from(program.tiles) * program.bytes as u64;
    let start = Instant::now();
    let done = head.run(program, ()).await.unwrap();
    assert_eq!(done.output, expected);
    start.elapsed()
}

/// A channel that publishes, on a connection of its own.
async fn publishing(kept: &mut Vec<Connection>) -> Channel {
    let url = broker();
    let connection = Connection::connect(&url, ConnectionProperties::default());
    kept.push(connection.await.unwrap());
    let channel = kept.last().unwrap().create_channel().await.unwrap();
    let options = ConfirmSelectOptions::default();
    channel.confirm_select(options).await.unwrap();
    channel
}

/// A queue of its own, and who reads it, on a connection of its own.
async fn consuming(kept: &mut Vec<Connection>, prefetch: u16) -> (String, Consumer) {
    let url = broker();
    let connection = Connection::connect(&url, ConnectionProperties::default());
    kept.push(connection.await.unwrap());
    let channel = kept.last().unwrap().create_channel().await.unwrap();
    let options = QueueDeclareOptions {
        exclusive: true,
        auto_delete: true,
        ..QueueDeclareOptions::default()
    };
    let queue = channel
        .queue_declare("".into(), options, FieldTable::default())
        .await
        .unwrap();
    let qos = channel.basic_qos(prefetch, BasicQosOptions::default());
    qos.await.unwrap();
    let options = BasicConsumeOptions::default();
    let name = queue.name().clone();
    let consumer = channel
        .basic_consume(name.clone(), "".into(), options, FieldTable::default())
        .await
        .unwrap();
    (name.to_string(), consumer)
}

async fn publish(channel: Channel, queue: String, body: Bytes) -> usize {
    let options = BasicPublishOptions {
        mandatory: true,
        ..BasicPublishOptions::default()
    };
    let properties = BasicProperties::default();
    let published = channel.basic_publish("".into(), queue.into(), options, &body, properties);
    assert!(published.await.unwrap().await.unwrap().is_ack());
    body.len()
}

/// So many messages through one queue, both ends in tasks of their own.
async fn raw_throughput(messages: usize, bytes: usize, prefetch: u16) -> Duration {
    let mut kept = Vec::new();
    let channel = publishing(&mut kept).await;
    let (queue, mut consumer) = consuming(&mut kept, prefetch).await;
    let body = Bytes::from(vec![7; bytes]);
    let start = Instant::now();
    let reader = tokio::spawn(async move {
        // As rarely as the broker need not wait for it.
        let enough = usize::from(prefetch) / 4;
        let (mut left, mut unacknowledged) = (messages, 0);
        let mut batches = (&mut consumer).ready_chunks(enough);
        while left > 0 {
            let batch = batches.next().await.unwrap();
            left -= batch.len();
            unacknowledged += batch.len();
            if unacknowledged >= enough || left == 0 {
                unacknowledged = 0;
                let last = batch.into_iter().next_back().unwrap().unwrap();
                let multiple = BasicAckOptions { multiple: true };
                last.ack(multiple).await.unwrap();
            }
        }
    });
    let mut under_way = FuturesUnordered::new();
    let (mut sent, mut unconfirmed) = (0, 0);
    while sent < messages || unconfirmed > 0 {
        while sent < messages && under_way.len() < WINDOW && unconfirmed <= WINDOW_BYTES {
            under_way.push(publish(channel.clone(), queue.clone(), body.clone()));
            sent += 1;
            unconfirmed += bytes;
        }
        unconfirmed -= under_way.next().await.unwrap();
    }
    reader.await.unwrap();
    let elapsed = start.elapsed();
    close(kept).await;
    elapsed
}

/// So many times a message to each of two queues, and one back from each.
async fn raw_rounds(rounds: u32, back_bytes: usize) -> Duration {
    let mut kept = Vec::new();
    let (answers, mut answered) = consuming(&mut kept, PREFETCHES[0]).await;
    let channel = publishing(&mut kept).await;
    let mut queues = Vec::new();
    for _ in 0..2 {
        let back = publishing(&mut kept).await;
        let (queue, mut tasks) = consuming(&mut kept, PREFETCHES[0]).await;
        queues.push(queue);
        let answers = answers.clone();
        let body = Bytes::from(vec![7; back_bytes]);
        tokio::spawn(async move {
            while let Some(Ok(task)) = tasks.next().await {
                tokio::spawn(publish(back.clone(), answers.clone(), body.clone()));
                task.ack(BasicAckOptions::default()).await.unwrap();
            }
        });
    }
    let start = Instant::now();
    for _ in 0..rounds {
        for queue in &queues {
            let body = Bytes::from_static(&[7; 64]);
            tokio::spawn(publish(channel.clone(), queue.clone(), body));
        }
        for _ in &queues {
            let answer = answered.next().await.unwrap().unwrap();
            tokio::spawn(async move { answer.ack(BasicAckOptions::default()).await });
        }
    }
    let elapsed = start.elapsed();
    close(kept).await;
    elapsed
}

async fn close(connections: Vec<Connection>) {
    for connection in connections {
        connection.close(200, "OK".into()).await.unwrap();
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn throughput(runtime: &Runtime, bytes: usize, messages: u32) {
    let mut raw = PREFETCHES.map(|prefetch| (prefetch, Vec::new()));
    let mut ours = Vec::new();
    let vm = format!("bench-throughput-{bytes}");
    let (head, nodes) = runtime.block_on(machine(&vm, 1));
    let local = runtime.block_on(one_process());
    let mut without = Vec::new();
    let before = head.broker_counters().unwrap().data;
    for _ in 0..REPETITIONS {
        for (prefetch, times) in &mut raw {
            let throughput = raw_throughput(messages as usize, bytes, *prefetch);
            times.push(runtime.block_on(throughput));
        }
        let program = || Carry {
            tiles: messages,
            bytes,
            rounds: 1,
        };
        ours.push(runtime.block_on(run(&head, program())));
        without.push(runtime.block_on(run(&local, program())));
    }
    let after = head.broker_counters().unwrap().data;
    let raw = raw.map(|(prefetch, times)| (median(times), prefetch));
    let (raw, prefetch) = raw.into_iter().min().unwrap();
    let (ours, without) = (median(ours), median(without));
    let rate = |time: Duration| f64::from(messages) / time.as_secs_f64();
    let bytes_sent = (after.published_bytes - before.published_bytes) as f64;
    println!(
        "{bytes:>8} bytes: lapin {:>8.0}/s (prefetch {prefetch})  bridge {:>8.0}/s  {:>7.1} MB/s  one process {:>8.0}/s  \
         ratio {:.2}; {:.3} of the tiles' bytes sent in {} messages a job",
        rate(raw),
        rate(ours),
        rate(ours) * bytes as f64 / 1e6,
        rate(without),
        rate(ours) / rate(raw),
        bytes_sent / (f64::from(messages) * bytes as f64 * REPETITIONS as f64),
        (after.published - before.published) / REPETITIONS as u64,
    );
    runtime.block_on(async {
        local.shutdown().await;
        head.shutdown().await;
        for node in nodes {
            node.shutdown().await;
        }
    });
}

fn round(runtime: &Runtime, msvpus: u32) {
    let vm = format!("bench-round-{msvpus}");
    let (head, nodes) = runtime.block_on(machine(&vm, 2));
    let local = runtime.block_on(one_process());
    let (mut raw, mut ours, mut steps) = (Vec::new(), Vec::new(), Vec::new());
    let program = |rounds| Carry {
        tiles: msvpus,
        bytes: 0,
        rounds,
    };
    let before = head.broker_counters().unwrap();
    for _ in 0..REPETITIONS {
        // An answer of an empty step is about 5 bytes.
        raw.push(runtime.block_on(raw_rounds(ROUNDS, msvpus as usize / 2 * 5)) / ROUNDS);
        let all = runtime.block_on(run(&head, program(ROUNDS)));
        let one = runtime.block_on(run(&head, program(1)));
        ours.push(all.saturating_sub(one) / (ROUNDS - 1));
        let all = runtime.block_on(run(&local, program(ROUNDS)));
        let one = runtime.block_on(run(&local, program(1)));
        steps.push(all.saturating_sub(one) / (ROUNDS - 1));
    }
    let after = head.broker_counters().unwrap();
    let rounds = f64::from(ROUNDS + 1) * REPETITIONS as f64;
    let per_round = |of: u64| of as f64 / rounds;
    let (raw, ours, steps) = (median(raw), median(ours), median(steps));
    println!(
        "round of {msvpus:>5}: lapin {:>6.0} µs  two nodes {:>6.0} µs  one process {:>6.0} µs  \
         ratio {:.2}, without the steps {:.2}; {:.2} orders and {:.2} answers a round",
        raw.as_secs_f64() * 1e6,
        ours.as_secs_f64() * 1e6,
        steps.as_secs_f64() * 1e6,
        ours.as_secs_f64() / raw.as_secs_f64(),
        ours.saturating_sub(steps).as_secs_f64() / raw.as_secs_f64(),
        per_round(after.tasks.published - before.tasks.published),
        per_round(after.results.received - before.results.received),
    );
    runtime.block_on(async {
        local.shutdown().await;
        head.shutdown().await;
        for node in nodes {
            node.shutdown().await;
        }
    });
}

fn main() {
    let runtime = Runtime::new().unwrap();
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let wants = |what: &str| {
        let mut named = asked.iter().filter(|arg| !arg.starts_with('-')).peekable();
        named.peek().is_none() || named.any(|arg| arg == what)
    };
    for (bytes, messages) in [(1 << 10, 30_000), (64 << 10, 4000), (1 << 20, 300)] {
        if wants(&bytes.to_string()) {
            throughput(&runtime, bytes, messages);
        }
    }
    if wants("round") {
        for msvpus in [32, 1000] {
            round(&runtime, msvpus);
        }
    }
}
