//! The programs that ship, on small pictures, as if a step on them took long.

use msvpu::{CMeans, Cancellation, Context, FuzzyCMeans, Program, Result, Round, Scene, Step};
use serde::{Deserialize, Serialize};

/// Operations of a step.
const COMPLEXITY: f64 = 2e6;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Heavy<P>(pub(crate) P);

macro_rules! heavy {
    ($inner:ty, $name:literal) => {
        impl Program for Heavy<$inner> {
            const NAME: &'static str = $name;
            type Input = Scene;
            type Tile = <$inner as Program>::Tile;
            type State = <$inner as Program>::State;
            type Task = <$inner as Program>::Task;
            type Partial = <$inner as Program>::Partial;
            type TileOutput = <$inner as Program>::TileOutput;
            type Output = <$inner as Program>::Output;

            fn split(
                &self,
                scene: Scene,
                cancellation: &Cancellation,
            ) -> Result<(Vec<Self::Tile>, Self::Task)> {
                self.0.split(scene, cancellation)
            }

            fn complexity(&self, _: &Self::Tile) -> f64 {
                COMPLEXITY
            }

            fn load(&self, tile: Self::Tile, context: &Context) -> Result<Self::State> {
                self.0.load(tile, context)
            }

            fn local_step(
                &self,
                state: &mut Self::State,
                task: &Self::Task,
                context: &Context,
            ) -> Result<Self::Partial> {
                self.0.local_step(state, task, context)
            }

            fn global_step(
                &self,
                round: Round,
                task: &Self::Task,
                partials: &[Self::Partial],
                cancellation: &Cancellation,
            ) -> Result<Step<Self::Task, Self::Output>> {
                self.0.global_step(round, task, partials, cancellation)
            }

            fn collect(
                &self,
                state: Self::State,
                output: &Self::Output,
                context: &Context,
            ) -> Result<Option<Self::TileOutput>> {
                self.0.collect(state, output, context)
            }
        }
    };
}

heavy!(CMeans, "heavy-cmeans");
heavy!(FuzzyCMeans, "heavy-fuzzy-cmeans");
