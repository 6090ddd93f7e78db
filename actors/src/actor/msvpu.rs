//! The MsVPU: one virtual processor, which owns one tile for the life of a job.

mod local_team;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix::{Actor, Context, Handler};

use crate::catalog::LoadedTile;
use crate::core::answer::Answer;
use crate::core::msvpu::{Agenda, Next, Order, Stage, Word, Work};
use crate::core::stopwatch::Stopwatch;
use crate::core::timesheet::is_kept;
use crate::error::{JobError, ProgramError, Site};
use crate::host::Counted;
use crate::id::Rank;
use crate::message::LeaderMessage;
use crate::payload::Payload;
use crate::program;
use crate::work::{self, Label, Run, Worker, outcome};

pub(crate) use local_team::LocalTeam;
use local_team::locked;

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
    /// An order of the leader; with a tile, the work of one step on it; and when it came.
    Do(Order, f64, Duration),
    /// The leader misses the answer of this stage.
    Inquire(Arc<Inquiry>),
}

/// A leader's question to MsVPUs of one node. What they say goes back in one message, when the last
/// has spoken.
pub(crate) struct Inquiry {
    team: Arc<LocalTeam>,
    stage: Stage,
    said: Mutex<Said>,
}

#[derive(Default)]
struct Said {
    answers: Vec<Answer>,
    tiles: Vec<Rank>,
    orders: Vec<Rank>,
}

impl Inquiry {
    pub(crate) fn new(team: Arc<LocalTeam>, stage: Stage) -> Arc<Self> {
        Arc::new(Self {
            team,
            stage,
            said: Mutex::default(),
        })
    }
}

impl Drop for Inquiry {
    fn drop(&mut self) {
        let said = self.said.get_mut().unwrap_or_else(PoisonError::into_inner);
        let Said {
            answers,
            tiles,
            orders,
        } = std::mem::take(said);
        if !answers.is_empty() {
            let now = self.team.host.clock.now();
            self.team.tell_answers(Some(answers), now);
        }
        if !(tiles.is_empty() && orders.is_empty()) {
            self.team.tell_leader(LeaderMessage::Lacks {
                origin: self.team.origin,
                tiles: tiles.into_iter().collect(),
                orders: orders.into_iter().collect(),
            });
        }
    }
}

/// The tile and what is to be done with it. Work that has come to its end on the compute pool
/// answers from there and goes on with what waits: a way back over the mailbox would cost every
/// step a wake-up of the event loop.
struct Processor {
    team: Arc<LocalTeam>,
    place: program::Context,
    memory: Mutex<Memory>,
    /// Whether its times are.
    is_kept: bool,
    _counted: Counted,
}

struct Memory {
    agenda: Agenda<Tile>,
    /// What waits for a CPU.
    due: Option<Work<Tile>>,
    /// The work of one step on the tile, in elementary operations.
    complexity: f64,
    /// If its times are kept.
    stopwatch: Option<Box<Stopwatch>>,
}

/// What came of a work.
struct Performed {
    /// The tile, if it is still of use.
    tile: Option<Tile>,
    answer: Option<(Stage, Option<Payload>)>,
    /// When it began, if that is to be measured.
    began: Option<Duration>,
}

impl Msvpu {
    pub(crate) fn new(team: Arc<LocalTeam>, place: program::Context, counted: Counted) -> Self {
        let is_kept = is_kept(place.rank(), place.team_size());
        Self {
            processor: Arc::new(Processor {
                team,
                place,
                memory: Mutex::new(Memory {
                    agenda: Agenda::new(),
                    due: None,
                    complexity: 0.0,
                    stopwatch: is_kept.then(Box::default),
                }),
                is_kept,
                _counted: counted,
            }),
        }
    }
}

impl Drop for Processor {
    fn drop(&mut self) {
        // The event loop has other jobs to think of.
        let memory = self.memory.get_mut();
        let memory = memory.unwrap_or_else(PoisonError::into_inner);
        let due = match memory.due.take() {
            Some(Work::Step(tile, ..) | Work::Collect(tile, _)) => Some(tile),
            Some(Work::Load(_)) | None => None,
        };
        if let Some(tile) = memory.agenda.end().or(due) {
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
            Errand::Do(order, complexity, at) => {
                let mut memory = locked(&self.processor.memory);
                if matches!(order, Order::Load(_)) {
                    memory.complexity = complexity;
                }
                let next = memory.agenda.order(order);
                // Not for what has come before.
                let Memory {
                    agenda, stopwatch, ..
                } = &mut *memory;
                if let Some(stopwatch) = stopwatch.as_deref_mut().filter(|_| agenda.owes()) {
                    stopwatch.ordered(at);
                }
                drop(memory);
                Processor::go_on(&self.processor, next);
            }
            Errand::Inquire(inquiry) => self.processor.speak(&inquiry),
        }
    }
}

impl Worker for Processor {
    fn work(self: Arc<Self>, run: Run) {
        let due = locked(&self.memory).due.take();
        if let Some(work) = due {
            let site = self.site(&work);
            let Run { fault, took, now } = run;
            let result = outcome(site, fault, || self.perform(work));
            // Not under a lock.
            let now = now.unwrap_or_else(|| self.team.host.clock.now());
            Self::end(&self, result, took, now);
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
        let site = this.site(&work);
        let mut memory = locked(&this.memory);
        let cost = match work {
            Work::Step(..) => memory.complexity,
            Work::Load(_) | Work::Collect(..) => 0.0,
        };
        memory.due = Some(work);
        drop(memory);
        let flow = this.team.flow;
        let label = Label { flow, site, cost };
        let work = work::Work::Due(Arc::<Self>::clone(this));
        this.team.host.processors.submit(label, work);
    }

    const fn site(&self, work: &Work<Tile>) -> Site {
        let rank = self.place.rank();
        match work {
            Work::Load(_) => Site::Load(rank),
            Work::Step(_, round, _) => Site::LocalStep(*round, rank),
            Work::Collect(..) => Site::Collect(rank),
        }
    }

    fn perform(&self, work: Work<Tile>) -> Result<Performed, ProgramError> {
        self.place.check()?;
        let began = self.is_kept.then(|| self.team.host.clock.now());
        let (tile, answer) = match work {
            Work::Load(tile) => {
                let (tile, instance) = (Arc::unwrap_or_clone(tile), &self.team.instance);
                let tile = Arc::clone(instance).load(tile, &self.place)?;
                (Some(tile), None)
            }
            Work::Step(mut tile, round, task) => {
                let partial = tile.local_step(Arc::unwrap_or_clone(task), &self.place)?;
                (Some(tile), Some((Stage::Round(round), Some(partial))))
            }
            Work::Collect(tile, output) => {
                let tile = tile.collect(Arc::unwrap_or_clone(output), &self.place)?;
                (None, Some((Stage::Collecting, tile)))
            }
        };
        Ok(Performed {
            tile,
            answer,
            began,
        })
    }

    /// It is `now`; `took` is how long the work has taken, where that is not what the clock shows.
    fn end(
        this: &Arc<Self>,
        result: Result<Performed, JobError>,
        took: Option<Duration>,
        now: Duration,
    ) {
        let mut effort = None;
        let (next, answer) = match result {
            Ok(performed) => {
                let Performed {
                    tile,
                    answer,
                    began,
                } = performed;
                let kept = answer.clone().filter(|_| this.team.host.is_recoverable());
                let mut memory = locked(&this.memory);
                if let (Some(stopwatch), Some(began)) = (&mut memory.stopwatch, began) {
                    stopwatch.computed(took.unwrap_or(now.saturating_sub(began)));
                    effort = answer.is_some().then(|| Box::new(stopwatch.answered(now)));
                }
                // Before the answer is sent: the next order may come at once.
                let next = memory.agenda.done(tile, kept, now);
                drop(memory);
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
            let answer = Answer {
                rank,
                stage,
                payload,
                effort,
            };
            this.team.answer(answer, now);
        }
        Self::go_on(this, next);
    }

    fn fail(&self, error: JobError) {
        let origin = self.team.origin;
        self.team
            .tell_leader(LeaderMessage::Failed { origin, error });
    }

    /// The leader misses an answer.
    fn speak(&self, inquiry: &Inquiry) {
        let (rank, stage) = (self.place.rank(), inquiry.stage);
        let host = &self.team.host;
        // It waits for others no longer than a tick; younger ones are there or under way.
        let way = host.timing.map_or(Duration::ZERO, |timing| timing.retry());
        let now = host.clock.now();
        let memory = locked(&self.memory);
        let word = memory.agenda.inquire(stage, now, way);
        let effort = memory.stopwatch.as_ref().and_then(|of| of.last());
        let effort = effort.map(Box::new);
        drop(memory);
        match word {
            Word::Busy => {}
            Word::LacksTile => locked(&inquiry.said).tiles.push(rank),
            Word::LacksOrder => locked(&inquiry.said).orders.push(rank),
            Word::Answered(payload) => locked(&inquiry.said).answers.push(Answer {
                rank,
                stage,
                payload,
                effort,
            }),
            Word::Failed(error) => self.fail(error),
        }
    }
}
