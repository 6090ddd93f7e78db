//! Where steps run: a pool of threads per node, never an actor's event loop.

use std::any::Any;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering, fence};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};
use tokio::sync::watch;

use crate::caught::caught;
use crate::core::fair::{FairQueue, Flow};
use crate::id::JobId;
use crate::work::{Label, Processors, Run, Work};

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
}

struct Threads {
    queue: Arc<Queue>,
    workers: usize,
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
            threads: Arc::new(Threads {
                queue,
                workers,
                _pool: pool,
            }),
        })
    }

    pub(crate) fn workers(&self) -> usize {
        self.threads.workers
    }
}

impl Processors for Compute {
    fn cpus(&self) -> u32 {
        u32::try_from(self.workers()).unwrap_or(u32::MAX)
    }

    fn submit(&self, label: Label, work: Work) {
        self.threads.queue.put(label.flow, label.cost, work);
    }

    fn discard(&self, value: Box<dyn Any + Send>) {
        let work = Box::new(move |_| drop(value));
        self.threads.queue.put(Flow::NOBODYS, 0.0, work);
    }

    fn forget(&self, job: JobId) {
        self.threads.queue.work.forget(job);
    }

    fn reserve(&self, _: JobId, ready: Box<dyn FnOnce() + Send>) {
        ready();
    }

    fn release(&self, _: JobId) {}
}

/// Work that waits, in a fair order.
struct Waiting {
    queue: Mutex<FairQueue<Work>>,
    /// To be read without the lock.
    len: AtomicUsize,
}

impl Default for Waiting {
    fn default() -> Self {
        Self {
            queue: Mutex::new(FairQueue::new()),
            len: AtomicUsize::new(0),
        }
    }
}

impl Waiting {
    fn push(&self, flow: Flow, cost: f64, work: Work) {
        let mut queue = self.queue();
        queue.push(flow, cost, work);
        self.len.store(queue.len(), Ordering::Release);
    }

    fn pop(&self) -> Option<Work> {
        if self.is_empty() {
            return None;
        }
        let mut queue = self.queue();
        let work = queue.pop();
        self.len.store(queue.len(), Ordering::Release);
        work
    }

    fn forget(&self, job: JobId) {
        let mut queue = self.queue();
        let dropped = queue.remove(job);
        self.len.store(queue.len(), Ordering::Release);
        // What is dropped may have something to discard, and that wants the lock.
        drop(queue);
        drop(dropped);
    }

    fn len(&self) -> usize {
        self.len.load(Ordering::Acquire)
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn queue(&self) -> MutexGuard<'_, FairQueue<Work>> {
        // Nothing of a program's runs under the lock.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn put(&self, flow: Flow, cost: f64, work: Work) {
        self.work.push(flow, cost, work);
        // Who falls asleep counts itself and then looks for work: one of the two sees the other.
        fence(Ordering::SeqCst);
        if self.asleep.load(Ordering::Relaxed) > 0 {
            self.call_up();
        }
    }

    /// Wakes a sleeper unless the lookout is enough for what waits.
    fn call_up(&self) {
        if self.lookout.load(Ordering::SeqCst) && self.work.len() <= 1 {
            return;
        }
        let mut rest = self.rest();
        if rest.asleep > 0 {
            rest.called += 1;
            self.set_asleep(&mut rest, |asleep| asleep - 1);
            drop(rest);
            self.wake.notify_one();
        }
    }

    /// Works until the end.
    fn take(&self) {
        loop {
            while let Some(work) = self.work.pop() {
                // What can still panic is a destructor of the program's.
                if let Err(reason) = caught(|| work(Run::default())) {
                    log::error!("panic after a step: {reason}");
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

    /// Waits to be called up; false at the end.
    fn sleep(&self) -> bool {
        let mut rest = self.rest();
        self.set_asleep(&mut rest, |asleep| asleep + 1);
        fence(Ordering::SeqCst);
        if !self.work.is_empty() {
            self.set_asleep(&mut rest, |asleep| asleep - 1);
            return true;
        }
        while rest.called == 0 && !rest.ended {
            rest = self.wake.wait(rest).unwrap_or_else(PoisonError::into_inner);
        }
        rest.called = rest.called.saturating_sub(1);
        !rest.ended
    }

    fn set_asleep(&self, rest: &mut Rest, change: fn(usize) -> usize) {
        rest.asleep = change(rest.asleep);
        self.asleep.store(rest.asleep, Ordering::Relaxed);
    }

    fn end(&self) {
        self.rest().ended = true;
        self.wake.notify_all();
    }

    fn rest(&self) -> MutexGuard<'_, Rest> {
        // Changed by assignments alone: a panic leaves nothing half done.
        self.rest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
