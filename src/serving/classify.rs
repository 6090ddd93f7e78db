//! The classification programs as services.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use futures_util::future::BoxFuture;
use msvpu_actors::Progress;
use msvpu_web::model::{FieldError, IterationRow, LogLevel, Phase};
use msvpu_web::service::{
    Asked, OutputInfo, Reporter, Run, RunError, SeriesNames, Service, ServiceInfo, Told,
};
use serde_json::{Value, json};
use tokio::runtime::Handle;

use super::artifacts::{Artifacts, Wanted};
use super::blocking::{blocking, is_light};
use super::check::{self, Checked};
use super::failure::{failed, of_job, of_parameters};
use super::held::Held;
use super::input::{Decoded, Decoding, log, shape_of};
use super::team::{self, TeamTeller};
use super::telling::{Teller, nodes};
use crate::raster::ReadLimits;
use crate::report::{Done, Facts, Followed, Node, Times, error, follow, milliseconds};
use crate::services::classification::{
    CMeans, Classification, Classifier, FitTask, FuzzyCMeans, Iteration, Settings, StopRule,
};
use crate::services::descriptions;

/// A classification program that can be asked for.
pub(super) trait Offered: Classifier + Checked {
    fn settings(&mut self) -> &mut Settings;

    /// Whether the result holds pictures of the memberships; `None` where there are none.
    fn memberships(&mut self) -> Option<&mut bool>;
}

impl Offered for CMeans {
    fn settings(&mut self) -> &mut Settings {
        &mut self.settings
    }

    fn memberships(&mut self) -> Option<&mut bool> {
        None
    }
}

impl Offered for FuzzyCMeans {
    fn settings(&mut self) -> &mut Settings {
        &mut self.settings
    }

    fn memberships(&mut self) -> Option<&mut bool> {
        Some(&mut self.memberships)
    }
}

/// The service of a classification program.
pub(super) struct Classify<P> {
    limits: ReadLimits,
    program: PhantomData<fn() -> P>,
}

impl<P: Offered> Classify<P> {
    pub(super) const fn new(limits: ReadLimits) -> Self {
        Self {
            limits,
            program: PhantomData,
        }
    }
}

impl<P: Offered> Service for Classify<P> {
    fn info(&self) -> ServiceInfo {
        let described = descriptions::service(P::NAME);
        let (title, doc) = described.map_or((P::NAME, ""), |of| (of.title, of.doc));
        ServiceInfo {
            name: P::NAME.to_owned(),
            title: title.to_owned(),
            doc: doc.to_owned(),
            accepts: super::accepts(),
            params_schema: descriptions::parameters_schema(P::NAME).unwrap_or_default(),
            outputs: outputs(P::default().memberships().is_some()),
            series: Some(SeriesNames {
                values: "class center".to_owned(),
                error: "error of the stopping rule".to_owned(),
            }),
        }
    }

    fn check(&self, asked: &Asked<'_>) -> Result<(), Vec<FieldError>> {
        check::check::<P>(asked)?;
        let wrong = wrong_pictures::<P>(asked);
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }

    fn run(&self, run: Run) -> BoxFuture<'static, Result<Value, RunError>> {
        Box::pin(classify::<P>(run, self.limits))
    }
}

fn outputs(has_memberships: bool) -> Vec<OutputInfo> {
    let mut outputs = vec![
        (
            "labels",
            true,
            "the class of each pixel in full size, and the legend",
        ),
        (
            "preview",
            true,
            "the scene and its classes, small enough for a screen, and the legend",
        ),
        (
            "chart",
            true,
            "the convergence of centers and error, in the report too",
        ),
        ("masks", false, "one picture a class: where it is"),
    ];
    if has_memberships {
        outputs.push((
            "memberships",
            false,
            "one picture a class: how much each pixel belongs to it",
        ));
    }
    let info = |(name, default, doc): (&str, bool, &str)| OutputInfo {
        name: name.to_owned(),
        doc: doc.to_owned(),
        default,
    };
    outputs.into_iter().map(info).collect()
}

/// The files that are wanted. Whoever wants the numbers wants the pictures, and the other way round.
fn wanted<P: Offered>(program: &mut P, outputs: &[String]) -> Wanted {
    let mut wanted = Wanted::of(outputs);
    wanted.memberships = program.memberships().is_some_and(|memberships| {
        *memberships |= wanted.memberships;
        *memberships
    });
    wanted
}

/// Pictures that parameters which fit by themselves cannot have: each output that asks for them, and the parameter.
fn wrong_pictures<P: Offered>(asked: &Asked<'_>) -> Vec<FieldError> {
    let trouble = |outputs: &[String]| {
        // The parameters were read before.
        let mut program: P = check::program(asked.params).ok()?;
        let wanted = wanted(&mut program, outputs);
        let unfit = program.fits(shape_of(asked.input)).err();
        let unfit = unfit.map(|error| error.to_string());
        unfit.or_else(|| wanted.trouble(program.settings().start.classes()))
    };
    if let Some(detail) = trouble(&[]) {
        let pointer = "/params/memberships".to_owned();
        return vec![FieldError { pointer, detail }];
    }
    let outputs = asked.outputs.iter().enumerate();
    let wrong = outputs.filter_map(|(place, output)| {
        Some(FieldError {
            pointer: format!("/outputs/{place}"),
            detail: trouble(std::slice::from_ref(output))?,
        })
    });
    wrong.collect()
}

async fn classify<P: Offered>(run: Run, limits: ReadLimits) -> Result<Value, RunError> {
    let start = Instant::now();
    let Run {
        machine,
        options,
        input,
        input_name,
        info,
        params,
        outputs,
        folder,
        reporter,
        mut cancelled,
        ..
    } = run;
    let invalid = |error| failed("invalid-parameters", error);
    let mut program: P = check::program(&params).map_err(invalid)?;
    let wanted = wanted(&mut program, &outputs);

    let decoding = Decoding {
        input,
        info,
        limits,
        nodata: program.settings().nodata,
        wants_preview: wanted.preview,
    };
    let Decoded {
        picture,
        preview,
        took,
    } = decoding.run(&reporter, &mut cancelled).await?;
    let settings = program.settings();
    settings.nodata = settings.nodata.or(picture.nodata);
    let (epsilon, rule) = (settings.epsilon, settings.stop_on);
    let classes = settings.start.classes();
    reporter.tell(Told::MaxIterations(settings.max_iterations));
    let shape = picture.scene.shape();
    program.check(shape).map_err(of_parameters)?;
    let facts = Facts {
        algorithm: P::NAME,
        parameters: serde_json::to_value(&program).map_err(invalid)?,
        path: input_name.unwrap_or_else(|| "the uploaded file".to_owned()),
        shape,
        bits: picture.bits,
        decode: took,
        cpus: machine.workers(),
    };

    let submitted = Instant::now();
    let job = Held::submit(machine.clone(), program, picture.scene, options).await?;
    let id = job.id();
    log::info!("job {id}: submitted");
    let (mut rows, mut team) = (Rows::new(&reporter, rule), TeamTeller::new(&reporter));
    let followed = tokio::select! {
        followed = follow(&job, |event| {
            rows.event(event);
            team.look(&job);
        }) => Some(followed),
        () = cancelled.asked() => None,
    };
    team::tell(&reporter, &job);
    let Some(followed) = followed else {
        job.cancel();
        // Steps that have begun end at their next check.
        let _ = job.into_job().await;
        return Err(RunError::Cancelled);
    };
    let Followed { iterations, times } = followed.map_err(of_job)?;
    let Times { rows: times, fit } = times;
    let reports = job.nodes();
    nodes(&reporter, &machine, &reports);
    let reports = Node::all(reports, &machine.nodes());
    // The last handle goes along: it would keep the tile outputs, which assembling frees one by one.
    let result = Classification::of_rounds(shape, iterations, job.into_job());
    // A number of the report takes longer to write than a pixel to digest, and is written thrice.
    let numbers = 16 * classes as u64 * u64::from(shape.bands) * times.len() as u64;
    let is_light = wanted.is_light() && is_light(shape.pixels() + numbers);
    let write_out = move |classification: Classification, stop: &AtomicBool| {
        if stop.load(Ordering::Relaxed) {
            return Err(RunError::Cancelled);
        }
        if let (Some(last), Some(elapsed)) = (classification.iterations.last(), times.last()) {
            rows.row(last, milliseconds(*elapsed));
        }
        if !classification.empty_classes.is_empty() {
            log(&reporter, LogLevel::Warning, empty(&classification));
        }
        let done = Done {
            job: id,
            classification,
            row_times: times,
            fit,
            assemble: submitted.elapsed().saturating_sub(fit),
            nodes: reports,
        };
        reporter.tell(Told::Phase(Phase::Writing, None));
        let artifacts = Artifacts {
            wanted,
            format: picture.format,
            georeference: picture.georeference,
            preview,
            epsilon,
            rule,
            folder,
            reporter,
            start,
        };
        artifacts.write(facts, done, stop)
    };
    if is_light {
        write_out(result.await.map_err(of_job)?, &AtomicBool::new(false))
    } else {
        blocking(&mut cancelled, move |stop| {
            let classification = Handle::current().block_on(result).map_err(of_job)?;
            write_out(classification, stop)
        })
        .await
    }
}

fn empty(of: &Classification) -> String {
    match of.empty_classes.as_slice() {
        [label] => format!("class {label} has no pixel; another start may fill it"),
        labels => format!(
            "{} classes have no pixel; another start may fill them",
            labels.len()
        ),
    }
}

/// Tells the rows of the iteration table as they come.
struct Rows {
    teller: Teller,
    rule: StopRule,
    before: Option<Iteration>,
}

impl Rows {
    fn new(reporter: &Reporter, rule: StopRule) -> Self {
        Self {
            teller: Teller::new(reporter),
            rule,
            before: None,
        }
    }

    fn event(&mut self, event: &Progress<FitTask>) {
        self.teller.event(event);
        if let Progress::Round { task, elapsed, .. } = event
            && let Some(row) = &task.last
        {
            self.row(row, milliseconds(*elapsed));
        }
    }

    fn row(&mut self, of: &Iteration, elapsed_ms: f64) {
        let details = json!({
            "objective": of.objective,
            "objective_change": of.objective_change,
            "center_sum_change": of.center_sum_change,
        });
        self.teller.iteration(IterationRow {
            iteration: of.iteration,
            values: of.centers.iter().map(<[f64]>::to_vec).collect(),
            error: error(of, self.before.as_ref(), self.rule),
            elapsed_ms,
            details: details.as_object().cloned().unwrap_or_default(),
        });
        self.before = Some(of.clone());
    }
}
