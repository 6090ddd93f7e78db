//! What an MsVPU does next: one piece of work at a time, in the order of the leader's messages.

use std::collections::VecDeque;

use crate::id::Round;
use crate::payload::Payload;

/// What the leader asks of an MsVPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Load(Payload),
    Step(Round, Payload),
    Collect(Payload),
}

/// Work for the compute pool; the loaded tile goes with it and comes back by [`Agenda::done`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Work<L> {
    Load(Payload),
    Step(L, Round, Payload),
    Collect(L, Payload),
}

/// The memory of an MsVPU between events; `L` is the loaded tile.
#[derive(Debug)]
pub(crate) struct Agenda<L> {
    state: State<L>,
    waiting: VecDeque<Order>,
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
            waiting: VecDeque::new(),
        }
    }

    /// Takes an order; returns the work to start now, if any.
    pub(crate) fn order(&mut self, order: Order) -> Option<Work<L>> {
        self.waiting.push_back(order);
        self.next()
    }

    /// Takes back the tile when its work is done; `None` when there is no tile any more.
    pub(crate) fn done(&mut self, tile: Option<L>) -> Option<Work<L>> {
        self.state = tile.map_or(State::Spent, State::Idle);
        self.next()
    }

    /// What is left at the end of a team: the tile, if it was not collected.
    pub(crate) fn end(&mut self) -> Option<L> {
        self.waiting.clear();
        match std::mem::replace(&mut self.state, State::Spent) {
            State::Idle(tile) => Some(tile),
            State::Empty | State::Busy | State::Spent => None,
        }
    }

    fn next(&mut self) -> Option<Work<L>> {
        match (&self.state, self.waiting.front()) {
            (State::Empty, Some(Order::Load(_))) | (State::Idle(_), Some(_)) => {}
            (State::Spent, _) => {
                self.waiting.clear();
                return None;
            }
            _ => return None,
        }
        let order = self.waiting.pop_front()?;
        match (std::mem::replace(&mut self.state, State::Busy), order) {
            (State::Empty, Order::Load(tile)) => Some(Work::Load(tile)),
            (State::Idle(tile), Order::Step(round, task)) => Some(Work::Step(tile, round, task)),
            (State::Idle(tile), Order::Collect(output)) => Some(Work::Collect(tile, output)),
            // A second tile for one that is loaded already: the first counts.
            (state, _) => {
                self.state = state;
                self.next()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(byte: u8) -> Payload {
        Payload {
            head: vec![byte].into(),
            ..Payload::default()
        }
    }

    #[test]
    fn orders_run_one_at_a_time_and_in_order() {
        let mut agenda = Agenda::<&str>::new();
        assert_eq!(
            agenda.order(Order::Step(Round(1), payload(1))),
            None,
            "no tile yet"
        );
        let mut agenda = Agenda::new();
        assert_eq!(
            agenda.order(Order::Load(payload(0))),
            Some(Work::Load(payload(0)))
        );
        assert_eq!(
            agenda.order(Order::Step(Round(1), payload(1))),
            None,
            "still loading"
        );
        assert_eq!(
            agenda.done(Some("tile")),
            Some(Work::Step("tile", Round(1), payload(1)))
        );
        assert_eq!(agenda.done(Some("tile")), None);
        assert_eq!(agenda.order(Order::Load(payload(9))), None, "has its tile");
        assert_eq!(
            agenda.order(Order::Collect(payload(2))),
            Some(Work::Collect("tile", payload(2)))
        );
        assert_eq!(agenda.end(), None, "collecting");
        assert_eq!(agenda.done(None), None);
        assert_eq!(
            agenda.order(Order::Step(Round(2), payload(3))),
            None,
            "spent"
        );
    }
}
