//! The leader's part: from the partial results of a round to the next task or the end.

use msvpu_actors::{Cancellation, ProgramError, Result, Step};
use serde::{Deserialize, Serialize};

use super::centers::Centers;
use super::method::Method;
use super::results::{ElementaryResults, FitPartial, GlobalResults};
use super::settings::{Settings, Start, StopRule};
use super::survey::{Survey, first_centers};

/// What the leader tells every MsVPU each round, and all that it remembers from one to the next.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FitTask {
    /// The iteration that this round computes, from 1; 0 while the first centers are being found.
    pub iteration: u32,
    /// The centers of that iteration; `None` asks what the tiles hold.
    pub centers: Option<Centers>,
    /// The row of the iteration before this one.
    pub last: Option<Iteration>,
}

/// A row of the iteration table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Iteration {
    /// Counted from 1.
    pub iteration: u32,
    /// The centers that this iteration worked with; those of row 1 are the initial ones.
    pub centers: Centers,
    /// `J_t`, the sum of ER1 over all tiles.
    pub objective: f64,
    /// `|J_t − J_(t−1)|` with `J_0 = 0`: the error column of the paper's Table II.
    pub objective_change: f64,
    /// `|Σ c(t) − Σ c(t−1)|` with 0 before the first: the error column of the paper's Table I.
    pub center_sum_change: f64,
}

/// What ended the iterations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StoppedBy {
    /// [`StopRule::Objective`] was met.
    Objective,
    /// [`StopRule::CenterSum`] was met.
    CenterSum,
    /// [`StopRule::CenterShift`] was met.
    CenterShift,
    /// The bound on the iterations was reached first.
    MaxIterations,
}

impl From<StopRule> for StoppedBy {
    fn from(rule: StopRule) -> Self {
        match rule {
            StopRule::Objective => Self::Objective,
            StopRule::CenterSum => Self::CenterSum,
            StopRule::CenterShift => Self::CenterShift,
        }
    }
}

/// The end of the iterations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fit {
    /// The last row; its centers are the result.
    pub last: Iteration,
    /// What ended the iterations.
    pub stopped_by: StoppedBy,
    /// The least `|c_i − c_k|²` of two centers; fuzzy c-means of two classes and more only.
    pub separation: Option<f64>,
}

impl Fit {
    /// Whether the stopping rule was met.
    #[must_use]
    pub fn converged(&self) -> bool {
        self.stopped_by != StoppedBy::MaxIterations
    }
}

/// The task of round 1: the given centers, or the question what the scene holds.
pub(crate) fn first_task(settings: &Settings) -> FitTask {
    match &settings.start {
        Start::Centers(centers) => FitTask {
            iteration: 1,
            centers: Some(centers.clone()),
            last: None,
        },
        Start::Classes { .. } => FitTask {
            iteration: 0,
            centers: None,
            last: None,
        },
    }
}

pub(crate) fn global_step(
    settings: &Settings,
    method: Method,
    task: &FitTask,
    partials: &[FitPartial],
    cancellation: &Cancellation,
) -> Result<Step<FitTask, Fit>> {
    match &task.centers {
        None => after_survey(settings, partials, cancellation),
        Some(centers) => after_iteration(settings, method, task, centers, partials, cancellation),
    }
}

fn after_survey(
    settings: &Settings,
    partials: &[FitPartial],
    cancellation: &Cancellation,
) -> Result<Step<FitTask, Fit>> {
    let surveys: Option<Vec<&Survey>> = partials
        .iter()
        .map(|partial| match partial {
            FitPartial::Survey(survey) => Some(survey),
            FitPartial::Results(_) => None,
        })
        .collect();
    let surveys = surveys.ok_or_else(|| unexpected("a survey"))?;
    let bands = surveys.first().map_or(0, |survey| survey.min.len());
    if !surveys.iter().all(|survey| survey.is_of(bands)) {
        return Err(unexpected("a survey of as many bands as the others"));
    }
    require_pixels(settings, surveys.iter().map(|survey| survey.pixels).sum())?;
    let centers = match settings.start {
        Start::Centers(ref centers) => centers.clone(),
        Start::Classes {
            classes,
            init,
            seed,
        } => first_centers(&surveys, classes as usize, init, seed, cancellation)?,
    };
    Ok(Step::Next(FitTask {
        iteration: 1,
        centers: Some(centers),
        last: None,
    }))
}

fn after_iteration(
    settings: &Settings,
    method: Method,
    task: &FitTask,
    centers: &Centers,
    partials: &[FitPartial],
    cancellation: &Cancellation,
) -> Result<Step<FitTask, Fit>> {
    let results: Option<Vec<&ElementaryResults>> = partials
        .iter()
        .map(|partial| match partial {
            FitPartial::Results(results) => Some(results),
            FitPartial::Survey(_) => None,
        })
        .collect();
    let results = results.ok_or_else(|| unexpected("results"))?;
    let global = GlobalResults::fold(&results, cancellation)?;
    require_pixels(settings, global.pixels)?;
    let before = task.last.as_ref();
    let row = Iteration {
        iteration: task.iteration,
        centers: centers.clone(),
        objective: global.objective,
        objective_change: (global.objective - before.map_or(0.0, |row| row.objective)).abs(),
        center_sum_change: before
            .map_or_else(
                || centers.sum(),
                |row| centers.sum_change_from(&row.centers),
            )
            .abs(),
    };
    let converged = before.is_some_and(|before| change(settings, &row, before) < settings.epsilon);
    if converged {
        require_an_objective(settings, method, &row)?;
    }
    if converged || task.iteration >= settings.max_iterations {
        // Here and not where the tiles are put together: it may take seconds, and a step can be
        // cancelled.
        let separation = match method {
            Method::Hard => None,
            Method::Fuzzy { .. } => centers.separation(cancellation)?,
        };
        return Ok(Step::Done(Fit {
            separation,
            last: row,
            stopped_by: if converged {
                settings.stop_on.into()
            } else {
                StoppedBy::MaxIterations
            },
        }));
    }
    Ok(Step::Next(FitTask {
        iteration: task.iteration + 1,
        centers: Some(global.centers(centers)?),
        last: Some(row),
    }))
}

/// The change that the stopping rule looks at.
fn change(settings: &Settings, row: &Iteration, before: &Iteration) -> f64 {
    match settings.stop_on {
        StopRule::Objective => row.objective_change,
        StopRule::CenterSum => row.center_sum_change,
        StopRule::CenterShift => row.centers.shift_from(&before.centers),
    }
}

/// Refuses an end that says nothing: where a large fuzzifier makes all memberships weigh next to nothing, the objective
/// changes by less than epsilon whatever the centers do.
fn require_an_objective(settings: &Settings, method: Method, row: &Iteration) -> Result<()> {
    /// A pixel that belongs to all classes alike weighs K^(1 − m). With fuzzifier 2 that is never so little.
    const FAINT: f64 = 1e-6;

    let Method::Fuzzy { fuzzifier, .. } = method else {
        return Ok(());
    };
    let (classes, objective) = (row.centers.classes(), row.objective);
    let is_faint = libm::pow(classes as f64, 1.0 - fuzzifier) < FAINT;
    // Where every pixel is a center it is 0, and can be no less.
    let says_nothing = objective > 0.0 && objective < settings.epsilon;
    if settings.stop_on != StopRule::Objective || !is_faint || !says_nothing {
        return Ok(());
    }
    Err(ProgramError::invalid_input(format!(
        "with fuzzifier {fuzzifier} and {classes} classes the objective is {objective:.3e} in all, and so changes by less than \
         epsilon ({}) whatever the centers do: take a smaller fuzzifier, such as 2, a smaller epsilon, or stop_on center-shift",
        settings.epsilon
    )))
}

fn require_pixels(settings: &Settings, pixels: u64) -> Result<()> {
    if pixels > 0 {
        return Ok(());
    }
    Err(ProgramError::invalid_input(match settings.nodata {
        Some(value) => {
            format!(
                "the scene has no pixel with data: every pixel is nodata ({value}) or not finite"
            )
        }
        None => "the scene has no pixel with data: no pixel is finite".to_owned(),
    }))
}

fn unexpected(wanted: &str) -> ProgramError {
    ProgramError::failed(format!(
        "a tile answered with something other than {wanted}"
    ))
}
