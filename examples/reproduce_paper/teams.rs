//! Figure 13: how long the fit takes with 1 to 64 MsVPUs.

use std::error::Error;
use std::time::Duration;

use futures_util::StreamExt;
use msvpu::{
    CMeans, FuzzyCMeans, JobState, Phase, Program, Progress, Scene, Tiling, VirtualMachine,
};

use crate::chart::{Axis, Chart, Mark, Scale, Series};
use crate::classification::{ALGORITHMS, Algorithm};
use crate::html::Table;
use crate::report::{Effort, Facts, Report, Section};

const TEAMS: [u32; 7] = [1, 2, 4, 8, 16, 32, 64];

const FACTS: Facts = Facts {
    measured: "The time from submission to converged centers on this machine, the picture in memory: the median of several \
               runs, all team sizes taken in turn so that the neighbours’ load hits all of them.",
    simulated: "Nothing; but the picture is the reconstructed one of Tables I and II.",
    unknown: "The paper’s times and machines, so there is nothing to hold these against; MsVPUs beyond the number of CPUs share them.",
};

/// Adds Figure 13.
pub(crate) async fn add(
    report: &mut Report,
    machine: &VirtualMachine,
    scene: &Scene,
    effort: Effort,
    cpus: usize,
) -> Result<(), Box<dyn Error>> {
    let runs = effort.choose(31, 1);
    let mut times = vec![[Vec::new(), Vec::new()]; TEAMS.len()];
    for _ in 0..runs {
        for (times, team) in times.iter_mut().zip(TEAMS) {
            for (times, algorithm) in times.iter_mut().zip(ALGORITHMS) {
                let mut settings = algorithm.settings()?;
                settings.tiles = Tiling::new(team, 1);
                let scene = scene.clone();
                times.push(match algorithm {
                    Algorithm::CMeans => fit(machine, CMeans::new(settings), scene).await?,
                    Algorithm::FuzzyCMeans => {
                        fit(machine, FuzzyCMeans::new(settings), scene).await?
                    }
                });
            }
        }
    }
    let ms = |time: Option<&Duration>| time.map_or(0.0, |time| time.as_secs_f64() * 1e3);
    for times in times.iter_mut().flatten() {
        times.sort();
    }
    let medians = in_ms(&times, |times| ms(times.get(times.len() / 2)));
    let fastest = in_ms(&times, |times| ms(times.first()));

    let mut section = Section::new("figure-13", "Figure 13: fit time and team size", FACTS);
    let table = table(&medians, &fastest);
    let caption = format!(
        "{runs} runs; the speed-up is that of the median over one MsVPU{}",
        load().map_or_else(String::new, |load| format!(
            "; {load} processes wanted the {cpus} CPUs in the minute before the end"
        ))
    );
    let body = section.body();
    body.element("div", &[("class", "figures")], |html| {
        html.append(&chart(&medians, cpus).to_html());
        html.append(&table.to_html(&caption, 0));
    });
    report.section(section);
    report.csv("figure-13.csv", table);
    let best = medians
        .iter()
        .map(|both| medians[0][0] / both[0])
        .fold(0.0, f64::max);
    report.found(
        format!("Figure 13, best speed-up of c-means over one MsVPU ({cpus} CPUs)"),
        "not at hand",
        format!("{best:.2}"),
    );
    Ok(())
}

/// From the submission to the converged centers; labelling is another matter, and cancelled.
async fn fit<P: Program<Input = Scene>>(
    machine: &VirtualMachine,
    program: P,
    scene: Scene,
) -> Result<Duration, Box<dyn Error>> {
    let job = machine.submit(program, scene).await?;
    let mut progress = job.progress();
    while let Some(event) = progress.next().await {
        if let Progress::State { state, elapsed } = event?
            && state == JobState::Running(Phase::Assembling)
        {
            job.cancel();
            machine.idle().await;
            return Ok(elapsed);
        }
    }
    Err(format!("the job ended without converging: {}", job.state()).into())
}

fn in_ms(times: &[[Vec<Duration>; 2]], of: impl Fn(&[Duration]) -> f64) -> Vec<[f64; 2]> {
    let both = |[hard, fuzzy]: &[Vec<Duration>; 2]| [of(hard), of(fuzzy)];
    times.iter().map(both).collect()
}

/// The load average of the last minute, where the system tells it: others may be using the CPUs too.
fn load() -> Option<String> {
    let text = std::fs::read_to_string("/proc/loadavg").ok()?;
    text.split_whitespace().next().map(str::to_owned)
}

fn table(medians: &[[f64; 2]], fastest: &[[f64; 2]]) -> Table {
    let mut table = Table::new(&["MsVPUs"]);
    for algorithm in ALGORITHMS {
        let name = algorithm.name();
        let columns = [
            format!("{name}, ms"),
            "fastest, ms".to_owned(),
            "speed-up".to_owned(),
        ];
        table.head.extend(columns);
    }
    for ((team, medians_here), fastest) in TEAMS.iter().zip(medians).zip(fastest) {
        let mut row = vec![team.to_string()];
        for ((median, fastest), alone) in medians_here.iter().zip(fastest).zip(medians[0]) {
            row.extend([
                format!("{median:.2}"),
                format!("{fastest:.2}"),
                format!("{:.2}", alone / median),
            ]);
        }
        table.push(row);
    }
    table
}

fn chart(medians: &[[f64; 2]], cpus: usize) -> Chart {
    let ticks = TEAMS.map(|team| (f64::from(team), team.to_string()));
    let series = ALGORITHMS.iter().enumerate().map(|(at, algorithm)| Series {
        name: algorithm.name().to_owned(),
        points: TEAMS
            .iter()
            .zip(medians)
            .map(|(team, both)| (f64::from(*team), both[at]))
            .collect(),
    });
    let mut marks = Vec::new();
    if cpus <= 64 {
        marks.push(Mark::Vertical(cpus as f64, format!("{cpus} CPUs")));
    }
    Chart {
        description: "Fit time of both algorithms against 1 to 64 MsVPUs".to_owned(),
        caption: "Fit time of the paper’s picture against the number of MsVPUs.".to_owned(),
        across: Axis::at("MsVPUs", Scale::Logarithmic, ticks.to_vec()),
        up: Axis::linear("fit time, ms", medians.iter().flatten().copied(), true),
        series: series.collect(),
        marks,
    }
}
