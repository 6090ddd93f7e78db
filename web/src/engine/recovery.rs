//! The begin: what there is, and what has to be run again.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use msvpu_actors::VirtualMachine;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::sync::watch as channel;
use tokio_util::task::TaskTracker;

use super::cancel::cancelled;
use super::index::{Index, Summary};
use super::live::Live;
use super::schedule::Schedule;
use super::{Alive, Engine, EngineConfig, Inner, OpenError, lock};
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
        let data = config.data.clone();
        let failed = |data: &std::path::Path, reason: String| OpenError::Failed {
            data: data.display().to_string(),
            reason,
        };
        let opened = {
            let data = data.clone();
            tokio::task::spawn_blocking(move || Store::open(&data)).await
        };
        let (store, recovered) = opened.map_err(|error| failed(&data, error.to_string()))??;
        let inner = Arc::new(Inner {
            schedule: Schedule::new(&config),
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
            .map_err(|error| failed(&data, error.to_string()))?;
        inner
            .tasks
            .spawn_on(Arc::clone(&inner).explain(), &inner.runtime);
        inner
            .tasks
            .spawn_on(Arc::clone(&inner).retain(), &inner.runtime);
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
            let live = Arc::new(self.reset(unfinished));
            let (record, events) = live.snapshot();
            ops.push(Op::job(&record)?);
            ops.extend(Op::events(live.id, &events)?);
            {
                let mut index = self.index();
                index.use_upload(live.upload);
                index.add_job(&record.job);
            }
            lock(&self.live).insert(live.id, Arc::clone(&live));
            again.push((live, events.last().map(|event| event.id)));
        }
        if ops.is_empty() {
            return Ok(());
        }
        self.store.write(ops).await?;
        for (live, last_event) in again {
            live.handed(last_event);
            if live.is_cancel_asked() {
                self.finish(&live, cancelled()).await;
            } else {
                self.schedule.push(&live);
            }
        }
        Ok(())
    }

    /// A job that had not ended, as it waits again.
    fn reset(&self, unfinished: Unfinished) -> Live {
        let Unfinished {
            mut record,
            last_event,
        } = unfinished;
        record.job.revision = self.first_revision();
        record.job.started_at = None;
        record.job.progress = Progress::default();
        let live = Live::new(record, last_event);
        let reason = "the server was started again; it runs from the start";
        live.turn(State::Pending, None, reason.to_owned());
        live
    }
}

fn summary(ended: Ended) -> (uuid::Uuid, Summary) {
    let bytes = ended.artifacts.iter().map(|artifact| artifact.bytes).sum();
    let summary = Summary {
        owner: ended.owner,
        service: ended.service,
        state: ended.state,
        ended: Some((ended.ended_at, bytes)),
    };
    (ended.id, summary)
}
