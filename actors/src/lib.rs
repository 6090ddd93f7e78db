//! The MsVPU virtual machine.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))]

mod error;
mod id;
mod payload;
mod program;

pub use error::{CodecError, ProgramError};
pub use id::{Epoch, Incarnation, JobId, NodeId, Rank, Round};
pub use payload::{Block, Payload, Wire};
pub use program::{Context, Program, Result, Step};
