//! `msvpu pairwise`: all pairs of the pixels of each tile, from a file to a report.

use std::time::Instant;

use futures_util::StreamExt;
use msvpu::raster::Picture;
use msvpu::report::number::{counted, grouped, short};
use msvpu::report::{Node, PairwiseImage, PairwiseReport, PairwiseTimings, Team};
use msvpu::{
    Differences, Job, JobState, Limits, Pairwise, Program, Progress, Shape, TileDifferences,
    VirtualMachine,
};

use super::args::PairwiseArgs;
use super::decoding::decode;
use super::failure::Failure;
use super::interrupts::Interrupts;
use super::machine::{self, Wanted};
use super::node_table;
use super::on_runtime::on_a_runtime;
use super::progress::Display;
use super::run::failure;
use super::stdout::print;

/// More tiles than a screen shows are in the JSON document only.
const SHOWN_TILES: usize = 40;

/// Computes the differences of an image, prints their report.
pub(crate) fn pairwise(args: &PairwiseArgs) -> Result<(), Failure> {
    let start = Instant::now();
    on_a_runtime(args.workers, |workers| steps(args, workers, start))
}

async fn steps(args: &PairwiseArgs, workers: usize, start: Instant) -> Result<(), Failure> {
    let mut interrupts = Interrupts::listen();
    let display = Display::new(args.quiet);

    let (picture, decode) = decode(
        &args.image,
        args.max_decoded_bytes,
        "compared",
        &mut interrupts,
        &display,
    )
    .await?;
    let Picture {
        scene,
        bits,
        nodata,
        ..
    } = picture;

    let Shape {
        width,
        height,
        bands,
        ..
    } = scene.shape();
    let program = Pairwise {
        tiles: args.tiles,
        sampling: args.sampling,
        rounds: args.rounds,
        nodata: args.nodata.or(nodata),
    };
    let wanted = Wanted {
        workers,
        limits: Limits {
            max_rounds_per_job: args.rounds.get(),
            ..Limits::default()
        },
        #[cfg(feature = "amqp")]
        cluster: args.cluster.clone(),
    };
    let machine = machine::start(wanted, &display, &mut interrupts).await?;
    display.iterations(args.rounds.get());
    let running = Instant::now();
    let job = machine
        .submit(program.clone(), scene)
        .await
        .map_err(failure)?;
    log::info!("job {}: submitted", job.id());
    let id = job.id();
    let result = follow(&machine, job, &display, &mut interrupts).await;
    machine.shutdown().await;
    let (result, nodes) = result.map_err(|failure| failure.at(&args.image))?;
    display.clear();
    let report = PairwiseReport {
        job: id,
        service: Pairwise::NAME,
        image: PairwiseImage {
            path: args.image.to_string_lossy().into_owned(),
            width,
            height,
            bands,
            bits,
        },
        parameters: program,
        team: Team {
            msvpus: result.tiling.tiles(),
            cpus: Node::cpus(&nodes, workers),
        },
        result,
        timings: PairwiseTimings::new(decode, running.elapsed(), start.elapsed()),
        nodes,
    };
    if args.json {
        print(&(serde_json::to_string(&report).map_err(Failure::runtime)? + "\n"))
    } else if args.quiet {
        Ok(())
    } else {
        print(&summary(&report))
    }
}

/// Follows a job to its end, and tells what each node did; Ctrl-C cancels it.
async fn follow(
    machine: &VirtualMachine,
    job: Job<Pairwise>,
    display: &Display,
    interrupts: &mut Interrupts,
) -> Result<(Differences, Vec<Node>), Failure> {
    let watch = async {
        let mut progress = job.progress();
        while let Some(event) = progress.next().await {
            match event.map_err(failure)? {
                Progress::Round { round, .. } => display.round(round.0),
                Progress::Tiles {
                    answered,
                    team_size,
                    ..
                } => display.tiles(answered, team_size),
                Progress::State { state, .. } => {
                    if let JobState::Waiting(_) = state {
                        display.note(&state.to_string());
                    }
                }
            }
        }
        Ok(())
    };
    tokio::select! {
        watched = watch => watched?,
        () = interrupts.pressed() => {
            job.cancel();
            // Steps that have begun end at their next check.
            let _ = job.await;
            return Err(Failure::Interrupted);
        }
    }
    let nodes = Node::all(job.nodes(), &machine.nodes());
    Ok((job.await.map_err(failure)?.output, nodes))
}

fn summary(report: &PairwiseReport) -> String {
    let (image, result) = (&report.image, &report.result);
    let mut lines = vec![
        format!("{} of {}", report.service, image.path),
        String::new(),
        format!(
            "image       {} x {} pixels, {} of {} bits",
            image.width,
            image.height,
            counted(image.bands.into(), "band"),
            image.bits
        ),
        format!(
            "team        {} on {}, tiles {}",
            counted(report.team.msvpus, "MsVPU"),
            counted(report.team.cpus as u64, "CPU"),
            result.tiling
        ),
        format!(
            "pairs       {} a round, of {}; {}",
            grouped(result.pairs),
            counted(result.pixels, "pixel"),
            counted(report.parameters.rounds.get().into(), "round")
        ),
        format!("difference  {} on average", mean(result.mean)),
        String::new(),
        format!(
            "{:>6}  {:>12}  {:>18}  {:>10}",
            "tile", "pixels", "pairs", "difference"
        ),
    ];
    let rows = result.tiles.iter().enumerate().take(SHOWN_TILES);
    lines.extend(rows.map(|(tile, of)| row(tile, of)));
    if result.tiles.len() > SHOWN_TILES {
        lines.push(format!(
            "and {} more tiles: see the report (--json)",
            result.tiles.len() - SHOWN_TILES
        ));
    }
    lines.extend(node_table::lines(&report.nodes));
    let timings = &report.timings;
    lines.extend([
        String::new(),
        format!(
            "time        {:.1} ms: decode {:.1}, run {:.1}, other {:.1}",
            timings.total_ms, timings.decode_ms, timings.run_ms, timings.other_ms
        ),
        String::new(),
    ]);
    lines.join("\n")
}

fn row(tile: usize, of: &TileDifferences) -> String {
    format!(
        "{tile:>6}  {:>12}  {:>18}  {:>10}",
        grouped(of.pixels),
        grouped(of.pairs),
        mean(of.mean)
    )
}

fn mean(mean: Option<f64>) -> String {
    mean.map_or_else(|| "-".to_owned(), short)
}
