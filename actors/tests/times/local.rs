//! What the handle of a job tells of its team, on a local machine; for the others see `simulation.rs`
//! and `cluster/results.rs`.

use futures_util::StreamExt;
use msvpu_actors::{JobError, NodeId, RoundTimes};

use crate::programs::{Endless, Sum};
use crate::times::assert_complete;
use crate::{assert_clean, machine, soon};

#[tokio::test]
async fn what_each_msvpu_did_is_known() {
    let machine = machine().await;
    for (tile_len, rounds) in [(1000, 1), (125, 3), (1, 2)] {
        let program = Sum { tile_len, rounds };
        let input: Vec<u64> = (0..1000).collect();
        let job = machine.submit(program, input).await.unwrap();
        soon(job.clone().into_future()).await.unwrap();
        let team_size = 1000 / tile_len as u32;
        let nodes = assert_complete(&job.timesheet(), team_size, rounds);
        assert_eq!(nodes, [NodeId(0)].into());
    }
    assert_clean(machine).await;
}

#[tokio::test]
async fn what_each_does_is_told_while_the_job_runs_and_stays_when_it_is_cancelled() {
    let machine = machine().await;
    let job = machine.submit(Endless::Rounds, 3).await.unwrap();
    let mut progress = job.progress();
    let mut told = Vec::new();
    while told.len() < 2 {
        soon(progress.next()).await.unwrap().unwrap();
        let times = job.timesheet();
        let latest = times.rounds().last().and_then(RoundTimes::round);
        told.extend(latest.filter(|round| told.last() < Some(round)));
    }
    job.cancel();
    let ended = soon(job.clone().into_future()).await;
    assert_eq!(ended.unwrap_err(), JobError::Cancelled);
    let times = job.timesheet();
    assert_eq!(times.team_size(), 3);
    assert!(times.rounds().last().unwrap().round() >= told.last().copied());
    assert_clean(machine).await;
}
