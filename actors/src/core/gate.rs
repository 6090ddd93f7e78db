//! The way from a node's queue to its CPUs, which one job at a time can have to itself.
//!
//! A tile that may have brought down a node is tried where nothing else runs: if the node goes
//! down again, it was that tile. So a job reserves the CPUs, gets them when nothing runs any more,
//! and only what it brings from then on runs until it releases them.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use crate::core::fair::{FairQueue, Flow};
use crate::id::JobId;

/// A [`FairQueue`] that knows what runs and who has reserved the CPUs.
///
/// Reservations are granted in the order in which they were asked for. From the moment that one
/// is asked for, nothing new starts, so that each is granted once all that runs now has ended.
/// Methods that may lead to that return the job to whom the CPUs have just been granted.
#[derive(Debug)]
pub(crate) struct Gate<T> {
    queue: FairQueue<T>,
    /// What the holder has brought since it holds the CPUs.
    side: VecDeque<(Flow, f64, T)>,
    running: usize,
    holder: Option<JobId>,
    /// Who has asked, without the holder.
    asked: VecDeque<JobId>,
}

impl<T> Gate<T> {
    pub(crate) fn new() -> Self {
        Self {
            queue: FairQueue::new(),
            side: VecDeque::new(),
            running: 0,
            holder: None,
            asked: VecDeque::new(),
        }
    }

    /// Lets a piece wait for its turn; `cost` in elementary operations, as for
    /// [`FairQueue::push`].
    pub(crate) fn push(&mut self, flow: Flow, cost: f64, piece: T) {
        if self.holder == Some(flow.job) {
            self.side.push_back((flow, cost, piece));
        } else {
            self.queue.push(flow, cost, piece);
        }
    }

    /// Takes the piece whose turn it is; it runs until [`finished`](Self::finished) is called.
    pub(crate) fn pop(&mut self) -> Option<T> {
        let piece = if self.holder.is_some() {
            self.side.pop_front().map(|(.., piece)| piece)
        } else if self.asked.is_empty() {
            self.queue.pop()
        } else {
            None
        }?;
        self.running += 1;
        Some(piece)
    }

    /// How many pieces [`pop`](Self::pop) would give now.
    pub(crate) fn runnable(&self) -> usize {
        if self.holder.is_some() {
            self.side.len()
        } else if self.asked.is_empty() {
            self.queue.len()
        } else {
            0
        }
    }

    /// A piece that ran has ended.
    pub(crate) fn finished(&mut self) -> Option<JobId> {
        self.running = self.running.saturating_sub(1);
        self.grant()
    }

    /// Asks for the CPUs. Asking twice is asking once; to the job that has them, they are granted
    /// again at once.
    pub(crate) fn reserve(&mut self, job: JobId) -> Option<JobId> {
        if self.holder == Some(job) {
            return self.holder;
        }
        if !self.asked.contains(&job) {
            self.asked.push_back(job);
        }
        self.grant()
    }

    /// Takes back a reservation, whether it was granted or only asked for. What the job has
    /// brought meanwhile and has not run waits like all else.
    pub(crate) fn release(&mut self, job: JobId) -> Option<JobId> {
        self.asked.retain(|asked| *asked != job);
        if self.holder == Some(job) {
            self.holder = None;
            for (flow, cost, piece) in self.side.drain(..) {
                self.queue.push(flow, cost, piece);
            }
        }
        self.grant()
    }

    /// Forgets a job and its reservation; returns what waits of it as well.
    pub(crate) fn forget(&mut self, job: JobId) -> (VecDeque<T>, Option<JobId>) {
        let granted = self.release(job);
        (self.queue.remove(job), granted)
    }

    /// Takes back all reservations.
    pub(crate) fn open(&mut self) {
        self.asked.clear();
        if let Some(job) = self.holder {
            self.release(job);
        }
    }

    fn grant(&mut self) -> Option<JobId> {
        if self.holder.is_some() || self.running > 0 {
            return None;
        }
        self.holder = self.asked.pop_front();
        self.holder
    }
}
