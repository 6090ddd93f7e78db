use std::future::IntoFuture;
use std::time::Duration;

use actix::Handler;

use super::*;
use crate::job::{JobState, Limits};
use crate::simulation::Synthetic;

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

/// Rounds of empty steps that do not come to their end within a test.
const ENDLESS: Synthetic = Synthetic {
    tiles: 3,
    rounds: u32::MAX,
    complexity: 0.0,
    tile_bytes: 0,
    partial_bytes: 0,
};

#[tokio::test]
async fn a_panic_in_an_actor_of_the_machine_ends_it_and_its_jobs() {
    let soon = Duration::from_secs(60);
    let machine = VirtualMachine::local()
        .workers(2)
        .limits(Limits {
            max_rounds_per_job: u32::MAX,
            max_journal_bytes_per_job: usize::MAX,
            ..Limits::default()
        })
        .service::<Synthetic>();
    let machine = machine.start().await.unwrap();
    let job = machine.submit(ENDLESS, ()).await.unwrap();
    machine.running.link.tell(&machine.running.proxy, Panic);
    let ended = tokio::time::timeout(soon, job.clone().into_future());
    assert_eq!(ended.await.unwrap().unwrap_err(), JobError::Stopped);
    assert_eq!(job.state(), JobState::Failed(JobError::Stopped));
    tokio::time::timeout(soon, machine.ended()).await.unwrap();
    let refused = machine.submit(ENDLESS, ()).await;
    assert_eq!(refused.unwrap_err(), JobError::Stopped);
    let shut_down = tokio::time::timeout(soon, machine.shutdown());
    shut_down.await.unwrap();
}
