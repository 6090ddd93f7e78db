//! A program whose functions wait in their processes until a test lets them go on: nodes are killed and
//! stopped there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use msvpu::{Cancellation, Context, Leaders, Program, Result, Round, Step, VirtualMachine};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::broker::proxy::{Passage, Proxy, Rule, Valve, Way};
use crate::jobs::{assert_equal, outcome};
use crate::ours::node;
use crate::process::{Machine, Process, computing, named, soon, until};

/// That of heads and nodes by default.
const LEASE: Duration = Duration::from_secs(2);

const TILES: usize = 9;
const ROUNDS: u32 = 5;

/// Several parts of a message each.
const TILE_BYTES: usize = 2_500_000;

/// Sums that need every tile of the round before.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Parked {
    /// In which functions write down that they are there, and find what is open.
    folder: PathBuf,
}

impl Parked {
    /// Waits at a point until that is open. Does not look whether it is still wanted, as a step may.
    fn pass(&self, point: &str, by: impl std::fmt::Display) -> Result<()> {
        let here = self
            .folder
            .join(format!("{point} {by} {}", std::process::id()));
        std::fs::write(here, "").map_err(failed)?;
        match File::open(self.folder.join(point)) {
            Ok(point) => point.lock_shared().map_err(failed),
            // The test is over.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(failed(error)),
        }
    }
}

fn failed(error: std::io::Error) -> msvpu::ProgramError {
    msvpu::ProgramError::failed(error.to_string())
}

impl Program for Parked {
    const NAME: &'static str = "parked";
    type Input = u8;
    type Tile = Vec<u8>;
    type State = Vec<u8>;
    /// The round, and what the last one summed up to.
    type Task = (u32, u64);
    type Partial = u64;
    type TileOutput = Vec<u8>;
    type Output = u64;

    fn split(&self, seed: u8, _: &Cancellation) -> Result<(Vec<Vec<u8>>, (u32, u64))> {
        let byte = |tile, at| (at * 31 + tile * 7) as u8 ^ seed;
        let tile = |tile| (0..TILE_BYTES).map(|at| byte(tile, at)).collect();
        Ok(((0..TILES).map(tile).collect(), (1, 0)))
    }

    fn load(&self, tile: Vec<u8>, at: &Context) -> Result<Vec<u8>> {
        self.pass("load", at.rank())?;
        Ok(tile)
    }

    fn local_step(
        &self,
        tile: &mut Vec<u8>,
        &(round, sum): &(u32, u64),
        at: &Context,
    ) -> Result<u64> {
        self.pass(&format!("step-{round}"), at.rank())?;
        let mix = |sum: u64, byte: &u8| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        Ok(tile.iter().step_by(101).fold(sum, mix))
    }

    fn global_step(
        &self,
        round: Round,
        _: &(u32, u64),
        partials: &[u64],
        _: &Cancellation,
    ) -> Result<Step<(u32, u64), u64>> {
        // Who folds is who leads.
        let here = format!("fold {round} {}", std::process::id());
        std::fs::write(self.folder.join(here), "").map_err(failed)?;
        let fold = |sum: u64, of: &u64| sum.rotate_left(1) ^ of;
        let sum = partials.iter().fold(0, fold);
        Ok(if round.0 == ROUNDS {
            Step::Done(sum)
        } else {
            Step::Next((round.0 + 1, sum))
        })
    }

    fn collect(&self, tile: Vec<u8>, output: &u64, at: &Context) -> Result<Option<Vec<u8>>> {
        self.pass("collect", at.rank())?;
        Ok(Some(tile.iter().map(|byte| byte ^ *output as u8).collect()))
    }
}

const POINTS: [&str; 2 + ROUNDS as usize] = [
    "load", "step-1", "step-2", "step-3", "step-4", "step-5", "collect",
];

/// The folder of one job, with a file for each point; what is closed is locked.
struct Place {
    folder: TempDir,
    closed: Mutex<BTreeMap<String, File>>,
}

impl Place {
    /// Open everywhere but there.
    fn closed_at(closed: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut locked = BTreeMap::new();
        for point in POINTS {
            let file = File::create(folder.path().join(point)).unwrap();
            if closed.contains(&point) {
                file.lock().unwrap();
                locked.insert(point.to_owned(), file);
            }
        }
        Self {
            folder,
            closed: Mutex::new(locked),
        }
    }

    fn program(&self) -> Parked {
        let folder = self.folder.path().to_owned();
        Parked { folder }
    }

    fn open(&self, point: &str) {
        let file = self.closed.lock().unwrap().remove(point);
        file.unwrap().unlock().unwrap();
    }

    /// Who has come to a point: ranks or rounds, and processes.
    fn there(&self, point: &str) -> BTreeSet<(u32, u32)> {
        let files = std::fs::read_dir::<&Path>(self.folder.path()).unwrap();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        let parse = |name: String| {
            let mut words = name.split(' ');
            let of = words.next() == Some(point);
            let [by, process] = [words.next()?, words.next()?].map(|word| word.parse().unwrap());
            of.then_some((by, process))
        };
        names.filter_map(parse).collect()
    }

    fn processes(&self, point: &str) -> BTreeSet<u32> {
        self.there(point)
            .iter()
            .map(|(_, process)| *process)
            .collect()
    }

    /// Waits until so many processes have come to a point. Each computes one step at a time.
    async fn holds(&self, count: usize, point: &str) {
        until(point, || self.processes(point).len() == count).await;
    }
}

async fn head(machine: &Machine, leaders: Leaders) -> VirtualMachine {
    let head = VirtualMachine::cluster(&machine.url)
        .vm(&machine.vm)
        .workers(1)
        .strategy("uniform")
        .leaders(leaders)
        .service::<Parked>();
    soon(head.start()).await.unwrap()
}

fn nodes(machine: &Machine, names: &[&str]) -> Vec<Process> {
    names
        .iter()
        .map(|name| node(machine, name, LEASE))
        .collect()
}

/// How long a job takes that nobody disturbs.
async fn undisturbed(head: &VirtualMachine) -> Duration {
    let place = Place::closed_at(&[]);
    let began = Instant::now();
    let job = head.submit(place.program(), 7).await.unwrap();
    soon(job.into_future()).await.unwrap();
    began.elapsed()
}

/// Kills one of three node processes at a point, and then two of three.
async fn kill_at(test: &str, point: &str) {
    let machine = Machine::new(test);
    let head = head(&machine, Leaders::Head).await;
    let mut nodes = nodes(&machine, &["one", "two", "three"]);
    for count in [1, 2] {
        soon(head.nodes_are(|nodes| computing(nodes) == 3)).await;
        let before = undisturbed(&head).await;
        let place = Place::closed_at(&[point]);
        let began = Instant::now();
        let job = head.submit(place.program(), 7).await.unwrap();
        place.holds(3, point).await;
        for mut node in nodes.drain(..count) {
            assert!(place.processes(point).contains(&node.id()));
            node.signal("KILL");
            assert_eq!(node.ended().code(), None);
        }
        // The most that can have been lost: all that was done.
        let lost = began.elapsed();
        place.open(point);
        let got = soon(outcome(job)).await.unwrap();
        let took = began.elapsed();
        soon(head.nodes_are(|nodes| computing(nodes) == 3 - count)).await;
        // On as many nodes as there were, or on those that are left, whichever takes longer.
        let after = undisturbed(&head).await;
        let bound = before.max(after) + 3 * LEASE + lost;
        println!("{point}, {count}: {took:?}; undisturbed {before:?} and {after:?}, lost {lost:?}");
        assert!(took <= bound, "{took:?}, where {bound:?} were granted");
        assert_equal(got, place.program(), 7).await;
        if count == 1 {
            nodes.push(node(&machine, "four", LEASE));
        }
    }
    machine.end(head, nodes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn node_processes_that_are_killed_in_the_data_phase_change_nothing() {
    kill_at("killed-loading", "load").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn node_processes_that_are_killed_in_a_round_change_nothing() {
    kill_at("killed-round", "step-2").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn node_processes_that_are_killed_while_labels_are_collected_change_nothing() {
    kill_at("killed-collecting", "collect").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_is_killed_with_its_process_is_replaced_under_a_higher_epoch() {
    let machine = Machine::new("killed-leader");
    let head = head(&machine, Leaders::Nodes).await;
    let mut nodes = nodes(&machine, &["one", "two", "three"]);
    soon(head.nodes_are(|nodes| computing(nodes) == 3)).await;
    let place = Place::closed_at(&["step-3"]);
    let job = head.submit(place.program(), 7).await.unwrap();
    place.holds(3, "step-3").await;
    let before = job.epoch();
    assert!(before > 0);
    let leaders = place.processes("fold");
    assert_eq!(leaders.len(), 1);
    let leader = nodes.iter().position(|node| leaders.contains(&node.id()));
    let mut leader = nodes.remove(leader.unwrap());
    leader.signal("KILL");
    assert_eq!(leader.ended().code(), None);
    place.open("step-3");
    // The handle is kept to ask it.
    let got = soon(outcome(job.clone())).await.unwrap();
    assert!(job.epoch() > before, "{before} and then {}", job.epoch());
    let folds = place.there("fold");
    let again = folds.len() - ROUNDS as usize;
    assert!(again <= 1, "at most one round again: {folds:?}");
    assert!(!place.processes("fold").is_subset(&leaders));
    assert_equal(got, place.program(), 7).await;
    machine.end(head, nodes).await;
}

/// Holds up what comes to a node, where the test says so.
struct HoldsUp(Arc<Valve>);

impl Rule for HoldsUp {
    fn before(&self, _: &Arc<Passage>, way: Way, _: &[u8]) {
        if way == Way::Down {
            self.0.pass();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn late_results_of_a_node_that_was_stopped_are_refused_and_counted() {
    let machine = Machine::new("late");
    let valve = Arc::new(Valve::default());
    valve.open();
    let proxy = Proxy::before(&machine.url, HoldsUp(Arc::clone(&valve)));
    let behind = Machine {
        // Its connections are not to be given up while it stands still.
        url: format!("{}?heartbeat=60", proxy.url()),
        vm: machine.vm.clone(),
    };
    let head = head(&machine, Leaders::Head).await;
    let mut nodes = nodes(&machine, &["one", "two"]);
    let stopped = node(&behind, "stopped", LEASE);
    soon(head.nodes_are(|nodes| computing(nodes) == 3)).await;
    let (point, later) = ("step-2", "step-4");
    let place = Place::closed_at(&[point, later]);
    let job = head.submit(place.program(), 7).await.unwrap();
    place.holds(3, point).await;
    let before = named(&head.nodes(), "stopped").unwrap().origin;
    stopped.signal("STOP");
    soon(head.nodes_are(|nodes| named(nodes, "stopped").is_none())).await;
    // The others go on without it.
    place.open(point);
    place.holds(2, later).await;
    assert_eq!(head.counters().stale_answers, 0);
    // It does not hear that it was given up before it has said what it has to say.
    valve.close();
    stopped.signal("CONT");
    until("its results are refused", || {
        head.counters().stale_answers > 0
    })
    .await;
    valve.open();
    soon(head.nodes_are(|nodes| {
        named(nodes, "stopped").is_some_and(|node| {
            let now = node.origin;
            now.node == before.node && now.incarnation > before.incarnation
        })
    }))
    .await;
    assert!(!job.state().is_terminal(), "{}", job.state());
    place.open(later);
    let got = soon(outcome(job)).await.unwrap();
    assert_equal(got, place.program(), 7).await;
    nodes.push(stopped);
    machine.end(head, nodes).await;
}
