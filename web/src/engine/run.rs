//! One job from its begin to its end.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::FutureExt as _;
use msvpu_actors::JobOptions;
use serde_json::Value;

use super::cancel::cancelled;
use super::kept::{Kept, is_light, keep};
use super::live::Live;
use super::queue::{Beside, Share};
use super::standing::{End, Ending, disk_full, failed};
use super::weight::weight;
use super::{EngineError, Inner, lock};
use crate::model::{Event, Job, Phase, State};
use crate::service::{Cancelled, Offered, Reporter, Run, RunError, Told};
use crate::store::{Op, StoreError, blocking};

/// How long a service may take to let go of a job that is cancelled.
const GRACE: Duration = Duration::from_secs(10);
/// How long is waited before an end is written again, the first time and at most.
const AGAIN: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));

/// What came of an attempt.
enum Outcome {
    /// The service has found something.
    Result(Value),
    /// It ended otherwise.
    End(End),
    /// The machine or the engine is going down: it is run again after the next start.
    Again,
}

/// What a service does, up to its result or its panic.
type Work = Pin<Box<dyn Future<Output = Played> + Send>>;
type Played = Result<Result<Value, RunError>, Box<dyn std::any::Any + Send>>;

impl Inner {
    /// Runs a job that has been taken from the queue.
    pub(super) async fn run(self: Arc<Self>, live: Arc<Live>, share: Share) {
        let (outcome, left) = self.attempt(&live).await;
        // What follows only waits for the disk, and holds up nobody. But whoever ran in a crash would be blamed for
        // the next as well as long as its end is not written.
        let (now, later) = match share.beside {
            Beside::All => (Some(left), None),
            Beside::Innocent | Beside::Nobody => (None, Some(left)),
        };
        if let Some(left) = now {
            self.leave(share, left);
        }
        let end = match outcome {
            Outcome::Result(result) => Some(self.succeed(&live, result).await),
            Outcome::End(end) => Some(end),
            Outcome::Again => None,
        };
        let ending = match end {
            Some(end) => self.conclude(&live, end).await,
            None => None,
        };
        if let Some(left) = later {
            self.leave(share, left);
        }
        self.schedule.ended();
        if let Some((ending, record_bytes)) = ending {
            self.show(&live, ending, record_bytes);
        }
        self.pump();
    }

    /// A job makes room for others, but for what it still takes.
    fn leave(self: &Arc<Self>, share: Share, left: Option<Work>) {
        self.schedule.ran(share);
        match left {
            None => self.schedule.free(share),
            Some(work) => {
                let free = Arc::clone(self).free(work, share);
                self.tasks.spawn_on(free, &self.runtime);
            }
        }
        self.pump();
    }

    /// What a job takes is free when its service has let go of it, which may be long after its end.
    async fn free(self: Arc<Self>, work: Work, share: Share) {
        tokio::select! {
            _ = work => {}
            () = self.stopped() => return,
        }
        self.schedule.free(share);
        self.pump();
    }

    /// Begins an attempt, and notes it. What was found by this start is noted before it runs: when it brings the
    /// process down again, the next start is to know.
    async fn begin(&self, live: &Live) -> Result<Job, StoreError> {
        let (job, noted) = live.begin(|record| -> Result<Option<_>, StoreError> {
            let ops = vec![Op::job(record)?];
            if live.is_found {
                return Ok(Some(self.store.write(ops)));
            }
            self.store.write_later(ops);
            Ok(None)
        });
        self.index().set_state(job.id, State::Running);
        match noted? {
            None => Ok(job),
            Some(noted) => match noted.await {
                Err(StoreError::Closed) => Err(StoreError::Closed),
                Err(error) => {
                    log::error!("job {}: its begin cannot be written: {error}", live.id);
                    Ok(job)
                }
                Ok(()) => Ok(job),
            },
        }
    }

    /// Runs a job's service; also gives what it still does when nobody waits for it any more.
    async fn attempt(self: &Arc<Self>, live: &Arc<Live>) -> (Outcome, Option<Work>) {
        let mut work = match self.prepare(live).await {
            Ok(work) => work,
            Err(outcome) => return (outcome, None),
        };
        let (mut doomed, mut cancel) = (live.doomed(), live.cancelled());
        let played = tokio::select! {
            biased;
            () = self.stopped() => return (Outcome::Again, None),
            played = &mut work => played,
            _ = doomed.wait_for(|doomed| *doomed) => {
                return (Outcome::End(disk_full()), Some(work));
            }
            () = async {
                // The sender lives as long as `live`.
                let _ = cancel.wait_for(|asked| *asked).await;
                tokio::time::sleep(GRACE).await;
            } => return (Outcome::End(cancelled()), Some(work)),
        };
        (outcome_of(live, played), None)
    }

    /// What a job's service is to do; or what comes of the job without it.
    async fn prepare(self: &Arc<Self>, live: &Arc<Live>) -> Result<Work, Outcome> {
        if live.is_cancel_asked() {
            return Err(Outcome::End(cancelled()));
        }
        let job = match self.begin(live).await {
            Ok(job) => job,
            Err(StoreError::Closed) => return Err(Outcome::Again),
            Err(error) => return Err(Outcome::End(error.into())),
        };
        let Some(Offered { service, .. }) = self.services.get(&job.service).cloned() else {
            let message = format!("there is no service `{}` any more", job.service);
            return Err(Outcome::End(failed("unknown-service", message)));
        };
        let run = Run {
            machine: self.machine.clone(),
            options: JobOptions {
                owner: job.owner.unwrap_or_default(),
                priority: job.priority,
            },
            input: self.store.dir().upload(job.input.upload_id),
            input_name: job.input.name,
            info: job.input.info,
            params: job.params,
            outputs: job.outputs,
            folder: live.folder.clone(),
            reporter: self.reporter(live),
            cancelled: Cancelled::new(live.cancelled()),
        };
        let work = AssertUnwindSafe(async move { service.run(run).await });
        Ok(Box::pin(work.catch_unwind()))
    }

    /// What is told goes to the job, and when it gets too much for memory, to the store.
    fn reporter(self: &Arc<Self>, live: &Arc<Live>) -> Reporter {
        // A service may keep its reporter for longer than it should.
        let (inner, live) = (Arc::downgrade(self), Arc::downgrade(live));
        Reporter::new(move |told| {
            let Some(job) = live.upgrade() else {
                return;
            };
            if let Some(events) = job.told(told) {
                hand_over(&inner, job, events);
            }
        })
    }

    /// Takes over the artifacts that were told of.
    async fn succeed(self: &Arc<Self>, live: &Arc<Live>, result: Value) -> End {
        live.told(Told::Phase(Phase::Writing, None));
        let told = live.take_artifacts();
        let is_light = is_light(&live.folder, &told);
        let (inner, folder) = (Arc::clone(self), live.folder.clone());
        let keep = move || keep(inner.store.dir(), &folder, told);
        // Another thread costs more than what is light.
        let kept = if is_light {
            keep()
        } else {
            blocking(keep).await
        };
        match kept {
            Ok(Ok(Kept {
                artifacts,
                contents,
            })) => End {
                state: State::Succeeded,
                reason: "it has a result".to_owned(),
                result: Some(result),
                error: None,
                artifacts,
                contents,
            },
            Ok(Err(end)) => end,
            Err(error) => error.into(),
        }
    }

    /// Writes an end, then shows it.
    pub(super) async fn finish(&self, live: &Live, end: End) {
        if let Some((ending, record_bytes)) = self.conclude(live, end).await {
            self.show(live, ending, record_bytes);
        }
    }

    /// The end is on the disk: everybody may see it. Whoever sees it finds nothing that still takes the job for live.
    fn show(&self, live: &Live, ending: Ending, record_bytes: u64) {
        let job = &ending.record.job;
        self.index().end_job(job, record_bytes);
        self.schedule.let_go(&job.owner, weight(job));
        self.tally.ended(job);
        lock(&self.live).remove(&live.id);
        live.end(ending);
        self.grown.notify_one();
    }

    /// Decides an end and writes it, and gives what its record and events take, in bytes; `None` if another was first,
    /// or the engine is closed before it can be written.
    async fn conclude(&self, live: &Live, end: End) -> Option<(Ending, u64)> {
        let decided = match live.decide(end) {
            Some(ending) => Some(ending),
            // Either it was cancelled in the last moment, or another was first.
            None => live.decide(cancelled()),
        };
        let mut ending = decided?;
        let (mut wait, longest) = AGAIN;
        let record_bytes = loop {
            match self.write_ending(&mut ending).await {
                Ok(record_bytes) => break record_bytes,
                Err(StoreError::Closed) => return None,
                Err(error) => {
                    log::error!("job {}: its end cannot be written: {error}", live.id);
                    if ending.record.job.state == State::Succeeded && error == StoreError::DiskFull
                    {
                        // The artifacts may be what fills the disk.
                        clear(live).await;
                        ending = live.decide_again(disk_full());
                        continue;
                    }
                }
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => wait = (wait * 2).min(longest),
                () = self.stopped() => return None,
            }
        };
        if ending.record.job.state != State::Succeeded {
            clear(live).await;
        }
        Some((ending, record_bytes))
    }

    async fn write_ending(&self, ending: &mut Ending) -> Result<u64, StoreError> {
        let job = ending.record.job.id;
        let team = ending.team.as_deref();
        let (details, told) = Op::details(job, &ending.events, team, &ending.contents)?;
        ending.record.event_bytes = ending.handed_bytes + told as u64;
        let record = Op::job(&ending.record)?;
        let record_bytes = ending.record.event_bytes + record.size_bytes() as u64;
        let ops = vec![details, record];
        self.store.write(ops).await?;
        Ok(record_bytes)
    }
}

/// Removes what a job has written.
async fn clear(live: &Live) {
    let folder = live.folder.clone();
    if let Err(error) = blocking(move || Ok(folder.discard()?)).await {
        log::warn!(
            "job {}: what it wrote cannot be removed now: {error}",
            live.id
        );
    }
}

/// Hands events to the store, so that memory need not keep them. What is left free on the disk for the ends of jobs is
/// not for them: a job that would need it ends.
fn hand_over(inner: &Weak<Inner>, live: Arc<Live>, events: Vec<Event>) {
    let Some(inner) = inner.upgrade() else {
        return;
    };
    let keeper = Arc::clone(&inner);
    let last = events.last().map_or(0, |event| event.id);
    let written = Op::events(live.id, &events).map_err(EngineError::from);
    let written = written.and_then(|op| {
        let ops: Vec<Op> = op.into_iter().collect();
        let bytes = ops.iter().map(Op::size_bytes).sum::<usize>() as u64;
        inner.check_room(bytes)?;
        Ok((bytes, inner.store.write(ops)))
    });
    let task = async move {
        let outcome = match written {
            Ok((bytes, written)) => written.await.map(|()| bytes).map_err(EngineError::from),
            Err(error) => Err(error),
        };
        match outcome {
            Ok(bytes) => {
                live.handed(Some((last, bytes)));
                // It may be too much with all that is kept.
                inner.grown.notify_one();
            }
            Err(error) => {
                live.handed(None);
                log::error!("job {}: its events cannot be written: {error}", live.id);
                live.doom();
            }
        }
    };
    keeper.tasks.spawn_on(task, &keeper.runtime);
}

fn outcome_of(live: &Live, played: Played) -> Outcome {
    match played {
        Ok(Ok(result)) => Outcome::Result(result),
        // It was told to let go, for want of room.
        Ok(Err(RunError::Cancelled)) if *live.doomed().borrow() => Outcome::End(disk_full()),
        Ok(Err(RunError::Cancelled)) => Outcome::End(cancelled()),
        Ok(Err(RunError::Failed(failure))) => Outcome::End(failed(&failure.code, failure.message)),
        Ok(Err(RunError::DiskFull)) => Outcome::End(disk_full()),
        Ok(Err(RunError::Stopped)) => {
            live.explain("the machine was stopped; it runs again after the next start");
            Outcome::Again
        }
        Err(panic) => {
            let what = panic_text(panic.as_ref());
            // What was thrown may panic once more when it is dropped.
            std::mem::forget(panic);
            log::error!("job {}: its service panicked: {what}", live.id);
            Outcome::End(failed("panicked", format!("the service panicked: {what}")))
        }
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "without a message".to_owned())
}
