//! The results of the paper, again: one page and its tables.
//!
//! `cargo run --release --example reproduce_paper -- [--quick] [--output DIR]` (default: `paper`). The page is
//! `DIR/index.html`: one file that loads nothing. `--quick` shows that everything works, with fewer runs.

mod balancing;
mod chart;
mod classification;
mod cluster;
mod gain;
mod html;
mod maps;
mod report;
mod teams;
mod words;

#[path = "../../tests/common/paper.rs"]
mod paper;

use std::error::Error;
use std::path::PathBuf;

use balancing::Experiment;
use report::{Effort, Report};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (effort, folder) = arguments()?;
    let cpus = std::thread::available_parallelism()?.get();
    let mut report = Report::default();

    eprintln!("classification of the paper's picture");
    let machine = classification::machine().await?;
    let scene = paper::paper_scene()?;
    maps::add(&mut report, &machine).await?;
    classification::add(&mut report, &machine, &scene).await?;
    teams::add(&mut report, &machine, &scene, effort, cpus).await?;
    machine.shutdown().await;
    drop(scene);

    eprintln!("ten uneven nodes, in virtual time");
    let experiment = Experiment::run(effort).await?;
    balancing::add(&mut report, &experiment, effort).await?;
    gain::add(&mut report, &experiment, effort).await?;
    words::add(&mut report);

    report.write(&report.page(effort, cpus), &folder)?;
    print!("{}", report.summary());
    println!("{}", folder.join("index.html").display());
    Ok(())
}

fn arguments() -> Result<(Effort, PathBuf), Box<dyn Error>> {
    let (mut effort, mut folder) = (Effort::Full, PathBuf::from("paper"));
    let mut arguments = std::env::args_os().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.to_str() {
            Some("--quick") => effort = Effort::Quick,
            Some("--output") => {
                folder = arguments.next().ok_or("--output wants a folder")?.into();
            }
            _ => {
                let wrong = argument.display();
                return Err(format!("`{wrong}`: known are --quick and --output DIR").into());
            }
        }
    }
    Ok((effort, folder))
}
