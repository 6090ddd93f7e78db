use std::future::IntoFuture;
use std::time::Duration;

use actix::Handler;
use serde::{Deserialize, Serialize};

use super::*;
use crate::id::Round;
use crate::job::JobState;
use crate::program::{Cancellation, Context, Result, Step};

/// Makes an actor panic.
struct Panic;

impl actix::Message for Panic {
    type Result = ();
}

impl Handler<Panic> for Proxy {
    type Result = ();

    #[allow(clippy::panic)]
    fn handle(&mut self, _: Panic, _: &mut Self::Context) {
        panic!("on purpose");
    }
}

#[derive(Serialize, Deserialize)]
struct Endless;

impl Program for Endless {
    const NAME: &'static str = "endless";
    type Input = ();
    type Tile = ();
    type State = ();
    type Task = ();
    type Partial = ();
    type TileOutput = ();
    type Output = ();

    fn split(&self, (): (), _: &Cancellation) -> Result<(Vec<()>, ())> {
        Ok((vec![(); 3], ()))
    }

    fn load(&self, (): (), _: &Context) -> Result<()> {
        Ok(())
    }

    fn local_step(&self, (): &mut (), (): &(), context: &Context) -> Result<()> {
        loop {
            context.check()?;
            std::thread::yield_now();
        }
    }

    fn global_step(&self, _: Round, (): &(), _: &[()], _: &Cancellation) -> Result<Step<(), ()>> {
        Ok(Step::Done(()))
    }
}

#[tokio::test]
async fn a_panic_in_an_actor_of_the_machine_ends_it_and_its_jobs() {
    let soon = Duration::from_secs(60);
    let machine = VirtualMachine::local().workers(2).service::<Endless>();
    let machine = machine.start().await.unwrap();
    let job = machine.submit(Endless, ()).await.unwrap();
    machine.running.link.complete(&machine.running.proxy, Panic);
    let ended = tokio::time::timeout(soon, job.clone().into_future());
    assert_eq!(ended.await.unwrap().unwrap_err(), JobError::Stopped);
    assert_eq!(job.state(), JobState::Failed(JobError::Stopped));
    let refused = machine.submit(Endless, ()).await;
    assert_eq!(refused.unwrap_err(), JobError::Stopped);
    let shut_down = tokio::time::timeout(soon, machine.shutdown());
    shut_down.await.unwrap();
}
