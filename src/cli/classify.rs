//! `msvpu classify`: from a file to a report.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use msvpu::raster::{Format, GeoTags, LabelFile, Picture};
use msvpu::report::number::counted;
use msvpu::report::{Done, Facts, Report};
use msvpu::{CMeans, FuzzyCMeans, Limits, Program, Settings, Shape, Start};
use serde::Serialize;

use super::args::{Algorithm, ClassifyArgs};
use super::decoding::decode;
use super::destination::Destination;
use super::failure::Failure;
use super::files::write_pictures;
use super::interrupts::Interrupts;
use super::machine::{self, Wanted};
use super::on_runtime::on_a_runtime;
use super::progress::Display;
use super::remote;
use super::run::run_classification;
use super::stale::{self, Kept};
use super::stdout::print;
use super::summary::{Run, summary};

/// Classifies an image, writes its files, prints its report.
pub(crate) fn classify(args: ClassifyArgs) -> Result<(), Failure> {
    if let Some(url) = args.server.clone() {
        return remote::classify(args, &url);
    }
    let start = Instant::now();
    check(&args)?;
    let destination = args
        .output
        .as_deref()
        .map(Destination::prepare)
        .transpose()?;
    let result = on_a_runtime(args.workers, |workers| {
        steps(args, destination.clone(), workers, start)
    });
    if let (Err(_), Some(destination)) = (&result, destination) {
        destination.abandon();
    }
    result
}

/// What clap cannot see: options that need another's value.
pub(crate) fn check(args: &ClassifyArgs) -> Result<(), Failure> {
    if args.seed.is_some() && args.starts_linear() {
        return Err(Failure::input(
            "--seed is for --init random or kmeans++: add one, or leave it out",
        ));
    }
    if args.algorithm == Algorithm::FuzzyCMeans {
        return Ok(());
    }
    let fuzzy_only = [
        ("--fuzzifier", args.fuzzifier.is_some()),
        ("--memberships", args.memberships),
    ];
    match fuzzy_only.iter().find(|(_, given)| *given) {
        Some((flag, _)) => Err(Failure::input(format_args!(
            "{flag} is for fuzzy c-means only: add --algorithm fuzzy-cmeans, or leave it out"
        ))),
        None => Ok(()),
    }
}

async fn steps(
    args: ClassifyArgs,
    destination: Option<Destination>,
    workers: usize,
    start: Instant,
) -> Result<(), Failure> {
    let mut interrupts = Interrupts::listen();
    let display = Display::new(args.quiet);

    let (picture, decode) = decode(
        &args.image,
        args.max_decoded_bytes,
        "classified",
        &mut interrupts,
        &display,
    )
    .await?;
    let Picture {
        scene,
        bits,
        format,
        nodata,
        georeference,
        alpha,
        ..
    } = picture;

    if let Some(destination) = &destination {
        Kept::of(&args, label_file(format, None)).spares_input(destination.path())?;
    }
    let shape = scene.shape();
    let transparent_pixels = alpha.map_or(0, |alpha| alpha.transparent_pixels);
    if transparent_pixels == shape.pixels() {
        return Err(Failure::input("every pixel is fully transparent").at(&args.image));
    }
    let settings = settings(&args, nodata, shape)?;
    let wanted = Wanted {
        workers,
        limits: Limits {
            // One more round than iterations finds the first centers.
            max_rounds_per_job: args.max_iterations.saturating_add(1),
            ..Limits::default()
        },
        #[cfg(feature = "amqp")]
        cluster: args.cluster.clone(),
    };
    let machine = machine::start(wanted, &display, &mut interrupts).await?;
    display.iterations(args.max_iterations);
    let (algorithm, parameters, done) = match args.algorithm {
        Algorithm::CMeans => {
            let program = CMeans::new(settings);
            let parameters = json_value(&program)?;
            let done = run_classification(&machine, program, scene, &display, &mut interrupts);
            (CMeans::NAME, parameters, done.await)
        }
        Algorithm::FuzzyCMeans => {
            let mut program = FuzzyCMeans::new(settings);
            program.fuzzifier = args.fuzzifier.unwrap_or(program.fuzzifier);
            program.memberships = args.memberships;
            let parameters = json_value(&program)?;
            let done = run_classification(&machine, program, scene, &display, &mut interrupts);
            (FuzzyCMeans::NAME, parameters, done.await)
        }
    };
    machine.shutdown().await;
    let done = done.map_err(|failure| failure.at(&args.image))?;

    display.phase("writing");
    let finish = Finish {
        facts: Facts {
            algorithm,
            parameters,
            path: args.image.to_string_lossy().into_owned(),
            shape,
            bits,
            decode,
            cpus: workers,
        },
        format,
        georeference,
        transparent_pixels,
        start,
    };
    let printed = interrupts
        .or_stopped(move |stop| finish.finish(&args, destination.as_ref(), done, stop))
        .await?;
    display.clear();
    print(&printed)
}

/// The settings of the program, once it is known how many bands there are.
fn settings(args: &ClassifyArgs, nodata: Option<f64>, shape: Shape) -> Result<Settings, Failure> {
    let start = match (&args.centers, args.classes) {
        (Some(centers), _) if centers.bands() != usize::from(shape.bands) => {
            return Err(Failure::input(format_args!(
                "--centers has {} for each center, and {} has {}: write {}",
                counted(centers.bands() as u64, "value"),
                args.image.display(),
                counted(shape.bands.into(), "band"),
                if shape.bands == 1 {
                    "1.2,2.5,3.8"
                } else {
                    "one value a band, and a ; after each center, such as r,g,b;r,g,b"
                }
            )));
        }
        (Some(centers), _) => Start::Centers(centers.clone()),
        (None, classes) => Start::Classes {
            // clap requires one of the two.
            classes: classes.unwrap_or_default(),
            init: args.init.unwrap_or_default(),
            seed: args.seed.unwrap_or_default(),
        },
    };
    Ok(Settings {
        start,
        epsilon: args.epsilon,
        stop_on: args.stop_on,
        max_iterations: args.max_iterations,
        tiles: args.tiles,
        nodata: args.nodata.or(nodata),
    })
}

fn json_value(parameters: &impl Serialize) -> Result<serde_json::Value, Failure> {
    serde_json::to_value(parameters).map_err(Failure::runtime)
}

/// Labels of a TIFF are a TIFF.
const fn label_file(format: Format, georeference: Option<&GeoTags>) -> LabelFile<'_> {
    match format {
        Format::Tiff => LabelFile::Tiff(georeference),
        Format::Png | Format::Jpeg | Format::Pnm => LabelFile::Png,
    }
}

/// What the report needs beside the job's result.
struct Finish {
    facts: Facts,
    format: Format,
    georeference: Option<GeoTags>,
    transparent_pixels: u64,
    start: Instant,
}

impl Finish {
    /// Writes the files and returns what is to be printed.
    ///
    /// All files are written before the first gets its place, so that a failure or `stop` leaves
    /// those of an earlier run as they were.
    fn finish(
        self,
        args: &ClassifyArgs,
        destination: Option<&Destination>,
        done: Done,
        stop: &AtomicBool,
    ) -> Result<String, Failure> {
        let encoding = Instant::now();
        let of = &done.classification;
        let georeference = self.georeference.as_ref();
        let label_file = label_file(self.format, georeference);
        let stage = destination.map(Destination::stage).transpose()?;
        let wanted = stage.as_ref().filter(|_| !args.no_images);
        let (digest, names) = rayon::join(
            || of.labels.sha256(),
            || {
                wanted.map_or(Ok(Vec::new()), |to| {
                    write_pictures(to, of, label_file, georeference, stop)
                })
            },
        );
        let mut names = names?;
        let mut report = Report::new(self.facts, done, digest);
        if let Some(stage) = wanted {
            let chart = report.convergence(args.epsilon, args.stop_on);
            let svg = chart.to_svg().map_err(Failure::runtime)?;
            stage.write("convergence.svg", svg.as_bytes())?;
            names.push("convergence.svg".to_owned());
        }
        let timings = &mut report.timings;
        timings.end(encoding.elapsed(), self.start.elapsed());

        let document = if args.json || stage.is_some() {
            serde_json::to_string(&report).map_err(Failure::runtime)? + "\n"
        } else {
            String::new()
        };
        if let (Some(destination), Some(stage)) = (destination, stage) {
            stage.write("report.json", document.as_bytes())?;
            names.insert(0, "report.json".to_owned());
            if stop.load(Ordering::Relaxed) {
                return Err(Failure::Interrupted);
            }
            stage.publish()?;
            stale::remove(destination.path(), &Kept::of(args, label_file))?;
        }
        Ok(if args.json {
            document
        } else if args.quiet {
            String::new()
        } else {
            let run = Run {
                stop_on: args.stop_on,
                starts_linear: args.starts_linear(),
                transparent_pixels: self.transparent_pixels,
                written: destination.map(|to| (to.path(), names.as_slice())),
            };
            summary(&report, &run)
        })
    }
}
