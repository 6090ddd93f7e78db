//! The node monitor (TNPM): measures its node when the balancer asks.

use std::hint::black_box;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use actix::{Actor, Context, Handler};

use crate::core::examination::{Capacity, PROBES};
use crate::core::fair::Flow;
use crate::error::Site;
use crate::host::Host;
use crate::link::Letter;
use crate::message::{Address, BalancerMessage, Message, MonitorMessage};
use crate::work::{Label, run_timed};

/// A test is taken in so many pieces.
const QUARTERS: u32 = 4;

#[doc(alias = "TNPM")]
pub(crate) struct NodeMonitor {
    host: Host,
    /// The test that waits for a CPU or runs.
    under_way: Arc<Mutex<Option<UnderWay>>>,
}

/// The latest test that was asked for.
#[derive(Clone, Copy)]
struct UnderWay {
    test: u64,
    since: Duration,
}

impl NodeMonitor {
    pub(crate) fn new(host: Host) -> Self {
        Self {
            host,
            under_way: Arc::default(),
        }
    }

    /// Where steps are long, the balancer asks again before a CPU is free; one run then answers the
    /// last that it asked.
    fn test(&self, test: u64, work: f64) {
        let work = bounded(work);
        let (link, clock) = (self.host.link.clone(), self.host.clock.clone());
        let origin = link.origin();
        let processors = &self.host.processors;
        let capacity = Capacity {
            cpus: self.host.cpus,
            share: processors.share(),
            // Before this test is part of it.
            load: u32::try_from(processors.load()).unwrap_or(u32::MAX),
        };
        let since = clock.now();
        let latest = UnderWay { test, since };
        if lock(&self.under_way).replace(latest).is_some() {
            return;
        }
        let under_way = Arc::clone(&self.under_way);
        let label = Label {
            flow: Flow::NOBODYS,
            site: Site::PerformanceTest,
            cost: work,
        };
        let count = if self.host.processors.are_simulated() {
            0.0
        } else {
            work
        };
        run_timed(
            &*self.host.processors,
            label,
            move || Ok(measure(count)),
            move |measured, took| {
                let compute = took.or(measured.ok()).unwrap_or_default();
                let Some(UnderWay { test, since }) = lock(&under_way).take() else {
                    return;
                };
                let Some(waited) = clock.now().saturating_sub(since).checked_sub(compute) else {
                    // It was asked for while this ran: no measure of the way. The balancer asks again.
                    return;
                };
                let tested = BalancerMessage::Tested {
                    origin,
                    test,
                    capacity,
                    compute,
                    waited,
                };
                link.send(Address::Balancer, tested);
            },
        );
    }
}

fn lock(under_way: &Mutex<Option<UnderWay>>) -> MutexGuard<'_, Option<UnderWay>> {
    // Nothing that could panic runs under the lock.
    under_way.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A test that runs cannot be stopped: none is of more work than ours, and one of no number is of none.
fn bounded(work: f64) -> f64 {
    let most = PROBES.iter().map(|probe| probe.work).fold(0.0, f64::max);
    work.max(0.0).min(most)
}

/// How long so many elementary operations take while nobody takes the CPU away: a test is so short
/// that once is by chance. That others do, and that a quota does, is known from elsewhere.
fn measure(count: f64) -> Duration {
    let quarter = |_| {
        let since = Instant::now();
        black_box(operations(count / f64::from(QUARTERS)));
        since.elapsed()
    };
    let shortest = (0..QUARTERS).map(quarter).min().unwrap_or_default();
    shortest * QUARTERS
}

/// So many elementary operations, each waiting for the one before.
fn operations(count: f64) -> u64 {
    (0..count as u64).fold(1, |value: u64, i| {
        value.rotate_left(5).wrapping_add(black_box(i))
    })
}

impl Actor for NodeMonitor {
    type Context = Context<Self>;
}

impl Handler<Letter> for NodeMonitor {
    type Result = ();

    fn handle(&mut self, Letter { message, .. }: Letter, _: &mut Self::Context) {
        match message {
            Message::Monitor(MonitorMessage::Test { test, work, .. }) => self.test(test, work),
            other => self.host.link.misdirected(&other),
        }
    }
}

#[cfg(test)]
mod tests;
