//! A program of one's own on a machine of one's own, from a plain `#[tokio::main]`: submit a job,
//! follow its progress, await its result.

use futures_util::StreamExt;
use msvpu::{Context, Program, Progress, Result, Round, Step, VirtualMachine};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Mean;

impl Program for Mean {
    const NAME: &'static str = "mean";
    type Input = Vec<f64>;
    type Tile = Vec<f64>;
    type State = Vec<f64>;
    type Task = ();
    type Partial = f64;
    type TileOutput = ();
    type Output = f64;
    fn split(&self, input: Vec<f64>) -> Result<(Vec<Vec<f64>>, ())> {
        Ok((input.chunks(1000).map(<[f64]>::to_vec).collect(), ()))
    }
    fn load(&self, tile: Vec<f64>, _: &Context) -> Result<Vec<f64>> {
        Ok(tile)
    }
    fn local_step(&self, tile: &mut Vec<f64>, _: &(), _: &Context) -> Result<f64> {
        Ok(tile.iter().sum::<f64>() / tile.len() as f64)
    }
    fn global_step(&self, _: Round, _: &(), means: &[f64]) -> Result<Step<(), f64>> {
        Ok(Step::Done(means.iter().sum::<f64>() / means.len() as f64))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let machine = VirtualMachine::local().service::<Mean>().start().await?;
    let numbers: Vec<f64> = (0..100_000).map(f64::from).collect();
    let job = machine.submit(Mean, numbers).await?;
    let mut progress = job.progress();
    while let Some(event) = progress.next().await {
        match event? {
            Progress::State { state, elapsed } => println!("{elapsed:?}: {state}"),
            Progress::Round { round, elapsed, .. } => println!("{elapsed:?}: round {round}"),
            // Of rounds that take long only.
            Progress::Tiles { .. } => {}
        }
    }
    let mean = job.await?.output;
    println!("the mean is {mean}");
    assert_eq!(mean, 49_999.5);
    Ok(())
}
