//! `msvpu classify --server`: the same report and the same files, computed elsewhere.

#[cfg(feature = "amqp")]
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use msvpu::Program;
use msvpu::raster::LabelFile;
use msvpu_web::model::{EventBody, Job, Phase, State, Upload};
use serde_json::{Map, Value, json};
use tokio::task;
use tokio::time::timeout;

use super::{Heard, Server, new_job};
use crate::cli::args::{Algorithm, ClassifyArgs};
use crate::cli::classify::check;
use crate::cli::destination::Destination;
use crate::cli::failure::Failure;
use crate::cli::interrupts::{Interrupts, joined};
use crate::cli::jobs::{ended, summary};
use crate::cli::on_runtime::on_a_runtime;
use crate::cli::progress::Display;
use crate::cli::stale::{self, Kept};
use crate::cli::stdout::print;

/// How long the answer to a request for a job is waited for after Ctrl-C.
const ANSWER: Duration = Duration::from_secs(5);

/// Classifies an image on a server; Ctrl-C cancels the job there.
pub(crate) fn classify(args: ClassifyArgs, url: &str) -> Result<(), Failure> {
    check(&args)?;
    #[cfg(feature = "amqp")]
    check_broker(&args)?;
    let server = Arc::new(Server::new(url, &args.token)?);
    let destination = args
        .output
        .as_deref()
        .map(Destination::prepare)
        .transpose()?;
    let result = on_a_runtime(args.workers, |_| steps(args, server, destination.clone()));
    if let (Err(_), Some(destination)) = (&result, destination) {
        destination.abandon();
    }
    result
}

/// A server has a broker of its own. One that stands in a variable is for other commands; clap does not tell these
/// from those in the command line.
#[cfg(feature = "amqp")]
fn check_broker(args: &ClassifyArgs) -> Result<(), Failure> {
    let broker = &args.cluster.broker;
    let file = broker.broker_file.as_ref();
    for (flag, variable, value) in [
        (
            "--broker",
            "MSVPU_BROKER",
            broker.broker.as_ref().map(|url| OsStr::new(&url.0)),
        ),
        (
            "--broker-file",
            "MSVPU_BROKER_FILE",
            file.map(|file| file.as_os_str()),
        ),
    ] {
        if value.is_some() && value != std::env::var_os(variable).as_deref() {
            return Err(Failure::input(format_args!(
                "{flag} cannot be used with --server, which has a broker of its own"
            )));
        }
    }
    Ok(())
}

async fn steps(
    args: ClassifyArgs,
    server: Arc<Server>,
    destination: Option<Destination>,
) -> Result<(), Failure> {
    let mut interrupts = Interrupts::listen();
    let args = Arc::new(args);
    let display = Arc::new(Display::new(args.quiet));
    let submitted = submit(&args, &server, &display, &mut interrupts).await;
    let (job, upload) = submitted.map_err(|failure| failure.at(&args.image))?;
    let id = job.id;
    let (cancelling, mut stopping) = (server.clone(), interrupts.clone());
    let followed = {
        let (args, display) = (args.clone(), display.clone());
        let follow = move |stop: &AtomicBool| {
            follow(&server, id, &display)?;
            let job = server.job_at_last(id)?;
            ended(&job)?;
            finish(&args, &server, destination.as_ref(), &job, &upload, stop)
        };
        tokio::select! {
            done = stopping.or_stopped(follow) => done,
            () = interrupts.pressed() => {
                // It may have ended meanwhile.
                let _ = task::spawn_blocking(move || cancelling.cancel(id)).await;
                Err(Failure::Interrupted)
            }
        }
    };
    let printed = followed.map_err(|failure| failure.at(&args.image))?;
    display.clear();
    print(&printed)
}

/// Hands in the image and asks for the job. When Ctrl-C comes between the question and its answer, the answer is waited
/// for a little, because it names what is to be cancelled.
async fn submit(
    args: &Arc<ClassifyArgs>,
    server: &Arc<Server>,
    display: &Arc<Display>,
    interrupts: &mut Interrupts,
) -> Result<(Job, Upload), Failure> {
    let step = Arc::new(Mutex::new(Step::HandingIn));
    let mut submitting = {
        let (args, server, display) = (args.clone(), server.clone(), display.clone());
        let step = step.clone();
        task::spawn_blocking(move || {
            display.phase("uploading the image");
            let upload = upload(&server, &args.image)?;
            let job = new_job(service(&args), &upload, parameters(&args), &outputs(&args));
            if !reach(&step, Step::Asking) {
                return Err(Failure::Interrupted);
            }
            match server.submit(&job) {
                Ok(job) => Ok((job, upload)),
                Err(failure) => {
                    // Nobody else knows of it; if it cannot be removed, it goes with its age.
                    let _ = server.delete_upload(upload.id);
                    Err(failure)
                }
            }
        })
    };
    tokio::select! {
        done = &mut submitting => return joined(done),
        () = interrupts.pressed() => {}
    }
    if !reach(&step, Step::Interrupted)
        && let Ok(Ok(Ok((job, _)))) = timeout(ANSWER, submitting).await
    {
        let server = server.clone();
        // It may have ended meanwhile.
        let _ = task::spawn_blocking(move || server.cancel(job.id)).await;
    }
    Err(Failure::Interrupted)
}

/// How far a submission is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// There is no job yet.
    HandingIn,
    /// There is one soon.
    Asking,
    /// There will be none.
    Interrupted,
}

/// Goes on from handing in, unless another was first.
fn reach(step: &Mutex<Step>, to: Step) -> bool {
    let mut step = step.lock().unwrap_or_else(PoisonError::into_inner);
    let is_first = *step == Step::HandingIn;
    if is_first {
        *step = to;
    }
    is_first
}

/// Names nothing that its caller names.
fn upload(server: &Server, image: &Path) -> Result<Upload, Failure> {
    let cannot_read = |error: io::Error| match error.kind() {
        ErrorKind::NotFound => Failure::input("no such file"),
        _ => Failure::input(format_args!("cannot be read: {error}")),
    };
    let file = File::open(image).map_err(cannot_read)?;
    if file.metadata().map_err(cannot_read)?.is_dir() {
        return Err(Failure::input("a directory; an image is a file"));
    }
    server.upload(image, file)
}

const fn service(args: &ClassifyArgs) -> &'static str {
    match args.algorithm {
        Algorithm::CMeans => msvpu::CMeans::NAME,
        Algorithm::FuzzyCMeans => msvpu::FuzzyCMeans::NAME,
    }
}

/// What was said; the server knows the defaults, and what the image says.
fn parameters(args: &ClassifyArgs) -> Value {
    let start = match &args.centers {
        Some(centers) => json!({ "centers": centers }),
        None => {
            let mut start = json!({ "classes": args.classes });
            if let Some(init) = args.init {
                start["init"] = json!(init);
            }
            if let Some(seed) = args.seed {
                start["seed"] = json!(seed);
            }
            start
        }
    };
    let mut parameters = Map::new();
    let mut tell = |key: &str, value: Value| parameters.insert(key.to_owned(), value);
    tell("start", start);
    tell("epsilon", json!(args.epsilon));
    tell("stop_on", json!(args.stop_on));
    tell("max_iterations", json!(args.max_iterations));
    if let Some(tiles) = args.tiles {
        tell("tiles", json!(tiles));
    }
    if let Some(nodata) = args.nodata {
        tell("nodata", json!(nodata));
    }
    if let Some(fuzzifier) = args.fuzzifier {
        tell("fuzzifier", json!(fuzzifier));
    }
    if args.memberships {
        tell("memberships", json!(true));
    }
    parameters.into()
}

/// The groups of artifacts that become files here, and those that the page of the job shows there.
fn outputs(args: &ClassifyArgs) -> Vec<&'static str> {
    let mut outputs = Vec::new();
    if !args.no_images {
        outputs.extend(["chart", "preview"]);
        if args.output.is_some() {
            outputs.extend(["labels", "masks"]);
        }
    }
    if args.memberships {
        outputs.push("memberships");
    }
    outputs
}

/// Shows what happens to the job until it ends.
pub(crate) fn follow(server: &Server, id: uuid::Uuid, display: &Display) -> Result<(), Failure> {
    for heard in server.events(id) {
        let event = match heard? {
            Heard::Event(event) => event,
            Heard::Away(why) => {
                display.warn(&format!("{why}; trying again"));
                continue;
            }
        };
        match event.body {
            EventBody::State {
                state: State::Pending,
                reason,
                ..
            } => display.phase(&format!("waiting: {reason}")),
            EventBody::State {
                phase: Some(phase), ..
            } => display.phase(doing(phase)),
            EventBody::State { .. } | EventBody::Node { .. } | EventBody::Done { .. } => {}
            EventBody::Iteration(row) => {
                display.iteration(row.iteration, row.error.unwrap_or_default());
            }
            EventBody::Tiles {
                answered,
                team_size,
                ..
            } => display.tiles(answered, team_size),
            EventBody::Log { message, .. } => display.warn(&message),
        }
    }
    Ok(())
}

const fn doing(phase: Phase) -> &'static str {
    match phase {
        Phase::Decoding => "decoding the image",
        Phase::Placing => "placing the team",
        Phase::Splitting => "cutting the image into tiles",
        Phase::Iterating => "iterating",
        Phase::Assembling => "assembling the labels",
        Phase::Writing => "writing",
    }
}

/// Fetches the files and returns what is to be printed. All files are there before the first gets
/// its place.
fn finish(
    args: &ClassifyArgs,
    server: &Server,
    destination: Option<&Destination>,
    job: &Job,
    upload: &Upload,
    stop: &AtomicBool,
) -> Result<String, Failure> {
    let stage = match destination {
        Some(destination) => destination.stage()?,
        // For the report alone.
        None => Destination::prepare(&std::env::temp_dir())?.stage()?,
    };
    let labels = match upload.info.format.as_str() {
        "tiff" => LabelFile::Tiff(None),
        _ => LabelFile::Png,
    };
    let kept = Kept::of(args, labels);
    if let Some(destination) = destination {
        kept.spares_input(destination.path())?;
    }
    let mut names = Vec::new();
    for artifact in &job.artifacts {
        if stop.load(Ordering::Relaxed) {
            return Err(Failure::Interrupted);
        }
        if kept.writes(&artifact.name) == Some(true) {
            server.fetch(job.id, artifact, stage.path(), stop)?;
            names.push(artifact.name.clone());
        }
    }
    let report = std::fs::read_to_string(stage.path().join("report.json"));
    let report = report.map_err(|_| Failure::runtime("the server has made no report"))?;
    if let Some(destination) = destination {
        stage.publish()?;
        stale::remove(destination.path(), &kept)?;
    }
    Ok(if args.json {
        report
    } else if args.quiet {
        String::new()
    } else {
        let written = destination.map(|destination| (destination.path(), names.as_slice()));
        summary(job, written)
    })
}
