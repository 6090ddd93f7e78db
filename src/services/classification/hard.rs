//! c-means over planes: which center is nearest to each pixel, and the sums that follow from it.
//!
//! Labels are remembered from round to round, with how far the centers may move before one of them
//! can change (after Hamerly: Making k-means even faster, SDM 2010). That saves work and nothing
//! else: a label is always that of the nearest center by the full comparison, and every sum is
//! either taken anew or, of integers, kept up to date exactly. So the answer to a task depends on
//! the tile and the task alone.

use msvpu_actors::{Context, Result};
use pulp::{Arch, Simd, WithSimd};

use super::centers::Centers;
use super::class_sums::{Change, IntegerSums, RealSums};
use super::nearest::{Doubt, GROUP_PIXELS, ROUNDING, Screen, exact};
use super::pace::Pace;
use super::planes::{Planes, Sample};
use super::results::ClassSums;
use super::sum::{CompensatedSum, total};

/// Pixels of a block: what is worked out for one stays in the first-level cache, and a plain sum
/// over one loses a few units in the last place at most.
pub(crate) const BLOCK_PIXELS: usize = 1 << 9;

const BLOCK_GROUPS: usize = BLOCK_PIXELS / GROUP_PIXELS;

/// The nearest center of every pixel of some planes.
#[derive(Debug, Default)]
pub(crate) struct Assignment {
    /// The centers that the labels are for; `None` before the first round.
    centers: Option<Centers>,
    /// The index of the nearest center of each pixel, whole groups.
    classes: Vec<u16>,
    /// For each group: no label changes while `drift` is below this.
    slack: Vec<f64>,
    /// Twice the greatest way of a center, added up over the rounds, rounded up.
    drift: f64,
    /// The greatest size of a sample.
    reach: f64,
    /// Of integer samples.
    sums: IntegerSums,
}

impl Assignment {
    /// The index of the nearest center of each pixel, as [`assign`] left them.
    pub(crate) fn classes(&self) -> &[u16] {
        &self.classes
    }

    /// Makes ready for new centers; whether the pixels have no classes yet.
    fn turn_to<T: Sample>(&mut self, planes: &Planes<T>, centers: &Centers) -> bool {
        // After a cancelled round there are none, and then nothing here is to be trusted.
        let before = self.centers.replace(centers.clone());
        if let Some(before) = before
            && before.classes() == centers.classes()
        {
            let way = 2.0 * (1.0 + ROUNDING) * centers.shift_from(&before);
            self.drift = (self.drift + way).next_up();
            return false;
        }
        let groups = planes.pixels().div_ceil(GROUP_PIXELS);
        let alone = centers.classes() == 1;
        *self = Self {
            centers: self.centers.take(),
            classes: vec![0; groups * GROUP_PIXELS],
            slack: vec![
                if alone {
                    f64::INFINITY
                } else {
                    f64::NEG_INFINITY
                };
                groups
            ],
            drift: 0.0,
            reach: planes.reach,
            sums: IntegerSums::new(centers),
        };
        true
    }
}

/// Finds the nearest center of each pixel (of several at the same distance the first), and gives
/// ER1 to ER3 of c-means.
pub(crate) fn assign<T: Sample>(
    assignment: &mut Assignment,
    planes: &Planes<T>,
    centers: &Centers,
    context: &Context,
) -> Result<(f64, ClassSums)> {
    assign_on(Arch::new(), assignment, planes, centers, context)
}

fn assign_on<T: Sample>(
    arch: Arch,
    assignment: &mut Assignment,
    planes: &Planes<T>,
    centers: &Centers,
    context: &Context,
) -> Result<(f64, ClassSums)> {
    let first = assignment.turn_to(planes, centers);
    let mut scratch = Scratch::new(centers, assignment.reach);
    let mut distance = CompensatedSum::default();
    let mut real = RealSums::new(centers);
    let mut pace = Pace::new(context.cancellation());
    for start in (0..planes.pixels()).step_by(BLOCK_PIXELS) {
        let pixels = BLOCK_PIXELS.min(planes.pixels() - start);
        if let Err(cancelled) = pace.before(pixels * centers.values().len()) {
            assignment.centers = None;
            return Err(cancelled);
        }
        distance.add(arch.dispatch(AssignBlock {
            scratch: &mut scratch,
            assignment,
            real: &mut real,
            planes,
            centers,
            start,
            pixels,
            first,
        }));
    }
    let sums = if T::IS_INTEGER {
        assignment.sums.to_class_sums()
    } else {
        real.into_class_sums()
    };
    Ok((distance.value(), sums))
}

/// What is worked out for one block.
struct Scratch {
    screen: Option<Screen>,
    /// The pixels, `BLOCK_PIXELS` a band.
    singles: Vec<f32>,
    doubles: Vec<f64>,
    /// The center of each pixel's class, likewise.
    nearest: Vec<f64>,
    distances: [f64; BLOCK_PIXELS],
    changes: [Change; BLOCK_PIXELS],
}

impl Scratch {
    fn new(centers: &Centers, reach: f64) -> Self {
        Self {
            screen: Screen::new(centers, reach),
            singles: vec![0.0; centers.bands() * BLOCK_PIXELS],
            doubles: vec![0.0; centers.bands() * BLOCK_PIXELS],
            nearest: vec![0.0; centers.bands() * BLOCK_PIXELS],
            distances: [0.0; BLOCK_PIXELS],
            changes: [Change::default(); BLOCK_PIXELS],
        }
    }
}

/// Labels a block, keeps the sums up to date, and gives the sum of the distances.
struct AssignBlock<'a, T> {
    scratch: &'a mut Scratch,
    assignment: &'a mut Assignment,
    real: &'a mut RealSums,
    planes: &'a Planes<T>,
    centers: &'a Centers,
    start: usize,
    pixels: usize,
    /// Whether the pixels had no classes before.
    first: bool,
}

impl<T: Sample> WithSimd for AssignBlock<'_, T> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        let filled = self.pixels.next_multiple_of(GROUP_PIXELS);
        let (planes, start) = (self.planes, self.start);
        let band = |band| &planes.plane(band)[start..][..filled];
        // With the number of bands known, the loops over them are unrolled.
        match self.centers.bands() {
            1 => self.run::<1, S>(simd, &[band(0)]),
            3 => self.run::<3, S>(simd, &[band(0), band(1), band(2)]),
            4 => self.run::<4, S>(simd, &[band(0), band(1), band(2), band(3)]),
            bands => self.run::<0, S>(simd, &(0..bands).map(band).collect::<Vec<_>>()),
        }
    }
}

// No closures around vectors here: they would be compiled without the instructions.
impl<T: Sample> AssignBlock<'_, T> {
    /// `BANDS` is the number of bands, or 0 where only `bands` says it.
    #[inline(always)]
    fn run<const BANDS: usize, S: Simd>(self, simd: S, bands: &[&[T]]) -> f64 {
        let Self {
            scratch,
            assignment,
            real,
            centers,
            start,
            pixels,
            first,
            ..
        } = self;
        let groups = pixels.div_ceil(GROUP_PIXELS);
        let slacks = &mut assignment.slack[start / GROUP_PIXELS..][..groups];
        let classes = &mut assignment.classes[start..][..groups * GROUP_PIXELS];
        let changed = label(
            simd,
            scratch,
            bands,
            centers,
            slacks,
            classes,
            assignment.drift,
        );
        if !T::IS_INTEGER {
            real.add(&classes[..pixels], bands);
        } else if first {
            assignment.sums.add(&classes[..pixels], bands);
        } else {
            let changes = &scratch.changes[..changed];
            let real_ones = changes.partition_point(|change| usize::from(change.pixel) < pixels);
            assignment.sums.apply(&changes[..real_ones], bands);
        }
        match bands.first_chunk::<BANDS>() {
            Some(bands) if BANDS > 0 => measure(scratch, bands, classes, centers),
            _ => measure_many(scratch, bands, classes, centers),
        }
        total(simd, &scratch.distances[..pixels])
    }
}

/// Brings the classes of a block up to date; how many pixels changed theirs, which are listed in
/// ascending order.
#[inline(always)]
fn label<T: Sample, S: Simd>(
    simd: S,
    scratch: &mut Scratch,
    bands: &[&[T]],
    centers: &Centers,
    slacks: &mut [f64],
    classes: &mut [u16],
    drift: f64,
) -> usize {
    let mut stale = [false; BLOCK_GROUPS];
    for (stale, &slack) in stale.iter_mut().zip(&*slacks) {
        *stale = drift >= slack || slack.is_nan();
    }
    if stale == [false; BLOCK_GROUPS] {
        return 0;
    }
    let (classes, _) = classes.as_chunks_mut::<GROUP_PIXELS>();
    let mut found = [[0; GROUP_PIXELS]; BLOCK_GROUPS];
    let mut slack = [f64::NEG_INFINITY; BLOCK_GROUPS];
    if let Some(screen) = &scratch.screen {
        for (singles, samples) in scratch.singles.chunks_exact_mut(BLOCK_PIXELS).zip(bands) {
            for (single, sample) in singles.iter_mut().zip(*samples) {
                *single = sample.single();
            }
        }
        let mut far = [0.0; BLOCK_GROUPS];
        for group in 0..classes.len() {
            if stale[group] {
                let values = &scratch.singles[group * GROUP_PIXELS..];
                let result = screen.group(simd, values, BLOCK_PIXELS, bands.len());
                found[group] = result.classes;
                slack[group] = result.gap;
                far[group] = result.far;
            }
        }
        for group in 0..BLOCK_GROUPS {
            slack[group] = screen.doubt.slack(slack[group], far[group], bands.len());
        }
    }
    let mut changed = 0;
    for group in 0..classes.len() {
        if !stale[group] {
            continue;
        }
        let is_sure = slack[group] > 0.0;
        if !is_sure {
            let place = group * GROUP_PIXELS;
            for (doubles, samples) in scratch.doubles.chunks_exact_mut(BLOCK_PIXELS).zip(bands) {
                for lane in place..place + GROUP_PIXELS {
                    doubles[lane] = samples[lane].value();
                }
            }
            let values = &scratch.doubles[place..];
            let result = exact(simd, values, BLOCK_PIXELS, centers.values(), bands.len());
            found[group] = result.classes;
            slack[group] = Doubt::EXACT.slack(result.gap, result.far, bands.len());
        }
        slacks[group] = (drift + slack[group]).next_down();
        let before = std::mem::replace(&mut classes[group], found[group]);
        // Four labels at a time.
        let before: [u64; 4] = pulp::bytemuck::cast(before);
        let after: [u64; 4] = pulp::bytemuck::cast(found[group]);
        for quad in 0..4 {
            let mut different = before[quad] ^ after[quad];
            while different != 0 {
                let shift = different.trailing_zeros() / 16 * 16;
                different &= !(0xffff << shift);
                let lane = 4 * quad + lane_at(shift);
                scratch.changes[changed % BLOCK_PIXELS] = Change {
                    pixel: (group * GROUP_PIXELS + lane) as u16,
                    from: (before[quad] >> shift) as u16,
                    to: (after[quad] >> shift) as u16,
                };
                changed += 1;
            }
        }
    }
    changed
}

/// Which of the four labels of a word begins at this bit.
const fn lane_at(shift: u32) -> usize {
    let lane = (shift / 16) as usize;
    if cfg!(target_endian = "little") {
        lane
    } else {
        3 - lane
    }
}

/// How many groups the looking up of centers runs ahead of the distances: the stores of the one are
/// done when the other loads, and the two share the units of the CPU meanwhile.
const LAG_GROUPS: usize = 4;

/// `|x − c|` to the center of each pixel's class.
#[inline(always)]
fn measure<const BANDS: usize, T: Sample>(
    scratch: &mut Scratch,
    bands: &[&[T]; BANDS],
    classes: &[u16],
    centers: &Centers,
) {
    let (centers, _) = centers.values().as_chunks::<BANDS>();
    let (classes, _) = classes.as_chunks::<GROUP_PIXELS>();
    let bands = bands.map(|samples| samples.as_chunks::<GROUP_PIXELS>().0);
    let (nearest, _) = scratch.nearest.as_chunks_mut::<GROUP_PIXELS>();
    let (nearest, _) = nearest.as_chunks_mut::<BANDS>();
    let (distances, _) = scratch.distances.as_chunks_mut::<GROUP_PIXELS>();
    for step in 0..classes.len() + LAG_GROUPS {
        if step < classes.len() {
            for lane in 0..GROUP_PIXELS {
                let center = &centers[usize::from(classes[step][lane])];
                for band in 0..BANDS {
                    nearest[step][band][lane] = center[band];
                }
            }
        }
        if step >= LAG_GROUPS {
            let group = step - LAG_GROUPS;
            let mut measures = [0.0; GROUP_PIXELS];
            for band in 0..BANDS {
                for lane in 0..GROUP_PIXELS {
                    let difference = bands[band][group][lane].value() - nearest[group][band][lane];
                    measures[lane] = if BANDS == 1 {
                        difference.abs()
                    } else {
                        measures[lane] + difference * difference
                    };
                }
            }
            for lane in 0..GROUP_PIXELS {
                distances[group][lane] = if BANDS == 1 {
                    measures[lane]
                } else {
                    measures[lane].sqrt()
                };
            }
        }
    }
}

/// The same for any number of bands.
#[inline(always)]
fn measure_many<T: Sample>(
    scratch: &mut Scratch,
    bands: &[&[T]],
    classes: &[u16],
    centers: &Centers,
) {
    let distances = &mut scratch.distances[..classes.len()];
    distances.fill(0.0);
    for (band, samples) in bands.iter().enumerate() {
        let centers = &centers.values()[band..];
        for ((square, sample), &class) in distances.iter_mut().zip(*samples).zip(classes) {
            let difference = sample.value() - centers[usize::from(class) * bands.len()];
            *square += difference * difference;
        }
    }
    for distance in distances {
        *distance = distance.sqrt();
    }
}

#[cfg(test)]
mod tests;
