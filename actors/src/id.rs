//! Names of jobs, nodes, tiles and rounds: types of their own, so that none is mistaken for another.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A job, named by a UUID of version 7 (RFC 9562): ids sort by the time of admission.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(Uuid);

impl JobId {
    /// Wraps a UUID; the proxy makes them, because making one reads a clock.
    pub(crate) const fn new(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The bits of a job's name that count jobs where they are counted and not drawn.
    pub(crate) const fn low_bits(self) -> u64 {
        self.0.as_u64_pair().1
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl fmt::Debug for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

macro_rules! number {
    ($(#[$doc:meta])* $vis:vis $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        $vis struct $name($vis $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number! {
    /// A node of the machine: one process, or one simulated host.
    pub NodeId(u32)
}
number! {
    /// How often a node has joined; what an earlier incarnation sends is refused.
    pub Incarnation(u64)
}
number! {
    /// The place of an MsVPU, and so of its tile, in the team: `0..team size`, as in MPI.
    pub Rank(u32)
}
number! {
    /// A round of a job, counted from 1.
    pub Round(u32)
}
number! {
    /// Which leader of a job speaks: grows with each leader, so a replaced one cannot commit.
    pub(crate) Epoch(u64)
}

/// Who speaks: a node under one of its incarnations.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Origin {
    /// The node.
    pub node: NodeId,
    /// Of the times that it has joined, this one.
    pub incarnation: Incarnation,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.node, self.incarnation)
    }
}

/// A job's team under one leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct TeamId {
    pub(crate) job: JobId,
    pub(crate) epoch: Epoch,
}

impl Rank {
    /// The rank as an index into a list of the team.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl Incarnation {
    /// The incarnation that follows.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl Round {
    /// The round that follows.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}
