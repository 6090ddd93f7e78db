//! Whether a spec can be simulated, wherever it comes from.

use std::collections::HashMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use thiserror::Error;

use super::rules::{self, Range, Readable};
use crate::core::strategy::NAMES;
use crate::simulation::formula::Formula;
use crate::simulation::spec::{
    Communication, ComputeMode, Fault, FaultKind, JobSpec, NodeSpec, Spec,
};
use crate::simulation::synthetic::Synthetic;

type Result<T> = std::result::Result<T, InvalidSpec>;

/// A spec cannot be simulated: which field is wrong, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidSpec {
    /// A number or a name that cannot be.
    #[error("`{field}` is {value}; it must be {expected}")]
    Value {
        /// Which.
        field: SpecField,
        /// What it is.
        value: String,
        /// What would be right.
        expected: String,
    },
    /// Two nodes, or two jobs, of the same name.
    #[error("`{field}` is `{name}`, as is `{first}`; names must differ")]
    DuplicateName {
        /// The second of them.
        field: SpecField,
        /// The first.
        first: SpecField,
        /// The name.
        name: String,
    },
    /// A node joins twice.
    #[error("the node `{node}` of `{field}` joins already by `{first}`; it can join once")]
    JoinsTwice {
        /// The second of the faults.
        field: SpecField,
        /// The first.
        first: SpecField,
        /// The name of the node.
        node: String,
    },
    /// More than a spec may hold.
    #[error("`{field}` has {found} entries; at most {limit} are taken")]
    TooMany {
        /// Nodes, jobs or faults.
        field: SpecField,
        /// How many.
        found: usize,
        /// How many may be.
        limit: usize,
    },
    /// A cluster without a node.
    #[error("`nodes` is empty; a cluster needs at least one node")]
    NoNodes,
}

/// A field of a [`Spec`], shown as in code: `lease`, `nodes[3].speed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpecField {
    /// The list of the spec and the index in it, of an item's field.
    pub item: Option<(&'static str, usize)>,
    /// The name of the field.
    pub name: &'static str,
}

impl fmt::Display for SpecField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((list, index)) = self.item {
            write!(f, "{list}[{index}].")?;
        }
        f.write_str(self.name)
    }
}

impl Spec {
    /// Whether the spec can be simulated. [`VirtualMachine::simulated`](crate::VirtualMachine::simulated)
    /// asks at its start, and [`Spec::parse`] does.
    ///
    /// # Errors
    /// The first field that is wrong, and what would be right. A fault of a job that is not among
    /// [`jobs`](Spec::jobs) is not wrong: it speaks of one that is planned in code.
    pub fn validate(&self) -> Result<()> {
        let spec = Item(None);
        if !NAMES.contains(&self.strategy.as_str()) {
            let expected = format!("one of {}", NAMES.join(", "));
            return Err(spec.wrong("strategy", format_args!("`{}`", self.strategy), expected));
        }
        communication(&self.communication)?;
        spec.time("lease", self.lease, rules::LEASE_MS)?;
        spec.number("jitter", self.jitter, rules::JITTER)?;
        spec.bounded("nodes", self.nodes.len(), rules::MAX_NODES)?;
        spec.bounded("jobs", self.jobs.len(), rules::MAX_JOBS)?;
        spec.bounded("faults", self.faults.len(), rules::MAX_FAULTS)?;
        if self.nodes.is_empty() {
            return Err(InvalidSpec::NoNodes);
        }
        for (index, of) in self.nodes.iter().enumerate() {
            node(Item(Some(("nodes", index))), of)?;
        }
        for (index, of) in self.jobs.iter().enumerate() {
            let item = Item(Some(("jobs", index)));
            job(item, of)?;
            if self.compute == ComputeMode::Cost {
                stand_in(item, of)?;
            }
        }
        differ("nodes", self.nodes.iter().map(|node| node.name.as_str()))?;
        differ("jobs", self.jobs.iter().map(|job| job.name.as_str()))?;
        let mut joined = HashMap::new();
        for (index, of) in self.faults.iter().enumerate() {
            let item = Item(Some(("faults", index)));
            fault(item, of, self)?;
            if let FaultKind::Join { node } = of.kind
                && let Some(first) = joined.insert(node, item.field("kind"))
            {
                return Err(InvalidSpec::JoinsTwice {
                    field: item.field("kind"),
                    first,
                    node: self.nodes[node].name.clone(),
                });
            }
        }
        Ok(())
    }
}

/// The spec itself, or an item of one of its lists.
#[derive(Clone, Copy)]
struct Item(Option<(&'static str, usize)>);

impl Item {
    const fn field(self, name: &'static str) -> SpecField {
        SpecField { item: self.0, name }
    }

    fn wrong(
        self,
        name: &'static str,
        value: impl fmt::Display,
        expected: impl fmt::Display,
    ) -> InvalidSpec {
        InvalidSpec::Value {
            field: self.field(name),
            value: value.to_string(),
            expected: expected.to_string(),
        }
    }

    fn bounded(self, name: &'static str, found: usize, limit: usize) -> Result<()> {
        if found <= limit {
            return Ok(());
        }
        let field = self.field(name);
        Err(InvalidSpec::TooMany {
            field,
            found,
            limit,
        })
    }

    fn number(self, name: &'static str, number: f64, range: Range) -> Result<()> {
        if range.contains(number) {
            return Ok(());
        }
        Err(self.wrong(name, Readable(number), range))
    }

    fn whole(self, name: &'static str, number: u32, range: RangeInclusive<u32>) -> Result<()> {
        if range.contains(&number) {
            return Ok(());
        }
        Err(self.wrong(name, number, rules::whole(&range)))
    }

    /// The range is in milliseconds.
    fn time(self, name: &'static str, time: Duration, range: Range) -> Result<()> {
        self.span(name, time, range.converted(rules::from_milliseconds))
    }

    fn span(
        self,
        name: &'static str,
        time: Duration,
        range: RangeInclusive<Duration>,
    ) -> Result<()> {
        if range.contains(&time) {
            return Ok(());
        }
        let (least, most) = range.into_inner();
        let expected = format!("between {least:?} and {most:?}");
        Err(self.wrong(name, format_args!("{time:?}"), expected))
    }

    fn name(self, name: &'static str, value: &str) -> Result<()> {
        if rules::is_name(value) {
            return Ok(());
        }
        Err(self.wrong(name, format_args!("{value:?}"), rules::NAME))
    }

    /// At the size of the job's tiles.
    fn formula(self, name: &'static str, formula: &Formula, x: f64, range: Range) -> Result<()> {
        let value = formula.eval(x);
        if range.contains(value) {
            return Ok(());
        }
        let (value, x) = (Readable(value), Readable(x));
        let value = format!("`{formula}`, which gives {value} for x = {x}");
        Err(self.wrong(name, value, range))
    }
}

fn communication(of: &Communication) -> Result<()> {
    let spec = Item(None);
    spec.name("communication.name", &of.name)?;
    let range = rules::BYTES;
    spec.number("communication.envelope_bytes", of.envelope_bytes, range)?;
    spec.number("communication.expansion", of.expansion, rules::EXPANSION)?;
    let range = rules::HANDLING_US.converted(rules::from_microseconds);
    spec.span("communication.handling", of.handling, range)?;
    let range = rules::BYTES;
    spec.number("communication.migration_bytes", of.migration_bytes, range)
}

fn node(item: Item, of: &NodeSpec) -> Result<()> {
    item.name("name", &of.name)?;
    item.whole("cpus", of.cpus, rules::CPUS)?;
    item.number("speed", of.speed, rules::SPEED)?;
    item.time("latency", of.latency, rules::LATENCY_MS)?;
    let bandwidth = rules::BANDWIDTH_MBPS.converted(rules::from_mbps);
    if bandwidth.contains(&of.bandwidth) {
        return Ok(());
    }
    let (least, most) = bandwidth.into_inner();
    let (least, most) = (Readable(least), Readable(most));
    let expected = format!("between {least} and {most} bits per second");
    Err(item.wrong("bandwidth", Readable(of.bandwidth), expected))
}

fn job(item: Item, of: &JobSpec) -> Result<()> {
    item.name("name", &of.name)?;
    item.name("service", &of.service)?;
    item.time("at", of.at, rules::TIME_MS)?;
    item.whole("tiles", of.tiles, rules::TILES)?;
    item.number("tile_size", of.tile_size, rules::TILE_SIZE)?;
    item.whole("rounds", of.rounds, rules::ROUNDS)?;
    let x = of.tile_size;
    item.formula("complexity", &of.complexity, x, rules::OPERATIONS)?;
    item.formula("tile_bytes", &of.tile_bytes, x, rules::PIECE_BYTES)?;
    item.formula("partial_bytes", &of.partial_bytes, x, rules::PIECE_BYTES)?;
    item.name("owner", &of.owner)
}

/// What stands for the job is in memory.
fn stand_in(item: Item, of: &JobSpec) -> Result<()> {
    let Some(bytes) = Synthetic::of(of).excess_of_round() else {
        return Ok(());
    };
    let limit = Synthetic::MAX_ROUND_BYTES;
    let value = format!(
        "`{}`, which gives a round of {bytes} bytes",
        of.partial_bytes
    );
    let expected = format!("no longer than a tile, or {limit} at most in a round of all tiles");
    Err(item.wrong("partial_bytes", value, expected))
}

fn differ<'n>(list: &'static str, names: impl Iterator<Item = &'n str>) -> Result<()> {
    let mut taken = HashMap::new();
    for (index, name) in names.enumerate() {
        let field = Item(Some((list, index))).field("name");
        if let Some(first) = taken.insert(name, field) {
            return Err(InvalidSpec::DuplicateName {
                field,
                first,
                name: name.to_owned(),
            });
        }
    }
    Ok(())
}

fn fault(item: Item, of: &Fault, spec: &Spec) -> Result<()> {
    let node = |node: usize| {
        if node < spec.nodes.len() {
            return item.time("at", of.at, rules::TIME_MS);
        }
        let last = spec.nodes.len() - 1;
        Err(item.wrong("node", node, rules::whole(&(0..=last))))
    };
    let lasts = |name, duration| item.time(name, duration, rules::DURATION_MS);
    match of.kind {
        FaultKind::Kill {
            node: index,
            restart_after,
        } => {
            node(index)?;
            restart_after.map_or(Ok(()), |after| lasts("restart_after", after))
        }
        FaultKind::Pause {
            node: index,
            duration,
        }
        | FaultKind::Partition {
            node: index,
            duration,
            ..
        } => {
            node(index)?;
            lasts("duration", duration)
        }
        FaultKind::Slow {
            node: index,
            factor,
            duration,
        } => {
            node(index)?;
            item.number("factor", factor, rules::FACTOR)?;
            duration.map_or(Ok(()), |duration| lasts("duration", duration))
        }
        FaultKind::Join { node: index } => node(index),
        FaultKind::Link {
            node: index,
            loss,
            duplication,
            reordering,
            duration,
        } => {
            node(index)?;
            item.number("loss", loss, rules::PROBABILITY)?;
            item.number("duplication", duplication, rules::PROBABILITY)?;
            item.number("reordering", reordering, rules::PROBABILITY)?;
            duration.map_or(Ok(()), |duration| lasts("duration", duration))
        }
        FaultKind::Panic { job, tile, round } | FaultKind::Poison { job, tile, round } => {
            let job = spec.jobs.get(job);
            let tiles = job.map_or(*rules::TILES.end(), |job| job.tiles);
            let rounds = job.map_or(*rules::ROUNDS.end(), |job| job.rounds);
            item.whole("tile", tile, 0..=tiles - 1)?;
            item.whole("round", round, 1..=rounds)
        }
    }
}
#[cfg(test)]
mod tests;
