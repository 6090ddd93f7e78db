//! What an MsVPU does next: one piece of work at a time, in the order of the leader's messages.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::JobError;
use crate::id::Round;
use crate::payload::Payload;

/// What an answer belongs to, in the order of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum Stage {
    Round(Round),
    Collecting,
}

/// What the leader asks of an MsVPU; tasks and outputs are shared by those of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Load(Arc<Payload>),
    Step(Round, Arc<Payload>),
    Collect(Arc<Payload>),
}

/// Work for the compute pool; the loaded tile goes with it and comes back by [`Agenda::done`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Work<L> {
    Load(Arc<Payload>),
    Step(L, Round, Arc<Payload>),
    Collect(L, Arc<Payload>),
}

/// What comes of an order or of the end of a work.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Next<L> {
    /// The work to start now.
    pub(crate) work: Option<Work<L>>,
    /// How many orders that call for an answer were dropped: they had come before, or there is
    /// nothing left to do them with.
    pub(crate) dropped: usize,
}

/// What an MsVPU says when the leader misses its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// It works on it, or will, or its answer is on its way.
    Busy,
    /// It never got its tile.
    LacksTile,
    /// It has its tile and no order.
    LacksOrder,
    /// It answered a while ago: here it is again, `None` for the hand-over of nothing.
    Answered(Option<Payload>),
    /// It has failed, with this.
    Failed(JobError),
}

/// The memory of an MsVPU between events; `L` is the loaded tile.
#[derive(Debug)]
pub(crate) struct Agenda<L> {
    state: State<L>,
    /// Where some wait.
    #[expect(
        clippy::box_collection,
        reason = "most MsVPUs are idle most of the time, and an empty queue takes four words"
    )]
    waiting: Option<Box<VecDeque<Order>>>,
    /// The latest answer, in case it gets lost; kept where messages can be. Not elsewhere: it is written
    /// with every answer, and would be one more place in memory to go to.
    last: Option<Last>,
    failure: Option<Box<JobError>>,
}

/// The latest answer, and when it was computed.
#[derive(Debug)]
struct Last {
    stage: Stage,
    payload: Option<Payload>,
    at: Duration,
}

#[derive(Debug)]
enum State<L> {
    Empty,
    Busy,
    Idle(L),
    /// A step failed or the tile was collected: nothing more can be done with it.
    Spent,
}

impl<L> Agenda<L> {
    pub(crate) const fn new() -> Self {
        Self {
            state: State::Empty,
            waiting: None,
            last: None,
            failure: None,
        }
    }

    /// Takes an order.
    pub(crate) fn order(&mut self, order: Order) -> Next<L> {
        let Some(waiting) = &mut self.waiting else {
            return self.begin([order].into_iter());
        };
        // A task may have overtaken the tile.
        match (&self.state, &order) {
            (State::Empty, Order::Load(_)) => waiting.push_front(order),
            _ => waiting.push_back(order),
        }
        self.next()
    }

    /// Takes back the tile when its work is done; `None` when there is no tile any more. `answer`
    /// is what was answered, where it is to be kept.
    pub(crate) fn done(
        &mut self,
        tile: Option<L>,
        answer: Option<(Stage, Option<Payload>)>,
        now: Duration,
    ) -> Next<L> {
        self.state = tile.map_or(State::Spent, State::Idle);
        if let Some((stage, payload)) = answer {
            let at = now;
            self.last = Some(Last { stage, payload, at });
        }
        self.next()
    }

    /// The work has failed: there is no tile any more.
    pub(crate) fn failed(&mut self, error: JobError) -> Next<L> {
        self.failure = Some(Box::new(error));
        self.state = State::Spent;
        self.next()
    }

    /// Whether there is an order that it works on, or will.
    pub(crate) fn owes(&self) -> bool {
        matches!(self.state, State::Busy) || self.waiting.is_some()
    }

    /// What is left at the end of a team: the tile, if it was not collected.
    pub(crate) fn end(&mut self) -> Option<L> {
        self.waiting = None;
        match std::mem::replace(&mut self.state, State::Spent) {
            State::Idle(tile) => Some(tile),
            State::Empty | State::Busy | State::Spent => None,
        }
    }

    /// The leader misses the answer of a stage; one that is younger than `way` may be on its way.
    pub(crate) fn inquire(&self, stage: Stage, now: Duration, way: Duration) -> Word {
        if let Some(error) = &self.failure {
            return Word::Failed((**error).clone());
        }
        if let Some(last) = &self.last
            && last.stage == stage
        {
            return if now.saturating_sub(last.at) < way {
                Word::Busy
            } else {
                Word::Answered(last.payload.clone())
            };
        }
        match self.state {
            State::Busy => Word::Busy,
            State::Empty => Word::LacksTile,
            State::Idle(_) | State::Spent => Word::LacksOrder,
        }
    }

    fn next(&mut self) -> Next<L> {
        let waiting = self.waiting.take().map(|waiting| *waiting);
        self.begin(waiting.into_iter().flatten())
    }

    /// Begins with the first of the orders that can be followed; those behind it wait.
    fn begin(&mut self, mut orders: impl Iterator<Item = Order>) -> Next<L> {
        let mut dropped = 0;
        let mut work = None;
        for order in orders.by_ref() {
            match (std::mem::replace(&mut self.state, State::Busy), order) {
                (State::Empty, Order::Load(tile)) => work = Some(Work::Load(tile)),
                (State::Idle(tile), Order::Step(round, task))
                    if self.is_new(Stage::Round(round)) =>
                {
                    work = Some(Work::Step(tile, round, task));
                }
                (State::Idle(tile), Order::Collect(output)) => {
                    work = Some(Work::Collect(tile, output));
                }
                (state @ (State::Busy | State::Empty), order) => {
                    self.state = state;
                    self.wait(order);
                }
                // What has come before, or finds no tile any more.
                (state, order) => {
                    self.state = state;
                    dropped += usize::from(!matches!(order, Order::Load(_)));
                    continue;
                }
            }
            break;
        }
        orders.for_each(|order| self.wait(order));
        Next { work, dropped }
    }

    fn wait(&mut self, order: Order) {
        self.waiting.get_or_insert_default().push_back(order);
    }

    fn is_new(&self, stage: Stage) -> bool {
        self.last.as_ref().is_none_or(|last| stage > last.stage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When all is computed, and how long answers are under way.
    const AT: Duration = Duration::from_secs(9);
    const WAY: Duration = Duration::from_millis(200);

    fn answer(byte: u8) -> Option<Payload> {
        Some(Payload {
            head: vec![byte].into(),
            ..Payload::default()
        })
    }

    fn payload(byte: u8) -> Arc<Payload> {
        Arc::new(answer(byte).unwrap())
    }

    fn start(work: Work<&'static str>) -> Next<&'static str> {
        Next {
            work: Some(work),
            dropped: 0,
        }
    }

    fn nothing(dropped: usize) -> Next<&'static str> {
        Next {
            work: None,
            dropped,
        }
    }

    #[test]
    fn orders_run_one_at_a_time_and_in_order() {
        let mut agenda = Agenda::new();
        let early = agenda.order(Order::Step(Round(1), payload(1)));
        assert_eq!(early, nothing(0), "no tile yet: the task has overtaken it");
        assert!(agenda.owes(), "it waits for its tile");
        assert_eq!(
            agenda.inquire(Stage::Round(Round(1)), AT + WAY, WAY),
            Word::LacksTile
        );
        assert_eq!(
            agenda.order(Order::Load(payload(0))),
            start(Work::Load(payload(0)))
        );
        assert_eq!(
            agenda.inquire(Stage::Round(Round(1)), AT + WAY, WAY),
            Word::Busy
        );
        assert_eq!(
            agenda.done(Some("tile"), None, AT),
            start(Work::Step("tile", Round(1), payload(1)))
        );
        assert!(agenda.owes());
        assert_eq!(agenda.done(Some("tile"), None, AT), nothing(0));
        assert_eq!(
            agenda.order(Order::Load(payload(9))),
            nothing(0),
            "has its tile"
        );
        assert!(!agenda.owes());
        assert_eq!(
            agenda.order(Order::Collect(payload(2))),
            start(Work::Collect("tile", payload(2)))
        );
        assert_eq!(agenda.done(None, None, AT), nothing(0));
        assert_eq!(
            agenda.order(Order::Step(Round(2), payload(3))),
            nothing(1),
            "spent"
        );
    }

    #[test]
    fn an_answer_that_was_lost_is_given_again_and_not_computed_again() {
        let mut agenda = Agenda::new();
        agenda.order(Order::Load(payload(0)));
        agenda.done(Some("tile"), None, AT);
        let round = Stage::Round(Round(3));
        assert_eq!(agenda.inquire(round, AT + WAY, WAY), Word::LacksOrder);
        agenda.order(Order::Step(Round(3), payload(1)));
        agenda.done(Some("tile"), Some((round, answer(7))), AT);
        let just_after = AT + WAY - Duration::from_nanos(1);
        assert_eq!(
            agenda.inquire(round, just_after, WAY),
            Word::Busy,
            "on its way"
        );
        let again = Word::Answered(answer(7));
        assert_eq!(agenda.inquire(round, AT + WAY, WAY), again);
        assert_eq!(
            agenda.order(Order::Step(Round(3), payload(1))),
            nothing(1),
            "again"
        );
        assert_eq!(
            agenda.order(Order::Step(Round(2), payload(1))),
            nothing(1),
            "late"
        );
        assert_eq!(
            agenda.inquire(Stage::Round(Round(4)), AT + WAY, WAY),
            Word::LacksOrder
        );
        agenda.order(Order::Collect(payload(2)));
        agenda.done(None, Some((Stage::Collecting, None)), AT);
        assert_eq!(
            agenda.inquire(Stage::Collecting, AT + WAY, WAY),
            Word::Answered(None)
        );
    }

    #[test]
    fn a_failure_is_told_as_often_as_it_is_asked_for() {
        let mut agenda = Agenda::<&str>::new();
        agenda.order(Order::Load(payload(0)));
        agenda.order(Order::Step(Round(1), payload(1)));
        assert_eq!(
            agenda.failed(JobError::NoTiles),
            nothing(1),
            "what waited is dropped"
        );
        let word = Word::Failed(JobError::NoTiles);
        assert_eq!(agenda.inquire(Stage::Round(Round(1)), AT + WAY, WAY), word);
        assert_eq!(agenda.inquire(Stage::Collecting, AT + WAY, WAY), word);
    }
}
