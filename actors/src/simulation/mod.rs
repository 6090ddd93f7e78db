//! A whole cluster on one machine, in virtual time.

mod communication;
mod formula;
mod parse;
mod random;
mod spec;

pub use formula::{Formula, FormulaError, FormulaProblem};
pub use parse::{SpecError, SpecProblem};
pub use spec::{
    Communication, ComputeMode, Direction, Fault, FaultKind, JobSpec, NodeSpec, Priority, Spec,
};
