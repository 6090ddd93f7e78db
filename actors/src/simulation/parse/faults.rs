//! Faults.

use std::collections::HashMap;
use std::time::Duration;

use super::section::Section;
use super::value::Value;
use super::{Result, bounded};
use crate::simulation::rules::{DURATION_MS, FACTOR, MAX_FAULTS, PROBABILITY, TIME_MS};
use crate::simulation::spec::{Direction, Fault, FaultKind, JobSpec, NodeSpec};

const DIRECTIONS: [(&str, Direction); 3] = [
    ("both", Direction::Both),
    ("in", Direction::In),
    ("out", Direction::Out),
];

/// One kind of fault: what it is called in errors, its keys, how it is read.
#[derive(Clone, Copy)]
struct Kind {
    label: &'static str,
    keys: &'static [&'static str],
    read: fn(&Cluster<'_>, &Section<'_>) -> Result<FaultKind>,
}

const KINDS: [(&str, Kind); 8] = [
    (
        "kill",
        Kind {
            label: "a fault `kill`",
            keys: &["kind", "at_ms", "node", "restart_after_ms"],
            read: kill,
        },
    ),
    (
        "pause",
        Kind {
            label: "a fault `pause`",
            keys: &["kind", "at_ms", "node", "duration_ms"],
            read: pause,
        },
    ),
    (
        "slow",
        Kind {
            label: "a fault `slow`",
            keys: &["kind", "at_ms", "node", "factor", "duration_ms"],
            read: slow,
        },
    ),
    (
        "partition",
        Kind {
            label: "a fault `partition`",
            keys: &["kind", "at_ms", "node", "direction", "duration_ms"],
            read: partition,
        },
    ),
    (
        "join",
        Kind {
            label: "a fault `join`",
            keys: &["kind", "at_ms", "node"],
            read: join,
        },
    ),
    (
        "link",
        Kind {
            label: "a fault `link`",
            keys: &[
                "kind",
                "at_ms",
                "node",
                "loss",
                "duplication",
                "reordering",
                "duration_ms",
            ],
            read: link,
        },
    ),
    (
        "panic",
        Kind {
            label: "a fault `panic`",
            keys: &["kind", "job", "tile", "round"],
            read: |cluster, section| {
                let (job, tile, round) = cluster.step(section)?;
                Ok(FaultKind::Panic { job, tile, round })
            },
        },
    ),
    (
        "poison",
        Kind {
            label: "a fault `poison`",
            keys: &["kind", "job", "tile", "round"],
            read: |cluster, section| {
                let (job, tile, round) = cluster.step(section)?;
                Ok(FaultKind::Poison { job, tile, round })
            },
        },
    ),
];

/// Where each stands goes to `places`.
pub(super) fn read(
    top: &Section<'_>,
    nodes: &[NodeSpec],
    jobs: &[JobSpec],
    places: &mut Vec<usize>,
) -> Result<Vec<Fault>> {
    let sections = top.tables("faults", "a fault")?;
    bounded(top.source, &sections, "faults", MAX_FAULTS)?;
    let cluster = Cluster::new(nodes, jobs);
    let mut faults = Vec::with_capacity(sections.len());
    for section in sections {
        let kind = section.required("kind", "\"kill\"", |value| value.choice(&KINDS))?;
        let section = section.only(kind.label, kind.keys)?;
        let at = section.or("at_ms", Duration::ZERO, |value| value.milliseconds(TIME_MS))?;
        let kind = (kind.read)(&cluster, &section)?;
        places.push(section.at);
        faults.push(Fault { at, kind });
    }
    Ok(faults)
}

/// What faults can happen to, by name.
struct Cluster<'a> {
    nodes: &'a [NodeSpec],
    jobs: &'a [JobSpec],
    node_indices: HashMap<&'a str, usize>,
}

impl<'a> Cluster<'a> {
    fn new(nodes: &'a [NodeSpec], jobs: &'a [JobSpec]) -> Self {
        Self {
            nodes,
            jobs,
            node_indices: nodes
                .iter()
                .map(|node| node.name.as_str())
                .zip(0..)
                .collect(),
        }
    }

    fn node(&self, section: &Section<'_>) -> Result<usize> {
        section.required("node", "\"fast\"", |value| {
            let name = value.text("the name of a node")?;
            self.node_indices.get(name).copied().ok_or_else(|| {
                value.unknown_name(name, self.nodes.iter().map(|node| node.name.as_str()))
            })
        })
    }

    /// Job, tile and round.
    fn step(&self, section: &Section<'_>) -> Result<(usize, u32, u32)> {
        let job = section.required("job", "\"tables\"", |value| {
            let name = value.text("the name of a job")?;
            self.jobs
                .iter()
                .position(|job| job.name == name)
                .ok_or_else(|| {
                    value.unknown_name(name, self.jobs.iter().map(|job| job.name.as_str()))
                })
        })?;
        let JobSpec { tiles, rounds, .. } = self.jobs[job];
        let tile = section.required("tile", "0", |value| value.count(0..=tiles - 1))?;
        let round = section.required("round", "1", |value| value.count(1..=rounds))?;
        Ok((job, tile, round))
    }
}

fn duration(value: Value<'_>) -> Result<Duration> {
    value.milliseconds(DURATION_MS)
}

fn kill(cluster: &Cluster<'_>, section: &Section<'_>) -> Result<FaultKind> {
    Ok(FaultKind::Kill {
        node: cluster.node(section)?,
        restart_after: section.optional("restart_after_ms", duration)?,
    })
}

fn pause(cluster: &Cluster<'_>, section: &Section<'_>) -> Result<FaultKind> {
    Ok(FaultKind::Pause {
        node: cluster.node(section)?,
        duration: section.required("duration_ms", "500", duration)?,
    })
}

fn slow(cluster: &Cluster<'_>, section: &Section<'_>) -> Result<FaultKind> {
    Ok(FaultKind::Slow {
        node: cluster.node(section)?,
        factor: section.required("factor", "0.25", |value| value.number(FACTOR))?,
        duration: section.optional("duration_ms", duration)?,
    })
}

fn partition(cluster: &Cluster<'_>, section: &Section<'_>) -> Result<FaultKind> {
    Ok(FaultKind::Partition {
        node: cluster.node(section)?,
        direction: section.or("direction", Direction::Both, |value| {
            value.choice(&DIRECTIONS)
        })?,
        duration: section.required("duration_ms", "500", duration)?,
    })
}

fn join(cluster: &Cluster<'_>, section: &Section<'_>) -> Result<FaultKind> {
    Ok(FaultKind::Join {
        node: cluster.node(section)?,
    })
}

fn link(cluster: &Cluster<'_>, section: &Section<'_>) -> Result<FaultKind> {
    let probability = |key| section.or(key, 0.0, |value| value.number(PROBABILITY));
    Ok(FaultKind::Link {
        node: cluster.node(section)?,
        loss: probability("loss")?,
        duplication: probability("duplication")?,
        reordering: probability("reordering")?,
        duration: section.optional("duration_ms", duration)?,
    })
}
