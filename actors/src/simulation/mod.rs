//! A whole cluster on one machine, in virtual time.

mod cluster;
mod communication;
mod formula;
mod machine;
mod network;
mod outcome;
mod overlapping;
mod parse;
mod processors;
mod rules;
mod spec;
mod synthetic;
mod timeline;
mod validate;

pub use formula::{Formula, FormulaError, FormulaProblem};
pub use machine::{SimulatedBuilder, Simulation, SubmitSpecError};
pub use outcome::{HeadOutcome, JobOutcome, NodeOutcome, Outcome};
pub use parse::{SpecError, SpecPlaces, SpecProblem};
pub use spec::{Communication, ComputeMode, Direction, Fault, FaultKind, JobSpec, NodeSpec, Spec};
pub use synthetic::Synthetic;
pub use validate::{InvalidSpec, SpecField};
