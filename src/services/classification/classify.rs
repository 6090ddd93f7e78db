//! A classification as one call.

use futures_util::StreamExt;
use msvpu_actors::{Job, JobError, Program, ProgramError, Progress, Site, VirtualMachine};

use super::assembly::Classification;
use super::output::TileOutput;
use super::programs::{CMeans, FuzzyCMeans};
use super::rounds::{Fit, FitTask, Iteration};
use crate::scene::{Scene, Shape};

/// A program of the classification: [`CMeans`] or [`FuzzyCMeans`], or whichever else has their
/// input, tasks and outputs.
pub trait Classifier:
    Program<Input = Scene, Task = FitTask, Output = Fit, TileOutput = TileOutput>
{
    /// Checks the parameters against the shape of the scene that they are for, before they travel:
    /// as JSON a number that is not finite is null, and nobody can tell any more what it was.
    ///
    /// # Errors
    /// [`ProgramError::InvalidInput`] with one line that names what does not fit.
    fn check(&self, shape: Shape) -> Result<(), ProgramError>;
}

impl Classifier for CMeans {
    fn check(&self, shape: Shape) -> Result<(), ProgramError> {
        self.validate(shape)
    }
}

impl Classifier for FuzzyCMeans {
    fn check(&self, shape: Shape) -> Result<(), ProgramError> {
        self.validate(shape)
    }
}

/// Runs [`CMeans`] or [`FuzzyCMeans`] on a machine on which it is registered, and puts the result
/// together.
///
/// ```
/// use msvpu::{CMeans, SampleType, Scene, Settings, Shape, Start, VirtualMachine, classify};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let shape = Shape { width: 3, height: 2, bands: 1, sample: SampleType::U8 };
/// let scene = Scene::new(shape, vec![10, 11, 200, 12, 201, 202])?;
/// let machine = VirtualMachine::local().service::<CMeans>().start().await?;
/// let result = classify(&machine, CMeans::new(Settings::new(Start::linear(2))), scene).await?;
/// assert_eq!(result.centers.values(), [11.0, 201.0]);
/// assert_eq!(result.labels.iter().collect::<Vec<_>>(), [1, 1, 2, 1, 2, 2]);
/// # Ok(())
/// # }
/// ```
///
/// To watch it or to cancel it, check and submit the program yourself and hand the job to
/// [`Classification::of_job`].
///
/// # Errors
/// Those of [`Classifier::check`] and of [`VirtualMachine::run`].
pub async fn classify<P: Classifier>(
    machine: &VirtualMachine,
    program: P,
    scene: Scene,
) -> Result<Classification, JobError> {
    let shape = scene.shape();
    program
        .check(shape)
        .map_err(|error| JobError::at(Site::Split, error))?;
    let job = machine.submit(program, scene).await?;
    Classification::of_job(shape, job).await
}

impl Classification {
    /// Waits for a job that was submitted with a scene of this shape, and puts its result together.
    ///
    /// # Errors
    /// Those with which the job ends.
    pub async fn of_job<P: Classifier>(shape: Shape, job: Job<P>) -> Result<Self, JobError> {
        let mut rows = Vec::new();
        let mut progress = job.progress();
        while let Some(event) = progress.next().await {
            if let Progress::Round { task, .. } = event? {
                rows.extend(task.last);
            }
        }
        // Both keep the tile outputs, which assembling frees one by one.
        drop(progress);
        Self::of_rounds(shape, rows, job).await
    }

    /// The same for whoever has followed the job's progress and has the rows of the iteration table from there, those of
    /// all [`Progress::Round`]s in order.
    ///
    /// # Errors
    /// Those with which the job ends.
    pub async fn of_rounds<P: Classifier>(
        shape: Shape,
        rows: Vec<Iteration>,
        job: Job<P>,
    ) -> Result<Self, JobError> {
        let done = job.await?;
        let tiles = done.tiles.into_iter().flatten().collect();
        Self::assemble(shape, rows, done.output, tiles)
            .map_err(|error| JobError::at(Site::Assemble, error))
    }
}
