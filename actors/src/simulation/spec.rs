//! What a simulated cluster is made of and what happens to it.

use std::time::Duration;

use crate::job::Priority;
use crate::simulation::formula::Formula;

/// A cluster, its jobs and its faults; read from TOML by [`Spec::parse`] or built in code;
/// [`Spec::validate`] tells whether it can be simulated.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// Everything random is drawn from it: the same seed gives the same trace.
    pub seed: u64,
    /// Whether kernels run, or only their cost passes.
    ///
    /// It says how [`jobs`](Self::jobs) are to be run, to whoever runs them: `msvpu simulate` goes by
    /// it, and [`Simulation::submit_spec`](crate::Simulation::submit_spec) refuses [`ComputeMode::Real`],
    /// because what a job stands for has no kernel and no input. A program that is submitted in code runs
    /// its kernels whatever stands here.
    pub compute: ComputeMode,
    /// Which balancing strategy places teams, by its name.
    pub strategy: String,
    /// What a message costs beside its payload.
    pub communication: Communication,
    /// A node that was not heard of for so long is lost.
    pub lease: Duration,
    /// Relative spread of step times and latencies, in `0..1`.
    pub jitter: f64,
    /// The nodes, `NodeId(1)` being the first; node 0 is the head, which runs no steps.
    pub nodes: Vec<NodeSpec>,
    /// What is submitted, in the order of the file.
    pub jobs: Vec<JobSpec>,
    /// What goes wrong.
    pub faults: Vec<Fault>,
}

/// Whether the functions of the services that the jobs of a spec name are to run; see
/// [`Spec::compute`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ComputeMode {
    /// Kernels run and give results; their cost passes as virtual time.
    Real,
    /// Only the cost passes.
    Cost,
}

/// One node and its way to the broker.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeSpec {
    /// Unique in the cluster.
    pub name: String,
    /// Steps at once.
    pub cpus: u32,
    /// Elementary operations per second on one CPU.
    pub speed: f64,
    /// One way, from the node to the broker.
    pub latency: Duration,
    /// In bits per second, each way.
    pub bandwidth: f64,
}

/// What a message costs on the wire and at its ends.
#[derive(Clone, Debug, PartialEq)]
pub struct Communication {
    /// `amqp`, `acl`, or a name of one's own.
    pub name: String,
    /// Added to each message, in bytes.
    pub envelope_bytes: f64,
    /// What one byte of payload becomes on the wire.
    pub expansion: f64,
    /// Time that each message costs its sender, and again its receiver; those of one lane, control or
    /// data, one after the other.
    pub handling: Duration,
    /// Code and state that travel with each MsVPU when it is started on a node, in bytes.
    pub migration_bytes: f64,
}

/// A job of the simulation; in the mode `cost` it stands for the service that it names.
#[derive(Clone, Debug, PartialEq)]
pub struct JobSpec {
    /// For people; unique.
    pub name: String,
    /// The program's name.
    pub service: String,
    /// When it is submitted.
    pub at: Duration,
    /// How many tiles, and so MsVPUs.
    pub tiles: u32,
    /// x of the formulas: the size of one tile, in pixels.
    pub tile_size: f64,
    /// How many rounds.
    pub rounds: u32,
    /// C_k of a step, in elementary operations, as a formula in x.
    pub complexity: Formula,
    /// Bytes of one tile, as a formula in x; at most 10⁹.
    pub tile_bytes: Formula,
    /// Bytes of one partial result, as a formula in x; at most 10⁹.
    pub partial_bytes: Formula,
    /// Who asks; fair shares are between owners.
    pub owner: String,
    /// `low`, `normal`, `high`.
    pub priority: Priority,
}

/// Something that goes wrong at a virtual time.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// When.
    pub at: Duration,
    /// What.
    pub kind: FaultKind,
}

/// What goes wrong. Nodes and jobs are given by their index in the spec.
#[derive(Clone, Debug, PartialEq)]
pub enum FaultKind {
    /// The node's process dies; it starts anew after a while, or never.
    Kill {
        /// Index into [`Spec::nodes`].
        node: usize,
        /// Until it starts anew.
        restart_after: Option<Duration>,
    },
    /// The node stands still, and goes on later as if nothing had been.
    Pause {
        /// Index into [`Spec::nodes`].
        node: usize,
        /// For how long.
        duration: Duration,
    },
    /// The node's CPUs get slower (below 1) or faster.
    Slow {
        /// Index into [`Spec::nodes`].
        node: usize,
        /// Of its speed.
        factor: f64,
        /// For how long; for ever without.
        duration: Option<Duration>,
    },
    /// Messages do not get through.
    Partition {
        /// Index into [`Spec::nodes`].
        node: usize,
        /// Which of them.
        direction: Direction,
        /// For how long.
        duration: Duration,
    },
    /// The node of the spec is not there before now. Teams under way use it where MsVPUs move (strategy
    /// `adaptive`), or when they lose a node.
    Join {
        /// Index into [`Spec::nodes`].
        node: usize,
    },
    /// The node's link loses, repeats and delays messages.
    Link {
        /// Index into [`Spec::nodes`].
        node: usize,
        /// Probability that a message is lost.
        loss: f64,
        /// Probability that a message comes twice.
        duplication: f64,
        /// Probability that a message is delayed, mostly by a few latencies, at times by many, so that
        /// later ones overtake it.
        reordering: f64,
        /// For how long; for ever without.
        duration: Option<Duration>,
    },
    /// The step of a tile panics (the job fails, by itself); `at` does not count.
    Panic {
        /// Index into [`Spec::jobs`].
        job: usize,
        /// Rank of the tile.
        tile: u32,
        /// In this round.
        round: u32,
    },
    /// The step of a tile takes its whole node with it, each time; `at` does not count.
    Poison {
        /// Index into [`Spec::jobs`].
        job: usize,
        /// Rank of the tile.
        tile: u32,
        /// In this round.
        round: u32,
    },
}

/// Of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Nothing gets in or out.
    Both,
    /// Nothing gets in.
    In,
    /// Nothing gets out.
    Out,
}
