//! The files that jobs have made.

use actix_web::body::{BoxBody, MessageBody as _, SizedStream};
use actix_web::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_RANGE, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, EntityTag, IF_RANGE, RANGE, Range,
};
use actix_web::{HttpRequest, HttpResponse, get, web};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, stream};
use serde::Serialize;
use std::io::{self, SeekFrom};
use std::str::FromStr;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use utoipa::ToSchema;
use uuid::Uuid;

use super::request::{entity_tag, etag, has_already};
use crate::engine::{Caller, Content};
use crate::model::Artifact;
use crate::problem::{Code, Problem};
use crate::security::access::Principal;
use crate::security::headers::ARTIFACT_PAGE;
use crate::server::Shared;

/// So much of a file is in memory for each client, in bytes.
const PART_BYTES: usize = 64 << 10;
const REPORT: &str = "report.html";

/// An artifact and where it is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ArtifactLink {
    /// What it is.
    #[serde(flatten)]
    artifact: Artifact,
    /// Where it is.
    url: String,
}

/// Artifacts.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ArtifactList {
    /// None before the job has succeeded.
    artifacts: Vec<ArtifactLink>,
}

/// List the files that a job has made.
#[utoipa::path(
    tag = "artifacts",
    operation_id = "list_artifacts",
    params(("id" = Uuid, Path, description = "The job.")),
    responses(
        (status = 200, description = "Its artifacts.", body = ArtifactList),
        (status = 404, description = "There is no such job, or it is another's."),
    )
)]
#[get("/jobs/{id}/artifacts")]
pub(crate) async fn list(
    id: web::Path<Uuid>,
    principal: Principal,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Problem> {
    let job = shared.engine.job(&principal.caller(), *id).await?;
    let link = |artifact: Artifact| ArtifactLink {
        url: format!("/api/v1/jobs/{}/artifacts/{}", job.id, artifact.name),
        artifact,
    };
    let artifacts = job.artifacts.into_iter().map(link).collect();
    Ok(HttpResponse::Ok().json(ArtifactList { artifacts }))
}

/// Fetch a file that a job has made, or a part of it.
#[utoipa::path(
    tag = "artifacts",
    operation_id = "get_artifact",
    params(
        ("id" = Uuid, Path, description = "The job."),
        ("name" = String, Path, description = "The artifact."),
        ("Range" = Option<String>, Header, description = "Such as `bytes=0-1023`; one range."),
        ("If-Range" = Option<String>, Header, description = "The `ETag` of what the range is to go on from."),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of what you have."),
    ),
    responses(
        (status = 200, description = "The file.",
            content((inline(super::openapi::Binary) = "*/*")),
            headers(("ETag" = String, description = "Its SHA-256."))),
        (status = 206, description = "The part that was asked for.",
            content((inline(super::openapi::Binary) = "*/*")),
            headers(("Content-Range" = String, description = "Which part of how much."))),
        (status = 304, description = "You have it."),
        (status = 404, description = "There is no such job or artifact, or it is another's."),
        (status = 416, description = "The file has no such range.",
            headers(("Content-Range" = String, description = "How much there is."))),
    )
)]
#[get("/jobs/{id}/artifacts/{name}")]
pub(crate) async fn fetch(
    request: HttpRequest,
    path: web::Path<(Uuid, String)>,
    principal: Principal,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Problem> {
    let (id, name) = path.into_inner();
    answer(&request, &shared, &principal.caller(), id, &name).await
}

/// Read a job's report: one page that needs nothing else.
#[utoipa::path(
    tag = "artifacts",
    operation_id = "get_report",
    params(("id" = Uuid, Path, description = "The job.")),
    responses(
        (status = 200, description = "The report.", content((String = "text/html"))),
        (status = 206, description = "The part that was asked for.", content((String = "text/html"))),
        (status = 304, description = "You have it."),
        (status = 404, description = "There is no such job, or it has no report yet."),
        (status = 416, description = "The report has no such range."),
    )
)]
#[get("/jobs/{id}/report.html")]
pub(crate) async fn report(
    request: HttpRequest,
    id: web::Path<Uuid>,
    principal: Principal,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Problem> {
    answer(&request, &shared, &principal.caller(), *id, REPORT).await
}

async fn answer(
    request: &HttpRequest,
    shared: &Shared,
    caller: &Caller,
    id: Uuid,
    name: &str,
) -> Result<HttpResponse, Problem> {
    let (artifact, content) = shared.engine.artifact(caller, id, name).await?;
    let source = match content {
        Content::Bytes(bytes) => Source::Bytes(bytes),
        Content::File(path) => match File::open(&path).await {
            Ok(file) => Source::File(file),
            // Deleted meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Problem::new(
                    Code::NotFound,
                    format!("there is no artifact {name}"),
                ));
            }
            Err(error) => {
                return Err(Problem::internal(format_args!("job {id}, {name}: {error}")));
            }
        },
    };
    let tag = entity_tag(artifact.sha256.as_str());
    let policy = is_page(&artifact.media_type).then_some((CONTENT_SECURITY_POLICY, ARTIFACT_PAGE));
    if has_already(request, &tag) {
        let mut response = HttpResponse::NotModified();
        // Its headers take the place of those that the client keeps.
        if let Some(policy) = policy {
            response.insert_header(policy);
        }
        return Ok(response
            .insert_header(etag(&tag))
            .insert_header((CACHE_CONTROL, "private, no-cache"))
            .finish());
    }
    let part = asked_range(request, &tag, artifact.bytes)?;
    let mut response = match part {
        None => HttpResponse::Ok(),
        Some((first, last)) => {
            let mut response = HttpResponse::PartialContent();
            let range = format!("bytes {first}-{last}/{}", artifact.bytes);
            response.insert_header((CONTENT_RANGE, range));
            response
        }
    };
    if let Some(policy) = policy {
        response.insert_header(policy);
    }
    let (first, length) = match part {
        None => (0, artifact.bytes),
        Some((first, last)) => (first, last - first + 1),
    };
    // The names of artifacts have no character that would have to be quoted.
    let disposition = format!("inline; filename=\"{}\"", artifact.name);
    Ok(response
        .insert_header(etag(&tag))
        .insert_header((ACCEPT_RANGES, "bytes"))
        // Kept by browsers, but asked for each time whether it is still allowed.
        .insert_header((CACHE_CONTROL, "private, no-cache"))
        .insert_header((CONTENT_TYPE, artifact.media_type))
        .insert_header((CONTENT_DISPOSITION, disposition))
        .body(source.part(first, length)))
}

/// Where an artifact is read from.
enum Source {
    Bytes(Bytes),
    File(File),
}

impl Source {
    /// So many bytes, which there are, from there on.
    fn part(self, first: u64, length: u64) -> BoxBody {
        match self {
            Self::Bytes(bytes) => {
                let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
                let (begin, end) = (place(first), place(first.saturating_add(length)));
                bytes.slice(begin..end).boxed()
            }
            Self::File(file) => SizedStream::new(length, contents(file, first, length)).boxed(),
        }
    }
}

/// Whether browsers would run what is in it.
fn is_page(media_type: &str) -> bool {
    ["html", "xml", "svg"]
        .iter()
        .any(|word| media_type.contains(word))
}

/// The first and the last byte that are asked for; `None` for all.
fn asked_range(
    request: &HttpRequest,
    tag: &EntityTag,
    bytes: u64,
) -> Result<Option<(u64, u64)>, Problem> {
    let headers = request.headers();
    let Some(range) = headers.get(RANGE).and_then(|value| value.to_str().ok()) else {
        return Ok(None);
    };
    if let Some(known) = headers.get(IF_RANGE) {
        // A date is never as sure as a digest.
        let same = known
            .to_str()
            .ok()
            .and_then(|text| EntityTag::from_str(text).ok());
        if !same.is_some_and(|known| known.strong_eq(tag)) {
            return Ok(None);
        }
    }
    // What is no range, or several, may be answered with all (RFC 9110, section 14.2).
    let Ok(Range::Bytes(ranges)) = Range::from_str(range) else {
        return Ok(None);
    };
    let [range] = ranges.as_slice() else {
        return Ok(None);
    };
    match range.to_satisfiable_range(bytes) {
        Some(part) => Ok(Some(part)),
        None => Err(Problem::new(
            Code::RangeNotSatisfiable,
            format!("the file has {bytes} bytes"),
        )
        .with_header(CONTENT_RANGE, &format!("bytes */{bytes}"))),
    }
}

/// Reads on only when the client has taken what was read.
fn contents(file: File, first: u64, length: u64) -> impl Stream<Item = io::Result<Bytes>> {
    let begin = (file, first, length, false);
    stream::try_unfold(begin, |(mut file, first, left, is_there)| async move {
        if left == 0 {
            return Ok(None);
        }
        if !is_there && first > 0 {
            file.seek(SeekFrom::Start(first)).await?;
        }
        let size = left.min(PART_BYTES as u64);
        let mut part = BytesMut::with_capacity(PART_BYTES);
        let read = (&mut file).take(size).read_buf(&mut part).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Some((
            part.freeze(),
            (file, first, left - read as u64, true),
        )))
    })
}
