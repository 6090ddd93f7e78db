//! What the tests share: a driver that runs a program without any actor, and plain references.
#![allow(dead_code, reason = "every test file takes what it needs")]
#![allow(clippy::unwrap_used, reason = "a test that fails here says so")]

pub(crate) mod checks;
pub(crate) mod paper;

use msvpu::{
    Cancellation, Centers, Classification, Classifier, Context, Program, ProgramError, Rank, Round,
    SampleType, Scene, Shape, Step, Wire,
};

/// A job from its first to its last round.
pub(crate) struct Run<P: Program> {
    pub(crate) tasks: Vec<P::Task>,
    pub(crate) output: P::Output,
    pub(crate) tile_outputs: Vec<P::TileOutput>,
}

fn travel<T: Wire>(value: T) -> T {
    T::from_payload(value.into_payload().unwrap()).unwrap()
}

/// What a value takes on its way, in bytes.
pub(crate) fn travel_bytes(value: impl Wire) -> usize {
    let payload = value.into_payload().unwrap();
    payload.head.len() + payload.body.len()
}

/// Runs a program tile after tile; whatever would travel is encoded and decoded.
pub(crate) fn run<P: Program>(program: &P, input: P::Input) -> Result<Run<P>, ProgramError> {
    let json = serde_json::to_string(program).unwrap();
    let program: P = serde_json::from_str(&json).unwrap();
    let (tiles, first) = program.split(travel(input), &Cancellation::default())?;
    let team = tiles.len() as u32;
    let context = |rank: usize| Context::new(Rank(rank as u32), team, Cancellation::default());
    let mut states = Vec::new();
    for (rank, tile) in tiles.into_iter().enumerate() {
        states.push(program.load(travel(tile), &context(rank))?);
    }
    let mut tasks = vec![first];
    let mut round = Round(1);
    let output = loop {
        let task = tasks.last().unwrap();
        let mut partials = Vec::new();
        for (rank, state) in states.iter_mut().enumerate() {
            partials.push(travel(program.local_step(state, task, &context(rank))?));
        }
        match program.global_step(round, task, &partials, context(0).cancellation())? {
            Step::Next(task) => tasks.push(travel(task)),
            Step::Done(output) => break travel(output),
        }
        round = round.next();
    };
    let mut tile_outputs = Vec::new();
    for (rank, state) in states.into_iter().enumerate() {
        if let Some(output) = program.collect(state, &output, &context(rank))? {
            tile_outputs.push(travel(output));
        }
    }
    Ok(Run {
        tasks,
        output,
        tile_outputs,
    })
}

/// Classifies a scene.
pub(crate) fn classify<P: Classifier>(
    program: &P,
    scene: &Scene,
) -> Result<Classification, ProgramError> {
    let run = run(program, scene.clone())?;
    let rows = run.tasks.into_iter().filter_map(|task| task.last).collect();
    Classification::assemble(scene.shape(), rows, run.output, run.tile_outputs)
}

/// A scene whose samples are what `value` says of (pixel, band).
pub(crate) fn scene(
    (height, width): (u32, u32),
    bands: u16,
    sample: SampleType,
    value: impl Fn(usize, usize) -> f64,
) -> Scene {
    let shape = Shape {
        width,
        height,
        bands,
        sample,
    };
    let mut samples = Vec::new();
    for pixel in 0..shape.pixels() as usize {
        for band in 0..usize::from(bands) {
            let value = value(pixel, band);
            match sample {
                SampleType::U8 => samples.push(value as u8),
                SampleType::U16 => samples.extend((value as u16).to_le_bytes()),
                SampleType::F32 => samples.extend((value as f32).to_le_bytes()),
                SampleType::F64 => samples.extend(value.to_le_bytes()),
            }
        }
    }
    Scene::new(shape, samples).unwrap()
}

/// The samples of each pixel.
pub(crate) fn pixels(scene: &Scene) -> Vec<Vec<f64>> {
    let shape = scene.shape();
    let values: Vec<f64> = match shape.sample {
        SampleType::U8 => scene.samples().iter().map(|&v| f64::from(v)).collect(),
        SampleType::U16 => (scene.samples().chunks_exact(2))
            .map(|v| f64::from(u16::from_le_bytes(v.try_into().unwrap())))
            .collect(),
        SampleType::F32 => (scene.samples().chunks_exact(4))
            .map(|v| f64::from(f32::from_le_bytes(v.try_into().unwrap())))
            .collect(),
        SampleType::F64 => (scene.samples().chunks_exact(8))
            .map(|v| f64::from_le_bytes(v.try_into().unwrap()))
            .collect(),
    };
    (values.chunks_exact(usize::from(shape.bands)))
        .map(<[f64]>::to_vec)
        .collect()
}

/// The samples of the pixels with data, in place; `None` for the others.
pub(crate) fn valid_pixels(scene: &Scene, nodata: Option<f64>) -> Vec<Option<Vec<f64>>> {
    (pixels(scene).into_iter())
        .map(|pixel| {
            let marked = nodata.is_some() && pixel.iter().all(|&v| Some(v) == nodata);
            (!marked && pixel.iter().all(|v| v.is_finite())).then_some(pixel)
        })
        .collect()
}

pub(crate) fn distance(a: &[f64], b: &[f64]) -> f64 {
    (a.iter().zip(b))
        .map(|(a, b)| (a - b).powi(2))
        .sum::<f64>()
        .sqrt()
}

/// The label of a pixel by a search of its own: the first of the nearest.
pub(crate) fn nearest_label(pixel: &[f64], centers: &Centers) -> u16 {
    let distances: Vec<f64> = centers
        .iter()
        .map(|center| {
            (pixel.iter().zip(center))
                .map(|(a, b)| (a - b).powi(2))
                .sum()
        })
        .collect();
    let least = distances.iter().copied().fold(f64::INFINITY, f64::min);
    distances.iter().position(|&d| d == least).unwrap() as u16 + 1
}

/// Memberships straight from eq. 14.
pub(crate) fn memberships(pixel: &[f64], centers: &Centers, fuzzifier: f64) -> Vec<f64> {
    let distances: Vec<f64> = centers.iter().map(|c| distance(pixel, c)).collect();
    let on = distances.iter().filter(|&&d| d == 0.0).count();
    (distances.iter())
        .map(|&d| match on {
            0 => {
                1.0 / (distances.iter())
                    .map(|other| (d / other).powf(2.0 / (fuzzifier - 1.0)))
                    .sum::<f64>()
            }
            _ => f64::from(u8::from(d == 0.0)) / on as f64,
        })
        .collect()
}

/// One iteration, pixel by pixel: the objective and the next centers. `fuzzifier` `None`: c-means.
pub(crate) fn reference_iteration(
    pixels: &[Option<Vec<f64>>],
    centers: &Centers,
    fuzzifier: Option<f64>,
) -> (f64, Centers) {
    let mut objective = 0.0;
    let mut sums = vec![vec![0.0; centers.bands()]; centers.classes()];
    let mut weights = vec![0.0; centers.classes()];
    for pixel in pixels.iter().flatten() {
        let weight: Vec<f64> = match fuzzifier {
            None => {
                let label = nearest_label(pixel, centers);
                (1..=centers.classes())
                    .map(|class| f64::from(u8::from(class == usize::from(label))))
                    .collect()
            }
            Some(m) => (memberships(pixel, centers, m).iter().map(|u| u.powf(m))).collect(),
        };
        for (class, weight) in weight.into_iter().enumerate() {
            if weight > 0.0 {
                objective += weight * distance(pixel, centers.of(class));
                weights[class] += weight;
                for (sum, value) in sums[class].iter_mut().zip(pixel) {
                    *sum += weight * value;
                }
            }
        }
    }
    let next = (0..centers.classes())
        .map(|class| match weights[class] {
            0.0 => centers.of(class).to_vec(),
            weight => sums[class].iter().map(|sum| sum / weight).collect(),
        })
        .collect();
    (objective, Centers::new(next).unwrap())
}

/// Asserts that two numbers agree to a part of the larger, or of 1.
#[track_caller]
pub(crate) fn assert_close(a: f64, b: f64, tolerance: f64, what: &str) {
    let scale = a.abs().max(b.abs()).max(1.0);
    assert!((a - b).abs() <= tolerance * scale, "{what}: {a} and {b}");
}

/// A whole number from `0..below` that looks random and depends on `index` alone.
pub(crate) fn noise(index: usize, below: u64) -> f64 {
    let mut x = (index as u64 + 1).wrapping_mul(0x2545_f491_4f6c_dd1d);
    x ^= x >> 29;
    x = x.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x ^= x >> 32;
    (x % below) as f64
}
