//! What is read from the records.

use std::ops::Bound;

use bytes::Bytes;
use redb::{ReadTransaction, ReadableTable};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::details::{self, Details};
use super::packed::unpack;
use super::records::{Ended, Head, Listed, Unfinished};
use super::tables::{BLOBS, DETAILS, EVENTS, JOBS, KEYS, META, UPLOADS, parse, store_error};
use super::{JobRecord, Recovered, StoreError};
use crate::model::{Event, EventBody, Job, TeamTimes};

const EVENTS_OF: &str = "the events of job";

/// Reads JSON that was packed.
fn parse_packed<T: DeserializeOwned>(what: &str, id: u128, packed: &[u8]) -> Result<T, StoreError> {
    let name = || format!("the record of {what} {}", Uuid::from_u128(id));
    parse(what, id, &unpack(name, packed)?)
}

/// The records as one commit left them.
pub(crate) struct Reading {
    pub(super) transaction: ReadTransaction,
}

impl Reading {
    /// A job.
    pub(crate) fn job(&self, id: Uuid) -> Result<Option<JobRecord>, StoreError> {
        let jobs = self.transaction.open_table(JOBS).map_err(store_error)?;
        let found = jobs.get(id.as_u128()).map_err(store_error)?;
        found
            .map(|json| parse("job", id.as_u128(), json.value()))
            .transpose()
    }

    /// A job without its result, which is not even looked at.
    pub(crate) fn listed(&self, id: Uuid) -> Result<Option<Job>, StoreError> {
        let jobs = self.transaction.open_table(JOBS).map_err(store_error)?;
        let found = jobs.get(id.as_u128()).map_err(store_error)?;
        found
            .map(|json| parse("job", id.as_u128(), json.value()).map(|Listed { job }| job))
            .transpose()
    }

    /// Whether there is such an upload.
    pub(crate) fn has_upload(&self, id: Uuid) -> Result<bool, StoreError> {
        let uploads = self.transaction.open_table(UPLOADS).map_err(store_error)?;
        let found = uploads.get(id.as_u128()).map_err(store_error)?;
        Ok(found.is_some())
    }

    /// The first events of a job after `after`: those of one run of events.
    pub(crate) fn events(&self, job: Uuid, after: u64) -> Result<Vec<Event>, StoreError> {
        let id = job.as_u128();
        let events = self.transaction.open_table(EVENTS).map_err(store_error)?;
        // The event after `after` may be within a run that begins before it.
        let begin = events
            .range((id, 0)..=(id, after.saturating_add(1)))
            .map_err(store_error)?
            .next_back()
            .transpose()
            .map_err(store_error)?
            .map_or(after, |(key, _)| key.value().1);
        let runs = events
            .range((
                Bound::Included((id, begin)),
                Bound::Included((id, u64::MAX)),
            ))
            .map_err(store_error)?;
        for run in runs {
            let (_, packed) = run.map_err(store_error)?;
            let mut run: Vec<Event> = parse_packed(EVENTS_OF, id, packed.value())?;
            run.retain(|event| event.id > after);
            if !run.is_empty() {
                return Ok(run);
            }
        }
        let mut events = self.last_events(job)?;
        events.retain(|event| event.id > after);
        let last = events.last_mut().map(|last| &mut last.body);
        if let Some(EventBody::Done { result, .. }) = last {
            // It is written once, in the job's record.
            *result = self.job(job)?.and_then(|record| record.job.result);
        }
        Ok(events)
    }

    /// A job's last events, which were written with its end, without its result.
    fn last_events(&self, job: Uuid) -> Result<Vec<Event>, StoreError> {
        let parse = |details: &Details<'_>| parse(EVENTS_OF, job.as_u128(), details.events);
        Ok(self.details(job, parse)?.unwrap_or_default())
    }

    /// What is read of what a job has left beside its record.
    fn details<T>(
        &self,
        job: Uuid,
        read: impl FnOnce(&Details<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let table = self.transaction.open_table(DETAILS).map_err(store_error)?;
        let found = table.get(job.as_u128()).map_err(store_error)?;
        let what = || format!("the record of the details of job {job}");
        found
            .map(|packed| details::with(what, packed.value(), read))
            .transpose()
    }

    /// What the team of a job did over time, if that was kept.
    pub(crate) fn team(&self, job: Uuid) -> Result<Option<TeamTimes>, StoreError> {
        let parse = |details: &Details<'_>| match details.team {
            [] => Ok(None),
            team => parse("the team of job", job.as_u128(), team).map(Some),
        };
        self.details(job, parse).map(Option::flatten)
    }

    /// What was asked for with a key: a digest, and the job.
    pub(crate) fn key(&self, owner: &str, key: &str) -> Result<Option<(String, Uuid)>, StoreError> {
        let keys = self.transaction.open_table(KEYS).map_err(store_error)?;
        let found = keys.get((owner, key)).map_err(store_error)?;
        Ok(found.map(|found| {
            let (digest, job) = found.value();
            (digest.to_owned(), Uuid::from_u128(job))
        }))
    }

    /// All that the engine has to know when it begins.
    pub(super) fn recover(&self) -> Result<Recovered, StoreError> {
        let meta = self.transaction.open_table(META).map_err(store_error)?;
        let generation = meta.get("generation").map_err(store_error)?;
        let generation = generation.map_or(1, |found| found.value());
        let closed = meta.get("closed").map_err(store_error)?;
        let mut recovered = Recovered {
            generation,
            was_closed: closed.map_or(0, |found| found.value()) + 1 == generation,
            ..Recovered::default()
        };
        let jobs = self.transaction.open_table(JOBS).map_err(store_error)?;
        for row in jobs.iter().map_err(store_error)? {
            let (id, json) = row.map_err(store_error)?;
            let Head { job, event_bytes } = parse("job", id.value(), json.value())?;
            match job.ended_at {
                Some(ended_at) if job.state.is_terminal() => recovered.ended.push(Ended {
                    id: job.id,
                    owner: job.owner,
                    service: job.service,
                    state: job.state,
                    upload: job.input.upload_id,
                    ended_at,
                    artifacts: job.artifacts,
                    revision: job.revision,
                    record_bytes: event_bytes + json.value().len() as u64,
                }),
                _ => recovered.unfinished.push(Unfinished {
                    record: parse("job", id.value(), json.value())?,
                    last_event: self.last_event(Uuid::from_u128(id.value()))?,
                }),
            }
        }
        let uploads = self.transaction.open_table(UPLOADS).map_err(store_error)?;
        for row in uploads.iter().map_err(store_error)? {
            let (id, json) = row.map_err(store_error)?;
            recovered
                .uploads
                .push(parse("upload", id.value(), json.value())?);
        }
        Ok(recovered)
    }

    /// What is in an artifact of a job, if it is small enough to be kept here.
    pub(crate) fn artifact(&self, job: Uuid, name: &str) -> Result<Option<Bytes>, StoreError> {
        let content = |details: &Details<'_>| {
            let mut named = details.artifacts.iter();
            let found = named.find(|(of, _)| *of == name);
            Ok(found.map(|(_, content)| Bytes::copy_from_slice(content)))
        };
        self.details(job, content).map(Option::flatten)
    }

    /// Hands each upload whose file may not be on the disk to `each`.
    pub(super) fn blobs(
        &self,
        mut each: impl FnMut(Uuid, &[u8]) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let blobs = self.transaction.open_table(BLOBS).map_err(store_error)?;
        for row in blobs.iter().map_err(store_error)? {
            let (id, content) = row.map_err(store_error)?;
            each(Uuid::from_u128(id.value()), content.value())?;
        }
        Ok(())
    }

    /// The id of a job's last event; 0 if it has none.
    pub(crate) fn last_event(&self, job: Uuid) -> Result<u64, StoreError> {
        let id = job.as_u128();
        let events = self.transaction.open_table(EVENTS).map_err(store_error)?;
        let last = events
            .range((id, 0)..=(id, u64::MAX))
            .map_err(store_error)?
            .next_back()
            .transpose()
            .map_err(store_error)?;
        let before = match last {
            Some((_, packed)) => parse_packed(EVENTS_OF, id, packed.value())?,
            None => Vec::new(),
        };
        let mut events: Vec<Event> = self.last_events(job)?;
        let last = events.pop().or(before.into_iter().next_back());
        Ok(last.map_or(0, |event: Event| event.id))
    }
}
