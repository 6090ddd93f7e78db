//! The smallest program: one round, one number.

use msvpu_actors::{Context, Program, Result, Round, Step, VirtualMachine};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Mean;

impl Program for Mean {
    const NAME: &'static str = "mean";
    type Input = Vec<f64>;
    type Tile = Vec<f64>;
    type State = Vec<f64>;
    type Task = ();
    type Partial = (f64, usize);
    type TileOutput = ();
    type Output = f64;
    fn split(&self, input: Vec<f64>) -> Result<(Vec<Vec<f64>>, ())> {
        Ok((input.chunks(10).map(<[f64]>::to_vec).collect(), ()))
    }
    fn load(&self, tile: Vec<f64>, _: &Context) -> Result<Vec<f64>> {
        Ok(tile)
    }
    fn local_step(&self, tile: &mut Vec<f64>, _: &(), _: &Context) -> Result<(f64, usize)> {
        Ok((tile.iter().sum(), tile.len()))
    }
    fn global_step(&self, _: Round, _: &(), partials: &[(f64, usize)]) -> Result<Step<(), f64>> {
        let (sum, n) = partials
            .iter()
            .fold((0.0, 0), |(s, n), p| (s + p.0, n + p.1));
        Ok(Step::Done(sum / n as f64))
    }
}

#[tokio::test]
async fn mean_of_numbers() {
    let machine = VirtualMachine::local()
        .service::<Mean>()
        .start()
        .await
        .unwrap();
    let input: Vec<f64> = (0..1000).map(f64::from).collect();
    let done = machine.run(Mean, input).await.unwrap();
    assert_eq!(done.output, 499.5);
    machine.idle().await;
    machine.shutdown().await;
}
