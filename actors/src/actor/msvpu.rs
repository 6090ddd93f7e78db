//! The MsVPU: one virtual processor, which owns one tile for the life of a job.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix::{Actor, Context, Handler};
use tokio::time::Instant;

use crate::actor::Counted;
use crate::catalog::{Instance, LoadedTile};
use crate::compute::Compute;
use crate::core::msvpu::{Agenda, Order, Work};
use crate::core::outbox::{Outbox, Stage};
use crate::error::{JobError, ProgramError, Site};
use crate::link::{Letter, Link};
use crate::message::{Address, Answer, LeaderMessage, Message, MsvpuMessage, TeamId};
use crate::program;

type Tile = Box<dyn LoadedTile>;

/// The mailbox of a [`Processor`]; when nothing can reach it any more it stops, and the processor
/// ends with the work that it has begun.
#[doc(alias = "team worker")]
pub(crate) struct Msvpu {
    processor: Arc<Processor>,
}

/// What the MsVPUs of one node's share of a team have in common.
pub(crate) struct LocalTeam {
    link: Link,
    compute: Compute,
    team: TeamId,
    instance: Arc<dyn Instance>,
    outbox: Mutex<Outbox<Answer>>,
    since: Instant,
}

impl LocalTeam {
    pub(crate) fn new(
        link: Link,
        compute: Compute,
        team: TeamId,
        instance: Arc<dyn Instance>,
        msvpus: usize,
    ) -> Self {
        Self {
            link,
            compute,
            team,
            instance,
            outbox: Mutex::new(Outbox::new(msvpus)),
            since: Instant::now(),
        }
    }

    fn answer(&self, answer: Answer) {
        let stage = match &answer {
            Answer::Partial { round, .. } => Stage::Round(*round),
            Answer::Collected { .. } => Stage::Collecting,
        };
        let answers = locked(&self.outbox).put(stage, answer, self.since.elapsed());
        if let Some(answers) = answers {
            self.tell_leader(LeaderMessage::Answers(answers));
        }
    }

    fn tell_leader(&self, message: LeaderMessage) {
        self.link.send(Address::Leader(self.team), message);
    }
}

/// What is locked here is changed by functions that do not panic, and no work runs under a lock.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The tile and what is to be done with it. Work that has come to its end on the compute pool
/// answers from there and goes on with what waits: a way back over the mailbox would cost every
/// step a wake-up of the event loop.
struct Processor {
    team: Arc<LocalTeam>,
    place: program::Context,
    agenda: Mutex<Agenda<Tile>>,
    _counted: Counted,
}

impl Msvpu {
    pub(crate) fn new(team: Arc<LocalTeam>, place: program::Context, counted: Counted) -> Self {
        Self {
            processor: Arc::new(Processor {
                team,
                place,
                agenda: Mutex::new(Agenda::new()),
                _counted: counted,
            }),
        }
    }
}

impl Drop for Processor {
    fn drop(&mut self) {
        // The event loop has other jobs to think of.
        let agenda = self.agenda.get_mut();
        if let Some(tile) = agenda.unwrap_or_else(PoisonError::into_inner).end() {
            self.team.compute.discard(tile);
        }
    }
}

impl Actor for Msvpu {
    type Context = Context<Self>;
}

impl Handler<Letter> for Msvpu {
    type Result = ();

    fn handle(&mut self, Letter(message): Letter, _: &mut Self::Context) {
        let order = match message {
            Message::Msvpu(MsvpuMessage::Tile(tile)) => Order::Load(tile),
            Message::Msvpu(MsvpuMessage::Task { round, task }) => Order::Step(round, task),
            Message::Msvpu(MsvpuMessage::Collect { output }) => Order::Collect(output),
            other => return self.processor.team.link.misdirected(&other),
        };
        let work = locked(&self.processor.agenda).order(order);
        if let Some(work) = work {
            Processor::begin(&self.processor, work);
        }
    }
}

impl Processor {
    fn begin(this: &Arc<Self>, work: Work<Tile>) {
        let rank = this.place.rank();
        let site = match &work {
            Work::Load(_) => Site::Load(rank),
            Work::Step(_, round, _) => Site::LocalStep(*round, rank),
            Work::Collect(..) => Site::Collect(rank),
        };
        let (performer, owner) = (Arc::clone(this), Arc::clone(this));
        this.team.compute.run(
            site,
            move || performer.perform(work),
            move |result| Self::end(&owner, result),
        );
    }

    /// The tile, if it is still of use, and what to answer.
    fn perform(&self, work: Work<Tile>) -> Result<(Option<Tile>, Option<Answer>), ProgramError> {
        self.place.check()?;
        let rank = self.place.rank();
        Ok(match work {
            Work::Load(tile) => {
                let tile = Arc::clone(&self.team.instance).load(tile, &self.place)?;
                (Some(tile), None)
            }
            Work::Step(mut tile, round, task) => {
                let partial = tile.local_step(task, &self.place)?;
                let answer = Answer::Partial {
                    rank,
                    round,
                    partial,
                };
                (Some(tile), Some(answer))
            }
            Work::Collect(tile, output) => {
                let tile = tile.collect(output, &self.place)?;
                (None, Some(Answer::Collected { rank, tile }))
            }
        })
    }

    fn end(this: &Arc<Self>, result: Result<(Option<Tile>, Option<Answer>), JobError>) {
        let (tile, answer) = match result {
            Ok(done) => done,
            Err(error) => {
                this.team.tell_leader(LeaderMessage::Failed(error));
                (None, None)
            }
        };
        // Before the answer: the next order may come at once.
        let next = locked(&this.agenda).done(tile);
        if let Some(answer) = answer {
            this.team.answer(answer);
        }
        if let Some(work) = next {
            Self::begin(this, work);
        }
    }
}
