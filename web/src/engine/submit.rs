//! What is accepted, and once only.

use std::sync::Arc;

use time::OffsetDateTime;
use uuid::Uuid;

use super::check::{MAX_WRONG, without_repeats, wrong_metadata, wrong_outputs};
use super::live::Live;
use super::pump::waiting_reason;
use super::queue::Beside;
use super::weight::weight;
use super::{Caller, Engine, EngineError, IdempotencyKey, Inner, lock, not_found};
use crate::model::{Input, Job, NewJob, Progress, State};
use crate::service::{Asked, Offered};
use crate::store::{JobRecord, Op, owner_key};

impl Engine {
    /// Accepts a job: when this returns, the job is on the disk, and is run whatever happens.
    /// Returns the earlier job, and `false`, for a key that was used for the same request.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub async fn submit(
        &self,
        caller: &Caller,
        job: NewJob,
        key: Option<IdempotencyKey>,
    ) -> Result<(Job, bool), EngineError> {
        let inner = Arc::clone(&self.inner);
        let caller = caller.clone();
        let work = async move { inner.submit(&caller, job, key).await };
        self.inner.detached(work).await
    }
}

/// A key whose request is being taken in.
struct Claim {
    inner: Arc<Inner>,
    claimed: (String, String),
}

impl Drop for Claim {
    fn drop(&mut self) {
        lock(&self.inner.keys).remove(&self.claimed);
    }
}

/// An upload that is not removed meanwhile.
struct Use<'i> {
    inner: &'i Inner,
    upload: Uuid,
    is_kept: bool,
}

impl Drop for Use<'_> {
    fn drop(&mut self) {
        if !self.is_kept {
            let now = OffsetDateTime::now_utc();
            self.inner.index().release_upload(self.upload, now);
        }
    }
}

impl Inner {
    async fn submit(
        self: Arc<Self>,
        caller: &Caller,
        new: NewJob,
        key: Option<IdempotencyKey>,
    ) -> Result<(Job, bool), EngineError> {
        let owner = owner_key(caller.name.as_deref());
        let claim = match &key {
            Some(key) => {
                let claim = self.claim(&owner, &key.key)?;
                if let Some(job) = self.earlier(&owner, key).await? {
                    return Ok((job, false));
                }
                Some(claim)
            }
            None => None,
        };
        let service = self.service(&new.service)?;
        let mut job = self.check(caller, &service, new)?;
        self.check_broker()?;
        self.check_room(0)?;
        let place = self.schedule.place(job.owner.clone(), weight(&job))?;
        let (mut held, unsaved) = self.hold(job.input.upload_id)?;
        let (queued, running) = self.schedule.counts();
        job.reason = waiting_reason(queued.saturating_sub(1), running);
        let record = JobRecord {
            job,
            key: key.as_ref().map(|key| key.key.clone()),
            cancel_asked: false,
            crashes: 0,
            event_bytes: 0,
        };
        let mut ops = vec![Op::job(&record)?];
        ops.extend(unsaved);
        if let Some(IdempotencyKey { key, digest }) = key {
            ops.push(Op::Key {
                owner,
                key,
                digest,
                job: record.job.id,
            });
        }
        if let Err(error) = self.store.write(ops).await {
            let id = record.job.id;
            let found = self.store.read(move |reading| reading.job(id)).await;
            // It may have come to the disk all the same: then it would run after the next start.
            if !matches!(found, Ok(Some(_))) {
                return Err(error.into());
            }
            log::warn!("job {id} was accepted although writing it failed: {error}");
        }

        let job = record.job.clone();
        let live = Arc::new(Live::new(record, self.folder(job.id)));
        lock(&self.live).insert(job.id, Arc::clone(&live));
        {
            let mut index = self.index();
            index.add_job(&job);
            index.saved(job.input.upload_id);
        }
        held.is_kept = true;
        self.schedule.push(&live, Beside::All);
        place.keep();
        drop(claim);
        self.pump();
        Ok((job, true))
    }

    /// Takes a key, unless a request with it is being taken in.
    fn claim(self: &Arc<Self>, owner: &str, key: &str) -> Result<Claim, EngineError> {
        let claimed = (owner.to_owned(), key.to_owned());
        if !lock(&self.keys).insert(claimed.clone()) {
            return Err(EngineError::KeyInFlight);
        }
        Ok(Claim {
            inner: Arc::clone(self),
            claimed,
        })
    }

    /// The job of an earlier request with that key.
    async fn earlier(&self, owner: &str, key: &IdempotencyKey) -> Result<Option<Job>, EngineError> {
        let (owner, name) = (owner.to_owned(), key.key.clone());
        let found = self
            .store
            .read(move |reading| reading.key(&owner, &name))
            .await?;
        match found {
            None => Ok(None),
            Some((digest, _)) if digest != key.digest => Err(EngineError::KeyReused),
            Some((_, job)) => self.job(job).await.map(Some),
        }
    }

    fn service(&self, name: &str) -> Result<Offered, EngineError> {
        self.services.get(name).cloned().ok_or_else(|| {
            let infos = self.services.infos();
            EngineError::UnknownService {
                name: name.to_owned(),
                known: infos.map(|info| info.name.clone()).collect(),
            }
        })
    }

    /// The job that is asked for, if nothing is wrong with it.
    fn check(&self, caller: &Caller, offered: &Offered, new: NewJob) -> Result<Job, EngineError> {
        let upload = self.upload_of(caller, new.upload_id)?;
        let Offered { service, info } = offered;
        let mut wrong = wrong_metadata(&new.metadata);
        let outputs = match new.outputs {
            Some(outputs) => {
                wrong.extend(wrong_outputs(info, &outputs));
                without_repeats(outputs)
            }
            None => {
                let defaults = info.outputs.iter().filter(|output| output.default);
                defaults.map(|output| output.name.clone()).collect()
            }
        };
        let asked = Asked {
            params: &new.params,
            outputs: &outputs,
            input: &upload.info,
        };
        if let Err(errors) = service.check(&asked) {
            wrong.extend(errors);
        }
        if !wrong.is_empty() {
            wrong.truncate(MAX_WRONG);
            return Err(EngineError::Fields(wrong));
        }
        Ok(Job {
            id: Uuid::now_v7(),
            service: new.service,
            state: State::Pending,
            phase: None,
            reason: String::new(),
            owner: caller.name.clone(),
            input: Input {
                upload_id: upload.id,
                name: upload.name,
                bytes: upload.bytes,
                sha256: upload.sha256,
                info: upload.info,
            },
            params: new.params,
            outputs,
            metadata: new.metadata,
            priority: new.priority,
            created_at: OffsetDateTime::now_utc(),
            started_at: None,
            ended_at: None,
            progress: Progress::default(),
            attempts: 0,
            result: None,
            error: None,
            artifacts: Vec::new(),
            revision: self.first_revision(),
        })
    }

    /// Keeps an upload from being removed; gives its record if that is not written yet.
    fn hold(&self, upload: Uuid) -> Result<(Use<'_>, Vec<Op>), EngineError> {
        let mut index = self.index();
        let held = index
            .upload(upload)
            .ok_or_else(|| not_found("upload", upload))?;
        let unsaved = held.unsaved.clone();
        index.use_upload(upload);
        let held = Use {
            inner: self,
            upload,
            is_kept: false,
        };
        Ok((held, unsaved))
    }

    #[cfg(feature = "amqp")]
    fn check_broker(&self) -> Result<(), EngineError> {
        use msvpu_actors::Connectivity;
        match self.machine.connectivity() {
            None | Some(Connectivity::Connected) => Ok(()),
            Some(Connectivity::Connecting(_) | Connectivity::Failed(_)) => {
                Err(EngineError::BrokerAway)
            }
        }
    }

    #[cfg(not(feature = "amqp"))]
    fn check_broker(&self) -> Result<(), EngineError> {
        Ok(())
    }
}
