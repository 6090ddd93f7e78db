//! Virtual time: what happens next, and on which node.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use slab::Slab;
use uuid::Builder;

use crate::clock::Clock;
use crate::id::JobId;

/// What is to happen.
pub(crate) enum Action {
    Once(Box<dyn FnOnce() + Send>),
    /// A stage of what has several, and goes from one to the next as it is.
    Stage(Box<dyn Stages>),
    /// The end of what one began in that place, under that number. There is one for each step, so none is
    /// allocated.
    End(Weak<dyn Ends>, usize, u64),
}

impl Action {
    pub(crate) fn happen(self) {
        match self {
            Self::Once(action) => action(),
            Self::Stage(of) => of.happen(),
            Self::End(whose, place, number) => {
                if let Some(whose) = whose.upgrade() {
                    whose.end(place, number);
                }
            }
        }
    }
}

/// What happens in stages; each schedules the next.
pub(crate) trait Stages: Send {
    fn happen(self: Box<Self>);
}

/// One whose doings end at a time that is known when they begin.
pub(crate) trait Ends: Send + Sync {
    /// What began in that place under that number ends, if it is still there.
    fn end(&self, place: usize, number: u64);
}

/// A process on a node: the node's index, and how often it has been started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) node: usize,
    pub(crate) generation: u32,
}

/// Events in the order of their time, and of their making where times are equal.
#[derive(Default)]
pub(crate) struct Timeline {
    /// Nanoseconds; changed under the lock, and read several times a step.
    now: AtomicU64,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    origin: Duration,
    made: u64,
    queue: Queue,
    nodes: Vec<NodeState>,
    jobs: u64,
    trace: Trace,
}

#[derive(Default)]
struct NodeState {
    generation: u32,
    /// How often it was paused and not resumed.
    pauses: u32,
    /// What falls due while the node stands still.
    held: Vec<Event>,
}

struct Event {
    /// `None`: of the world, and not of a node.
    process: Option<Process>,
    action: Action,
}

/// When an event is due, in nanoseconds: 584 years from the beginning are the end of all times.
fn nanoseconds(at: Duration) -> u64 {
    u64::try_from(at.as_nanos()).unwrap_or(u64::MAX)
}

/// Events by their time. The heap moves keys only: there are as many events as steps.
#[derive(Default)]
struct Queue {
    due: BinaryHeap<Reverse<Due>>,
    events: Slab<Event>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Due {
    /// Nanoseconds.
    at: u64,
    made: u64,
    event: usize,
}

impl Queue {
    fn push(&mut self, at: u64, made: u64, event: Event) {
        let event = self.events.insert(event);
        self.due.push(Reverse(Due { at, made, event }));
    }

    fn pop(&mut self) -> Option<(u64, Event)> {
        let Reverse(Due { at, event, .. }) = self.due.pop()?;
        Some((at, self.events.try_remove(event)?))
    }
}

/// FNV-1a (Fowler, Noll, Vo) over all that happens: the same trace has the same hash.
struct Trace(u64);

impl Default for Trace {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Trace {
    fn note(&mut self, words: &[u64]) {
        for byte in words.iter().flat_map(|word| word.to_le_bytes()) {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}

impl Timeline {
    pub(crate) fn new(nodes: usize) -> Self {
        let timeline = Self::default();
        timeline
            .inner()
            .nodes
            .resize_with(nodes, NodeState::default);
        timeline
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // No action runs under the lock, so nothing panics under it.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> Duration {
        Duration::from_nanos(self.now.load(Ordering::Relaxed))
    }

    /// Puts down what happened, for the trace's hash.
    pub(crate) fn note(&self, words: &[u64]) {
        let mut inner = self.inner();
        let now = (self.now() - inner.origin).as_nanos() as u64;
        inner.trace.note(&[now]);
        inner.trace.note(words);
    }

    pub(crate) fn trace(&self) -> u64 {
        self.inner().trace.0
    }

    /// Something is to happen; not, if its process is no more by then.
    pub(crate) fn schedule(&self, at: Duration, process: Option<Process>, action: Action) {
        let mut inner = self.inner();
        inner.made += 1;
        let at = nanoseconds(at.max(self.now()));
        let made = inner.made;
        inner.queue.push(at, made, Event { process, action });
    }

    /// Nothing that was to happen happens any more.
    pub(crate) fn clear(&self) {
        let mut guard = self.inner();
        let queue = std::mem::take(&mut guard.queue);
        let held = guard.nodes.iter_mut().map(|node| &mut node.held);
        let held: Vec<Vec<Event>> = held.map(std::mem::take).collect();
        drop(guard);
        // Whoever waits for one of them is told: not under the lock.
        drop((queue, held));
    }

    /// Moves on to the next event, and gives it.
    pub(crate) fn next(&self) -> Option<Action> {
        let mut guard = self.inner();
        let inner = &mut *guard;
        loop {
            let (at, event) = inner.queue.pop()?;
            if let Some(process) = event.process {
                let node = inner.nodes.get_mut(process.node)?;
                if node.generation != process.generation {
                    continue;
                }
                if node.pauses > 0 {
                    node.held.push(event);
                    continue;
                }
            }
            self.now.store(at, Ordering::Relaxed);
            return Some(event.action);
        }
    }

    /// The plan of the simulation and its trace begin now; what was before was its setting up.
    pub(crate) fn rebase(&self) {
        let mut guard = self.inner();
        let inner = &mut *guard;
        inner.trace = Trace::default();
        inner.origin = self.now();
    }

    /// The moment from which the plan of the simulation counts.
    pub(crate) fn origin(&self) -> Duration {
        self.inner().origin
    }

    /// The process that runs on the node now.
    pub(crate) fn process(&self, node: usize) -> Process {
        let inner = self.inner();
        Process {
            node,
            generation: inner.nodes.get(node).map_or(0, |state| state.generation),
        }
    }

    pub(crate) fn is_current(&self, process: Process) -> bool {
        self.process(process.node) == process
    }

    /// Ends the node's process: nothing of it happens any more.
    pub(crate) fn kill(&self, node: usize) {
        if let Some(state) = self.inner().nodes.get_mut(node) {
            state.generation += 1;
            state.pauses = 0;
            state.held.clear();
        }
    }

    /// Stops the node's process; tells which that is, and whether it ran.
    pub(crate) fn pause(&self, node: usize) -> (Process, bool) {
        let process = self.process(node);
        let mut inner = self.inner();
        let state = inner.nodes.get_mut(node);
        let ran = state.is_some_and(|state| {
            state.pauses += 1;
            state.pauses == 1
        });
        (process, ran)
    }

    /// Takes back one pause of the process, if that is still there; tells whether it runs again.
    /// What fell due while the node stood still happens now, in its order.
    pub(crate) fn resume(&self, process: Process) -> bool {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let Some(state) = inner.nodes.get_mut(process.node) else {
            return false;
        };
        if state.generation != process.generation || state.pauses == 0 {
            return false;
        }
        state.pauses -= 1;
        if state.pauses > 0 {
            return false;
        }
        let now = nanoseconds(self.now());
        for event in std::mem::take(&mut state.held) {
            inner.made += 1;
            inner.queue.push(now, inner.made, event);
        }
        true
    }
}

/// The virtual time of one process.
pub(crate) struct VirtualClock {
    pub(crate) timeline: Arc<Timeline>,
    pub(crate) process: Process,
}

impl Clock for VirtualClock {
    fn now(&self) -> Duration {
        self.timeline.now()
    }

    fn after(&self, delay: Duration, action: Box<dyn FnOnce() + Send>) {
        let at = self.timeline.now() + delay;
        self.timeline
            .schedule(at, Some(self.process), Action::Once(action));
    }

    /// Shaped like those of real time, counted instead of drawn.
    fn job_id(&self) -> JobId {
        let mut inner = self.timeline.inner();
        inner.jobs += 1;
        let mut counter = [0; 10];
        counter[2..].copy_from_slice(&inner.jobs.to_be_bytes());
        let millis = self.now().as_millis() as u64;
        JobId::new(Builder::from_unix_timestamp_millis(millis, &counter).into_uuid())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_was_paused_twice_goes_on_when_both_are_over() {
        let timeline = Timeline::new(1);
        let schedule = |seconds| {
            let at = Duration::from_secs(seconds);
            let process = timeline.process(0);
            timeline.schedule(at, Some(process), Action::Once(Box::new(|| ())));
        };
        schedule(1);
        let (process, ran) = timeline.pause(0);
        assert!(ran);
        assert!(!timeline.pause(0).1, "it stood still");
        assert!(!timeline.resume(process));
        assert!(timeline.next().is_none(), "and does so still");
        assert!(timeline.resume(process));
        assert!(timeline.next().is_some());
        assert!(!timeline.resume(process), "it runs");
    }

    #[test]
    fn a_pause_ends_with_its_process() {
        let timeline = Timeline::new(1);
        let (before, _) = timeline.pause(0);
        timeline.kill(0);
        let (now, ran) = timeline.pause(0);
        assert!(ran, "another process runs");
        assert!(!timeline.resume(before), "that one is no more");
        assert!(timeline.resume(now));
    }
}
