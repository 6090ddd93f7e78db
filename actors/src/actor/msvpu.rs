//! The MsVPU: one virtual processor, which owns one tile for the life of a job.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix::{Actor, Context, Handler};

use crate::actor::Counted;
use crate::catalog::{Instance, LoadedTile};
use crate::compute::Compute;
use crate::core::msvpu::{Core, Order, Work};
use crate::error::{JobError, ProgramError, Site};
use crate::link::{Letter, Link};
use crate::message::{Address, LeaderMessage, Message, MsvpuMessage, TeamId};
use crate::program;

type Tile = Box<dyn LoadedTile>;

/// The mailbox of a [`Processor`]; when nothing can reach it any more it stops, and the processor
/// ends with the work that it has begun.
pub(crate) struct Msvpu {
    processor: Arc<Processor>,
}

/// The tile and what is to be done with it. Work that has come to its end on the compute pool
/// answers from there and goes on with what waits: a way back over the mailbox would cost every
/// step a wake-up of the event loop.
struct Processor {
    link: Link,
    compute: Compute,
    team: TeamId,
    instance: Arc<dyn Instance>,
    place: program::Context,
    core: Mutex<Core<Tile>>,
    _counted: Counted,
}

impl Msvpu {
    pub(crate) fn new(
        link: Link,
        compute: Compute,
        team: TeamId,
        instance: Arc<dyn Instance>,
        place: program::Context,
        counted: Counted,
    ) -> Self {
        Self {
            processor: Arc::new(Processor {
                link,
                compute,
                team,
                instance,
                place,
                core: Mutex::new(Core::new()),
                _counted: counted,
            }),
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
            other => return self.processor.link.misdirected(&other),
        };
        let work = self.processor.core().order(order);
        if let Some(work) = work {
            Processor::begin(&self.processor, work);
        }
    }
}

impl Processor {
    fn core(&self) -> MutexGuard<'_, Core<Tile>> {
        // The core does not panic, and no work runs under the lock.
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(this: &Arc<Self>, work: Work<Tile>) {
        let rank = this.place.rank();
        let site = match &work {
            Work::Load(_) => Site::Load(rank),
            Work::Step(_, round, _) => Site::LocalStep(*round, rank),
            Work::Collect(..) => Site::Collect(rank),
        };
        let (performer, owner) = (Arc::clone(this), Arc::clone(this));
        this.compute.run(
            move || performer.perform(work),
            move |result| {
                let result = result
                    .map_err(|reason| JobError::Panicked { site, reason })
                    .and_then(|result| result.map_err(|error| JobError::at(site, error)));
                Self::end(&owner, result);
            },
        );
    }

    /// The tile, if it is still of use, and what to answer.
    fn perform(
        &self,
        work: Work<Tile>,
    ) -> Result<(Option<Tile>, Option<LeaderMessage>), ProgramError> {
        self.place.check()?;
        let rank = self.place.rank();
        Ok(match work {
            Work::Load(tile) => {
                let tile = Arc::clone(&self.instance).load(tile, &self.place)?;
                (Some(tile), None)
            }
            Work::Step(mut tile, round, task) => {
                let partial = tile.local_step(task, &self.place)?;
                let answer = LeaderMessage::Partial {
                    rank,
                    round,
                    partial,
                };
                (Some(tile), Some(answer))
            }
            Work::Collect(tile, output) => {
                let tile = tile.collect(output, &self.place)?;
                (None, Some(LeaderMessage::Collected { rank, tile }))
            }
        })
    }

    fn end(this: &Arc<Self>, result: Result<(Option<Tile>, Option<LeaderMessage>), JobError>) {
        let (tile, answer) = match result {
            Ok(done) => done,
            Err(error) => (None, Some(LeaderMessage::Failed(error))),
        };
        // Before the answer: its next order may come at once.
        let next = this.core().done(tile);
        if let Some(answer) = answer {
            this.link.send(Address::Leader(this.team), answer);
        }
        if let Some(work) = next {
            Self::begin(this, work);
        }
    }
}
