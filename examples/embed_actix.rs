//! Inside an actix service: submit a job, watch its rounds, cancel one that would never end.

use futures_util::StreamExt;
use msvpu::{
    Cancellation, Context, JobError, Program, Progress, Result, Round, Step, VirtualMachine,
};
use serde::{Deserialize, Serialize};

/// Estimates π by throwing points at a square until enough of them have been thrown.
#[derive(Serialize, Deserialize)]
struct Pi {
    msvpus: u32,
    points_per_round: u64,
    rounds: u32,
}

impl Program for Pi {
    const NAME: &'static str = "pi";
    type Input = ();
    type Tile = u64;
    type State = u64;
    type Task = u64;
    type Partial = u64;
    type TileOutput = ();
    type Output = f64;

    fn split(&self, (): (), _: &Cancellation) -> Result<(Vec<u64>, u64)> {
        Ok(((1..=u64::from(self.msvpus)).collect(), 0))
    }

    fn load(&self, seed: u64, _: &Context) -> Result<u64> {
        Ok(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    fn local_step(&self, random: &mut u64, _: &u64, context: &Context) -> Result<u64> {
        context.check()?;
        // Xorshift (Marsaglia 2003): good enough to throw darts.
        let mut unit = || {
            *random ^= *random << 13;
            *random ^= *random >> 7;
            *random ^= *random << 17;
            (*random >> 11) as f64 / (1_u64 << 53) as f64
        };
        let inside = |_: &u64| unit().powi(2) + unit().powi(2) < 1.0;
        Ok((0..self.points_per_round).filter(inside).count() as u64)
    }

    fn global_step(
        &self,
        round: Round,
        so_far: &u64,
        hits: &[u64],
        _: &Cancellation,
    ) -> Result<Step<u64, f64>> {
        let hits = so_far + hits.iter().sum::<u64>();
        let thrown = u64::from(round.0) * u64::from(self.msvpus) * self.points_per_round;
        Ok(if round.0 < self.rounds {
            Step::Next(hits)
        } else {
            Step::Done(4.0 * hits as f64 / thrown as f64)
        })
    }
}

#[actix::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let machine = VirtualMachine::local().service::<Pi>().start().await?;
    let pi = |rounds| Pi {
        msvpus: 16,
        points_per_round: 10_000,
        rounds,
    };

    let job = machine.submit(pi(10), ()).await?;
    let mut progress = job.progress();
    while let Some(event) = progress.next().await {
        if let Progress::Round { round, task, .. } = event? {
            println!("round {round}: {task} hits so far");
        }
    }
    let estimate = job.await?.output;
    println!("π is about {estimate}");
    assert!((estimate - std::f64::consts::PI).abs() < 0.01);

    let endless = machine.submit(pi(u32::MAX), ()).await?;
    endless.cancel();
    assert!(matches!(endless.await, Err(JobError::Cancelled)));
    machine.shutdown().await;
    Ok(())
}
