//! A program that takes its process with it, on nodes that run this binary.

use std::time::Duration;

use msvpu::{Cancellation, Context, JobError, Program, Rank, Result, Round, Step, VirtualMachine};
use serde::{Deserialize, Serialize};

use crate::jobs::{assert_equal, outcome, rounds};
use crate::ours::node;
use crate::process::{Machine, Process, computing, soon};

/// A tile is blamed when nothing was heard of its nodes for ten leases.
const LEASE: Duration = Duration::from_millis(300);

/// Sums that need every tile of the round before; one tile may end its process.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Numbers {
    tiles: u64,
    rounds: u32,
    /// In which round which tile calls `abort`.
    poison: Option<(u64, Rank)>,
}

impl Numbers {
    /// So many tiles for so many rounds, none of which does any harm.
    pub(crate) const fn of(tiles: u64, rounds: u32) -> Self {
        Self {
            tiles,
            rounds,
            poison: None,
        }
    }
}

impl Program for Numbers {
    const NAME: &'static str = "numbers";
    type Input = u64;
    type Tile = u64;
    type State = u64;
    /// The round, and what the last one summed up to.
    type Task = (u64, u64);
    type Partial = u64;
    type TileOutput = u64;
    type Output = u64;

    fn split(&self, seed: u64, _: &Cancellation) -> Result<(Vec<u64>, (u64, u64))> {
        Ok(((0..self.tiles).map(|tile| seed + tile).collect(), (1, 0)))
    }

    fn load(&self, tile: u64, _: &Context) -> Result<u64> {
        Ok(tile)
    }

    fn local_step(&self, tile: &mut u64, &(round, sum): &(u64, u64), at: &Context) -> Result<u64> {
        if self.poison == Some((round, at.rank())) {
            std::process::abort();
        }
        Ok((*tile ^ sum)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .rotate_left(17))
    }

    fn global_step(
        &self,
        round: Round,
        _: &(u64, u64),
        partials: &[u64],
        _: &Cancellation,
    ) -> Result<Step<(u64, u64), u64>> {
        let sum = partials
            .iter()
            .fold(0, |sum: u64, of| sum.rotate_left(1) ^ of);
        Ok(if round.0 == self.rounds {
            Step::Done(sum)
        } else {
            Step::Next((u64::from(round.0) + 1, sum))
        })
    }

    fn collect(&self, tile: u64, output: &u64, _: &Context) -> Result<Option<u64>> {
        Ok(Some(tile ^ output))
    }
}

#[tokio::test]
async fn a_tile_that_aborts_its_processes_is_named_and_a_job_beside_it_is_equal() {
    let machine = Machine::new("poison");
    let mut nodes: Vec<Process> = (0..6)
        .map(|index| node(&machine, &format!("node-{index}"), LEASE))
        .collect();
    let head = VirtualMachine::cluster(&machine.url)
        .vm(&machine.vm)
        .workers(1)
        .strategy("uniform")
        .lease(LEASE)
        .service::<Numbers>();
    let head = soon(head.start()).await.unwrap();
    soon(head.nodes_are(|nodes| computing(nodes) == 6)).await;

    // Rounds of milliseconds: it is under way when the nodes are lost.
    let beside = Numbers::of(12, 1_500);
    let job = head.submit(beside.clone(), 5).await.unwrap();
    rounds(&job, 3).await;
    let poisoned = Numbers {
        poison: Some((3, Rank(7))),
        ..beside
    };
    let poisoned = head.submit(poisoned, 5).await.unwrap();
    let error = soon(outcome(poisoned)).await.err().expect("it cannot end");
    let JobError::PoisonTile { rank, losses } = error else {
        panic!("{error:?}");
    };
    assert_eq!((rank, losses), (Rank(7), 3));
    let ended = nodes.iter_mut().filter_map(Process::end);
    assert_eq!(ended.count(), 3, "processes that it took");

    let got = soon(outcome(job)).await.unwrap();
    assert_equal(got, beside, 5).await;
    // The nodes that are left go on.
    soon(head.nodes_are(|nodes| computing(nodes) == 3)).await;
    let after = Numbers::of(12, 9);
    let job = head.submit(after.clone(), 6).await.unwrap();
    let got = soon(outcome(job)).await.unwrap();
    assert_equal(got, after, 6).await;
    assert_eq!(nodes.iter_mut().filter_map(Process::end).count(), 3);
    machine.end(head, nodes).await;
}
