//! MsVPU: a massively distributed virtual machine, and the programs that ship with it.
//!
//! Teams of actors run one program over many pieces of data, with bit-identical results on any
//! number of CPUs. Read in this order:
//!
//! 1. [`Program`]: what a team runs; five pure functions. [`Step`], [`Context`], [`Cancellation`], [`ProgramError`].
//! 2. [`VirtualMachine`]: where it runs. [`VirtualMachine::local`] starts one in this process.
//! 3. [`Job`]: the handle of a submitted program: [`Job::progress`], [`Job::cancel`], and `.await`.
//! 4. [`Wire`], [`Block`]: how data travels. What implements serde's traits travels by itself.
//! 5. [`CMeans`], [`FuzzyCMeans`], [`classify`](classify()): classification of a [`Scene`];
//!    [`Scene::from_array`] and [`LabelMap::to_array`] join it to `ndarray`.
//! 6. [`Pairwise`], [`PasswordHash`]: a load of O(x²), and argon2id of a list of passwords.
//! 7. [`raster`]: pictures in and out of files.
//! 8. [`report`]: what is told of a finished job.
//! 9. [`serving`]: the programs as services over REST.
//!
//! ```
//! use msvpu::{CMeans, SampleType, Scene, Settings, Shape, Start, VirtualMachine, classify};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let shape = Shape { width: 4, height: 1, bands: 1, sample: SampleType::U8 };
//! let scene = Scene::new(shape, vec![3, 5, 90, 94])?;
//! let machine = VirtualMachine::local().service::<CMeans>().start().await?;
//! let result = classify(&machine, CMeans::new(Settings::new(Start::linear(2))), scene).await?;
//! assert_eq!(result.centers.values(), [4.0, 92.0]);
//! # Ok(())
//! # }
//! ```
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod arrays;
pub mod raster;
pub mod report;
mod scene;
mod services;
pub mod serving;

pub use arrays::Sample;
pub use msvpu_actors::{
    Block, Cancellation, Census, CodecError, Communication, Completion, CompletionOf, ComputeMode,
    Context, Counters, Direction, Fault, FaultKind, Formula, FormulaError, FormulaProblem,
    HeadOutcome, Incarnation, InvalidSpec, Job, JobError, JobId, JobOptions, JobOutcome, JobSpec,
    JobState, Limits, LocalBuilder, NodeId, NodeOutcome, NodeReport, NodeSpec, NodeStatus, Origin,
    Outcome, Payload, Phase, Priority, Program, ProgramError, Progress, Rank, Result, Round,
    RoundTimes, SimulatedBuilder, Simulation, Site, Spec, SpecError, SpecField, SpecPlaces,
    SpecProblem, StartError, Step, Stint, SubmitSpecError, Synthetic, Timesheet, VirtualMachine,
    WaitReason, Wire,
};
#[cfg(feature = "amqp")]
pub use msvpu_actors::{
    BrokerCounters, BrokerError, ClusterBuilder, ConnectionCounters, Connectivity, Disturbance,
    Leaders, Members, Node, NodeBuilder, NodeList, QueueCounters, Tls,
};
pub use scene::{SampleType, Scene, SceneError, Shape};
pub use services::classification::{
    CMeans, Centers, CentersError, ChoiceError, ClassSummary, Classification, Classifier, Fit,
    FitTask, FuzzyCMeans, Init, Iteration, LabelMap, MAX_CLASSES, MAX_VALUE, Settings, Start,
    StopRule, StoppedBy, TileOutput, Validity, classify,
};
pub use services::descriptions::{
    ParameterDescription, ParameterKind, ServiceDescription, parameters_schema, services,
};
pub use services::pairwise::{
    DifferenceSum, Differences, Pairwise, PairwisePartial, PairwiseTask, TileDifferences,
};
pub use services::password_hash::{PasswordHash, PasswordTile, Passwords};
pub use services::tiling::{MAX_TILES, Tiling, TilingError};

/// The README's example is compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
