//! Jobs.

use std::time::Duration;

use super::section::Section;
use super::value::Value;
use super::{Result, SpecProblem, bounded};
use crate::job::Priority;
use crate::simulation::formula::Formula;
use crate::simulation::rules::{
    MAX_JOBS, OPERATIONS, PIECE_BYTES, ROUNDS, Range, TILE_SIZE, TILES, TIME_MS,
};
use crate::simulation::spec::JobSpec;

const PRIORITIES: [(&str, Priority); 3] = [
    ("low", Priority::Low),
    ("normal", Priority::Normal),
    ("high", Priority::High),
];

/// Where each stands goes to `places`.
pub(super) fn read(top: &Section<'_>, places: &mut Vec<usize>) -> Result<Vec<JobSpec>> {
    let sections = top.tables("jobs", "a job")?;
    bounded(top.source, &sections, "jobs", MAX_JOBS)?;
    let mut jobs = Vec::with_capacity(sections.len());
    for section in sections {
        let at = section.at;
        let entry = Entry::read(section)?;
        let found = jobs.len() + entry.count.unwrap_or(1) as usize;
        if found > MAX_JOBS {
            let (what, limit) = ("jobs", MAX_JOBS);
            let problem = SpecProblem::TooMany { what, found, limit };
            return Err(top.source.error(at, problem));
        }
        for member in 0..entry.count.unwrap_or(1) {
            jobs.push(entry.job(member));
            places.push(entry.name_at);
        }
    }
    Ok(jobs)
}

/// One `[[jobs]]`: a job, or several that come one after the other.
struct Entry {
    first: JobSpec,
    name_at: usize,
    count: Option<u32>,
    every: Duration,
}

impl Entry {
    fn read(section: Section<'_>) -> Result<Self> {
        let section = section.only(
            "a job",
            &[
                "name",
                "count",
                "every_ms",
                "service",
                "at_ms",
                "tiles",
                "tile_size",
                "rounds",
                "complexity",
                "tile_bytes",
                "partial_bytes",
                "owner",
                "priority",
            ],
        )?;
        let (name, name_at) = section.required("name", "\"tables\"", |value| {
            Ok((value.name()?, value.at()))
        })?;
        let time = |value: Value<'_>| value.milliseconds(TIME_MS);
        let tile_size = section.required("tile_size", "\"1024x786\"", tile_size)?;
        let formula = |key, default, range| {
            section.or(key, default, |value| formula(&value, tile_size, range))
        };
        let first = JobSpec {
            name,
            service: section.or("service", "pairwise".to_owned(), |value| value.name())?,
            at: section.or("at_ms", Duration::ZERO, time)?,
            tiles: section.required("tiles", "1000", |value| value.count(TILES))?,
            tile_size,
            rounds: section.or("rounds", 1, |value| value.count(ROUNDS))?,
            complexity: formula("complexity", Formula::x(), OPERATIONS)?,
            tile_bytes: formula("tile_bytes", Formula::x(), PIECE_BYTES)?,
            partial_bytes: formula("partial_bytes", Formula::from(24), PIECE_BYTES)?,
            owner: section.or("owner", "default".to_owned(), |value| value.name())?,
            priority: section.or("priority", Priority::Normal, |value| {
                value.choice(&PRIORITIES)
            })?,
        };
        Ok(Self {
            first,
            name_at,
            count: section.optional("count", |value| value.count(1..=MAX_JOBS as u32))?,
            every: section.or("every_ms", Duration::ZERO, time)?,
        })
    }

    fn job(&self, member: u32) -> JobSpec {
        let mut job = self.first.clone();
        if self.count.is_some() {
            job.name = format!("{}-{}", job.name, member + 1);
            job.at += self.every * member;
        }
        job
    }
}

/// `"1024x786"`, or a number of pixels.
fn tile_size(value: Value<'_>) -> Result<f64> {
    const EXPECTED: &str = "a number of pixels between 1 and 1e12, or a text such as \"1024x786\"";
    if value.is_number() {
        return value.number(TILE_SIZE);
    }
    let text = value.text(EXPECTED)?;
    let side = |digits: &str| {
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse::<u32>().ok().filter(|_| plain).map(f64::from)
    };
    text.split_once('x')
        .and_then(|(width, height)| Some(side(width)? * side(height)?))
        .filter(|&pixels| TILE_SIZE.contains(pixels))
        .ok_or_else(|| value.invalid(EXPECTED))
}

fn formula(value: &Value<'_>, x: f64, range: Range) -> Result<Formula> {
    let formula = value.formula()?;
    let result = formula.eval(x);
    if range.contains(result) {
        return Ok(formula);
    }
    Err(value.error(SpecProblem::FormulaValue {
        key: value.key.clone(),
        value: result,
        x,
        expected: range.to_string(),
    }))
}
