//! The way from a node's queue to its CPUs, which one job at a time can have to itself.
//!
//! A tile that may have brought down a node is tried where nothing else runs: if the node goes
//! down again, it was that tile. So a job reserves the CPUs, gets them when nothing runs any more
//! and nothing of its own waits, and only what it brings from then on runs until it releases them.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use crate::core::fair::{FairQueue, Flow};
use crate::id::JobId;

/// A [`FairQueue`] that knows what runs and who has reserved the CPUs.
///
/// Reservations are granted in the order in which they were asked for. From the moment that one
/// is asked for, nothing of others starts, and it is granted once all that runs and all that its
/// job has brought has ended: what the job brings then must not wait for what waits till the end.
/// Methods that may lead to that return the job to whom the CPUs have just been granted.
#[derive(Debug)]
pub(crate) struct Gate<T> {
    queue: FairQueue<T>,
    /// What waits of the holder, or of the one that is to be next.
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
        if self.favoured() == Some(flow.job) {
            self.side.push_back((flow, cost, piece));
        } else {
            self.queue.push(flow, cost, piece);
        }
    }

    /// Takes the piece whose turn it is, with its flow and cost; it runs until
    /// [`finished`](Self::finished) is called.
    pub(crate) fn pop(&mut self) -> Option<(Flow, f64, T)> {
        let piece = match self.favoured() {
            Some(_) => self.side.pop_front(),
            None => self.queue.pop(),
        }?;
        self.running += 1;
        Some(piece)
    }

    /// How many pieces [`pop`](Self::pop) would give now.
    pub(crate) fn runnable(&self) -> usize {
        match self.favoured() {
            Some(_) => self.side.len(),
            None => self.queue.len(),
        }
    }

    /// How many pieces run or wait, whoever may run now.
    pub(crate) fn load(&self) -> usize {
        self.queue.len() + self.side.len() + self.running
    }

    /// The only job of which anything starts now: the holder, or who is to be next.
    fn favoured(&self) -> Option<JobId> {
        self.holder.or_else(|| self.asked.front().copied())
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
            if self.favoured() == Some(job) {
                self.side = self.queue.drain(job);
            }
        }
        self.grant()
    }

    /// Takes back a reservation, whether it was granted or only asked for. What the job has
    /// brought meanwhile and has not run waits like all else.
    pub(crate) fn release(&mut self, job: JobId) -> Option<JobId> {
        let was_favoured = self.favoured() == Some(job);
        self.asked.retain(|asked| *asked != job);
        self.holder.take_if(|holder| *holder == job);
        if was_favoured {
            for (flow, cost, piece) in self.side.drain(..) {
                self.queue.push(flow, cost, piece);
            }
            if let Some(next) = self.favoured() {
                self.side = self.queue.drain(next);
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
        if let Some(job) = self.favoured() {
            self.asked.retain(|asked| *asked == job);
            self.release(job);
        }
    }

    fn grant(&mut self) -> Option<JobId> {
        if self.holder.is_some() || self.running > 0 || !self.side.is_empty() {
            return None;
        }
        self.holder = self.asked.pop_front();
        self.holder
    }
}
