//! The MsVPU: one virtual processor, which owns one tile for the life of a job.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix::{Actor, Context, Handler};

use crate::catalog::{Instance, LoadedTile};
use crate::core::fair::Flow;
use crate::core::msvpu::{Agenda, Next, Order, Stage, Word, Work};
use crate::core::outbox::Outbox;
use crate::error::{JobError, ProgramError, Site};
use crate::host::{Counted, Host};
use crate::id::{NodeId, Origin, TeamId};
use crate::job::JobOptions;
use crate::message::{Address, Answer, LeaderMessage};
use crate::payload::Payload;
use crate::program;
use crate::work::{Label, run};

type Tile = Box<dyn LoadedTile>;

/// The mailbox of a [`Processor`]; when nothing can reach it any more it stops, and the processor
/// ends with the work that it has begun.
#[doc(alias = "team worker")]
pub(crate) struct Msvpu {
    processor: Arc<Processor>,
}

/// What its supervisor hands to an MsVPU.
#[derive(actix::Message)]
#[rtype(result = "()")]
pub(crate) enum Errand {
    /// An order of the leader; with a tile, the work of one step on it.
    Do(Order, f64),
    /// The leader misses the answer of this stage.
    Inquire(Stage),
}

/// What the MsVPUs of one node's share of a team have in common.
pub(crate) struct LocalTeam {
    host: Host,
    /// Of this node, when the share was started: what is computed under an incarnation that was
    /// given up must not pass for the work of the next.
    origin: Origin,
    team: TeamId,
    leader: NodeId,
    flow: Flow,
    instance: Arc<dyn Instance>,
    outbox: Mutex<Outbox<Answer>>,
}

impl LocalTeam {
    pub(crate) fn new(
        host: Host,
        team: TeamId,
        leader: NodeId,
        options: &JobOptions,
        instance: Arc<dyn Instance>,
    ) -> Self {
        Self {
            origin: host.link.origin(),
            host,
            team,
            leader,
            flow: options.flow(team.job),
            instance,
            outbox: Mutex::new(Outbox::new()),
        }
    }

    /// So many MsVPUs are about to get an order that ends in an answer.
    pub(crate) fn ordered(&self, msvpus: usize) {
        locked(&self.outbox).order(msvpus, self.host.clock.now());
    }

    fn answer(&self, answer: Answer) {
        // Not under the lock.
        let now = self.host.clock.now();
        let answers = locked(&self.outbox).put(answer, now);
        self.tell_answers(answers);
    }

    /// Sends what waits for the others.
    pub(crate) fn flush(&self) {
        let answers = locked(&self.outbox).tick(self.host.clock.now());
        self.tell_answers(answers);
    }

    fn drop_orders(&self, orders: usize) {
        for _ in 0..orders {
            let answers = locked(&self.outbox).drop_order(self.host.clock.now());
            self.tell_answers(answers);
        }
    }

    fn tell_answers(&self, answers: Option<Vec<Answer>>) {
        if let Some(answers) = answers {
            let origin = self.origin;
            self.tell_leader(LeaderMessage::Answers { origin, answers });
        }
    }

    fn tell_leader(&self, message: LeaderMessage) {
        let leader = Address::Leader(self.team, self.leader);
        self.host.link.send(leader, message);
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
    memory: Mutex<Memory>,
    _counted: Counted,
}

struct Memory {
    agenda: Agenda<Tile>,
    /// The work of one step on the tile, in elementary operations.
    complexity: f64,
}

/// The tile, if it is still of use, and what to answer.
type Performed = (Option<Tile>, Option<(Stage, Option<Payload>)>);

impl Msvpu {
    pub(crate) fn new(team: Arc<LocalTeam>, place: program::Context, counted: Counted) -> Self {
        Self {
            processor: Arc::new(Processor {
                team,
                place,
                memory: Mutex::new(Memory {
                    agenda: Agenda::new(),
                    complexity: 0.0,
                }),
                _counted: counted,
            }),
        }
    }
}

impl Drop for Processor {
    fn drop(&mut self) {
        // The event loop has other jobs to think of.
        let memory = self.memory.get_mut();
        let agenda = &mut memory.unwrap_or_else(PoisonError::into_inner).agenda;
        if let Some(tile) = agenda.end() {
            self.team.host.processors.discard(Box::new(tile));
        }
    }
}

impl Actor for Msvpu {
    type Context = Context<Self>;
}

impl Handler<Errand> for Msvpu {
    type Result = ();

    fn handle(&mut self, errand: Errand, _: &mut Self::Context) {
        match errand {
            Errand::Do(order, complexity) => {
                let mut memory = locked(&self.processor.memory);
                if matches!(order, Order::Load(_)) {
                    memory.complexity = complexity;
                }
                let next = memory.agenda.order(order);
                drop(memory);
                Processor::go_on(&self.processor, next);
            }
            Errand::Inquire(stage) => self.processor.speak(stage),
        }
    }
}

impl Processor {
    fn go_on(this: &Arc<Self>, next: Next<Tile>) {
        if let Some(work) = next.work {
            Self::begin(this, work);
        }
        this.team.drop_orders(next.dropped);
    }

    fn begin(this: &Arc<Self>, work: Work<Tile>) {
        let rank = this.place.rank();
        let (site, cost) = match &work {
            Work::Load(_) => (Site::Load(rank), 0.0),
            Work::Step(_, round, _) => {
                let complexity = locked(&this.memory).complexity;
                (Site::LocalStep(*round, rank), complexity)
            }
            Work::Collect(..) => (Site::Collect(rank), 0.0),
        };
        let flow = this.team.flow;
        let (performer, owner) = (Arc::clone(this), Arc::clone(this));
        run(
            &*this.team.host.processors,
            Label { flow, site, cost },
            move || performer.perform(work),
            move |result| Self::end(&owner, result),
        );
    }

    fn perform(&self, work: Work<Tile>) -> Result<Performed, ProgramError> {
        self.place.check()?;
        Ok(match work {
            Work::Load(tile) => {
                let tile = Arc::clone(&self.team.instance).load(tile, &self.place)?;
                (Some(tile), None)
            }
            Work::Step(mut tile, round, task) => {
                let partial = tile.local_step(task, &self.place)?;
                (Some(tile), Some((Stage::Round(round), Some(partial))))
            }
            Work::Collect(tile, output) => {
                let tile = tile.collect(output, &self.place)?;
                (None, Some((Stage::Collecting, tile)))
            }
        })
    }

    fn end(this: &Arc<Self>, result: Result<Performed, JobError>) {
        let (next, answer) = match result {
            Ok((tile, answer)) => {
                let kept = answer.clone().filter(|_| this.team.host.is_recoverable());
                // Before the answer is sent: the next order may come at once.
                let now = match kept {
                    Some(_) => this.team.host.clock.now(),
                    None => Duration::ZERO,
                };
                let next = locked(&this.memory).agenda.done(tile, kept, now);
                (next, answer)
            }
            // The team was stopped here; nobody is to hear of it.
            Err(JobError::Cancelled) if this.place.check().is_err() => (
                locked(&this.memory).agenda.failed(JobError::Cancelled),
                None,
            ),
            Err(error) => {
                let next = locked(&this.memory).agenda.failed(error.clone());
                this.fail(error);
                (next, None)
            }
        };
        if let Some((stage, payload)) = answer {
            let rank = this.place.rank();
            this.team.answer(Answer {
                rank,
                stage,
                payload,
            });
        }
        Self::go_on(this, next);
    }

    fn fail(&self, error: JobError) {
        let origin = self.team.origin;
        self.team
            .tell_leader(LeaderMessage::Failed { origin, error });
    }

    /// The leader misses an answer.
    fn speak(&self, stage: Stage) {
        let (rank, origin) = (self.place.rank(), self.team.origin);
        let host = &self.team.host;
        // It waits for others no longer than a tick; younger ones are there or under way.
        let way = host.timing.map_or(Duration::ZERO, |timing| timing.retry());
        let now = host.clock.now();
        let word = locked(&self.memory).agenda.inquire(stage, now, way);
        match word {
            Word::Busy => {}
            Word::LacksTile | Word::LacksOrder => {
                let tile = word == Word::LacksTile;
                self.team
                    .tell_leader(LeaderMessage::Lacks { origin, rank, tile });
            }
            Word::Answered(payload) => self.team.tell_answers(Some(vec![Answer {
                rank,
                stage,
                payload,
            }])),
            Word::Failed(error) => self.fail(error),
        }
    }
}
