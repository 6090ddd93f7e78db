//! The load of the paper's balancing experiment: a program whose work grows with the square of the
//! size of its tiles.

mod differences;
mod results;
mod values;

use std::num::NonZeroU32;

use msvpu_actors::{Cancellation, Context, Program, ProgramError, Result, Round, Step};
use serde::{Deserialize, Serialize};

use super::tile::{Tile, split};
use super::tiling::{MAX_TILES, Tiling};
use crate::scene::{Scene, Shape};
use differences::over_all_pairs;
use results::{fold, pairs_of};
use values::Values;

pub use results::{DifferenceSum, Differences, PairwisePartial, PairwiseTask, TileDifferences};

/// The mean absolute difference of all pairs of a tile's pixels, computed pair by pair: x(x − 1)/2
/// pairs for x pixels, again in each round.
///
/// It is a load, not a statistic: sorting would give the same number in x log x. The pixels of a
/// tile are compared with each other only, so the result depends on how the scene is cut. Of
/// several bands the mean is compared. Sums of integers are exact, those of floating-point samples
/// are taken in `f64` in a fixed order.
///
/// ```
/// use msvpu::{Pairwise, SampleType, Scene, Shape, VirtualMachine};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let shape = Shape { width: 4, height: 1, bands: 1, sample: SampleType::U8 };
/// let scene = Scene::new(shape, vec![1, 2, 4, 8])?;
/// let machine = VirtualMachine::local().service::<Pairwise>().start().await?;
/// let result = machine.run(Pairwise::default(), scene).await?.output;
/// assert_eq!((result.pairs, result.mean), (6, Some(23.0 / 6.0)));
/// # Ok(())
/// # }
/// ```
///
/// As JSON an object of these keys, all of which may be left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pairwise {
    /// How the scene is cut, one MsVPU a tile; when absent into tiles that are about square and
    /// have about 2¹⁴ pixels that are compared.
    pub tiles: Option<Tiling>,
    /// Every how many pixels of a tile one is compared, in row-major order from the first on; 1
    /// compares all. A step, not a number of pixels, so that the work stays one of the tile's size.
    pub sampling: NonZeroU32,
    /// How often the leader asks for the sums; each time all pairs are computed anew.
    pub rounds: NonZeroU32,
    /// A pixel whose every band equals this value, after rounding to the sample type, is not
    /// compared; nor is one with a band that is not finite.
    pub nodata: Option<f64>,
}

impl Pairwise {
    /// The most pairs of one tile: minutes of one CPU.
    pub const MAX_TILE_PAIRS: u128 = 1 << 42;

    /// Pixels of a tile that are compared, about, where the program cuts the scene itself: 2²⁷
    /// pairs take tens of milliseconds.
    const DEFAULT_TILE_PIXELS: u64 = 1 << 14;

    /// Checks the parameters against the shape of the scene that they are for.
    ///
    /// # Errors
    /// [`ProgramError::InvalidInput`] with one line that names what does not fit.
    pub fn validate(&self, shape: Shape) -> Result<()> {
        let tiling = self.tiling(shape);
        tiling.validate(shape)?;
        let (height, width) = (
            shape.height.div_ceil(tiling.rows.get()),
            shape.width.div_ceil(tiling.columns.get()),
        );
        let pixels = u64::from(height) * u64::from(width);
        let pairs = pairs_of(pixels.div_ceil(self.sampling.get().into()));
        if pairs > Self::MAX_TILE_PAIRS {
            return Err(ProgramError::invalid_input(format!(
                "a tile of {height} x {width} pixels, every {}. of them compared, has {pairs} pairs: at most {} a tile; cut the scene into more tiles, or raise sampling",
                self.sampling,
                Self::MAX_TILE_PAIRS
            )));
        }
        Ok(())
    }

    /// How a scene of this shape is cut.
    fn tiling(&self, shape: Shape) -> Tiling {
        self.tiles.unwrap_or_else(|| {
            let mut side = (Self::DEFAULT_TILE_PIXELS * u64::from(self.sampling.get())).isqrt();
            loop {
                let parts = |length: u32| {
                    let parts = u64::from(length).div_ceil(side);
                    u32::try_from(parts)
                        .ok()
                        .and_then(NonZeroU32::new)
                        .unwrap_or(NonZeroU32::MIN)
                };
                let tiling = Tiling {
                    rows: parts(shape.height),
                    columns: parts(shape.width),
                };
                if tiling.tiles() <= MAX_TILES {
                    return tiling;
                }
                side *= 2;
            }
        })
    }

    const fn step(&self) -> usize {
        self.sampling.get() as usize
    }
}

impl Default for Pairwise {
    fn default() -> Self {
        Self {
            tiles: None,
            sampling: NonZeroU32::MIN,
            rounds: NonZeroU32::MIN,
            nodata: None,
        }
    }
}

/// What an MsVPU of a [`Pairwise`] keeps of its tile.
#[derive(Debug)]
pub struct PairwiseState(Values);

impl Program for Pairwise {
    const NAME: &'static str = "pairwise";
    type Input = Scene;
    type Tile = Tile;
    type State = PairwiseState;
    type Task = PairwiseTask;
    type Partial = PairwisePartial;
    type TileOutput = ();
    type Output = Differences;

    fn split(&self, scene: Scene, _: &Cancellation) -> Result<(Vec<Tile>, PairwiseTask)> {
        let shape = scene.shape();
        self.validate(shape)?;
        let tiling = self.tiling(shape);
        let bands = shape.bands;
        Ok((split(&scene, tiling), PairwiseTask { tiling, bands }))
    }

    /// The pairs of the tile.
    fn complexity(&self, tile: &Tile) -> f64 {
        pairs_of(values::count(tile, self.step(), self.nodata)) as f64
    }

    /// The encoded task and answer at their longest.
    fn bytes_exchanged(&self, _tile: &Tile) -> f64 {
        const TASK: u32 = 5 + 5 + 3;
        const PARTIAL: u32 = 10 + 1 + 19;
        f64::from(TASK + PARTIAL)
    }

    fn load(&self, tile: Tile, context: &Context) -> Result<PairwiseState> {
        values::read(&tile, self.step(), self.nodata, context).map(PairwiseState)
    }

    fn local_step(
        &self,
        state: &mut PairwiseState,
        _task: &PairwiseTask,
        context: &Context,
    ) -> Result<PairwisePartial> {
        let sum = match &state.0 {
            Values::Narrow(values) => DifferenceSum::Integer(over_all_pairs(values, context)?),
            Values::Wide(values) => DifferenceSum::Integer(over_all_pairs(values, context)?),
            Values::Real(values) => DifferenceSum::Real(over_all_pairs(values, context)?.value()),
        };
        let pixels = state.0.len() as u64;
        Ok(PairwisePartial { pixels, sum })
    }

    fn global_step(
        &self,
        round: Round,
        task: &PairwiseTask,
        partials: &[PairwisePartial],
        _cancellation: &Cancellation,
    ) -> Result<Step<PairwiseTask, Differences>> {
        if round.0 < self.rounds.get() {
            return Ok(Step::Next(task.clone()));
        }
        fold(task, partials).map(Step::Done)
    }
}
