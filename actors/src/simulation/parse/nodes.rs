//! Nodes, written one by one or drawn from distributions.

use super::section::Section;
use super::value::Value;
use super::{Result, SpecProblem, bounded};
use crate::random::Random;
use crate::simulation::rules::{self, BANDWIDTH_MBPS, CPUS, LATENCY_MS, MAX_NODES, Range, SPEED};
use crate::simulation::spec::NodeSpec;

/// The streams of random numbers: one for nodes, of it one for each entry, of it one for each node of the
/// entry, of it one for each quantity. So what is added to a spec does not change what was there.
const STREAM: u64 = u64::from_be_bytes(*b"nodes\0\0\0");

/// What is drawn for a node, in the order of its streams.
#[derive(Clone, Copy)]
enum Quantity {
    Cpus,
    Speed,
    Latency,
    Bandwidth,
}

/// Where each stands goes to `places`.
pub(super) fn read(
    top: &Section<'_>,
    random: &Random,
    places: &mut Vec<usize>,
) -> Result<Vec<NodeSpec>> {
    let random = random.split(STREAM);
    let mut nodes = Vec::new();
    let entries = top.tables("nodes", "a node")?;
    bounded(top.source, &entries, "nodes", MAX_NODES)?;
    for (section, index) in entries.into_iter().zip(0..) {
        let at = section.at;
        let entry = Entry::read(section)?;
        let found = nodes.len() + entry.count.unwrap_or(1) as usize;
        if found > MAX_NODES {
            let (what, limit) = ("nodes", MAX_NODES);
            let problem = SpecProblem::TooMany { what, found, limit };
            return Err(top.source.error(at, problem));
        }
        let random = random.split(index);
        for member in 0..entry.count.unwrap_or(1) {
            nodes.push(entry.node(member, &random.split(member.into())));
            places.push(entry.name_at);
        }
    }
    Ok(nodes)
}

/// One `[[nodes]]`.
struct Entry {
    name: String,
    name_at: usize,
    count: Option<u32>,
    cpus: (u32, u32),
    speed: Distribution,
    latency_ms: Distribution,
    bandwidth_mbps: Distribution,
}

impl Entry {
    fn read(section: Section<'_>) -> Result<Self> {
        let section = section.only(
            "a node",
            &[
                "name",
                "count",
                "cpus",
                "speed",
                "latency_ms",
                "bandwidth_mbps",
            ],
        )?;
        let (name, name_at) =
            section.required("name", "\"fast\"", |value| Ok((value.name()?, value.at())))?;
        let distribution = |key, default, range, example| {
            section.or(key, Distribution::fixed(default, range), |value| {
                Distribution::read(&value, range, example)
            })
        };
        Ok(Self {
            name,
            name_at,
            count: section.optional("count", |value| value.count(1..=MAX_NODES as u32))?,
            cpus: section.or("cpus", (1, 1), cpus)?,
            speed: distribution("speed", 1e9, SPEED, "1e9")?,
            latency_ms: distribution("latency_ms", 0.5, LATENCY_MS, "0.5")?,
            bandwidth_mbps: distribution("bandwidth_mbps", 1000.0, BANDWIDTH_MBPS, "1000")?,
        })
    }

    fn node(&self, member: u32, random: &Random) -> NodeSpec {
        let stream = |quantity: Quantity| random.split(quantity as u64);
        let (least, most) = self.cpus;
        let more = stream(Quantity::Cpus).below(u64::from(most - least) + 1);
        let latency_ms = self.latency_ms.draw(&mut stream(Quantity::Latency));
        NodeSpec {
            name: match self.count {
                Some(_) => format!("{}-{}", self.name, member + 1),
                None => self.name.clone(),
            },
            cpus: least + more as u32,
            speed: self.speed.draw(&mut stream(Quantity::Speed)),
            latency: rules::from_milliseconds(latency_ms),
            bandwidth: rules::from_mbps(self.bandwidth_mbps.draw(&mut stream(Quantity::Bandwidth))),
        }
    }
}

/// A number, or a table of the least and the most.
fn cpus(value: Value<'_>) -> Result<(u32, u32)> {
    if !value.is_table() {
        let cpus = value.count(CPUS)?;
        return Ok((cpus, cpus));
    }
    let section = value.section("a range of CPUs", &["min", "max"])?;
    let least = section.required("min", "1", |value| value.count(CPUS))?;
    let most = section.required("max", "8", |value| value.count(least..=*CPUS.end()))?;
    Ok((least, most))
}

/// What a quantity of a node is drawn from.
#[derive(Clone, Copy)]
struct Distribution {
    shape: Shape,
    /// What comes out is never outside.
    range: Range,
}

#[derive(Clone, Copy)]
enum Shape {
    Fixed(f64),
    Uniform { min: f64, max: f64 },
    Normal { mean: f64, sd: f64 },
}

impl Distribution {
    const fn fixed(number: f64, range: Range) -> Self {
        Self {
            shape: Shape::Fixed(number),
            range,
        }
    }

    fn read(value: &Value<'_>, range: Range, example: &'static str) -> Result<Self> {
        Ok(Self {
            shape: Shape::read(value, range, example)?,
            range,
        })
    }

    fn draw(&self, random: &mut Random) -> f64 {
        let number = match self.shape {
            Shape::Fixed(number) => number,
            Shape::Uniform { min, max } => min + (max - min) * random.uniform(),
            Shape::Normal { mean, sd } => (mean + sd * random.normal()).max(mean / 100.0),
        };
        self.range.nearest(number)
    }
}

impl Shape {
    fn read(value: &Value<'_>, range: Range, example: &'static str) -> Result<Self> {
        if value.is_number() {
            return value.number(range).map(Self::Fixed);
        }
        if !value.is_table() {
            return Err(value.wrong_type("a number, or a table { min, max } or { mean, sd }"));
        }
        let section = value.section("a distribution", &["min", "max", "mean", "sd"])?;
        if section.has("mean") || section.has("sd") {
            let section = section.only("a normal distribution", &["mean", "sd"])?;
            return Ok(Self::Normal {
                mean: section.required("mean", example, |value| value.number(range))?,
                sd: section.required("sd", example, |value| value.number(range.from(0.0)))?,
            });
        }
        let section = section.only("a uniform distribution", &["min", "max"])?;
        let min = section.required("min", example, |value| value.number(range))?;
        let max = section.required("max", example, |value| value.number(range.from(min)))?;
        Ok(Self::Uniform { min, max })
    }
}
