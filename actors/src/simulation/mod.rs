//! A whole cluster on one machine, in virtual time.

mod formula;
mod random;
mod spec;

pub use formula::{Formula, FormulaError, FormulaProblem};
pub use spec::{
    Communication, ComputeMode, Direction, Fault, FaultKind, JobSpec, NodeSpec, Priority, Spec,
};
