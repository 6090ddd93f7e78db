//! One level of a fair queue: whose turn it is, in virtual time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::job::Priority;

/// Virtual time: integers, so that no sum of a long life loses a small piece. A tick is a 1024th
/// of an elementary operation at the highest weight; 2¹²⁸ of them do not come to an end.
pub(super) type Ticks = u128;

/// A piece of no cost still passes in virtual time, and one costs at most 2⁵⁴ operations.
pub(super) fn ticks(cost: f64, weight: Priority) -> Ticks {
    // The cast takes NaN and what is negative for 0, and bounds what is too large.
    let raw = (cost * 1024.0) as u64;
    Ticks::from(raw.max(1))
        * match weight {
            Priority::Low => 16,
            Priority::Normal => 4,
            Priority::High => 1,
        }
}

/// A flow that waits, by its start tag; ties in the order of arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Ready {
    start: Ticks,
    arrival: u64,
    flow: usize,
}

/// The flows of one level that wait, and the virtual time of that level.
#[derive(Debug, Default)]
pub(super) struct Level {
    /// Whose turn it is. Mostly nobody else waits, and to look at one takes fewer of the memory's
    /// lines than to look into a heap.
    first: Option<Ready>,
    others: BinaryHeap<Reverse<Ready>>,
    /// Start tag of what was taken last; when nothing waits, the end of all that was taken.
    pub(super) now: Ticks,
    /// The latest end.
    end: Ticks,
    arrivals: u64,
}

impl Level {
    /// A flow begins to wait, whose last piece ended at `end`.
    pub(super) fn arrive(&mut self, flow: usize, end: Ticks) {
        let start = end.max(self.now);
        self.arrivals += 1;
        let ready = Ready {
            start,
            arrival: self.arrivals,
            flow,
        };
        match &mut self.first {
            None => self.first = Some(ready),
            Some(first) => {
                self.others.push(Reverse(ready.max(*first)));
                *first = ready.min(*first);
            }
        }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    pub(super) fn next(&self) -> Option<usize> {
        self.first.map(|first| first.flow)
    }

    /// Takes a piece of `cost` ticks from the next flow; returns where it ends.
    /// The flow waits on if it has more.
    pub(super) fn take(&mut self, cost: Ticks, more: bool) -> Ticks {
        let Some(first) = &mut self.first else {
            return self.now;
        };
        self.now = first.start;
        let end = self.now + cost;
        self.end = self.end.max(end);
        if more {
            self.arrivals += 1;
            first.start = end;
            first.arrival = self.arrivals;
            if let Some(mut other) = self.others.peek_mut()
                && other.0 < *first
            {
                std::mem::swap(&mut other.0, first);
            }
        } else {
            self.advance();
        }
        end
    }

    pub(super) fn leave(&mut self, flow: usize) {
        if self.next() == Some(flow) {
            self.advance();
        } else {
            self.others.retain(|Reverse(ready)| ready.flow != flow);
        }
    }

    /// The first waits no more.
    fn advance(&mut self) {
        self.first = self.others.pop().map(|Reverse(ready)| ready);
        self.rest();
    }

    /// A time in which something waited is over: in the next one all flows begin alike.
    fn rest(&mut self) {
        if self.is_empty() {
            self.now = self.end;
        }
    }
}
