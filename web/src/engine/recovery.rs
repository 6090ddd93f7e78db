//! The begin: what there is, and what has to be run again.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex};

use msvpu_actors::VirtualMachine;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::sync::watch as channel;
use tokio_util::task::TaskTracker;

use super::cancel::cancelled;
use super::index::{Index, Kept, Summary};
use super::live::Live;
use super::queue::Beside;
use super::schedule::Schedule;
use super::standing::End;
use super::standing::failed;
use super::tally::Tally;
use super::weight::weight;
use super::{Alive, Engine, EngineConfig, Inner, OpenError, generation_of, lock};
use crate::model::{Progress, State};
use crate::service::{InputReader, Services};
use crate::store::{Ended, Op, Recovered, Store, Unfinished};

impl Engine {
    /// Opens the store, removes what a crash left half done, and runs again what had not ended. Jobs run on the
    /// runtime that this is called from.
    ///
    /// # Errors
    /// When the store cannot be opened; also if another process has it.
    pub async fn open(
        config: EngineConfig,
        machine: VirtualMachine,
        services: Services,
        reader: Arc<dyn InputReader>,
    ) -> Result<Self, OpenError> {
        Self::open_with(config, machine, services, reader, Store::open).await
    }

    /// The same with a store that is opened in this way.
    pub(super) async fn open_with(
        config: EngineConfig,
        machine: VirtualMachine,
        services: Services,
        reader: Arc<dyn InputReader>,
        open: impl FnOnce(&Path) -> Result<(Store, Recovered), OpenError> + Send + 'static,
    ) -> Result<Self, OpenError> {
        let data = config.data.clone();
        let refused = |data: &Path, reason: String| OpenError::Failed {
            data: data.display().to_string(),
            reason,
        };
        let opened = {
            let data = data.clone();
            tokio::task::spawn_blocking(move || open(&data)).await
        };
        let (store, recovered) = opened.map_err(|error| refused(&data, error.to_string()))??;
        let inner = Arc::new(Inner {
            schedule: Schedule::new(&config),
            tally: Tally::default(),
            config,
            machine,
            services,
            reader,
            store,
            index: Mutex::new(Index::default()),
            live: Mutex::new(HashMap::new()),
            keys: Mutex::new(HashSet::new()),
            runtime: Handle::current(),
            tasks: TaskTracker::new(),
            grown: Notify::new(),
            stop: channel::Sender::new(false),
            broken: channel::Sender::new(None),
            generation: recovered.generation,
        });
        let engine = Self {
            _alive: Arc::new(Alive {
                inner: Arc::clone(&inner),
            }),
            inner: Arc::clone(&inner),
        };
        inner
            .recover(recovered)
            .await
            .map_err(|error| refused(&data, error.to_string()))?;
        inner
            .tasks
            .spawn_on(Arc::clone(&inner).explain(), &inner.runtime);
        inner
            .tasks
            .spawn_on(Arc::clone(&inner).retain(), &inner.runtime);
        inner
            .tasks
            .spawn_on(Arc::clone(&inner).watch_over(), &inner.runtime);
        inner.pump();
        Ok(engine)
    }
}

impl Inner {
    async fn recover(self: &Arc<Self>, recovered: Recovered) -> Result<(), super::EngineError> {
        {
            let mut index = self.index();
            for record in recovered.uploads {
                index.add_upload(record, Vec::new());
            }
            for ended in recovered.ended {
                let (id, summary) = summary(ended);
                index.add_ended(id, summary);
            }
        }
        let mut ops = Vec::new();
        let mut again = Vec::new();
        for unfinished in recovered.unfinished {
            let live = Arc::new(self.reset(unfinished, recovered.was_closed));
            let (record, events) = live.snapshot();
            ops.push(Op::job(&record)?);
            let events_op = Op::events(live.id, &events)?;
            let bytes = events_op.as_ref().map_or(0, Op::size_bytes);
            ops.extend(events_op);
            {
                let mut index = self.index();
                index.use_upload(live.upload);
                index.add_job(&record.job);
            }
            self.schedule.hold(&record.job.owner, weight(&record.job));
            lock(&self.live).insert(live.id, Arc::clone(&live));
            let handed = events.last().map(|event| (event.id, bytes as u64));
            again.push((live, handed));
        }
        if ops.is_empty() {
            return Ok(());
        }
        self.store.write(ops).await?;
        for (live, handed) in again {
            live.handed(handed);
            let end = if live.is_cancel_asked() {
                Some(cancelled())
            } else {
                self.given_up(live.crashes())
            };
            match end {
                None => self.schedule.push(&live, self.beside(live.crashes())),
                Some(end) => {
                    // A full disk does not hold up the start.
                    let inner = Arc::clone(self);
                    let finish = async move { inner.finish(&live, end).await };
                    self.tasks.spawn_on(finish, &self.runtime);
                }
            }
        }
        Ok(())
    }

    /// The end of a job that ran in so many crashes, if it is not to run in another.
    fn given_up(&self, crashes: u32) -> Option<End> {
        (crashes >= self.config.max_crashes.max(1)).then(|| {
            let message =
                format!("the server crashed {crashes} times while it ran; it is not tried again");
            failed("crashed", message)
        })
    }

    /// What a job may run beside that ran in so many crashes.
    const fn beside(&self, crashes: u32) -> Beside {
        match crashes {
            0 => Beside::All,
            crashes if crashes + 1 < self.config.max_crashes => Beside::Innocent,
            _ => Beside::Nobody,
        }
    }

    /// A job that had not ended, as it waits again.
    fn reset(&self, unfinished: Unfinished, was_closed: bool) -> Live {
        let Unfinished {
            mut record,
            last_event,
        } = unfinished;
        if !was_closed && record.job.state == State::Running {
            record.crashes += 1;
        }
        let folder = self.folder(record.job.id);
        record.job.revision = self.first_revision();
        record.job.started_at = None;
        record.job.progress = Progress::default();
        let live = Live::found(record, last_event, folder);
        let reason = "the server was started again; it runs from the start";
        live.turn(State::Pending, None, reason.to_owned());
        live
    }
}

fn summary(ended: Ended) -> (uuid::Uuid, Summary) {
    let artifacts = ended.artifacts.iter();
    let summary = Summary {
        owner: ended.owner,
        service: ended.service,
        state: ended.state,
        upload: ended.upload,
        ended: Some(Kept {
            at: ended.ended_at,
            generation: generation_of(ended.revision),
            blob_bytes: artifacts.map(|artifact| artifact.bytes).sum(),
            record_bytes: ended.record_bytes,
        }),
    };
    (ended.id, summary)
}
