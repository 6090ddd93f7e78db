//! The MsVPU: one virtual processor, which owns one tile for the life of a job.

use std::sync::Arc;

use actix::{Actor, AsyncContext, Context, Handler};

use crate::actor::Counted;
use crate::catalog::{Instance, LoadedTile};
use crate::compute::Compute;
use crate::core::msvpu::{Core, Order, Work};
use crate::error::{JobError, ProgramError, Site};
use crate::link::{Letter, Link};
use crate::message::{Address, LeaderMessage, Message, MsvpuMessage, TeamId};
use crate::program;

pub(crate) struct Msvpu {
    pub(crate) link: Link,
    pub(crate) compute: Compute,
    pub(crate) team: TeamId,
    pub(crate) instance: Arc<dyn Instance>,
    pub(crate) place: program::Context,
    pub(crate) core: Core<Tile>,
    pub(crate) _counted: Counted,
}

type Tile = Box<dyn LoadedTile>;

/// Work came back from the compute pool: the tile, if it is still of use, and what to answer.
#[derive(actix::Message)]
#[rtype(result = "()")]
struct Done {
    tile: Option<Tile>,
    answer: Option<LeaderMessage>,
}

impl Actor for Msvpu {
    type Context = Context<Self>;
}

impl Handler<Letter> for Msvpu {
    type Result = ();

    fn handle(&mut self, Letter(message): Letter, context: &mut Self::Context) {
        let order = match message {
            Message::Msvpu(MsvpuMessage::Tile(tile)) => Order::Load(tile),
            Message::Msvpu(MsvpuMessage::Task { round, task }) => Order::Step(round, task),
            Message::Msvpu(MsvpuMessage::Collect { output }) => Order::Collect(output),
            other => return self.link.misdirected(&other),
        };
        let work = self.core.order(order);
        self.begin(work, context);
    }
}

impl Handler<Done> for Msvpu {
    type Result = ();

    fn handle(&mut self, done: Done, context: &mut Self::Context) {
        if let Some(answer) = done.answer {
            self.link.send(Address::Leader(self.team), answer);
        }
        let work = self.core.done(done.tile);
        self.begin(work, context);
    }
}

impl Msvpu {
    fn begin(&self, work: Option<Work<Tile>>, context: &Context<Self>) {
        let Some(work) = work else { return };
        let rank = self.place.rank();
        let site = match &work {
            Work::Load(_) => Site::Load(rank),
            Work::Step(_, round, _) => Site::LocalStep(*round, rank),
            Work::Collect(..) => Site::Collect(rank),
        };
        let instance = Arc::clone(&self.instance);
        let place = self.place.clone();
        let (link, address) = (self.link.clone(), context.address());
        self.compute.run(
            move || perform(work, instance, &place),
            move |result| {
                let done = result
                    .map_err(|reason| JobError::Panicked { site, reason })
                    .and_then(|result| result.map_err(|error| JobError::at(site, error)))
                    .unwrap_or_else(|error| Done {
                        tile: None,
                        answer: Some(LeaderMessage::Failed(error)),
                    });
                link.complete(&address, done);
            },
        );
    }
}

fn perform(
    work: Work<Tile>,
    instance: Arc<dyn Instance>,
    place: &program::Context,
) -> Result<Done, ProgramError> {
    place.check()?;
    let rank = place.rank();
    Ok(match work {
        Work::Load(tile) => Done {
            tile: Some(instance.load(tile, place)?),
            answer: None,
        },
        Work::Step(mut tile, round, task) => {
            let partial = tile.local_step(task, place)?;
            Done {
                tile: Some(tile),
                answer: Some(LeaderMessage::Partial {
                    rank,
                    round,
                    partial,
                }),
            }
        }
        Work::Collect(tile, output) => Done {
            tile: None,
            answer: Some(LeaderMessage::Collected {
                rank,
                tile: tile.collect(output, place)?,
            }),
        },
    })
}
