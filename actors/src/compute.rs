//! Where steps run: a pool of threads per node, never an actor's event loop.

mod quota;

use std::any::Any;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering, fence};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_queue::SegQueue;
use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};
use tokio::sync::watch;

use crate::caught::caught;
use crate::core::fair::Flow;
use crate::core::gate::Gate;
use crate::id::JobId;
use crate::work::{Label, Processors, Readies, Ready, Run, Work};

/// How long one idle thread looks out for more work before it sleeps. To wake a sleeping thread
/// takes 5 to 50 µs, about as long as a round of small steps with its global step: one thread that
/// stays awake from one round to the next halves the time of such a round.
const LOOKOUT: Duration = Duration::from_micros(100);

/// How often every idle thread looks for more work first: about 10 µs, to bridge the gaps within a
/// round.
const GLANCES: u32 = 32;

/// The threads of one node that compute. Cheap to clone; the threads end with the last clone, when
/// nothing waits any more.
///
/// As many threads as there are workers take steps from a queue, in order. They belong to a rayon
/// pool, so that a step may use rayon's parallel iterators within the node, together with one
/// helper less than there are workers, who sleep until a step does so. A thread that waits within
/// a step for a part of it may meanwhile compute a part of another step, as rayon's threads do, but
/// never a whole one: none is ever handed to rayon.
#[derive(Clone)]
pub(crate) struct Compute {
    threads: Arc<Threads>,
    workers: usize,
}

struct Threads {
    queue: Arc<Queue>,
    /// Ends its threads when it is dropped, after what they are at.
    _pool: ThreadPool,
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.queue.end();
    }
}

#[derive(Default)]
struct Queue {
    work: Waiting,
    /// Whether a thread looks out, with nothing to do.
    lookout: AtomicBool,
    /// How many sleepers nobody has called up; what [`Rest`] says, to be read without its lock.
    asleep: AtomicUsize,
    rest: Mutex<Rest>,
    wake: Condvar,
}

#[derive(Default)]
struct Rest {
    asleep: usize,
    /// Called up, but not awake yet.
    called: usize,
    ended: bool,
}

impl Compute {
    /// Starts `workers` threads and their helpers; `alive` follows how many there are.
    pub(crate) fn start(
        workers: usize,
        alive: Arc<watch::Sender<usize>>,
    ) -> Result<Self, ThreadPoolBuildError> {
        let workers = workers.clamp(1, rayon::max_num_threads().div_ceil(2));
        let threads = 2 * workers - 1;
        // Counted before they run, so that nobody who waits for their end misses one.
        alive.send_modify(|alive| *alive += threads);
        let queue = Arc::<Queue>::default();
        let work = Arc::clone(&queue);
        let pool = ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(move |index| match index.checked_sub(workers) {
                None => format!("msvpu-cpu-{index}"),
                Some(helper) => format!("msvpu-help-{helper}"),
            })
            // Before the loop in which a thread of the pool computes for others: a worker gets
            // there in the end only.
            .start_handler(move |index| {
                if index < workers {
                    work.take();
                }
            })
            .exit_handler(move |_| alive.send_modify(|alive| *alive -= 1))
            .build();
        let pool = pool.inspect_err(|_| queue.end())?;
        Ok(Self {
            threads: Arc::new(Threads { queue, _pool: pool }),
            workers,
        })
    }
}

impl Processors for Compute {
    fn share(&self) -> f64 {
        quota::quota().map_or(1.0, |cpus| (cpus / self.workers as f64).min(1.0))
    }

    fn load(&self) -> usize {
        self.threads.queue.work.change(|state| state.gate.load())
    }

    fn submit(&self, label: Label, work: Work) {
        self.threads.queue.put(label.flow, label.cost, work);
    }

    fn discard(&self, value: Box<dyn Any + Send>) {
        let work = Work::Once(Box::new(move |_| drop(value)));
        self.threads.queue.put(Flow::NOBODYS, 0.0, work);
    }

    fn forget(&self, job: JobId) {
        self.threads.queue.change(|state| {
            let (dropped, granted) = state.gate.forget(job);
            ((dropped, state.readies.take(Some(job))), granted)
        });
    }

    fn reserve(&self, job: JobId, ready: Ready) {
        self.threads.queue.change(|state| {
            let before = state.readies.add(job, ready);
            (before, state.gate.reserve(job))
        });
    }

    fn release(&self, job: JobId) {
        self.threads.queue.change(|state| {
            let granted = state.gate.release(job);
            (state.readies.take(Some(job)), granted)
        });
    }

    fn close(&self) {
        self.threads.queue.change(|state| {
            state.gate.open();
            (std::mem::take(&mut state.readies), None)
        });
    }
}

/// Work that waits, in a fair order, and who wants the CPUs for itself.
struct Waiting {
    /// What has come since the lock was last taken, in the order in which it came. Whoever takes
    /// the lock puts it in order, so that an event loop with a whole round to submit does not
    /// compete for the lock with the threads that take from it.
    inbox: SegQueue<(Flow, f64, Work)>,
    state: Mutex<State>,
    /// How many pieces could start now, without those in the inbox, or more; to be read without
    /// the lock, after the inbox.
    runnable: AtomicUsize,
}

struct State {
    gate: Gate<Work>,
    readies: Readies,
}

impl State {
    fn pop(&mut self) -> Option<Work> {
        self.gate.pop().map(|(.., work)| work)
    }
}

impl Default for Waiting {
    fn default() -> Self {
        Self {
            inbox: SegQueue::new(),
            state: Mutex::new(State {
                gate: Gate::new(),
                readies: Readies::default(),
            }),
            runnable: AtomicUsize::new(0),
        }
    }
}

impl Waiting {
    fn push(&self, flow: Flow, cost: f64, work: Work) {
        self.inbox.push((flow, cost, work));
    }

    fn pop(&self) -> Option<Work> {
        if self.is_empty() {
            return None;
        }
        self.change(State::pop)
    }

    /// One piece has ended: takes the next, in one go. Tells who is to be called, too.
    fn next(&self) -> (Option<Work>, Vec<Ready>) {
        self.change(|state| match state.gate.finished() {
            None => (state.pop(), Vec::new()),
            // Nothing has come yet of the one to whom the CPUs are granted.
            granted => (None, state.readies.take(granted)),
        })
    }

    /// Changes what waits. Whatever is taken out leaves the lock undropped: it may be a program's,
    /// or have something to discard, and that wants the lock.
    fn change<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        // Nothing of a program's runs under the lock.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.sort_in(&mut state.gate);
        let result = change(&mut state);
        self.runnable
            .store(state.gate.runnable(), Ordering::Release);
        result
    }

    /// Puts in order what has come until now.
    fn sort_in(&self, gate: &mut Gate<Work>) {
        let come = self.inbox.len();
        if come > 0 {
            // First: what is in the inbox no more must not be overlooked before the change is made.
            let runnable = gate.runnable() + come;
            self.runnable.store(runnable, Ordering::Release);
        }
        for (flow, cost, work) in (0..come).map_while(|_| self.inbox.pop()) {
            gate.push(flow, cost, work);
        }
    }

    /// Those in the inbox count, though a reservation may hold them back.
    fn runnable(&self) -> usize {
        self.inbox.len() + self.runnable.load(Ordering::Acquire)
    }

    fn is_empty(&self) -> bool {
        self.inbox.is_empty() && self.runnable.load(Ordering::Acquire) == 0
    }
}

impl Queue {
    fn put(&self, flow: Flow, cost: f64, work: Work) {
        self.work.push(flow, cost, work);
        if self.somebody_sleeps() {
            // One more waits than before, and the lookout may be enough for that.
            let enough = usize::from(self.lookout.load(Ordering::SeqCst));
            if self.work.runnable() > enough {
                self.call_up(1);
            }
        }
    }

    /// Changes who has the CPUs; `change` returns what is to be dropped, and to whom they have been
    /// granted.
    fn change<R>(&self, change: impl FnOnce(&mut State) -> (R, Option<JobId>)) {
        let (dropped, readies) = self.work.change(|state| {
            let (dropped, granted) = change(state);
            (dropped, state.readies.take(granted))
        });
        // Any number of pieces may start now that could not before.
        if self.somebody_sleeps() {
            self.call_up(self.work.runnable());
        }
        for ready in readies {
            ready();
        }
        drop(dropped);
    }

    /// To be asked after more work can start. Who falls asleep counts itself and then looks for
    /// work: one of the two sees the other.
    fn somebody_sleeps(&self) -> bool {
        fence(Ordering::SeqCst);
        self.asleep.load(Ordering::Relaxed) > 0
    }

    /// Wakes so many sleepers, if there are as many.
    fn call_up(&self, wanted: usize) {
        let mut rest = self.rest();
        let called = wanted.min(rest.asleep);
        rest.called += called;
        let asleep = rest.asleep - called;
        self.set_asleep(&mut rest, asleep);
        drop(rest);
        for _ in 0..called {
            self.wake.notify_one();
        }
    }

    /// Works until the end.
    fn take(&self) {
        loop {
            let mut next = self.work.pop();
            while let Some(work) = next {
                // What can still panic is a destructor of the program's.
                if let Err(reason) = caught(|| work.run(Run::default())) {
                    log::error!("panic after a step: {reason}");
                }
                let (work, readies) = self.work.next();
                next = work;
                for ready in readies {
                    ready();
                }
            }
            if !self.look_out() && !self.sleep() {
                return;
            }
        }
    }

    /// Waits a moment for work, the longer moment unless another thread does; tells whether some
    /// came.
    fn look_out(&self) -> bool {
        for _ in 0..GLANCES {
            if !self.work.is_empty() {
                return true;
            }
            thread::yield_now();
        }
        if self.lookout.swap(true, Ordering::SeqCst) {
            return false;
        }
        let since = Instant::now();
        while self.work.is_empty() && since.elapsed() < LOOKOUT {
            thread::yield_now();
        }
        self.lookout.store(false, Ordering::SeqCst);
        !self.work.is_empty()
    }

    /// Waits to be called up; false at the end, when nothing waits any more.
    fn sleep(&self) -> bool {
        let mut rest = self.rest();
        let asleep = rest.asleep + 1;
        self.set_asleep(&mut rest, asleep);
        fence(Ordering::SeqCst);
        if !self.work.is_empty() {
            self.set_asleep(&mut rest, asleep - 1);
            return true;
        }
        while rest.called == 0 && !rest.ended {
            rest = self.wake.wait(rest).unwrap_or_else(PoisonError::into_inner);
        }
        rest.called = rest.called.saturating_sub(1);
        // The end may come between a call and its sleeper's awakening: the work is still there.
        !rest.ended || !self.work.is_empty()
    }

    fn set_asleep(&self, rest: &mut Rest, asleep: usize) {
        rest.asleep = asleep;
        self.asleep.store(asleep, Ordering::Relaxed);
    }

    /// Nobody is left to submit anything, or to release the CPUs.
    fn end(&self) {
        let dropped = self.work.change(|state| {
            state.gate.open();
            std::mem::take(&mut state.readies)
        });
        self.rest().ended = true;
        self.wake.notify_all();
        drop(dropped);
    }

    fn rest(&self) -> MutexGuard<'_, Rest> {
        // Changed by assignments alone: a panic leaves nothing half done.
        self.rest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
