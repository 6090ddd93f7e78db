//! How a job is asked for: with JSON, or with JSON and the file in one request.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use actix_multipart::{Field, Multipart, MultipartError};
use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header::{HeaderMap, HeaderName};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use msvpu_actors::Priority;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use uuid::Uuid;

use super::body::{Body, content_length, from_json, media_type, object, too_large};
use super::uploads::file_name;
use super::{openapi, request};
use crate::engine::{Caller, EngineError, IdempotencyKey, UploadWriter};
use crate::hex::hex;
use crate::model::{Job, NewJob, Upload};
use crate::problem::{Code, Problem};
use crate::server::Shared;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The longest `Idempotency-Key`.
const MAX_KEY: usize = 255;
/// At least so many bytes of a form are none of the file's: boundaries and heads of parts.
const FORM_BYTES: u64 = 1024;

/// What is asked for, to whoever sends something else.
const REQUEST: &str =
    r#"an object such as {"service": "NAME", "input": {"upload_id": "ID"}, "params": {}}"#;
const PART: &str = r#"an object such as {"service": "NAME", "params": {}}"#;
const INPUT: &str = r#"an object such as {"upload_id": "ID"}"#;

/// What the job is to work on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct JobInput {
    /// An upload of yours.
    upload_id: Uuid,
}

/// A job as it is asked for, with an upload.
#[derive(Clone, Debug, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct JobRequest {
    /// Which service is to run.
    service: String,
    /// What it is to work on.
    #[serde(deserialize_with = "input")]
    input: JobInput,
    /// Its parameters; what is left out has its default.
    #[serde(default)]
    #[schema(value_type = Object)]
    params: Map<String, Value>,
    /// Groups of artifacts; left out: the service's defaults.
    #[serde(default)]
    outputs: Option<Vec<String>>,
    /// Whatever you want to find again: up to 64 entries, keys of up to 64 bytes, values of up to 1024.
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    /// Its weight beside others.
    #[serde(default)]
    #[schema(value_type = openapi::PriorityWord)]
    priority: Priority,
}

fn input<'de, D: Deserializer<'de>>(reader: D) -> Result<JobInput, D::Error> {
    object(reader, INPUT)
}

/// A job as it is asked for beside its file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct JobPart {
    /// Which service is to run.
    service: String,
    /// Its parameters; what is left out has its default.
    #[serde(default)]
    #[schema(value_type = Object)]
    params: Map<String, Value>,
    /// Groups of artifacts; left out: the service's defaults.
    #[serde(default)]
    outputs: Option<Vec<String>>,
    /// Whatever you want to find again: up to 64 entries, keys of up to 64 bytes, values of up to 1024.
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    /// Its weight beside others.
    #[serde(default)]
    #[schema(value_type = openapi::PriorityWord)]
    priority: Priority,
}

/// A job and its file in one request.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) struct JobForm {
    /// The job; comes first.
    job: JobPart,
    /// The file.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

impl JobPart {
    fn with(self, upload_id: Uuid) -> NewJob {
        NewJob {
            service: self.service,
            upload_id,
            params: self.params,
            outputs: self.outputs,
            metadata: self.metadata,
            priority: self.priority,
        }
    }
}

/// Takes in what is asked for. Returns the job, and whether it is a new one.
pub(super) async fn submit(
    shared: &Shared,
    caller: &Caller,
    headers: &HeaderMap,
    payload: Payload,
) -> Result<(Job, bool), Problem> {
    let key = idempotency_key(headers)?;
    let body = Body::new(payload, shared.limits.pace());
    match media_type(headers).as_deref() {
        Some("application/json") => {
            let text = body.all(headers, shared.limits.json_bytes).await?;
            let JobRequest {
                service,
                input: JobInput { upload_id },
                params,
                outputs,
                metadata,
                priority,
            } = from_json(&text, REQUEST)?;
            let part = JobPart {
                service,
                params,
                outputs,
                metadata,
                priority,
            };
            let key = with_digest(key, &part, &upload_id.to_string())?;
            Ok(shared
                .engine
                .submit(caller, part.with(upload_id), key)
                .await?)
        }
        Some("multipart/form-data") => {
            let (part, upload) = form(shared, caller, headers, body).await?;
            let id = upload.id;
            let submitted = match with_digest(key, &part, &upload.sha256) {
                Ok(key) => shared.engine.submit(caller, part.with(id), key).await,
                Err(problem) => {
                    forget(shared, caller, id).await;
                    return Err(problem);
                }
            };
            // The upload came for a job that was there before, or is not to be.
            if !matches!(submitted, Ok((_, true))) {
                forget(shared, caller, id).await;
            }
            Ok(submitted?)
        }
        _ => Err(Problem::new(
            Code::UnsupportedMediaType,
            "a job is asked for with application/json or multipart/form-data",
        )),
    }
}

async fn forget(shared: &Shared, caller: &Caller, upload: Uuid) {
    match shared.engine.delete_upload(caller, upload).await {
        Ok(()) | Err(EngineError::NotFound { .. }) => {}
        // It goes with its age.
        Err(error) => log::warn!("upload {upload} is of no use and stays: {error}"),
    }
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(key) = request::text(headers, &IDEMPOTENCY_KEY)? else {
        return Ok(None);
    };
    let printable = key.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if !printable || !(1..=MAX_KEY).contains(&key.len()) {
        return Err(Problem::new(
            Code::BadRequest,
            "an Idempotency-Key is 1 to 255 printable ASCII characters",
        ));
    }
    Ok(Some(key.to_owned()))
}

/// The key, and a digest of what it came with: the job as it was understood, and its input.
fn with_digest(
    key: Option<String>,
    part: &JobPart,
    input: &str,
) -> Result<Option<IdempotencyKey>, Problem> {
    let Some(key) = key else {
        return Ok(None);
    };
    let asked = serde_json::to_vec(&(part, input)).map_err(Problem::internal)?;
    let digest = hex(&Sha256::digest(&asked));
    Ok(Some(IdempotencyKey { key, digest }))
}

/// A body as the reader of forms takes it, which hands on no errors but those that it knows.
struct Shadow {
    body: Body,
    seen: Rc<Seen>,
}

#[derive(Default)]
struct Seen {
    received: RefCell<u64>,
    problem: RefCell<Option<Problem>>,
}

impl Seen {
    /// What went wrong: with the body, or else with the form.
    fn problem(&self, error: &MultipartError) -> Problem {
        let earlier = self.problem.borrow_mut().take();
        earlier.unwrap_or_else(|| {
            Problem::new(
                Code::BadRequest,
                format!("the body is no such form: {error}"),
            )
        })
    }
}

fn parts(body: Body, seen: Rc<Seen>) -> impl Stream<Item = Result<Bytes, PayloadError>> {
    stream::unfold(Shadow { body, seen }, |mut shadow| async {
        let part = match shadow.body.next().await? {
            Ok(part) => Ok(part),
            Err(problem) => {
                shadow.seen.problem.replace(Some(problem));
                Err(PayloadError::Incomplete(None))
            }
        };
        shadow.seen.received.replace(shadow.body.received());
        Some((part, shadow))
    })
    // Who reads forms asks once more when the end has come.
    .fuse()
}

async fn form(
    shared: &Shared,
    caller: &Caller,
    headers: &HeaderMap,
    body: Body,
) -> Result<(JobPart, Upload), Problem> {
    let seen = Rc::new(Seen::default());
    let mut form = Multipart::new(headers, parts(body, Rc::clone(&seen)));
    let job = read_job(shared, &mut form, &seen).await?;
    let mut file = expect(&mut form, &seen, "file").await?;
    let name = file
        .content_disposition()
        .and_then(|disposition| disposition.get_filename())
        .and_then(file_name);
    // What is still to come of a form that ends with this part is the file, but for a little.
    let length = content_length(headers)
        .map(|length| length.saturating_sub(*seen.received.borrow() + FORM_BYTES));
    let mut writer = shared.engine.begin_upload(caller, name, length).await?;
    store(shared, &mut file, &mut writer, &seen).await?;
    drop(file);
    match form.next().await {
        None => Ok((job, writer.finish_for_job().await?)),
        Some(Ok(_)) => Err(Problem::new(
            Code::BadRequest,
            "the form has more parts than `job` and `file`",
        )),
        Some(Err(error)) => Err(seen.problem(&error)),
    }
}

async fn read_job(shared: &Shared, form: &mut Multipart, seen: &Seen) -> Result<JobPart, Problem> {
    let mut field = expect(form, seen, "job").await?;
    let limit = shared.limits.json_bytes;
    let mut text = Vec::new();
    while let Some(part) = field.next().await {
        let part = part.map_err(|error| seen.problem(&error))?;
        if (text.len() + part.len()) as u64 > limit {
            return Err(too_large(limit));
        }
        text.extend_from_slice(&part);
    }
    let job: JobPart = from_json(&text, PART)?;
    // Before the file comes.
    if shared.engine.services().get(&job.service).is_none() {
        let infos = shared.engine.services().infos();
        return Err(Problem::from(EngineError::UnknownService {
            name: job.service,
            known: infos.map(|info| info.name.clone()).collect(),
        }));
    }
    Ok(job)
}

async fn expect(form: &mut Multipart, seen: &Seen, name: &str) -> Result<Field, Problem> {
    let field = match form.next().await {
        Some(field) => field.map_err(|error| seen.problem(&error))?,
        None => return Err(missing(name)),
    };
    if field.name() == Some(name) {
        Ok(field)
    } else {
        Err(missing(name))
    }
}

fn missing(name: &str) -> Problem {
    Problem::new(
        Code::BadRequest,
        format!("the part `{name}` is missing; the form has a part `job`, then a part `file`"),
    )
}

async fn store(
    shared: &Shared,
    file: &mut Field,
    writer: &mut UploadWriter,
    seen: &Seen,
) -> Result<(), Problem> {
    while let Some(part) = file.next().await {
        let part = part.map_err(|error| seen.problem(&error))?;
        shared.metrics.uploaded(part.len());
        writer.write(part).await?;
    }
    Ok(())
}
