//! A program that takes its process with it, on nodes that run this binary.

use std::process::{Command, Stdio};
use std::time::Duration;

use msvpu::{
    Cancellation, Context, JobError, Node, Program, Rank, Result, Round, Step, VirtualMachine,
};
use serde::{Deserialize, Serialize};

use crate::jobs::{assert_equal, outcome, rounds};
use crate::process::{Machine, Process, computing, soon};

/// Its values make a process a node of that virtual machine at that broker.
const NODE_OF: &str = "MSVPU_TEST_NODE_OF";
const NODE_AT: &str = "MSVPU_TEST_NODE_AT";

/// A tile is blamed when nothing was heard of its nodes for ten leases.
const LEASE: Duration = Duration::from_millis(300);

/// Sums that need every tile of the round before; one tile may end its process.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Numbers {
    rounds: u32,
    /// In which round which tile calls `abort`.
    poison: Option<(u64, Rank)>,
}

const TILES: u64 = 12;

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
        Ok(((0..TILES).map(|tile| seed + tile).collect(), (1, 0)))
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

/// No test of its own: what the processes run that [`node`] starts.
#[tokio::test]
async fn node_process() {
    let (Ok(vm), Ok(url)) = (std::env::var(NODE_OF), std::env::var(NODE_AT)) else {
        return;
    };
    let node = Node::join(url).vm(vm).cpus(1).lease(LEASE);
    let node = node.service::<Numbers>().start().await.unwrap();
    node.ended().await;
}

/// This binary as a node that knows [`Numbers`].
fn node(machine: &Machine) -> Process {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "poison::node_process"])
        .env(NODE_OF, &machine.vm)
        .env(NODE_AT, &machine.url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    Process::start(&mut command)
}

#[tokio::test]
async fn a_tile_that_aborts_its_processes_is_named_and_a_job_beside_it_is_equal() {
    let machine = Machine::new("poison");
    let mut nodes: Vec<Process> = (0..6).map(|_| node(&machine)).collect();
    let head = VirtualMachine::cluster(&machine.url)
        .vm(&machine.vm)
        .workers(1)
        .strategy("uniform")
        .lease(LEASE)
        .service::<Numbers>();
    let head = soon(head.start()).await.unwrap();
    soon(head.nodes_are(|nodes| computing(nodes) == 6)).await;

    // Rounds of milliseconds: it is under way when the nodes are lost.
    let beside = Numbers {
        rounds: 1_500,
        poison: None,
    };
    let job = head.submit(beside.clone(), 5).await.unwrap();
    rounds(&job, 3).await;
    let poisoned = Numbers {
        rounds: 1_500,
        poison: Some((3, Rank(7))),
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
    assert_equal(got, beside.clone(), 5).await;
    // The nodes that are left go on.
    soon(head.nodes_are(|nodes| computing(nodes) == 3)).await;
    let after = Numbers {
        rounds: 9,
        ..beside
    };
    let job = head.submit(after.clone(), 6).await.unwrap();
    let got = soon(outcome(job)).await.unwrap();
    assert_equal(got, after, 6).await;
    assert_eq!(nodes.iter_mut().filter_map(Process::end).count(), 3);
    soon(head.shutdown()).await;
}
