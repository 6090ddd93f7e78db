//! The fit of the paper's image in memory, beside the same fit without any actor: a tuned 256-bin
//! histogram on two threads and the iterations on it.
//!
//! `cargo bench --bench fit`
#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use futures_util::StreamExt;
use msvpu::{
    CMeans, Centers, FuzzyCMeans, JobState, Phase, Program, Progress, Scene, Settings, Start,
    StopRule, VirtualMachine,
};

#[path = "../tests/common/paper.rs"]
mod paper;

const CENTERS: [f64; 3] = [1.2, 2.5, 3.8];
const THREADS: usize = 2;

/// Eight tables take turns, so that equal neighbours do not wait for each other.
fn count(samples: &[u8]) -> [u64; 256] {
    let mut tables = [[0_u32; 256]; 8];
    let (words, rest) = samples.as_chunks::<8>();
    for word in words {
        let word = u64::from_le_bytes(*word);
        for (lane, table) in tables.iter_mut().enumerate() {
            table[usize::from((word >> (8 * lane)) as u8)] += 1;
        }
    }
    for &sample in rest {
        tables[0][usize::from(sample)] += 1;
    }
    std::array::from_fn(|level| tables.iter().map(|table| u64::from(table[level])).sum())
}

fn histogram(pool: &rayon::ThreadPool, samples: &[u8]) -> [u64; 256] {
    let (left, right) = samples.split_at(samples.len() / THREADS);
    let (left, right) = pool.install(|| rayon::join(|| count(left), || count(right)));
    std::array::from_fn(|level| left[level] + right[level])
}

fn cmeans(histogram: &[u64; 256], mut centers: [f64; 3], epsilon: f64) -> ([f64; 3], usize) {
    let mut iterations = 0;
    let mut before = 0.0;
    loop {
        let (mut sums, mut weights) = ([0.0; 3], [0.0; 3]);
        for (level, &pixels) in histogram.iter().enumerate() {
            let x = level as f64;
            let mut nearest = 0;
            for k in 1..3 {
                if (x - centers[k]).abs() < (x - centers[nearest]).abs() {
                    nearest = k;
                }
            }
            sums[nearest] += x * pixels as f64;
            weights[nearest] += pixels as f64;
        }
        iterations += 1;
        let sum: f64 = centers.iter().sum();
        if iterations > 1 && (sum - before).abs() < epsilon {
            return (centers, iterations);
        }
        before = sum;
        for k in 0..3 {
            if weights[k] > 0.0 {
                centers[k] = sums[k] / weights[k];
            }
        }
    }
}

fn fuzzy(histogram: &[u64; 256], mut centers: [f64; 3], epsilon: f64) -> ([f64; 3], usize) {
    let mut iterations = 0;
    let mut before = 0.0;
    loop {
        let (mut sums, mut weights, mut objective) = ([0.0; 3], [0.0; 3], 0.0);
        for (level, &pixels) in histogram.iter().enumerate() {
            let x = level as f64;
            let distances = centers.map(|center| (x - center).abs());
            let memberships = match distances.iter().position(|distance| *distance == 0.0) {
                Some(k) => std::array::from_fn(|i| f64::from(u8::from(i == k))),
                None => {
                    let inverse = distances.map(|distance| 1.0 / (distance * distance));
                    let total: f64 = inverse.iter().sum();
                    inverse.map(|inverse| inverse / total)
                }
            };
            for k in 0..3 {
                let weight = memberships[k] * memberships[k] * pixels as f64;
                sums[k] += weight * x;
                weights[k] += weight;
                objective += weight * distances[k];
            }
        }
        iterations += 1;
        if iterations > 1 && (objective - before).abs() < epsilon {
            return (centers, iterations);
        }
        before = objective;
        for k in 0..3 {
            centers[k] = sums[k] / weights[k];
        }
    }
}

fn settings(stop_on: StopRule, epsilon: f64) -> Settings {
    let centers = Centers::gray(CENTERS).unwrap();
    Settings {
        stop_on,
        epsilon,
        ..Settings::new(Start::Centers(centers))
    }
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

fn bench(criterion: &mut Criterion) {
    let scene = paper::paper_scene().unwrap();
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(THREADS)
        .build()
        .unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let machine = runtime
        .block_on(
            VirtualMachine::local()
                .workers(THREADS)
                .service::<CMeans>()
                .service::<FuzzyCMeans>()
                .start(),
        )
        .unwrap();
    let mut group = criterion.benchmark_group("fit");
    group.sample_size(50);
    group.bench_function("cmeans/no actors", |bencher| {
        bencher.iter(|| {
            cmeans(
                &histogram(&pool, black_box(scene.samples())),
                CENTERS,
                0.0005,
            )
        });
    });
    group.bench_function("cmeans/msvpu", |bencher| {
        bencher.iter_custom(|times| {
            (0..times)
                .map(|_| {
                    let program = CMeans::new(settings(StopRule::CenterSum, 0.0005));
                    runtime.block_on(fit(&machine, program, scene.clone()))
                })
                .sum()
        });
    });
    group.bench_function("fuzzy-cmeans/no actors", |bencher| {
        bencher.iter(|| fuzzy(&histogram(&pool, black_box(scene.samples())), CENTERS, 10.0));
    });
    group.bench_function("fuzzy-cmeans/msvpu", |bencher| {
        bencher.iter_custom(|times| {
            (0..times)
                .map(|_| {
                    let program = FuzzyCMeans::new(settings(StopRule::Objective, 10.0));
                    runtime.block_on(fit(&machine, program, scene.clone()))
                })
                .sum()
        });
    });
    group.finish();
    paired_ratios(&scene, &pool, &runtime, &machine);
    runtime.block_on(machine.shutdown());
}

/// The ratio that the README quotes: both in turn, so that the machine's moods hit both.
fn paired_ratios(
    scene: &Scene,
    pool: &rayon::ThreadPool,
    runtime: &tokio::runtime::Runtime,
    machine: &VirtualMachine,
) {
    const PAIRS: usize = 101;
    let median = |mut ratios: Vec<f64>| {
        ratios.sort_by(f64::total_cmp);
        ratios[ratios.len() / 2]
    };
    let seconds = |work: &mut dyn FnMut()| {
        let start = Instant::now();
        work();
        start.elapsed().as_secs_f64()
    };
    let (mut hard, mut soft) = (Vec::new(), Vec::new());
    for _ in 0..PAIRS {
        let bare = seconds(&mut || {
            black_box(cmeans(&histogram(pool, scene.samples()), CENTERS, 0.0005));
        });
        let program = CMeans::new(settings(StopRule::CenterSum, 0.0005));
        let ours = runtime.block_on(fit(machine, program, scene.clone()));
        hard.push(ours.as_secs_f64() / bare);
        let bare = seconds(&mut || {
            black_box(fuzzy(&histogram(pool, scene.samples()), CENTERS, 10.0));
        });
        let program = FuzzyCMeans::new(settings(StopRule::Objective, 10.0));
        let ours = runtime.block_on(fit(machine, program, scene.clone()));
        soft.push(ours.as_secs_f64() / bare);
    }
    println!(
        "fit / no actors, median of {PAIRS} pairs: cmeans {:.2}, fuzzy-cmeans {:.2}",
        median(hard),
        median(soft)
    );
}

criterion_group!(benches, bench);
criterion_main!(benches);
