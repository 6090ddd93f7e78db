//! A program that stands for any other: it has its costs, and computes nothing.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::error::ProgramError;
use crate::id::Round;
use crate::payload::Block;
use crate::program::{Cancellation, Context, Program, Result, Step};
use crate::simulation::formula::Formula;
use crate::simulation::spec::JobSpec;

/// What stands for a service in a simulation of costs alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Synthetic {
    /// How many tiles, and so MsVPUs.
    pub tiles: u32,
    /// How many rounds.
    pub rounds: u32,
    /// C_k of a step, in elementary operations.
    pub complexity: f64,
    /// Of one tile; all tiles are the same zeros in memory.
    pub tile_bytes: usize,
    /// Of one partial result; part of the tile's zeros, or, where it is longer, zeros of its own.
    pub partial_bytes: usize,
}

impl Synthetic {
    /// The most bytes of a tile: 1 GB of zeros are enough to show what they cost.
    pub const MAX_TILE_BYTES: u64 = 1_000_000_000;
    /// The most bytes of all partial results of a round together, where they are longer than tiles.
    pub const MAX_ROUND_BYTES: u64 = 4_000_000_000;

    /// Whether it fits into memory; asked before it splits.
    ///
    /// # Errors
    /// When a tile, or the partial results of a round, take more than may be.
    pub fn check(&self) -> Result<()> {
        let too_many = |key: &str, what: &str, found: u64, limit: u64| {
            Err(ProgramError::invalid_input(format!(
                "`{key}` gives {what} of {found} bytes; at most {limit} can be simulated"
            )))
        };
        let tile = self.tile_bytes as u64;
        if tile > Self::MAX_TILE_BYTES {
            return too_many("tile_bytes", "a tile", tile, Self::MAX_TILE_BYTES);
        }
        match self.excess_of_round() {
            Some(bytes) => too_many("partial_bytes", "a round", bytes, Self::MAX_ROUND_BYTES),
            None => Ok(()),
        }
    }

    /// The bytes of all partial results of a round, if they are too many.
    pub(crate) fn excess_of_round(&self) -> Option<u64> {
        let bytes = (self.partial_bytes as u64).saturating_mul(self.tiles.into());
        let longer = self.partial_bytes > self.tile_bytes;
        (longer && bytes > Self::MAX_ROUND_BYTES).then_some(bytes)
    }

    /// Of a job as a spec describes it.
    #[must_use]
    pub fn of(job: &JobSpec) -> Self {
        let at_size = |formula: &Formula| formula.eval(job.tile_size);
        Self {
            tiles: job.tiles,
            rounds: job.rounds,
            complexity: at_size(&job.complexity),
            tile_bytes: at_size(&job.tile_bytes) as usize,
            partial_bytes: at_size(&job.partial_bytes) as usize,
        }
    }
}

impl Program for Synthetic {
    const NAME: &'static str = "synthetic";
    type Input = ();
    type Tile = Block<()>;
    type State = Bytes;
    type Task = u32;
    type Partial = Block<()>;
    type TileOutput = ();
    type Output = u32;

    fn split(&self, (): (), _: &Cancellation) -> Result<(Vec<Block<()>>, u32)> {
        self.check()?;
        // All tiles are the same zeros: only their length counts.
        let body = Bytes::from(vec![0; self.tile_bytes]);
        let tile = Block { head: (), body };
        Ok((vec![tile; self.tiles as usize], 1))
    }

    fn complexity(&self, _: &Block<()>) -> f64 {
        self.complexity
    }

    fn bytes_exchanged(&self, _: &Block<()>) -> f64 {
        self.partial_bytes as f64
    }

    fn load(&self, tile: Block<()>, _: &Context) -> Result<Bytes> {
        let partial = tile.body.slice(..self.partial_bytes.min(tile.body.len()));
        Ok(if partial.len() == self.partial_bytes {
            partial
        } else {
            Bytes::from(vec![0; self.partial_bytes])
        })
    }

    fn local_step(&self, partial: &mut Bytes, _: &u32, _: &Context) -> Result<Block<()>> {
        Ok(Block {
            head: (),
            body: partial.clone(),
        })
    }

    fn global_step(
        &self,
        round: Round,
        _: &u32,
        partials: &[Block<()>],
        _: &Cancellation,
    ) -> Result<Step<u32, u32>> {
        Ok(if round.0 < self.rounds {
            Step::Next(round.0 + 1)
        } else {
            Step::Done(partials.len() as u32)
        })
    }
}
