//! What the actors cost: one round of a team whose step does nothing, beside the same fan-out and
//! fan-in over raw actix mailboxes.
#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::expect_used)]
// The baseline is what one writes who does not want to be told of lost messages.
#![allow(clippy::disallowed_methods)]

use std::time::{Duration, Instant};

use actix::{Actor, Addr, Arbiter, AsyncContext, Context, Handler, Message, System};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use msvpu_actors::{Cancellation, Program, Result, Round, Step, VirtualMachine};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

#[derive(Serialize, Deserialize)]
struct Empty {
    team_size: u32,
    rounds: u32,
}

impl Program for Empty {
    const NAME: &'static str = "empty";
    type Input = ();
    type Tile = ();
    type State = ();
    type Task = ();
    type Partial = ();
    type TileOutput = ();
    type Output = ();

    fn split(&self, (): (), _: &Cancellation) -> Result<(Vec<()>, ())> {
        Ok((vec![(); self.team_size as usize], ()))
    }

    fn load(&self, (): (), _: &msvpu_actors::Context) -> Result<()> {
        Ok(())
    }

    fn local_step(&self, (): &mut (), (): &(), _: &msvpu_actors::Context) -> Result<()> {
        Ok(())
    }

    fn global_step(
        &self,
        round: Round,
        (): &(),
        _: &[()],
        _: &Cancellation,
    ) -> Result<Step<(), ()>> {
        Ok(if round.0 < self.rounds {
            Step::Next(())
        } else {
            Step::Done(())
        })
    }
}

struct Worker;

impl Actor for Worker {
    type Context = Context<Self>;
}

#[derive(Message)]
#[rtype(result = "()")]
struct Task(Addr<Leader>);

#[derive(Message)]
#[rtype(result = "()")]
struct Answer;

impl Handler<Task> for Worker {
    type Result = ();

    fn handle(&mut self, Task(leader): Task, _: &mut Self::Context) {
        leader.do_send(Answer);
    }
}

struct Leader {
    workers: Vec<Addr<Worker>>,
    awaited: usize,
    rounds: u64,
    done: Option<oneshot::Sender<()>>,
}

impl Leader {
    fn begin(&mut self, context: &Context<Self>) {
        self.awaited = self.workers.len();
        for worker in &self.workers {
            worker.do_send(Task(context.address()));
        }
    }
}

impl Actor for Leader {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        self.begin(context);
    }
}

impl Handler<Answer> for Leader {
    type Result = ();

    fn handle(&mut self, _: Answer, context: &mut Self::Context) {
        self.awaited -= 1;
        if self.awaited > 0 {
            return;
        }
        self.rounds -= 1;
        if self.rounds > 0 {
            self.begin(context);
        } else if let Some(done) = self.done.take() {
            let _ = done.send(());
        }
    }
}

/// The leader on one thread, the workers on others: on two, as a team of two CPUs would be, or on
/// one, which costs fewer wake-ups.
fn raw_actix(threads: usize, team_size: usize, rounds: u64) -> Duration {
    System::new().block_on(async move {
        let arbiters: Vec<Arbiter> = (0..threads).map(|_| Arbiter::new()).collect();
        let workers = (0..team_size)
            .map(|i| Worker::start_in_arbiter(&arbiters[i % threads].handle(), |_| Worker))
            .collect();
        let (done, ended) = oneshot::channel();
        let start = Instant::now();
        // Held to the end: an actor that nobody can reach stops.
        let leader = Leader {
            workers,
            awaited: 0,
            rounds,
            done: Some(done),
        }
        .start();
        ended.await.unwrap();
        let elapsed = start.elapsed();
        drop(leader);
        for arbiter in arbiters {
            arbiter.stop();
            arbiter.join().unwrap();
        }
        elapsed
    })
}

fn rounds(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .build()
        .unwrap();
    let machine = runtime
        .block_on(
            VirtualMachine::local()
                .workers(2)
                .limits(msvpu_actors::Limits {
                    max_rounds_per_job: u32::MAX,
                    ..Default::default()
                })
                .service::<Empty>()
                .start(),
        )
        .unwrap();
    let mut group = criterion.benchmark_group("round");
    for team_size in [32_u32, 1000] {
        for threads in [1, 2] {
            let name = format!("raw actix, workers on {threads} threads");
            group.bench_function(BenchmarkId::new(name, team_size), |bencher| {
                bencher.iter_custom(|rounds| raw_actix(threads, team_size as usize, rounds));
            });
        }
        group.bench_function(BenchmarkId::new("msvpu", team_size), |bencher| {
            bencher.iter_custom(|rounds| {
                let program = Empty {
                    team_size,
                    rounds: u32::try_from(rounds).unwrap(),
                };
                let start = Instant::now();
                runtime.block_on(machine.run(program, ())).unwrap();
                start.elapsed()
            });
        });
    }
    group.finish();
    runtime.block_on(machine.shutdown());
}

criterion_group!(benches, rounds);
criterion_main!(benches);
