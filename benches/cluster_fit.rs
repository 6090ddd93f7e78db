//! A fit over node processes: how long it takes, and what memory its head takes.
//!
//! - the paper's image over two processes `msvpu node`, beside lapin alone moving the same bytes once and
//!   the same fit in this process, all in turn;
//! - the peak memory of a head that has 1000 tiles on three nodes, for scenes of two sizes, beside that of a
//!   machine of one process. Each is a process of its own.
//!
//! `cargo bench --bench cluster_fit`, with the broker at `MSVPU_TEST_AMQP_URL` or a private one; `-- time` and
//! `-- memory` run one of them.
#![allow(
    missing_docs,
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

#[path = "../actors/tests/broker/mod.rs"]
mod broker;
#[path = "../tests/common/deaf.rs"]
mod deaf;
#[path = "../tests/common/paper.rs"]
mod paper;
#[path = "../tests/cluster/process.rs"]
mod process;

use std::process::{Command, Stdio};
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
use msvpu::{
    Centers, FuzzyCMeans, JobState, Phase, Program, Progress, SampleType, Scene, Settings, Shape,
    Start, StopRule, Tiling, VirtualMachine,
};

use process::{Machine, soon};

const PAIRS: usize = 15;
const NODES: usize = 2;
const PART: usize = 1 << 20;

fn program(tiles: Option<Tiling>) -> FuzzyCMeans {
    let centers = Centers::gray([1.2, 2.5, 3.8]).unwrap();
    FuzzyCMeans::new(Settings {
        stop_on: StopRule::Objective,
        epsilon: 10.0,
        tiles,
        ..Settings::new(Start::Centers(centers))
    })
}

/// From the submission to the converged centers; labelling is another matter, and cancelled.
async fn fit<P: Program<Input = Scene>>(
    machine: &VirtualMachine,
    program: P,
    scene: Scene,
) -> Duration {
    let job = machine.submit(program, scene).await.unwrap();
    let mut progress = job.progress();
    let assembling = JobState::Running(Phase::Assembling);
    while let Some(event) = progress.next().await {
        if let Progress::State { state, elapsed } = event.unwrap()
            && state == assembling
        {
            job.cancel();
            machine.idle().await;
            return elapsed;
        }
    }
    panic!("the job ended without converging: {}", job.state());
}

/// Lapin alone: channels that publish with confirmations, queues that are read and acknowledged.
struct Raw {
    kept: Vec<Connection>,
    publisher: Channel,
    queues: Vec<(String, Consumer)>,
}

impl Raw {
    async fn open(url: &str) -> Self {
        let connect = || Connection::connect(url, ConnectionProperties::default());
        let mut kept = vec![connect().await.unwrap()];
        let publisher = kept[0].create_channel().await.unwrap();
        let options = ConfirmSelectOptions::default();
        publisher.confirm_select(options).await.unwrap();
        let mut queues = Vec::new();
        for _ in 0..NODES {
            kept.push(connect().await.unwrap());
            let channel = kept.last().unwrap().create_channel().await.unwrap();
            let options = QueueDeclareOptions {
                exclusive: true,
                auto_delete: true,
                ..QueueDeclareOptions::default()
            };
            let queue = channel.queue_declare("".into(), options, FieldTable::default());
            let name = queue.await.unwrap().name().clone();
            let qos = channel.basic_qos(64, BasicQosOptions::default());
            qos.await.unwrap();
            let consumer = channel.basic_consume(
                name.clone(),
                "".into(),
                BasicConsumeOptions::default(),
                FieldTable::default(),
            );
            queues.push((name.to_string(), consumer.await.unwrap()));
        }
        Self {
            kept,
            publisher,
            queues,
        }
    }

    /// Moves these bytes once, a half to each queue, until all have come and are confirmed.
    async fn move_once(&mut self, bytes: &Bytes) -> Duration {
        let began = Instant::now();
        let parts = bytes.len().div_ceil(PART);
        let (publisher, names) = (
            &self.publisher,
            self.queues.iter().map(|(name, _)| name.clone()),
        );
        let names: Vec<String> = names.collect();
        let sending = async move {
            let mut window = FuturesUnordered::new();
            for part in 0..parts {
                let body = bytes.slice(part * PART..bytes.len().min((part + 1) * PART));
                let queue = names[part % NODES].clone();
                window.push(async move {
                    let options = BasicPublishOptions {
                        mandatory: true,
                        ..BasicPublishOptions::default()
                    };
                    let properties = BasicProperties::default();
                    let sent = publisher.basic_publish(
                        "".into(),
                        queue.into(),
                        options,
                        &body,
                        properties,
                    );
                    sent.await.unwrap().await.unwrap();
                });
                while window.len() >= 32 {
                    window.next().await;
                }
            }
            while window.next().await.is_some() {}
        };
        let receiving =
            self.queues
                .iter_mut()
                .enumerate()
                .map(|(index, (_, consumer))| async move {
                    let mine = (parts + NODES - 1 - index) / NODES;
                    for number in 1..=mine {
                        let delivery = consumer.next().await.unwrap().unwrap();
                        if number % 16 == 0 || number == mine {
                            let multiple = BasicAckOptions { multiple: true };
                            delivery.acker.ack(multiple).await.unwrap();
                        }
                    }
                });
        futures_util::future::join(sending, futures_util::future::join_all(receiving)).await;
        began.elapsed()
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

async fn time() {
    let scene = paper::paper_scene().unwrap();
    let machine = Machine::new("cluster-fit");
    let (head, _nodes) = machine.start::<NODES>().await;
    let local = VirtualMachine::local().service::<FuzzyCMeans>();
    let local = local.start().await.unwrap();
    let mut raw = Raw::open(&machine.url).await;
    let bytes = Bytes::copy_from_slice(scene.samples());
    let (mut moves, mut fits, mut ours, mut ratios) = (vec![], vec![], vec![], vec![]);
    for _ in 0..PAIRS {
        let moved = raw.move_once(&bytes).await.as_secs_f64();
        let here = fit(&local, program(None), scene.clone())
            .await
            .as_secs_f64();
        let there = fit(&head, program(None), scene.clone()).await.as_secs_f64();
        moves.push(moved);
        fits.push(here);
        ours.push(there);
        ratios.push(there / (moved + here));
    }
    let ms = |seconds| 1e3 * median(seconds);
    println!(
        "fuzzy c-means of 7280 x 7750 over {NODES} node processes, medians of {PAIRS}: {:.1} ms; lapin moving the bytes once {:.1} ms, \
         fit in one process {:.1} ms; ratio {:.2}",
        ms(ours),
        ms(moves),
        ms(fits),
        median(ratios)
    );
    println!("{:?}", head.broker_counters().unwrap().data);
    soon(head.shutdown()).await;
    local.shutdown().await;
}

/// In KiB: what /proc says of this process.
fn status(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// In a process of its own: its peak memory above what it takes before the job, which is the scene mostly.
async fn peak(vm: &str, mebibytes: u32) {
    let shape = Shape {
        width: 1 << 12,
        height: mebibytes << 8,
        bands: 1,
        sample: SampleType::U8,
    };
    let samples = (0..mebibytes << 20).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8);
    let scene = Scene::new(shape, samples.collect::<Vec<u8>>()).unwrap();
    let tiles = Tiling::new(250, 4);
    let (head, _nodes) = if vm.is_empty() {
        let local = VirtualMachine::local().service::<FuzzyCMeans>();
        (local.start().await.unwrap(), None)
    } else {
        let (head, nodes) = Machine::new(vm).start::<3>().await;
        (head, Some(nodes))
    };
    let before = status("VmRSS:");
    let took = fit(&head, program(tiles), scene.clone()).await;
    let fitted = status("VmHWM:") - before;
    soon(head.run(program(tiles), scene)).await.unwrap();
    let labelled = status("VmHWM:") - before;
    println!(
        "{:>5} MiB scene, 1000 tiles, {}: fit {:.2} s; before it {} MiB, at most {} MiB more for the fit, {} MiB more with labels",
        mebibytes,
        if vm.is_empty() {
            "one process"
        } else {
            "three node processes"
        },
        took.as_secs_f64(),
        before >> 10,
        fitted >> 10,
        labelled >> 10
    );
    soon(head.shutdown()).await;
}

fn memory() {
    let url = broker::shared();
    for vm in ["", "cluster-memory"] {
        for mebibytes in ["64", "256"] {
            let mut command = Command::new(std::env::current_exe().unwrap());
            command
                .args(["peak", mebibytes, vm])
                .env("MSVPU_TEST_AMQP_URL", &url)
                .stdin(Stdio::null());
            assert!(command.status().unwrap().success());
        }
    }
}

fn main() {
    let mut args = std::env::args().skip(1).filter(|arg| arg != "--bench");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    match args.next().as_deref() {
        Some("peak") => {
            let mebibytes = args.next().unwrap().parse().unwrap();
            runtime.block_on(peak(&args.next().unwrap(), mebibytes));
        }
        Some("memory") => memory(),
        Some("time") => runtime.block_on(time()),
        _ => {
            runtime.block_on(time());
            memory();
        }
    }
}
