//! The handle of a submitted job.

use std::future::IntoFuture;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::Stream;
use futures_util::stream;

use crate::core::timesheet::Timesheet;
use crate::error::JobError;
use crate::id::{JobId, Round};
use crate::job::{JobState, NodeReport, What};
use crate::journal::{Event, Journal};
use crate::machine::Running;
use crate::payload::Wire;
use crate::program::Program;

/// A job that a machine has taken. Cheap to clone; keeps its machine alive.
///
/// Await it for the result; every clone gets the same one.
///
/// Dropping it does not end the job: call [`cancel`](Self::cancel) for that.
pub struct Job<P> {
    machine: Arc<Running>,
    journal: Arc<Journal>,
    program: PhantomData<fn() -> P>,
}

impl<P> Clone for Job<P> {
    fn clone(&self) -> Self {
        Self {
            machine: Arc::clone(&self.machine),
            journal: Arc::clone(&self.journal),
            program: PhantomData,
        }
    }
}

impl<P> std::fmt::Debug for Job<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Job")
            .field("id", &self.id())
            .field("state", &self.state())
            .finish()
    }
}

/// The result of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion<Output, TileOutput> {
    /// What [`Program::global_step`] ended with.
    pub output: Output,
    /// What [`Program::collect`] handed over, one entry per tile in rank order.
    pub tiles: Vec<Option<TileOutput>>,
}

/// The [`Completion`] of a program's job.
pub type CompletionOf<P> = Completion<<P as Program>::Output, <P as Program>::TileOutput>;

/// Something that happened to a job; `elapsed` counts from its submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress<Task> {
    /// It stands elsewhere than before.
    State {
        /// Where it stands now.
        state: JobState,
        /// Since the submission.
        elapsed: Duration,
    },
    /// A round has begun.
    Round {
        /// Which.
        round: Round,
        /// What the leader told every MsVPU.
        task: Task,
        /// Since the submission.
        elapsed: Duration,
    },
    /// In a long round: how many of the tiles have answered.
    Tiles {
        /// Which round.
        round: Round,
        /// So many have.
        answered: u32,
        /// Of so many.
        team_size: u32,
        /// Since the submission.
        elapsed: Duration,
    },
}

impl<P> Job<P> {
    pub(crate) const fn new(machine: Arc<Running>, journal: Arc<Journal>) -> Self {
        Self {
            machine,
            journal,
            program: PhantomData,
        }
    }

    /// The name under which the machine and its log know the job.
    #[must_use]
    pub fn id(&self) -> JobId {
        self.journal.job()
    }

    /// Where the job stands.
    #[must_use]
    pub fn state(&self) -> JobState {
        self.journal.state()
    }

    /// Under which epoch the job's leader speaks. One that takes over speaks under a higher one, and
    /// what an earlier one still says is refused. 0 while there was none.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.journal.epoch().0
    }

    /// What each node did for the job, and what was expected of it; empty before the end.
    #[must_use]
    pub fn nodes(&self) -> Vec<NodeReport> {
        self.journal.nodes()
    }

    /// What its MsVPUs did over time, as far as the leader has told: while the job runs it does so twice a
    /// second, and when it has run for more than half a minute, whenever a 64th of that has passed again.
    /// When the leader has ended the job, with a result or an error, it holds all that a [`Timesheet`] keeps of
    /// the rounds of that leader: one that took the place of another begins anew. Of a job that was ended over
    /// its leader's head (cancelled, without a node for too long, its journal full, too many leaders lost, the
    /// broker lost, the machine stopped) it holds what was told until then.
    #[must_use]
    pub fn timesheet(&self) -> Timesheet {
        self.journal.timesheet()
    }

    /// Asks for the job's end; steps that have begun end at their next
    /// [`Context::check`](crate::Context::check), those that wait do not begin.
    ///
    /// The job ends as [`JobState::Cancelled`], unless it has ended before.
    pub fn cancel(&self) {
        self.machine.cancel(self.id());
    }
}

impl<P: Program> Job<P> {
    /// Everything that has happened to the job from its submission on, then what happens next,
    /// until it ends. May be called often and late: nothing is missed, except that of how many tiles
    /// have answered in a round ([`Progress::Tiles`]) only the latest is kept.
    ///
    /// # Errors
    /// An item is an error when the task cannot be decoded; the stream goes on.
    pub fn progress(
        &self,
    ) -> impl Stream<Item = Result<Progress<P::Task>, JobError>> + Send + Unpin + use<P> {
        let journal = Arc::clone(&self.journal);
        let watch = journal.watch();
        Box::pin(stream::unfold(
            (journal, watch, 0),
            |(journal, mut watch, index)| async move {
                loop {
                    if let Some((number, event)) = journal.event(index) {
                        return Some((typed::<P>(event), (journal, watch, number + 1)));
                    }
                    if journal.state().is_terminal() && journal.event(index).is_none() {
                        return None;
                    }
                    watch.wait_for(|length| *length > index).await.ok()?;
                }
            },
        ))
    }

    async fn completion(self) -> Result<CompletionOf<P>, JobError> {
        self.journal.ended().await;
        let finished = self.journal.result().unwrap_or(Err(JobError::Stopped))?;
        let tiles = finished.tiles.into_iter();
        Ok(Completion {
            output: P::Output::from_payload(finished.output)?,
            tiles: tiles
                .map(|tile| tile.map(P::TileOutput::from_payload).transpose())
                .collect::<Result<_, _>>()?,
        })
    }
}

impl<P: Program> IntoFuture for Job<P> {
    type Output = Result<CompletionOf<P>, JobError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.completion())
    }
}

fn typed<P: Program>(event: Event) -> Result<Progress<P::Task>, JobError> {
    let elapsed = event.elapsed;
    Ok(match event.what {
        What::State(state) => Progress::State { state, elapsed },
        What::Round { round, task } => Progress::Round {
            round,
            task: P::Task::from_payload(task)?,
            elapsed,
        },
        What::Tiles {
            round,
            answered,
            team_size,
        } => Progress::Tiles {
            round,
            answered,
            team_size,
            elapsed,
        },
    })
}
