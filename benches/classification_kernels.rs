//! The kernels of both programs, without actors, on two threads, each beside a plain loop.
//!
//! `cargo bench --bench classification_kernels`
#![allow(
    clippy::unwrap_used,
    clippy::needless_range_loop,
    missing_docs,
    reason = "a benchmark"
)]

#[path = "../tests/common/paper.rs"]
mod paper;

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use msvpu::{
    CMeans, Cancellation, Centers, Classifier, Context, FitTask, FuzzyCMeans, Rank, Round,
    SampleType, Scene, Settings, Shape, Start, Step,
};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

const CLASSES: usize = 8;
const SIDE: usize = 2048;
const CHUNK_PIXELS: usize = 1 << 18;
const BLOCK: usize = 512;
const FUZZY_BLOCK: usize = 256;

fn context() -> Context {
    Context::new(Rank(0), 1, Cancellation::default())
}

fn on_two_threads<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build();
    pool.unwrap().install(work)
}

/// Pixels without any order, or soft hills with a little noise.
fn rgb(is_noise: bool) -> Scene {
    let mut state = 1_u64;
    let mut samples = Vec::with_capacity(SIDE * SIDE * 3);
    for pixel in 0..SIDE * SIDE {
        state =
            (state.wrapping_mul(6_364_136_223_846_793_005)).wrapping_add(1_442_695_040_888_963_407);
        let (row, column) = ((pixel / SIDE) as f64, (pixel % SIDE) as f64);
        for band in 0..3 {
            let random = (state >> (24 + 8 * band)) as u8;
            let slow = f64::from(band);
            let hills = (column / (97.0 + 31.0 * slow)).sin() + (row / (77.0 + 17.0 * slow)).cos();
            let soft = hills * 55.0 + 112.0 + f64::from(random) / 16.0;
            samples.push(if is_noise { random } else { soft as u8 });
        }
    }
    let shape = Shape {
        width: SIDE as u32,
        height: SIDE as u32,
        bands: 3,
        sample: SampleType::U8,
    };
    Scene::new(shape, samples).unwrap()
}

fn centers() -> Centers {
    let center = |class: usize| {
        let value = |band| 10.3 + 29.7 * class as f64 + 20.0 * ((class * band * 7) % 3) as f64;
        (0..3).map(value).collect()
    };
    Centers::new((0..CLASSES).map(center).collect()).unwrap()
}

/// c-means in `f32` as one would write it: labels, Σ |x − c|, and sums under masks.
struct Plain<'a> {
    bands: [&'a [u8]; 3],
    centers: &'a [[f32; 3]],
}

impl WithSimd for Plain<'_> {
    type Output = (f64, [[u32; 4]; CLASSES]);

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) -> Self::Output {
        let mut sums = [[0; 4]; CLASSES];
        let mut distance = 0.0;
        let mut x = [[0.0_f32; BLOCK]; 3];
        for start in (0..self.bands[0].len()).step_by(BLOCK) {
            let bands = self.bands.map(|band| &band[start..start + BLOCK]);
            for (x, band) in x.iter_mut().zip(bands) {
                for i in 0..BLOCK {
                    x[i] = f32::from(band[i]);
                }
            }
            let mut least = [f32::INFINITY; BLOCK];
            let mut label = [0_u32; BLOCK];
            for (class, c) in (0..).zip(self.centers) {
                for i in 0..BLOCK {
                    let (d, e, f) = (x[0][i] - c[0], x[1][i] - c[1], x[2][i] - c[2]);
                    let square = d * d + e * e + f * f;
                    let nearer = square < least[i];
                    least[i] = if nearer { square } else { least[i] };
                    label[i] = if nearer { class } else { label[i] };
                }
            }
            let mut lanes = [0.0_f32; 16];
            for least in least.as_chunks::<16>().0 {
                for lane in 0..16 {
                    lanes[lane] += least[lane].sqrt();
                }
            }
            distance += f64::from(lanes.iter().sum::<f32>());
            for (class, sums) in (0..).zip(&mut sums) {
                let mut block = [0_u32; 4];
                for i in 0..BLOCK {
                    let mask = if label[i] == class { u32::MAX } else { 0 };
                    for band in 0..3 {
                        block[band] += u32::from(bands[band][i]) & mask;
                    }
                    block[3] += mask & 1;
                }
                for (sum, block) in sums.iter_mut().zip(block) {
                    *sum += block;
                }
            }
        }
        (distance, sums)
    }
}

/// Fuzzy c-means likewise with m = 2, but in `f64`: memberships right to 10⁻¹² are the law.
struct PlainFuzzy<'a> {
    bands: [&'a [u8]; 3],
    centers: &'a [[f64; 3]],
}

impl WithSimd for PlainFuzzy<'_> {
    type Output = (f64, [[f64; 4]; CLASSES]);

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) -> Self::Output {
        let Self { bands, centers } = self;
        let mut sums = [[0.0; 4]; CLASSES];
        let mut distance = 0.0;
        let mut x = [[0.0; FUZZY_BLOCK]; 3];
        let mut squares = [[0.0; FUZZY_BLOCK]; CLASSES];
        let mut closeness = [[0.0; FUZZY_BLOCK]; CLASSES];
        for start in (0..bands[0].len()).step_by(FUZZY_BLOCK) {
            for (x, band) in x.iter_mut().zip(bands) {
                for (x, sample) in x.iter_mut().zip(&band[start..start + FUZZY_BLOCK]) {
                    *x = f64::from(*sample);
                }
            }
            let mut total = [0.0; FUZZY_BLOCK];
            for ((squares, closeness), c) in squares.iter_mut().zip(&mut closeness).zip(centers) {
                for i in 0..FUZZY_BLOCK {
                    let (d, e, f) = (x[0][i] - c[0], x[1][i] - c[1], x[2][i] - c[2]);
                    squares[i] = d * d + e * e + f * f;
                    closeness[i] = 1.0 / squares[i];
                    total[i] += closeness[i];
                }
            }
            for total in &mut total {
                *total = 1.0 / *total;
            }
            let rows = squares.iter().zip(&closeness).zip(&mut sums);
            for ((squares, closeness), sums) in rows {
                let mut lanes = [[0.0; 16]; 5];
                for i in (0..FUZZY_BLOCK).step_by(16) {
                    for lane in 0..16 {
                        let at = i + lane;
                        let u = closeness[at] * total[at];
                        let weight = u * u;
                        for band in 0..3 {
                            lanes[band][lane] += weight * x[band][at];
                        }
                        lanes[3][lane] += weight;
                        lanes[4][lane] += weight * squares[at].sqrt();
                    }
                }
                for (sum, lanes) in sums.iter_mut().zip(&lanes) {
                    *sum += lanes.iter().sum::<f64>();
                }
                distance += lanes[4].iter().sum::<f64>();
            }
        }
        (distance, sums)
    }
}

fn keep<T>(result: T) {
    black_box(result);
}

fn states<P: Classifier>(program: &P, scene: &Scene) -> (Vec<P::State>, FitTask) {
    let (tiles, task) = program
        .split(scene.clone(), &Cancellation::default())
        .unwrap();
    let load = |tile| program.load(tile, &context()).unwrap();
    (tiles.into_par_iter().map(load).collect(), task)
}

/// The time of the rounds of a whole job, over their number.
fn per_round<P: Classifier>(program: &P, scene: &Scene) -> Duration {
    let (mut states, mut task) = states(program, scene);
    let start = Instant::now();
    for round in 1.. {
        let step = |state| program.local_step(state, &task, &context()).unwrap();
        let partials: Vec<P::Partial> = states.par_iter_mut().map(step).collect();
        match program
            .global_step(Round(round), &task, &partials, &Cancellation::default())
            .unwrap()
        {
            Step::Next(next) => task = next,
            Step::Done(_) => return start.elapsed() / round,
        }
    }
    unreachable!("a job has a last round")
}

fn rgb_rounds(criterion: &mut Criterion) {
    let centers = centers();
    let singles: Vec<[f32; 3]> = (centers.iter())
        .map(|c| [c[0] as f32, c[1] as f32, c[2] as f32])
        .collect();
    let doubles: Vec<[f64; 3]> = centers.iter().map(|c| [c[0], c[1], c[2]]).collect();
    for (name, is_noise) in [("noise", true), ("hills", false)] {
        let scene = rgb(is_noise);
        let planes = [0, 1, 2].map(|band| {
            let samples = scene.samples().iter().skip(band).step_by(3);
            samples.copied().collect::<Vec<u8>>()
        });
        let arch = Arch::new();
        let chunks = || {
            (0..SIDE * SIDE)
                .into_par_iter()
                .step_by(CHUNK_PIXELS)
                .map(|start| Plain {
                    bands: [0, 1, 2].map(|band| &planes[band][start..start + CHUNK_PIXELS]),
                    centers: &singles,
                })
        };
        let mut group = criterion.benchmark_group(format!("one round of RGB 2048 x 2048, {name}"));
        group.sample_size(20);
        group.bench_function("c-means, plain f32 loop", |bencher| {
            on_two_threads(|| {
                bencher.iter(|| chunks().map(|c| arch.dispatch(c)).for_each(keep));
            });
        });
        let program = CMeans::new(Settings::new(Start::Centers(centers.clone())));
        group.bench_function("c-means, mean of a whole job", |bencher| {
            on_two_threads(|| {
                bencher.iter_custom(|times| (0..times).map(|_| per_round(&program, &scene)).sum());
            });
        });
        group.bench_function("fuzzy c-means, plain f64 loop", |bencher| {
            on_two_threads(|| {
                bencher.iter(|| {
                    chunks()
                        .map(|chunk| {
                            arch.dispatch(PlainFuzzy {
                                bands: chunk.bands,
                                centers: &doubles,
                            })
                        })
                        .for_each(keep);
                });
            });
        });
        let program = FuzzyCMeans::new(Settings {
            max_iterations: 5,
            ..Settings::new(Start::Centers(centers.clone()))
        });
        group.bench_function("fuzzy c-means, mean of a whole job", |bencher| {
            on_two_threads(|| {
                bencher.iter_custom(|times| (0..times).map(|_| per_round(&program, &scene)).sum());
            });
        });
        group.finish();
    }
}

fn gray_histogram(criterion: &mut Criterion) {
    let scene = paper::paper_scene().unwrap();
    let program = CMeans::new(Settings::default());
    let mut group = criterion.benchmark_group("histograms of 7280 x 7750 pixels of 8 bits");
    group.sample_size(20);
    group.bench_function("eight tables, plain loop", |bencher| {
        on_two_threads(|| {
            bencher.iter(|| {
                scene.samples().par_chunks(1 << 22).for_each(|chunk| {
                    let mut tables = [[0_u32; 256]; 8];
                    for word in chunk.as_chunks::<8>().0 {
                        for lane in 0..8 {
                            tables[lane][usize::from(word[lane])] += 1;
                        }
                    }
                    black_box(tables);
                });
            });
        });
    });
    group.bench_function("split and load", |bencher| {
        on_two_threads(|| bencher.iter(|| states(&program, &scene)));
    });
    group.finish();
}

criterion_group!(benches, rgb_rounds, gray_histogram);
criterion_main!(benches);
