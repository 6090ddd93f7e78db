//! What an MsVPU keeps of its tile, and its part of a round.

use msvpu_actors::{Context, ProgramError, Result};

use super::centers::Centers;
use super::default_tiling::is_histogram;
use super::fuzzy::{Fuzzy, FuzzySums};
use super::hard::{Assignment, assign};
use super::levels::Levels;
use super::method::Method;
use super::pace::Pace;
use super::planes::{Planes, Sample};
use super::results::{ClassSums, ElementaryResults, FitPartial};
use super::rounds::FitTask;
use super::settings::{MAX_CLASSES, Settings, Start};
use super::survey::{Survey, sample, sample_size};
use super::tile::{Tile, TileHead, check};
use crate::scene::SampleType;

/// A loaded tile: a histogram where there is one band of integers, else the bands as planes.
#[derive(Debug)]
pub struct TileState {
    pub(crate) head: TileHead,
    pub(crate) data: TileData,
    /// The classes of the pixels, for planes.
    pub(crate) assignment: Assignment,
}

#[derive(Debug)]
pub(crate) enum TileData {
    Levels(Levels),
    U8(Planes<u8>),
    U16(Planes<u16>),
    F32(Planes<f32>),
    F64(Planes<f64>),
}

/// Runs the same expression on levels or on planes of any sample type.
macro_rules! with_data {
    ($data:expr, $levels:ident => $of_levels:expr, $planes:ident => $of_planes:expr) => {
        match $data {
            TileData::Levels($levels) => $of_levels,
            TileData::U8($planes) => $of_planes,
            TileData::U16($planes) => $of_planes,
            TileData::F32($planes) => $of_planes,
            TileData::F64($planes) => $of_planes,
        }
    };
}
pub(crate) use with_data;

/// Builds from a tile what the rounds reuse.
pub(crate) fn load(settings: &Settings, tile: Tile, context: &Context) -> Result<TileState> {
    check(&tile)?;
    let (head, samples, nodata) = (tile.head, tile.body, settings.nodata);
    let data = match head.shape.sample {
        _ if is_histogram(head.shape) => {
            TileData::Levels(Levels::load(&head, samples, nodata, context)?)
        }
        SampleType::U8 => TileData::U8(Planes::load(&head, &samples, nodata, context)?),
        SampleType::U16 => TileData::U16(Planes::load(&head, &samples, nodata, context)?),
        SampleType::F32 => TileData::F32(Planes::load(&head, &samples, nodata, context)?),
        SampleType::F64 => TileData::F64(Planes::load(&head, &samples, nodata, context)?),
    };
    Ok(TileState {
        head,
        data,
        assignment: Assignment::default(),
    })
}

/// Computes the tile's answer to a task.
pub(crate) fn local_step(
    settings: &Settings,
    method: Method,
    state: &mut TileState,
    task: &FitTask,
    context: &Context,
) -> Result<FitPartial> {
    let Some(centers) = &task.centers else {
        return survey(settings, state, context).map(FitPartial::Survey);
    };
    check_centers(centers, &state.head)?;
    let (distance_sum, sums) = match method {
        Method::Hard => with_data!(&state.data,
            levels => levels.hard(centers),
            planes => assign(&mut state.assignment, planes, centers, context)?),
        Method::Fuzzy { fuzzifier, .. } => with_data!(&state.data,
            levels => fuzzy_levels(levels, centers, fuzzifier, context)?,
            planes => fuzzy_planes(planes, centers, fuzzifier, context)?),
    };
    Ok(FitPartial::Results(ElementaryResults {
        pixels: state.data.pixels(),
        distance_sum,
        sums,
    }))
}

/// Centers from the wire fit the tile.
pub(crate) fn check_centers(centers: &Centers, head: &TileHead) -> Result<()> {
    if centers.bands() == usize::from(head.shape.bands) && centers.classes() <= MAX_CLASSES as usize
    {
        return Ok(());
    }
    Err(ProgramError::failed(format!(
        "the task has {} centers of {} values, where the tile has {} bands",
        centers.classes(),
        centers.bands(),
        head.shape.bands
    )))
}

impl TileData {
    /// Pixels with data.
    pub(crate) fn pixels(&self) -> u64 {
        with_data!(self, levels => levels.pixels(), planes => planes.pixels() as u64)
    }
}

fn fuzzy_levels(
    levels: &Levels,
    centers: &Centers,
    fuzzifier: f64,
    context: &Context,
) -> Result<(f64, ClassSums)> {
    let mut fuzzy = Fuzzy::new(centers, fuzzifier);
    let mut sums = FuzzySums::new(&fuzzy);
    let capacity = fuzzy.capacity();
    for (values, weights) in levels
        .reals
        .chunks(capacity)
        .zip(levels.weights.chunks(capacity))
    {
        context.check()?;
        fuzzy.block(&[values]);
        sums.add(&fuzzy, &[values], Some(weights));
    }
    Ok(sums.finish())
}

fn fuzzy_planes<T: Sample>(
    planes: &Planes<T>,
    centers: &Centers,
    fuzzifier: f64,
    context: &Context,
) -> Result<(f64, ClassSums)> {
    let mut fuzzy = Fuzzy::new(centers, fuzzifier);
    let mut sums = FuzzySums::new(&fuzzy);
    let mut block = PixelBlock::new(planes.bands(), fuzzy.capacity());
    let mut pace = Pace::new(context.cancellation());
    for start in (0..planes.pixels()).step_by(fuzzy.capacity()) {
        pace.before(fuzzy.capacity() * centers.values().len())?;
        let bands = block.read(planes, start);
        fuzzy.block(&bands);
        sums.add(&fuzzy, &bands, None);
    }
    Ok(sums.finish())
}

/// The values of a block of pixels, band by band.
pub(crate) struct PixelBlock {
    values: Vec<f64>,
    capacity: usize,
}

impl PixelBlock {
    pub(crate) fn new(bands: usize, capacity: usize) -> Self {
        Self {
            values: vec![0.0; bands * capacity],
            capacity,
        }
    }

    /// The block from index `start` of the planes on.
    pub(crate) fn read<T: Sample>(&mut self, planes: &Planes<T>, start: usize) -> Vec<&[f64]> {
        let pixels = self.capacity.min(planes.pixels() - start);
        let bands = self.values.chunks_exact_mut(self.capacity).enumerate();
        bands
            .map(|(band, values)| {
                let values = &mut values[..pixels];
                planes.read_values(band, start, values);
                &*values
            })
            .collect()
    }
}

/// What the tile holds, for the first centers.
fn survey(settings: &Settings, state: &TileState, context: &Context) -> Result<Survey> {
    let (size, seed) = match settings.start {
        Start::Centers(_) => (0, 0),
        Start::Classes {
            classes,
            init,
            seed,
        } => (sample_size(init, classes as usize), seed),
    };
    let head = &state.head;
    let (keys, values, ranges): (Vec<u64>, Vec<f64>, Vec<(f64, f64)>) = with_data!(&state.data,
        levels => {
            let stored = |index| levels.stored(index);
            let drawn = sample(head, seed, size, |index| Some(stored(index)) != levels.nodata, context)?;
            let min = levels.reals.first().copied().unwrap_or(f64::INFINITY);
            let max = levels.reals.last().copied().unwrap_or(f64::NEG_INFINITY);
            (
                drawn.iter().map(|&(key, _)| key).collect(),
                drawn.iter().map(|&(_, index)| f64::from(stored(index))).collect(),
                vec![(min, max)],
            )
        },
        planes => {
            let drawn = sample(head, seed, size, |index| planes.is_valid(index), context)?;
            (
                drawn.iter().map(|&(key, _)| key).collect(),
                planes.pick(&drawn.iter().map(|&(_, index)| index).collect::<Vec<_>>()),
                (0..planes.bands()).map(|band| planes.range(band)).collect(),
            )
        }
    );
    let (min, max) = ranges.into_iter().unzip();
    Ok(Survey {
        pixels: state.data.pixels(),
        min,
        max,
        sample_keys: keys,
        sample_values: values,
    })
}
