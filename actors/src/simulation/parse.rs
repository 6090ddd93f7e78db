//! Reads specs from TOML.

mod error;
mod faults;
mod jobs;
mod nodes;
mod section;
#[cfg(test)]
mod tests;
mod value;

use std::collections::HashMap;
use std::time::Duration;

use toml::de::DeTable;

pub use self::error::{SpecError, SpecProblem};
use self::section::{Section, Source};
use self::value::{Range, Value};
use crate::core::strategy::NAMES;
use crate::simulation::communication::PRESETS;
use crate::simulation::random::Random;
use crate::simulation::spec::{Communication, ComputeMode, Spec};

type Result<T> = std::result::Result<T, SpecError>;

const COMPUTE_MODES: [(&str, ComputeMode); 2] =
    [("cost", ComputeMode::Cost), ("real", ComputeMode::Real)];

/// Longer texts are refused before they are read: 100,000 nodes, written one by one, fit.
const MAX_BYTES: usize = 16 << 20;

/// One year: whatever the formulas give, virtual time does not overflow.
const YEAR_MS: f64 = 365.0 * 24.0 * 3600.0 * 1e3;
const LEASE_MS: Range = Range::new(1.0, 3_600_000.0);
/// When something happens.
const TIME_MS: Range = Range::new(0.0, YEAR_MS);
/// How long something takes.
const DURATION_MS: Range = Range::new(0.001, YEAR_MS);
const PROBABILITY: Range = Range::new(0.0, 1.0);
const JITTER: Range = Range::below(0.0, 1.0);
/// At most the bytes of a message, or of what migrates.
const BYTES: Range = Range::new(0.0, 1e15);
const EXPANSION: Range = Range::new(0.001, 1000.0);
const HANDLING_US: Range = Range::new(0.0, 1e9);

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
        parse(text, origin, None)
    }

    /// As [`Self::parse`], but with this seed instead of the one in the text: nodes that are drawn are drawn
    /// from it too.
    ///
    /// # Errors
    ///
    /// As [`Self::parse`].
    pub fn parse_with_seed(text: &str, origin: &str, seed: u64) -> Result<Self> {
        parse(text, origin, Some(seed))
    }
}

fn parse(text: &str, origin: &str, seed: Option<u64>) -> Result<Spec> {
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
        value.milliseconds(LEASE_MS)
    })?;
    let jitter = top.or("jitter", 0.0, |value| value.number(JITTER))?;
    let nodes = nodes::read(&top, &Random::new(seed))?;
    let jobs = jobs::read(&top)?;
    let faults = faults::read(&top, &nodes, &jobs)?;
    Ok(Spec {
        seed,
        compute,
        strategy: strategy.to_owned(),
        communication,
        lease,
        jitter,
        nodes,
        jobs,
        faults,
    })
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
            value.number(BYTES)
        })?,
        expansion: section.or("expansion", base.expansion, |value| value.number(EXPANSION))?,
        handling: section.or("handling_us", base.handling, |value| {
            let microseconds = value.number(HANDLING_US)?;
            Ok(Duration::from_secs_f64(microseconds / 1e6))
        })?,
        migration_bytes: section.or("migration_bytes", base.migration_bytes, |value| {
            value.number(BYTES)
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

/// Names that must differ, and where each stands.
struct Names<'a> {
    source: &'a Source<'a>,
    what: &'static str,
    taken: HashMap<String, usize>,
}

impl<'a> Names<'a> {
    fn new(source: &'a Source<'a>, what: &'static str) -> Self {
        Self {
            source,
            what,
            taken: HashMap::new(),
        }
    }

    fn take(&mut self, name: &str, at: usize) -> Result<()> {
        match self.taken.insert(name.to_owned(), at) {
            None => Ok(()),
            Some(first) => Err(self.source.error(
                at,
                SpecProblem::DuplicateName {
                    what: self.what,
                    name: name.to_owned(),
                    first_line: self.source.position(first).0,
                },
            )),
        }
    }
}
