//! The MsVPU virtual machine: teams of actors that run one [`Program`] over many tiles.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

// Floor 1: pure.
mod catalog;
mod caught;
mod core;
mod error;
mod id;
mod job;
mod payload;
mod program;
// Floor 2: what may cross a process.
mod message;
#[cfg(feature = "amqp")]
mod wire;
// Floor 3: the ways and the places of work.
mod clock;
mod compute;
mod host;
mod journal;
mod link;
mod random;
mod work;
// Floor 4: the cast.
mod actor;
// Floor 5: the machine.
#[cfg(feature = "amqp")]
mod cluster;
mod deployment;
mod event_loop;
mod handle;
mod local;
mod machine;
mod simulation;

#[cfg(feature = "amqp")]
pub use actor::bridge::{
    BrokerCounters, BrokerError, ConnectionCounters, Connectivity, Disturbance, QueueCounters, Tls,
};
#[cfg(feature = "amqp")]
pub use cluster::{ClusterBuilder, Leaders, Members, Node, NodeBuilder, NodeList};
pub use core::timesheet::{RoundTimes, Stint, Timesheet};
pub use error::{CodecError, JobError, ProgramError, Site};
pub use handle::{Completion, CompletionOf, Job, Progress};
pub use host::Census;
pub use id::{Incarnation, JobId, NodeId, Origin, Rank, Round};
pub use job::{JobOptions, JobState, Limits, NodeReport, NodeStatus, Phase, Priority, WaitReason};
pub use link::Counters;
pub use local::{LocalBuilder, StartError};
pub use machine::VirtualMachine;
pub use payload::{Block, Payload, Wire};
pub use program::{Cancellation, Context, Program, Result, Step};
pub use simulation::{
    Communication, ComputeMode, Direction, Fault, FaultKind, Formula, FormulaError, FormulaProblem,
    HeadOutcome, InvalidSpec, JobOutcome, JobSpec, NodeOutcome, NodeSpec, Outcome,
    SimulatedBuilder, Simulation, Spec, SpecError, SpecField, SpecPlaces, SpecProblem,
    SubmitSpecError, Synthetic,
};
