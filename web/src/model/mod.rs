//! The resources, as they travel over REST and as they are kept.

mod artifact;
mod event;
mod job;
mod team;
mod upload;

pub use artifact::Artifact;
pub use event::{Event, EventBody, IterationRow, LogLevel, NodeRow};
pub use job::{Failure, FieldError, Input, Job, NewJob, Phase, Progress, State};
pub use team::{TeamRound, TeamTimes};
pub use upload::{InputInfo, Upload};
