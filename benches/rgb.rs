//! Iterations of c-means over RGB pixels, 2048 × 2048 with 8 classes: the machine beside a plain
//! vectorised loop in `f32` on two threads, which takes rounding as it comes.
//!
//! `cargo bench --bench rgb`
#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::Instant;

use futures_util::StreamExt;
use msvpu::{CMeans, Init, Progress, SampleType, Scene, Settings, Shape, Start, VirtualMachine};
use pulp::{Arch, WithSimd};

const SIDE: u32 = 2048;
const CLASSES: usize = 8;
const LANES: usize = 16;
const ITERATIONS: u32 = 20;
const PAIRS: usize = 9;

/// Eight grounds with their own colours, and noise.
fn scene() -> Scene {
    let mut random = 1_u32;
    let mut next = move || {
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        random
    };
    let mut samples = Vec::with_capacity(3 * (SIDE * SIDE) as usize);
    for pixel in 0..SIDE * SIDE {
        let ground = (pixel / SIDE / 97 + pixel % SIDE / 131) % 8;
        for band in 0..3 {
            let base = 30 + (ground * (37 + 50 * band)) % 180;
            let noise: u32 = (0..4).map(|_| next() >> 28).sum();
            samples.push((base + noise) as u8);
        }
    }
    let shape = Shape {
        width: SIDE,
        height: SIDE,
        bands: 3,
        sample: SampleType::U8,
    };
    Scene::new(shape, samples).unwrap()
}

/// Sums of a class: bands and pixels, and of all: distances.
type Sums = ([[f64; 4]; CLASSES], f64);

struct Pass<'a> {
    planes: [&'a [f32]; 3],
    centers: &'a [[f32; 3]; CLASSES],
}

impl WithSimd for Pass<'_> {
    type Output = Sums;

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) -> Sums {
        let mut sums = [[0.0; 4]; CLASSES];
        let mut distances = 0.0;
        let [r, g, b] = self.planes.map(|plane| plane.as_chunks::<LANES>().0);
        for ((r, g), b) in r.iter().zip(g).zip(b) {
            let mut least = [f32::INFINITY; LANES];
            let mut nearest = [0_u32; LANES];
            for (k, [x, y, z]) in self.centers.iter().enumerate() {
                for lane in 0..LANES {
                    let (dx, dy, dz) = (r[lane] - x, g[lane] - y, b[lane] - z);
                    let square = dx * dx + dy * dy + dz * dz;
                    let nearer = square < least[lane];
                    least[lane] = if nearer { square } else { least[lane] };
                    nearest[lane] = if nearer { k as u32 } else { nearest[lane] };
                }
            }
            distances += f64::from(least.map(f32::sqrt).iter().sum::<f32>());
            for lane in 0..LANES {
                let sums = &mut sums[nearest[lane] as usize];
                sums[0] += f64::from(r[lane]);
                sums[1] += f64::from(g[lane]);
                sums[2] += f64::from(b[lane]);
                sums[3] += 1.0;
            }
        }
        (sums, distances)
    }
}

/// Seconds per iteration of the plain loop.
fn plain(pool: &rayon::ThreadPool, planes: &[Vec<f32>; 3], start: &[[f32; 3]; CLASSES]) -> f64 {
    let arch = Arch::new();
    let half = planes[0].len() / 2;
    let mut centers = *start;
    let begin = Instant::now();
    for _ in 0..ITERATIONS {
        let pass = |range: std::ops::Range<usize>| {
            arch.dispatch(Pass {
                planes: [0, 1, 2].map(|band: usize| &planes[band][range.clone()]),
                centers: &centers,
            })
        };
        let ((a, left), (b, right)) =
            pool.install(|| rayon::join(|| pass(0..half), || pass(half..2 * half)));
        std::hint::black_box(left + right);
        for k in 0..CLASSES {
            let pixels = a[k][3] + b[k][3];
            if pixels > 0.0 {
                centers[k] =
                    [0, 1, 2].map(|band: usize| ((a[k][band] + b[k][band]) / pixels) as f32);
            }
        }
    }
    std::hint::black_box(centers);
    begin.elapsed().as_secs_f64() / f64::from(ITERATIONS)
}

/// Seconds per iteration of the machine, from the first iteration to the last, and the first
/// centers.
async fn on_the_machine(machine: &VirtualMachine, scene: &Scene) -> (f64, [[f32; 3]; CLASSES]) {
    let program = CMeans::new(Settings {
        // Never met: all iterations are made.
        epsilon: f64::MIN_POSITIVE,
        max_iterations: ITERATIONS + 1,
        ..Settings::new(Start::Classes {
            classes: CLASSES as u32,
            init: Init::Random,
            seed: 5,
        })
    });
    let job = machine.submit(program, scene.clone()).await.unwrap();
    let mut progress = job.progress();
    let (mut first, mut last) = (None, None);
    let mut iterations = 0.0;
    while let Some(event) = progress.next().await {
        if let Progress::Round { task, elapsed, .. } = event.unwrap()
            && let Some(centers) = task.centers
        {
            if first.is_none() {
                first = Some((elapsed, centers));
            } else {
                iterations += 1.0;
            }
            last = Some(elapsed);
        }
    }
    machine.idle().await;
    let (begin, centers) = first.unwrap();
    let seconds = (last.unwrap() - begin).as_secs_f64() / iterations;
    let mut rows = centers.iter();
    let start = std::array::from_fn(|_| {
        let row = rows.next().unwrap();
        [row[0] as f32, row[1] as f32, row[2] as f32]
    });
    (seconds, start)
}

fn main() {
    let scene = scene();
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(2)
        .build()
        .unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let machine = runtime
        .block_on(
            VirtualMachine::local()
                .workers(2)
                .service::<CMeans>()
                .start(),
        )
        .unwrap();
    let planes: [Vec<f32>; 3] = [0, 1, 2].map(|band| {
        let samples = scene.samples().iter().skip(band).step_by(3);
        samples.map(|&sample| f32::from(sample)).collect()
    });
    let (mut ours, mut theirs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..PAIRS {
        let (seconds, start) = runtime.block_on(on_the_machine(&machine, &scene));
        let baseline = plain(&pool, &planes, &start);
        ours.push(seconds);
        theirs.push(baseline);
        ratios.push(seconds / baseline);
    }
    println!(
        "an iteration: machine {:.2} ms, plain loop {:.2} ms; median ratio of {PAIRS} pairs {:.2}",
        1e3 * median(ours),
        1e3 * median(theirs),
        median(ratios)
    );
    runtime.block_on(machine.shutdown());
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
