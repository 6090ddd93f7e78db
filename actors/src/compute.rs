//! Where steps run: a pool of threads per node, never an actor's event loop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_queue::SegQueue;
use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};
use tokio::sync::watch;

use crate::caught::caught;
use crate::work::{Label, Processors, Work};

/// How long one idle thread looks out for more work before it sleeps. To wake a sleeping thread
/// takes 5 to 50 µs, about as long as a round of small steps with its global step: one thread that
/// stays awake from one round to the next halves the time of such a round.
const LOOKOUT: Duration = Duration::from_micros(100);

/// The threads of one node that compute. Cheap to clone; the threads end with the last clone.
///
/// They are a rayon pool, so that a step may use rayon's parallel iterators and stays within the
/// node's CPUs. Work queues before it, and threads are called up for the queue as a whole: calling
/// one up for each of a thousand small steps would cost more than the steps.
#[derive(Clone)]
pub(crate) struct Compute {
    pool: Arc<ThreadPool>,
    queue: Arc<Queue>,
}

#[derive(Default)]
struct Queue {
    work: SegQueue<Work>,
    /// Threads that take from the queue, the lookout included.
    takers: AtomicUsize,
    /// Whether one of them looks out, with nothing to do.
    lookout: AtomicBool,
}

impl Compute {
    /// Starts `workers` threads; `alive` follows how many of them there are.
    pub(crate) fn start(
        workers: usize,
        alive: Arc<watch::Sender<usize>>,
    ) -> Result<Self, ThreadPoolBuildError> {
        // Counted before they run, so that nobody who waits for their end misses one.
        let workers = workers.min(rayon::max_num_threads());
        alive.send_modify(|threads| *threads += workers);
        let pool = ThreadPoolBuilder::new()
            .num_threads(workers)
            .thread_name(|index| format!("msvpu-cpu-{index}"))
            .exit_handler(move |_| alive.send_modify(|threads| *threads -= 1))
            .build()?;
        Ok(Self {
            pool: Arc::new(pool),
            queue: Arc::default(),
        })
    }

    pub(crate) fn workers(&self) -> usize {
        self.pool.current_num_threads()
    }

    /// Calls up a thread unless all are up, or the lookout is enough for what waits.
    fn call_up(&self) {
        let queue = &self.queue;
        if queue.lookout.load(Ordering::SeqCst) && queue.work.len() <= 1 {
            return;
        }
        let workers = self.workers();
        let up = |takers: usize| (takers < workers).then_some(takers + 1);
        if queue
            .takers
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, up)
            .is_ok()
        {
            let queue = Arc::clone(queue);
            self.pool.spawn_fifo(move || queue.take());
        }
    }
}

impl Processors for Compute {
    fn cpus(&self) -> u32 {
        u32::try_from(self.workers()).unwrap_or(u32::MAX)
    }

    fn submit(&self, _: Label, work: Work) {
        self.queue.work.push(work);
        self.call_up();
    }
}

impl Queue {
    /// Works until nothing waits.
    fn take(&self) {
        loop {
            while let Some(work) = self.work.pop() {
                // What can still panic is a destructor of the program's; it must not take the
                // thread with it.
                if let Err(reason) = caught(|| work(None)) {
                    log::error!("panic after a step: {reason}");
                }
            }
            if self.look_out() {
                continue;
            }
            self.takers.fetch_sub(1, Ordering::SeqCst);
            // Work that was pushed before the line above found all threads up.
            if self.work.is_empty() {
                return;
            }
            self.takers.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Waits a moment for work, unless another thread does; tells whether some came.
    fn look_out(&self) -> bool {
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
}
