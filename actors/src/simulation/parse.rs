//! Reads specs from TOML.

mod error;
mod faults;
mod jobs;
mod nodes;
mod section;
#[cfg(test)]
mod tests;
mod value;

use std::time::Duration;

use toml::de::DeTable;

pub use self::error::{SpecError, SpecProblem};
use self::section::{Section, Source};
use self::value::Value;
use crate::core::strategy::NAMES;
use crate::random::Random;
use crate::simulation::communication::PRESETS;
use crate::simulation::rules;
use crate::simulation::spec::{Communication, ComputeMode, Spec};
use crate::simulation::validate::{InvalidSpec, SpecField};

type Result<T> = std::result::Result<T, SpecError>;

const COMPUTE_MODES: [(&str, ComputeMode); 2] =
    [("cost", ComputeMode::Cost), ("real", ComputeMode::Real)];

/// Longer texts are refused before they are read: 100,000 nodes, written one by one, fit.
const MAX_BYTES: usize = 16 << 20;

impl Spec {
    /// Reads a spec from TOML. `origin` names the text in errors: the path of the file.
    ///
    /// Only `name` of a node, and `name`, `tiles` and `tile_size` of a job have no default:
    ///
    #[doc = "```toml"]
    #[doc = include_str!("parse/reference.toml")]
    #[doc = "```"]
    ///
    /// The faults, each with its keys; a `?` marks those that may be left out:
    ///
    /// | kind | keys |
    /// |---|---|
    /// | `kill` | `node`, `at_ms?`, `restart_after_ms?` |
    /// | `pause` | `node`, `at_ms?`, `duration_ms` |
    /// | `slow` | `node`, `at_ms?`, `factor` of its speed, `duration_ms?` |
    /// | `partition` | `node`, `at_ms?`, `direction?` (both, in, out), `duration_ms` |
    /// | `join` | `node`, `at_ms?` |
    /// | `link` | `node`, `at_ms?`, `loss?`, `duplication?`, `reordering?` (probabilities, 0), `duration_ms?` |
    /// | `panic`, `poison` | `job`, `tile` (from 0), `round` (from 1) |
    ///
    /// A communication model of one's own is a table with a `name`; whatever of `envelope_bytes`, `expansion`,
    /// `handling_us` and `migration_bytes` is left out is as in the [preset](Communication::preset) of that
    /// name, or else as in `amqp`.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong, with its line and column and what would be right: see [`SpecProblem`].
    pub fn parse(text: &str, origin: &str) -> Result<Self> {
        Ok(parse(text, origin, None)?.0)
    }

    /// As [`Self::parse`], but with this seed instead of the one in the text: nodes that are drawn are drawn
    /// from it too.
    ///
    /// # Errors
    ///
    /// As [`Self::parse`].
    pub fn parse_with_seed(text: &str, origin: &str, seed: u64) -> Result<Self> {
        Ok(parse(text, origin, Some(seed))?.0)
    }

    /// As [`Self::parse`], or [`Self::parse_with_seed`] where there is one; tells also where in the text
    /// the jobs stand, for whoever holds them to rules of their own.
    ///
    /// # Errors
    ///
    /// As [`Self::parse`].
    pub fn parse_with_places(
        text: &str,
        origin: &str,
        seed: Option<u64>,
    ) -> Result<(Self, SpecPlaces)> {
        let (spec, places) = parse(text, origin, seed)?;
        let source = Source { text, origin };
        let jobs = places.jobs.iter().map(|at| source.position(*at));
        let jobs = jobs.collect();
        Ok((spec, SpecPlaces { jobs }))
    }
}

/// Where in its text the jobs of a spec stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecPlaces {
    jobs: Vec<(usize, usize)>,
}

impl SpecPlaces {
    /// Line and column of the name of a job, both from 1; `None` beyond the last job.
    #[must_use]
    pub fn job(&self, index: usize) -> Option<(usize, usize)> {
        self.jobs.get(index).copied()
    }
}

fn parse(text: &str, origin: &str, seed: Option<u64>) -> Result<(Spec, Places)> {
    let source = Source { text, origin };
    if text.len() > MAX_BYTES {
        let (bytes, limit) = (text.len(), MAX_BYTES);
        return Err(source.error(0, SpecProblem::TooLong { bytes, limit }));
    }
    let root = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(text.len(), |span| span.start);
        source.error(at, SpecProblem::Syntax(error.message().to_owned()))
    })?;
    let top = Section::new(&source, "a spec", 0, root.get_ref()).only(
        "a spec",
        &[
            "seed",
            "strategy",
            "compute",
            "communication",
            "lease_ms",
            "jitter",
            "nodes",
            "jobs",
            "faults",
        ],
    )?;
    let written = top.or("seed", 0, |value| value.whole(0..=u64::MAX))?;
    let seed = seed.unwrap_or(written);
    let strategy = top.or("strategy", NAMES[0], |value| {
        value.choice(&NAMES.map(|name| (name, name)))
    })?;
    let compute = top.or("compute", ComputeMode::Cost, |value| {
        value.choice(&COMPUTE_MODES)
    })?;
    let communication = top
        .optional("communication", communication)?
        .unwrap_or_default();
    let lease = top.or("lease_ms", Duration::from_secs(2), |value| {
        value.milliseconds(rules::LEASE_MS)
    })?;
    let jitter = top.or("jitter", 0.0, |value| value.number(rules::JITTER))?;
    let mut places = Places::default();
    let nodes = nodes::read(&top, &Random::new(seed), &mut places.nodes)?;
    let jobs = jobs::read(&top, &mut places.jobs)?;
    let faults = faults::read(&top, &nodes, &jobs, &mut places.faults)?;
    let spec = Spec {
        seed,
        compute,
        strategy: strategy.to_owned(),
        communication,
        lease,
        jitter,
        nodes,
        jobs,
        faults,
    };
    match spec.validate() {
        Ok(()) => Ok((spec, places)),
        Err(invalid) => Err(places.error(&source, invalid)),
    }
}

/// Where the items of the spec stand in the text.
#[derive(Default)]
struct Places {
    nodes: Vec<usize>,
    jobs: Vec<usize>,
    faults: Vec<usize>,
}

impl Places {
    /// What can be wrong with values that were right one by one.
    fn error(&self, source: &Source<'_>, invalid: InvalidSpec) -> SpecError {
        let at = |field: &SpecField| {
            let places = match field.item {
                Some(("nodes", index)) => self.nodes.get(index),
                Some(("jobs", index)) => self.jobs.get(index),
                Some(("faults", index)) => self.faults.get(index),
                _ => None,
            };
            places.copied().unwrap_or(0)
        };
        let first_line = |first: &SpecField| source.position(at(first)).0;
        let what = |field: &SpecField| match field.item {
            Some(("nodes", _)) => "the node",
            _ => "the job",
        };
        let (field, problem) = match invalid {
            InvalidSpec::NoNodes => return source.error(0, SpecProblem::NoNodes),
            InvalidSpec::DuplicateName { field, first, name } => (
                field,
                SpecProblem::DuplicateName {
                    what: what(&field),
                    name,
                    first_line: first_line(&first),
                },
            ),
            InvalidSpec::JoinsTwice { field, first, node } => (
                field,
                SpecProblem::JoinsTwice {
                    node,
                    first_line: first_line(&first),
                },
            ),
            InvalidSpec::TooMany {
                field,
                found,
                limit,
            } => (
                field,
                SpecProblem::TooMany {
                    what: field.name,
                    found,
                    limit,
                },
            ),
            InvalidSpec::Value {
                field,
                value,
                expected,
            } => (
                field,
                SpecProblem::InvalidValue {
                    key: field.to_string(),
                    value,
                    expected,
                },
            ),
        };
        source.error(at(&field), problem)
    }
}

fn communication(value: Value<'_>) -> Result<Communication> {
    if value.is_text() {
        let name = value.text("a text")?;
        return Communication::preset(name)
            .ok_or_else(|| value.unknown_name(name, PRESETS.iter().map(|preset| preset.name)));
    }
    if !value.is_table() {
        return Err(value.wrong_type("\"amqp\", \"acl\" or a table of a model of your own"));
    }
    let section = value.section(
        "a communication model",
        &[
            "name",
            "envelope_bytes",
            "expansion",
            "handling_us",
            "migration_bytes",
        ],
    )?;
    let name = section.required("name", "\"mine\"", |value| value.name())?;
    let base = Communication::preset(&name).unwrap_or_default();
    Ok(Communication {
        envelope_bytes: section.or("envelope_bytes", base.envelope_bytes, |value| {
            value.number(rules::BYTES)
        })?,
        expansion: section.or("expansion", base.expansion, |value| {
            value.number(rules::EXPANSION)
        })?,
        handling: section.or("handling_us", base.handling, |value| {
            let microseconds = value.number(rules::HANDLING_US)?;
            Ok(rules::from_microseconds(microseconds))
        })?,
        migration_bytes: section.or("migration_bytes", base.migration_bytes, |value| {
            value.number(rules::BYTES)
        })?,
        name,
    })
}

/// Refuses more than `limit` items, at the first that is too much.
fn bounded(
    source: &Source<'_>,
    sections: &[Section<'_>],
    what: &'static str,
    limit: usize,
) -> Result<()> {
    match sections.get(limit) {
        None => Ok(()),
        Some(section) => Err(source.error(
            section.at,
            SpecProblem::TooMany {
                what,
                found: sections.len(),
                limit,
            },
        )),
    }
}
