//! What a team runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::ProgramError;
use crate::id::{Rank, Round};
use crate::payload::Wire;

/// What the functions of a [`Program`] return.
pub type Result<T, E = ProgramError> = std::result::Result<T, E>;

/// What a team runs: every MsVPU the local step on its own tile, the leader the global step.
///
/// The value itself holds the parameters of the job; it travels as JSON. Functions are pure: they
/// do not message, and the same arguments give the same bits, whichever node they run on. Tiles
/// must depend on the input and the parameters only, never on how many nodes or CPUs there are;
/// a partial result on the tile and the task only, never on earlier rounds, because an MsVPU may be
/// started anew on another node; `partials` come in the order of the tiles. Then a job's result is bit-identical on every
/// deployment.
///
/// ```text
/// split ──▶ load ──▶ local_step ──▶ global_step ──▶ Step::Done ──▶ collect
/// leader    MsVPU    MsVPU  ▲           │ leader                   MsVPU
/// once      once            └─ Step::Next                          once
/// ```
#[doc(alias = "service")]
pub trait Program: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The stable name by which the program is asked for.
    const NAME: &'static str;
    /// What a job is given.
    type Input: Wire;
    /// The piece of the input that one MsVPU owns for the life of the job.
    type Tile: Wire;
    /// What an MsVPU builds from its tile once and reuses each round; it never travels.
    type State: Send + 'static;
    /// What the leader tells every MsVPU each round; also what watchers of the job see.
    type Task: Wire;
    /// What an MsVPU answers each round.
    type Partial: Wire;
    /// What an MsVPU hands over at the end, such as the labels of its tile.
    type TileOutput: Wire;
    /// The result of the job, beside the tile outputs.
    type Output: Wire;

    /// Cuts the input into tiles, in rank order, and states the task of round 1. Leader, once.
    ///
    /// # Errors
    /// When the input or the parameters do not fit; an empty list of tiles is refused for you.
    fn split(
        &self,
        input: Self::Input,
        cancellation: &Cancellation,
    ) -> Result<(Vec<Self::Tile>, Self::Task)>;

    /// The work of one local step on `tile`, in elementary operations such as an addition or a
    /// comparison (C_k of eq. 5). The balancer weighs it with what each node was measured to do.
    /// Finite and not negative; the default takes all tiles for alike.
    fn complexity(&self, tile: &Self::Tile) -> f64 {
        let _ = tile;
        1.0
    }

    /// How many bytes one MsVPU and its leader exchange in a round (Z_k of eq. 6). Finite and not
    /// negative; the default takes them for few beside the work.
    fn bytes_exchanged(&self, tile: &Self::Tile) -> f64 {
        let _ = tile;
        0.0
    }

    /// Builds from a tile what the rounds reuse. MsVPU, once.
    ///
    /// # Errors
    /// Ends the job.
    fn load(&self, tile: Self::Tile, context: &Context) -> Result<Self::State>;

    /// Computes the tile's part of a round. MsVPU, each round.
    ///
    /// # Errors
    /// Ends the job.
    fn local_step(
        &self,
        state: &mut Self::State,
        task: &Self::Task,
        context: &Context,
    ) -> Result<Self::Partial>;

    /// Folds the partial results, one per tile in rank order, into the next task or the result.
    /// Leader, each round.
    ///
    /// # Errors
    /// Ends the job.
    fn global_step(
        &self,
        round: Round,
        task: &Self::Task,
        partials: &[Self::Partial],
        cancellation: &Cancellation,
    ) -> Result<Step<Self::Task, Self::Output>>;

    /// Takes from an MsVPU what its tile contributes to the result. MsVPU, at the end.
    ///
    /// # Errors
    /// Ends the job.
    fn collect(
        &self,
        state: Self::State,
        output: &Self::Output,
        context: &Context,
    ) -> Result<Option<Self::TileOutput>> {
        let _ = (state, output, context);
        Ok(None)
    }
}

/// How a job goes on after a round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step<Task, Output> {
    /// Another round, with this task.
    Next(Task),
    /// The rounds are over, with this result.
    Done(Output),
}

/// Whether the job still wants what is being computed for it. Clones share the answer.
#[derive(Clone, Debug, Default)]
pub struct Cancellation {
    cancelled: Arc<AtomicBool>,
}

impl Cancellation {
    /// Lets every [`check`](Self::check) from now on fail; there is no way back.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// To be called between chunks of work in a long function, at least every tenth of a second.
    ///
    /// # Errors
    /// [`ProgramError::Cancelled`] when the job was cancelled; return it with `?`.
    pub fn check(&self) -> Result<()> {
        if self.cancelled.load(Ordering::Relaxed) {
            Err(ProgramError::Cancelled)
        } else {
            Ok(())
        }
    }
}

/// Where an MsVPU's function runs: which rank of how many, and whether the job still wants it.
#[derive(Clone, Debug)]
pub struct Context {
    rank: Rank,
    team_size: u32,
    cancellation: Cancellation,
}

impl Context {
    /// A context of the given rank. Programs are handed theirs; this is for their own tests.
    #[must_use]
    pub const fn new(rank: Rank, team_size: u32, cancellation: Cancellation) -> Self {
        Self {
            rank,
            team_size,
            cancellation,
        }
    }

    /// The rank of the MsVPU.
    #[must_use]
    pub const fn rank(&self) -> Rank {
        self.rank
    }

    /// How many MsVPUs the team has.
    #[must_use]
    pub const fn team_size(&self) -> u32 {
        self.team_size
    }

    /// Whether the job still wants the step; to be handed on to what knows no rank.
    #[must_use]
    pub const fn cancellation(&self) -> &Cancellation {
        &self.cancellation
    }

    /// [`Cancellation::check`], to be called between chunks of work in a long step.
    ///
    /// # Errors
    /// [`ProgramError::Cancelled`] when the job was cancelled; return it with `?`.
    pub fn check(&self) -> Result<()> {
        self.cancellation.check()
    }
}
