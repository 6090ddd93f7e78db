use msvpu_actors::{Cancellation, ProgramError, Rank};

use super::*;
use crate::scene::{SampleType, Shape};
use crate::services::classification::centers::squared_distance;
use crate::services::classification::random::SplitMix64;
use crate::services::classification::tile::TileHead;
use crate::services::classification::tiling::Tiling;

fn context(cancelled: bool) -> Context {
    let context = Context::new(Rank(0), 1, Cancellation::default());
    if cancelled {
        context.cancellation().cancel();
    }
    context
}

fn planes<T: Sample>(sample: SampleType, bands: u16, bytes: Vec<u8>) -> Planes<T> {
    let pixels = bytes.len() / usize::from(bands) / sample.size_bytes();
    let shape = Shape {
        width: pixels as u32,
        height: 1,
        bands,
        sample,
    };
    let head = TileHead {
        shape,
        top: 0,
        left: 0,
        scene_width: shape.width,
        tiling: Tiling::new(1, 1).unwrap(),
    };
    Planes::load(&head, &bytes.into(), None, &context(false)).unwrap()
}

fn bytes(seed: u64, count: usize) -> Vec<u8> {
    (0..count as u64)
        .map(|index| SplitMix64::at(seed, index) as u8)
        .collect()
}

fn singles(values: impl Iterator<Item = f32>) -> Vec<u8> {
    values.flat_map(f32::to_le_bytes).collect()
}

fn doubles(values: impl Iterator<Item = f64>) -> Vec<u8> {
    values.flat_map(f64::to_le_bytes).collect()
}

/// `count` centers of values from 0 to `range`.
fn centers(seed: u64, count: usize, bands: usize, range: f64) -> Centers {
    let mut random = SplitMix64::new(seed);
    let values = (0..count * bands).map(|_| random.unit() * range);
    Centers::from_flat(bands, values.collect())
}

/// The first nearest center of each pixel, by looking at all.
fn brute_force<T: Sample>(planes: &Planes<T>, centers: &Centers) -> Vec<u16> {
    (0..planes.pixels())
        .map(|pixel| {
            let pixel: Vec<f64> = (0..planes.bands())
                .map(|band| planes.plane(band)[pixel].value())
                .collect();
            let mut nearest = (0, f64::INFINITY);
            for (class, center) in (0..).zip(centers.iter()) {
                let distance = match (&*pixel, center) {
                    ([x], [c]) => (x - c).abs(),
                    _ => squared_distance(&pixel, center),
                };
                if distance < nearest.1 {
                    nearest = (class, distance);
                }
            }
            nearest.0
        })
        .collect()
}

/// Assigns from scratch and compares the labels with those of the plain search.
fn check<T: Sample>(planes: &Planes<T>, centers: &Centers) {
    let mut assignment = Assignment::default();
    assign(&mut assignment, planes, centers, &context(false)).unwrap();
    assert_eq!(
        assignment.classes()[..planes.pixels()],
        brute_force(planes, centers)
    );
}

fn every_arch() -> Vec<Arch> {
    let mut all = vec![Arch::Scalar, Arch::new()];
    #[cfg(target_arch = "x86_64")]
    all.extend(pulp::x86::V3::try_new().map(Arch::V3));
    all
}

#[test]
fn every_instruction_set_gives_the_same_bits() {
    fn check<T: Sample>(planes: &Planes<T>, centers: &Centers) {
        let results: Vec<_> = every_arch()
            .into_iter()
            .map(|arch| {
                let mut assignment = Assignment::default();
                let context = context(false);
                let result = assign_on(arch, &mut assignment, planes, centers, &context).unwrap();
                (result.0.to_bits(), result.1, assignment.classes().to_vec())
            })
            .collect();
        assert!(results.iter().all(|result| *result == results[0]));
    }
    let random = |range: f64| {
        let mut random = SplitMix64::new(8);
        std::iter::repeat_with(move || random.unit() * range)
    };
    check::<u8>(
        &planes(SampleType::U8, 3, bytes(1, 3 * 5003)),
        &centers(2, 9, 3, 255.0),
    );
    check::<u16>(
        &planes(SampleType::U16, 4, bytes(1, 8 * 5003)),
        &centers(2, 300, 4, 65535.0),
    );
    for bands in [1, 2, 3, 4, 6] {
        let values = singles(
            random(7.0)
                .map(|x| x as f32)
                .take(usize::from(bands) * 2001),
        );
        check::<f32>(
            &planes(SampleType::F32, bands, values),
            &centers(3, 5, usize::from(bands), 7.0),
        );
        let values = doubles(random(1e6).take(usize::from(bands) * 2001));
        check::<f64>(
            &planes(SampleType::F64, bands, values),
            &centers(4, 5, usize::from(bands), 1e6),
        );
    }
}

#[test]
fn what_was_remembered_never_shows() {
    fn check<T: Sample>(planes: &Planes<T>, mut centers: Vec<f64>, bands: usize, mut step: f64) {
        let mut remembered = Assignment::default();
        let mut random = SplitMix64::new(77);
        for round in 0..60 {
            let now = Centers::from_flat(bands, centers.clone());
            let mut fresh = Assignment::default();
            let expected = assign(&mut fresh, planes, &now, &context(false)).unwrap();
            let found = assign(&mut remembered, planes, &now, &context(false)).unwrap();
            assert_eq!(found.0.to_bits(), expected.0.to_bits(), "round {round}");
            assert_eq!(found.1, expected.1, "round {round}");
            assert_eq!(remembered.classes(), fresh.classes(), "round {round}");
            assert_eq!(
                fresh.classes()[..planes.pixels()],
                brute_force(planes, &now)
            );
            for value in &mut centers {
                *value += (random.unit() - 0.5) * step;
            }
            // Small steps most of the time, now and then a leap, now and then none at all.
            step = match round % 20 {
                7 => 0.0,
                13 => 60.0,
                _ => 3.0 / f64::from(round + 1),
            };
        }
    }
    let start = |bands| centers(5, 6, bands, 255.0).values().to_vec();
    check::<u8>(
        &planes(SampleType::U8, 3, bytes(6, 3 * 2003)),
        start(3),
        3,
        20.0,
    );
    let values = singles(bytes(7, 2003).into_iter().map(f32::from));
    check::<f32>(&planes(SampleType::F32, 1, values), start(1), 1, 20.0);
    let values = doubles(bytes(8, 2 * 2003).into_iter().map(f64::from));
    check::<f64>(&planes(SampleType::F64, 2, values), start(2), 2, 20.0);
}

#[test]
fn the_quick_answer_yields_where_it_cannot_tell() {
    // Every pixel as near to two centers, or to four.
    let lattice = (0..4096).flat_map(|i| [(i % 16) as u8 * 2, (i / 16 % 16) as u8 * 2, 5]);
    let on_odd = (0..8).flat_map(|i| [f64::from(i) * 4.0 + 1.0, f64::from(i % 3) * 4.0 + 1.0, 5.0]);
    let pixels = planes::<u8>(SampleType::U8, 3, lattice.collect());
    check(&pixels, &Centers::from_flat(3, on_odd.collect()));
    // Equal centers.
    check(&pixels, &Centers::from_flat(3, [7.0, 8.0, 9.0].repeat(4)));
    // Differences that f32 does not see: far from the origin, and close together.
    for bands in [1_u16, 2] {
        let far = singles((0..6000).map(|i| 1.0e6 + (i % 1000) as f32 * 0.0625));
        let pixels = planes::<f32>(SampleType::F32, bands, far);
        for seed in 0..20 {
            let near = centers(seed, 12, usize::from(bands), 62.5);
            let far = near.values().iter().map(|c| 1.0e6 + c).collect();
            check(&pixels, &Centers::from_flat(usize::from(bands), far));
        }
    }
    let close = doubles((0..3000).map(|i| 1.0 + f64::from(i) * 1e-13));
    let near_close = (0..7).map(|i| 1.0 + f64::from(i) * 0.5e-10);
    check(
        &planes::<f64>(SampleType::F64, 1, close),
        &Centers::from_flat(1, near_close.collect()),
    );
    // Beyond the range of f32, and below it.
    for scale in [1e60, 1e-60] {
        let values = doubles(bytes(3, 4000).into_iter().map(|x| f64::from(x) * scale));
        let scaled = centers(9, 5, 2, 255.0)
            .values()
            .iter()
            .map(|c| c * scale)
            .collect();
        check(
            &planes::<f64>(SampleType::F64, 2, values),
            &Centers::from_flat(2, scaled),
        );
    }
}

#[test]
fn a_cancelled_round_is_begun_anew() {
    let pixels = planes::<u8>(SampleType::U8, 3, bytes(1, 3 * 100_000));
    let (before, after) = (centers(1, 4, 3, 255.0), centers(2, 4, 3, 255.0));
    for begun in [false, true] {
        let mut assignment = Assignment::default();
        if begun {
            assign(&mut assignment, &pixels, &before, &context(false)).unwrap();
        }
        let cancelled = assign(&mut assignment, &pixels, &after, &context(true));
        assert_eq!(cancelled, Err(ProgramError::Cancelled));
        let found = assign(&mut assignment, &pixels, &after, &context(false));
        let expected = assign(&mut Assignment::default(), &pixels, &after, &context(false));
        assert_eq!(found, expected);
    }
}
