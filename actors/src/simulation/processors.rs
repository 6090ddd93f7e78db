//! The CPUs of a simulated node: steps run inline, and their cost passes as virtual time.

use std::any::Any;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use slab::Slab;

use crate::core::gate::Gate;
use crate::error::Site;
use crate::id::JobId;
use crate::random::Random;
use crate::simulation::timeline::{Action, Ends, Process, Timeline};
use crate::work::{Label, Processors, Readies, Ready, Run, Work};

/// What is to become of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Runs,
    Panics(String),
    /// Takes its process with it.
    Aborts,
}

/// Decides the fate of steps; told of every step that is about to end.
pub(crate) trait Fates: Send + Sync {
    fn fate(&self, process: Process, label: &Label) -> Fate;
}

pub(crate) struct SimulatedProcessors {
    timeline: Arc<Timeline>,
    process: Process,
    cpus: u32,
    jitter: f64,
    /// The same on all nodes.
    random_of_steps: Random,
    fates: Arc<dyn Fates>,
    state: Mutex<State>,
    /// To itself, for the events.
    this: Weak<Self>,
}

struct State {
    /// Elementary operations per second.
    speed: f64,
    /// Whether the process stands still.
    paused: bool,
    waiting: Gate<(Site, Work)>,
    readies: Readies,
    /// No more than there are CPUs.
    running: Slab<Running>,
    begun: u64,
    random: Random,
    busy: Duration,
    steps: u64,
}

struct Running {
    /// Grows with each piece that is begun, or goes on after an interruption.
    number: u64,
    label: Label,
    work: Work,
    /// Operations left, at this time.
    left: f64,
    at: Duration,
    since: Duration,
    /// How long the process has stood still meanwhile.
    stood: Duration,
}

impl SimulatedProcessors {
    pub(crate) fn new(
        timeline: Arc<Timeline>,
        process: Process,
        (cpus, speed): (u32, f64),
        jitter: f64,
        (random, random_of_steps): (Random, Random),
        fates: Arc<dyn Fates>,
    ) -> Arc<Self> {
        Arc::new_cyclic(|this: &Weak<Self>| Self {
            timeline,
            process,
            cpus,
            jitter,
            random_of_steps,
            fates,
            state: Mutex::new(State {
                speed,
                paused: false,
                waiting: Gate::new(),
                readies: Readies::default(),
                running: Slab::new(),
                begun: 0,
                random,
                busy: Duration::ZERO,
                steps: 0,
            }),
            this: this.clone(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No step runs under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// CPU time spent, and how many steps on tiles were computed.
    pub(crate) fn spent(&self) -> (Duration, u64) {
        let state = self.state();
        (state.busy, state.steps)
    }

    /// From now on these count from nothing.
    pub(crate) fn forget_spent(&self) {
        let mut state = self.state();
        (state.busy, state.steps) = Default::default();
    }

    /// The process has ended: nothing that waits or runs comes to its end.
    pub(crate) fn halt(&self) {
        let mut state = self.state();
        let dropped = (
            std::mem::replace(&mut state.waiting, Gate::new()),
            std::mem::take(&mut state.readies),
            std::mem::take(&mut state.running),
        );
        // Outside the lock: what is dropped may have a lot to drop.
        drop(state);
        drop(dropped);
    }

    /// From now on the CPUs do so many operations per second.
    pub(crate) fn set_speed(&self, speed: f64) {
        let mut state = self.state();
        let running = self.interrupt(&mut state);
        state.speed = speed;
        self.go_on(&mut state, running);
    }

    /// The process stands still: nothing of what runs is computed until it is resumed.
    pub(crate) fn pause(&self) {
        let mut state = self.state();
        let running = self.interrupt(&mut state);
        state.paused = true;
        self.go_on(&mut state, running);
    }

    pub(crate) fn resume(&self) {
        let mut state = self.state();
        let running = self.interrupt(&mut state);
        state.paused = false;
        self.go_on(&mut state, running);
    }

    /// Takes down what is left of what runs.
    fn interrupt(&self, state: &mut State) -> Vec<Running> {
        let now = self.timeline.now();
        let (speed, stands) = (state.speed, state.paused);
        let mut interrupted: Vec<Running> = state.running.drain().collect();
        interrupted.sort_unstable_by_key(|running| running.number);
        for running in &mut interrupted {
            let passed = now - running.at;
            if stands {
                running.stood += passed;
            } else {
                running.left = (running.left - passed.as_secs_f64() * speed).max(0.0);
            }
            running.at = now;
        }
        interrupted
    }

    /// Under new numbers, so that the old ends find nothing.
    fn go_on(&self, state: &mut State, interrupted: Vec<Running>) {
        for running in interrupted {
            self.run(state, running);
        }
    }

    fn begin(&self, state: &mut State, label: Label, work: Work) {
        let now = self.timeline.now();
        let draw = match label.site {
            // Of the step itself, wherever it runs and whatever ran before it: who compares two clusters
            // compares like with like.
            Site::LocalStep(round, rank) => {
                let of_job = self.random_of_steps.split(label.flow.job.low_bits());
                let step = u64::from(round.0) << 32 | u64::from(rank.0);
                of_job.split(step).uniform()
            }
            _ => state.random.uniform(),
        };
        let stretch = 1.0 + self.jitter * draw;
        let running = Running {
            number: 0,
            left: label.cost * stretch,
            label,
            work,
            at: now,
            since: now,
            stood: Duration::ZERO,
        };
        self.run(state, running);
    }

    fn run(&self, state: &mut State, mut running: Running) {
        state.begun += 1;
        let number = state.begun;
        running.number = number;
        let takes = Duration::try_from_secs_f64(running.left / state.speed);
        let end = running.at + takes.unwrap_or(Duration::MAX / 4);
        let place = state.running.insert(running);
        if state.paused {
            return;
        }
        let ends = Action::End(self.this.clone(), place, number);
        self.timeline.schedule(end, Some(self.process), ends);
    }

    /// Changes what waits, or who has the CPUs; `change` returns what is to be dropped, and to
    /// whom they have been granted. Then begins what can.
    fn change<R>(&self, change: impl FnOnce(&mut State) -> (R, Option<JobId>)) {
        let mut state = self.state();
        let (dropped, granted) = change(&mut state);
        let readies = state.readies.take(granted);
        while (state.running.len() as u32) < self.cpus
            && let Some((flow, cost, (site, work))) = state.waiting.pop()
        {
            let label = Label { flow, site, cost };
            self.begin(&mut state, label, work);
        }
        // Outside the lock: both may come back here.
        drop(state);
        for ready in readies {
            ready();
        }
        drop(dropped);
    }
}

impl Ends for SimulatedProcessors {
    fn end(&self, place: usize, number: u64) {
        let mut state = self.state();
        let begun = state.running.get(place);
        if begun.is_none_or(|running| running.number != number) {
            return;
        }
        let running = state.running.remove(place);
        let now = self.timeline.now();
        state.busy += now - running.since - running.stood;
        if matches!(running.label.site, Site::LocalStep(..)) {
            state.steps += 1;
        }
        drop(state);
        let took = now - running.since;
        let run = |fault| Run {
            fault,
            took: Some(took),
            now: Some(now),
        };
        match self.fates.fate(self.process, &running.label) {
            Fate::Runs => running.work.run(run(None)),
            Fate::Panics(reason) => running.work.run(run(Some(reason))),
            Fate::Aborts => return,
        }
        self.change(|state| ((), state.waiting.finished()));
    }
}

impl Processors for SimulatedProcessors {
    fn are_simulated(&self) -> bool {
        true
    }

    fn load(&self) -> usize {
        self.state().waiting.load()
    }

    fn submit(&self, label: Label, work: Work) {
        self.change(|state| {
            let Label { flow, site, cost } = label;
            state.waiting.push(flow, cost, (site, work));
            ((), None)
        });
    }

    fn discard(&self, value: Box<dyn Any + Send>) {
        drop(value);
    }

    fn forget(&self, job: JobId) {
        self.change(|state| {
            let (dropped, granted) = state.waiting.forget(job);
            ((dropped, state.readies.take(Some(job))), granted)
        });
    }

    fn reserve(&self, job: JobId, ready: Ready) {
        self.change(|state| {
            let before = state.readies.add(job, ready);
            (before, state.waiting.reserve(job))
        });
    }

    fn release(&self, job: JobId) {
        self.change(|state| {
            let granted = state.waiting.release(job);
            (state.readies.take(Some(job)), granted)
        });
    }
}

#[cfg(test)]
mod tests;
