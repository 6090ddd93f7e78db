//! `pairwise` as a service.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use msvpu_actors::{Job, JobError, JobState, Program, Progress};
use msvpu_web::model::{FieldError, Phase};
use msvpu_web::service::{Asked, Reporter, Run, RunError, Service, ServiceInfo, Told};
use serde_json::Value;

use super::artifacts::tell_report;
use super::blocking::blocking;
use super::check;
use super::failure::{failed, of_job, of_parameters};
use super::held::Held;
use super::input::{Decoded, Decoding};
use super::team::{self, TeamTeller};
use super::telling::{Teller, bare_row, nodes};
use crate::raster::ReadLimits;
use crate::report::{Node, PairwiseImage, PairwiseReport, PairwiseTimings, Team, pairwise_page};
use crate::services::descriptions;
use crate::services::pairwise::Pairwise;

/// The service of [`Pairwise`].
pub(super) struct Comparison {
    limits: ReadLimits,
}

impl Comparison {
    pub(super) const fn new(limits: ReadLimits) -> Self {
        Self { limits }
    }
}

impl Service for Comparison {
    fn info(&self) -> ServiceInfo {
        let name = Pairwise::NAME;
        let described = descriptions::service(name);
        let (title, doc) = described.map_or((name, ""), |of| (of.title, of.doc));
        ServiceInfo {
            name: name.to_owned(),
            title: title.to_owned(),
            doc: doc.to_owned(),
            accepts: super::accepts(),
            params_schema: descriptions::parameters_schema(name).unwrap_or_default(),
            outputs: Vec::new(),
            series: None,
        }
    }

    fn check(&self, asked: &Asked<'_>) -> Result<(), Vec<FieldError>> {
        check::check::<Pairwise>(asked)
    }

    fn run(&self, run: Run) -> BoxFuture<'static, Result<Value, RunError>> {
        Box::pin(compare(run, self.limits))
    }
}

async fn compare(run: Run, limits: ReadLimits) -> Result<Value, RunError> {
    let start = Instant::now();
    let Run {
        machine,
        options,
        input,
        input_name,
        info,
        params,
        reporter,
        mut cancelled,
        ..
    } = run;
    let invalid = |error| failed("invalid-parameters", error);
    let mut program: Pairwise = check::program(&params).map_err(invalid)?;
    let decoding = Decoding {
        input,
        info,
        limits,
        nodata: program.nodata,
        wants_preview: false,
    };
    let Decoded { picture, took, .. } = decoding.run(&reporter, &mut cancelled).await?;
    program.nodata = program.nodata.or(picture.nodata);
    reporter.tell(Told::MaxIterations(program.rounds.get()));
    let shape = picture.scene.shape();
    program.validate(shape).map_err(of_parameters)?;

    let running = Instant::now();
    let submitted = Held::submit(machine.clone(), program.clone(), picture.scene, options);
    let job = submitted.await?;
    let id = job.id();
    log::info!("job {id}: submitted");
    let followed = tokio::select! {
        followed = follow(&job, &reporter) => Some(followed),
        () = cancelled.asked() => None,
    };
    team::tell(&reporter, &job);
    let Some(followed) = followed else {
        job.cancel();
        // Steps that have begun end at their next check.
        let _ = job.into_job().await;
        return Err(RunError::Cancelled);
    };
    followed.map_err(of_job)?;
    let reports = job.nodes();
    nodes(&reporter, &machine, &reports);
    let reports = Node::all(reports, &machine.nodes());
    let result = job.into_job().await.map_err(of_job)?.output;
    reporter.tell(Told::Phase(Phase::Writing, None));
    let report = PairwiseReport {
        job: id,
        service: Pairwise::NAME,
        image: PairwiseImage {
            path: input_name.unwrap_or_else(|| "the uploaded file".to_owned()),
            width: shape.width,
            height: shape.height,
            bands: shape.bands,
            bits: picture.bits,
        },
        team: Team {
            msvpus: result.tiling.tiles(),
            cpus: Node::cpus(&reports, machine.workers()),
        },
        parameters: program,
        result,
        timings: PairwiseTimings::new(took, running.elapsed(), start.elapsed()),
        nodes: reports,
    };
    blocking(&mut cancelled, move |_| {
        tell_report(&reporter, &report, pairwise_page(&report))?;
        serde_json::to_value(&report).map_err(|error| failed("internal", error))
    })
    .await
}

/// Follows a job to its end; what begins a round ends the one before, and assembling the last.
async fn follow(job: &Job<Pairwise>, reporter: &Reporter) -> Result<(), JobError> {
    let (mut teller, mut team) = (Teller::new(reporter), TeamTeller::new(reporter));
    let mut rounds = 0;
    let mut progress = job.progress();
    while let Some(event) = progress.next().await {
        let event = event?;
        teller.event(&event);
        team.look(job);
        let ended: Option<(u32, Duration)> = match event {
            Progress::Round { round, elapsed, .. } => {
                rounds = round.0;
                Some((round.0.saturating_sub(1), elapsed))
            }
            Progress::State { ref state, elapsed } if is_assembling(state) => {
                Some((rounds, elapsed))
            }
            Progress::State { .. } | Progress::Tiles { .. } => None,
        };
        if let Some((round, elapsed)) = ended.filter(|(round, _)| *round > 0) {
            teller.iteration(bare_row(round, elapsed));
        }
    }
    Ok(())
}

fn is_assembling(state: &JobState) -> bool {
    *state == JobState::Running(msvpu_actors::Phase::Assembling)
}
