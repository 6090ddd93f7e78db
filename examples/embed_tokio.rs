//! A program of one's own on a machine of one's own, from a plain `#[tokio::main]`.

use futures_util::StreamExt;
use msvpu::{Cancellation, Context, Program, Progress, Result, Round, Step, VirtualMachine};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct SumOfSquares;

impl Program for SumOfSquares {
    const NAME: &'static str = "sum-of-squares";
    type Input = Vec<f64>;
    type Tile = Vec<f64>;
    type State = Vec<f64>;
    type Task = ();
    type Partial = f64;
    type TileOutput = ();
    type Output = f64;
    fn split(&self, input: Vec<f64>, _: &Cancellation) -> Result<(Vec<Vec<f64>>, ())> {
        Ok((input.chunks(10).map(<[f64]>::to_vec).collect(), ()))
    }
    fn load(&self, tile: Vec<f64>, _: &Context) -> Result<Vec<f64>> {
        Ok(tile)
    }
    fn local_step(&self, tile: &mut Vec<f64>, _: &(), _: &Context) -> Result<f64> {
        Ok(tile.iter().map(|x| x * x).sum())
    }
    fn global_step(&self, _: Round, _: &(), xs: &[f64], _: &Cancellation) -> Result<Step<(), f64>> {
        Ok(Step::Done(xs.iter().sum()))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let machine = VirtualMachine::local()
        .service::<SumOfSquares>()
        .start()
        .await?;
    let numbers: Vec<f64> = (1..=100).map(f64::from).collect();
    let job = machine.submit(SumOfSquares, numbers).await?;
    let mut progress = job.progress();
    while let Some(event) = progress.next().await {
        if let Progress::State { state, elapsed } = event? {
            println!("{elapsed:>10.1?}  {state}");
        }
    }
    let sum = job.await?.output;
    println!("1² + 2² + … + 100² = {sum}");
    assert_eq!(sum, 338_350.0);
    Ok(())
}
