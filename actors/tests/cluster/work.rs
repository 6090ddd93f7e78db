//! A program that shows whatever a cluster could get wrong: each bit of each tile counts, and the
//! order of the sums.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use msvpu_actors::{Block, Cancellation, Context, Program, Result, Round, Step};
use serde::{Deserialize, Serialize};

use crate::gate::{Gate, Point};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Work {
    pub(crate) tiles: usize,
    pub(crate) rounds: u32,
    /// The [`Gate`] that its functions pass, if there is one of that name.
    pub(crate) gate: String,
}

impl Work {
    pub(crate) fn new(tiles: usize, rounds: u32) -> Self {
        Self {
            tiles,
            rounds,
            gate: String::new(),
        }
    }

    pub(crate) fn through(self, gate: &str) -> Self {
        Self {
            gate: gate.to_owned(),
            ..self
        }
    }

    fn pass(&self, point: Point, context: &Context) -> Result<()> {
        Gate::of(&self.gate).map_or(Ok(()), |gate| gate.pass(point, context))
    }
}

/// So many bytes without a pattern.
pub(crate) fn noise(bytes: usize) -> Block<()> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let body = (0..bytes).map(|_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    });
    let body = body.collect::<Vec<u8>>().into();
    Block { head: (), body }
}

impl Program for Work {
    const NAME: &'static str = "work";
    type Input = Block<()>;
    type Tile = Block<()>;
    type State = Bytes;
    /// The bits of an `f64`.
    type Task = u64;
    type Partial = f64;
    type TileOutput = Block<u32>;
    type Output = u64;

    fn split(&self, input: Block<()>, _: &Cancellation) -> Result<(Vec<Block<()>>, u64)> {
        let bytes = input.body.len();
        let edge = |tile: usize| tile * bytes / self.tiles;
        let tile = |tile| Block {
            head: (),
            body: input.body.slice(edge(tile)..edge(tile + 1)),
        };
        Ok(((0..self.tiles).map(tile).collect(), 100_f64.to_bits()))
    }

    fn load(&self, tile: Block<()>, context: &Context) -> Result<Bytes> {
        self.pass(Point::Load, context)?;
        Ok(tile.body)
    }

    fn local_step(&self, tile: &mut Bytes, task: &u64, context: &Context) -> Result<f64> {
        // The round is not told: it is hidden in the lowest bits of the task.
        self.pass(Point::Step((task & 0xff) as u32 + 1), context)?;
        self.pass(Point::Deaf, context)?;
        let center = f64::from_bits(*task);
        let far = |byte: &u8| (f64::from(*byte) - center).abs().sqrt();
        Ok(tile.iter().map(far).sum())
    }

    fn global_step(
        &self,
        round: Round,
        task: &u64,
        partials: &[f64],
        _: &Cancellation,
    ) -> Result<Step<u64, u64>> {
        if let Some(gate) = Gate::of(&self.gate) {
            gate.folds.fetch_add(1, Ordering::SeqCst);
        }
        let sum: f64 = partials.iter().sum();
        let next = f64::from_bits(*task) / 2.0 + sum.sqrt() % 100.0;
        if round.0 == self.rounds {
            return Ok(Step::Done(next.to_bits()));
        }
        Ok(Step::Next((next.to_bits() & !0xff) | u64::from(round.0)))
    }

    fn collect(&self, tile: Bytes, output: &u64, context: &Context) -> Result<Option<Block<u32>>> {
        self.pass(Point::Collect, context)?;
        let key = output.to_le_bytes();
        let body = tile.iter().zip(key.iter().cycle()).map(|(a, b)| a ^ b);
        Ok(Some(Block {
            head: context.rank().0,
            body: body.collect::<Vec<u8>>().into(),
        }))
    }
}
