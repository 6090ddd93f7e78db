//! `msvpu simulate`: a cluster, its jobs and its faults from a file, in virtual time.

mod chart;
mod csv;
mod limit;
mod places;
mod plan;
mod real;
mod report;
mod source;
mod summary;
mod timeline;

use std::path::Path;
use std::time::{Duration, Instant};

use msvpu::{
    CMeans, ComputeMode, FuzzyCMeans, Limits, Pairwise, Spec, SpecPlaces, Synthetic, VirtualMachine,
};

use super::args::SimulateArgs;
use super::destination::Destination;
use super::failure::Failure;
use super::interrupts::Interrupts;
use super::on_runtime::on_a_runtime;
use super::progress::Display;
use super::stdout::print;
use msvpu::report::number::counted;
use places::Places;
use plan::Plan;
use report::Report;

/// The files of a result; all of them are written, or none.
const FILES: [&str; 5] = [
    "simulation.json",
    "nodes.csv",
    "jobs.csv",
    "teams.csv",
    "simulation.svg",
];

/// Runs a spec, writes its files, prints its report.
pub(crate) fn simulate(args: &SimulateArgs) -> Result<(), Failure> {
    let start = Instant::now();
    let (spec, places) = source::read(&args.spec, args.seed)?;
    let destination = args
        .output
        .as_deref()
        .map(Destination::prepare)
        .transpose()?;
    let result = destination
        .as_ref()
        .map_or(Ok(()), |to| spares_spec(&args.spec, to.path()))
        .and_then(|()| {
            on_a_runtime(None, |_| {
                steps(args, (spec, places), destination.clone(), start)
            })
        });
    if let (Err(_), Some(destination)) = (&result, destination) {
        destination.abandon();
    }
    result
}

async fn steps(
    args: &SimulateArgs,
    (spec, places): (Spec, SpecPlaces),
    destination: Option<Destination>,
    start: Instant,
) -> Result<(), Failure> {
    let mut interrupts = Interrupts::listen();
    let display = Display::new(args.quiet);
    display.phase("simulating");
    let report = tokio::select! {
        report = run(args, &spec, &places) => report?,
        () = interrupts.pressed() => return Err(Failure::Interrupted),
    };
    let document = serde_json::to_string(&report).map_err(Failure::runtime)? + "\n";
    if let Some(destination) = &destination {
        let stage = destination.stage()?;
        let csv = csv::documents(&report)?;
        let svg = chart::svg(&report, &spec).map_err(Failure::runtime)?;
        let contents = [&document, &csv.nodes, &csv.jobs, &csv.teams, &svg];
        for (name, content) in FILES.iter().zip(contents) {
            stage.write(name, content.as_bytes())?;
        }
        stage.publish()?;
    }
    display.clear();
    if args.json {
        print(&document)?;
    } else if !args.quiet {
        let written = destination.as_ref().map(Destination::path);
        print(&summary::summary(&report, written, start.elapsed()))?;
    }
    verdict(&report)
}

async fn run(args: &SimulateArgs, spec: &Spec, places: &SpecPlaces) -> Result<Report, Failure> {
    let builder = VirtualMachine::simulated(spec.clone()).limits(limits(spec));
    let builder = match spec.compute {
        ComputeMode::Cost => builder.service::<Synthetic>(),
        ComputeMode::Real => builder
            .service::<CMeans>()
            .service::<FuzzyCMeans>()
            .service::<Pairwise>(),
    };
    let simulation = builder.start().await.map_err(Failure::runtime)?;
    let plan = match spec.compute {
        ComputeMode::Cost => Plan::of_costs(&simulation, spec),
        ComputeMode::Real => {
            let places = Places {
                path: &args.spec,
                spec,
                jobs: places,
            };
            real::plan(&simulation, spec, &places).await
        }
    }?;
    let limit = args
        .limit
        .map_or_else(|| limit::generous(spec, &plan.loads), |limit| limit.0);
    let outcome = simulation.run(limit).await;
    let found = plan.found().await;
    Ok(Report::new(&args.spec, spec, &outcome, found, limit))
}

/// A spec may hold what a machine would refuse from strangers.
fn limits(spec: &Spec) -> Limits {
    let defaults = Limits::default();
    let tiles = spec.jobs.iter().map(|job| job.tiles as usize).max();
    let jobs = spec.jobs.len();
    Limits {
        // The cluster is what is simulated, not the door before it.
        max_running_jobs: defaults.max_running_jobs.max(jobs),
        max_tiles_per_job: defaults.max_tiles_per_job.max(tiles.unwrap_or(0)),
        ..defaults
    }
}

/// Jobs that did not end, or not as the spec has it, are a failure at run time.
fn verdict(report: &Report) -> Result<(), Failure> {
    const SHOWN: usize = 3;
    let mut wrong: Vec<String> = report
        .jobs
        .iter()
        .filter(|job| !job.row.as_expected)
        .map(|job| match &job.row.reason {
            Some(reason) => format!("{} {}: {reason}", job.row.name, job.row.state),
            None => format!("{} {}", job.row.name, job.row.state),
        })
        .collect();
    if wrong.is_empty() {
        return Ok(());
    }
    let count = counted(wrong.len() as u64, "job");
    if wrong.len() > SHOWN {
        let more = wrong.len() - SHOWN;
        wrong.truncate(SHOWN);
        wrong.push(format!("and {more} more"));
    }
    let cut = if report.finished {
        String::new()
    } else {
        format!(
            " (virtual time was cut short at {} s; --limit SECONDS sets another limit)",
            msvpu::report::number::short(report.limit_s)
        )
    };
    Err(Failure::runtime(format_args!(
        "{count} did not succeed{cut}: {}",
        wrong.join("; ")
    )))
}

/// Refuses to write over the spec, before the work.
fn spares_spec(spec: &Path, directory: &Path) -> Result<(), Failure> {
    let (Ok(spec), Ok(within)) = (spec.canonicalize(), directory.canonicalize()) else {
        return Ok(());
    };
    match FILES.iter().find(|name| within.join(name) == spec) {
        Some(name) => Err(Failure::input(format_args!(
            "--output {}: the {name} there is the spec itself, and would be replaced; name another directory",
            directory.display()
        ))),
        None => Ok(()),
    }
}

fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}
