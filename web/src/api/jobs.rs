//! Jobs.

use std::time::Duration;

use actix_web::http::header::{HeaderName, LOCATION};
use actix_web::{HttpRequest, HttpResponse, delete, get, post, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::request::{Params, asks_for_news, entity_tag, etag, has_already, wrong_parameter};
use super::submit::{self, JobForm, JobRequest};
use crate::engine::Filter;
use crate::model::{Job, State};
use crate::problem::Problem;
use crate::security::access::Principal;
use crate::server::Shared;

const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// The longest that a request is held, in seconds.
const MAX_WAIT: u64 = 60;
const MAX_PAGE: u16 = 200;

/// Ask for a job. When this is answered, the job is kept and will run, whatever happens to the server.
#[utoipa::path(
    tag = "jobs",
    operation_id = "create_job",
    params(("Idempotency-Key" = Option<String>, Header,
        description = "1 to 255 printable characters. The same key with the same request gives the same job, however often it is sent.")),
    request_body(content((JobRequest = "application/json"), (JobForm = "multipart/form-data"))),
    responses(
        (status = 202, description = "It is accepted.", body = Job, headers(
            ("Location" = String, description = "Its address."),
            ("Idempotent-Replayed" = String, description = "`true` if it was accepted before, with this key."),
        )),
        (status = 404, description = "There is no such upload, or it is another's."),
        (status = 409, description = "The first request with this key is still being taken in."),
        (status = 413, description = "The body is longer than it may be."),
        (status = 415, description = "The body, or the file in it, is of no kind that is read here."),
        (status = 422, description = "Fields are wrong, the service is unknown, the file is damaged, or the key was used for another request."),
        (status = 429, description = "As many jobs wait as may, of all or of you, or their parameters take as much memory as they may.", headers(("Retry-After" = String, description = "In seconds."))),
        (status = 503, description = "The broker is away, or the server is going down.", headers(("Retry-After" = String, description = "In seconds."))),
        (status = 507, description = "There is no room on the disk."),
    )
)]
#[post("/jobs")]
pub(crate) async fn create(
    request: HttpRequest,
    principal: Principal,
    shared: web::Data<Shared>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let caller = principal.caller();
    let headers = request.headers();
    let (job, is_new) = submit::submit(&shared, &caller, headers, payload.into_inner()).await?;
    let mut response = HttpResponse::Accepted();
    response.insert_header((LOCATION, format!("/api/v1/jobs/{}", job.id)));
    if !is_new {
        response.insert_header((IDEMPOTENT_REPLAYED, "true"));
    }
    Ok(response.json(job))
}

/// Which jobs.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListParams {
    /// Only in this state.
    state: Option<State>,
    /// Only of this service, be it one that there is no more.
    service: Option<String>,
    /// How many at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    page_size: Option<u16>,
    /// The `next_page_token` of the page before.
    page_token: Option<String>,
}

/// Jobs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobList {
    /// Newest first, without their results.
    jobs: Vec<Job>,
    /// Asks for the next page, which there may be although this one has fewer than `page_size`; null when this was the
    /// last.
    #[schema(required)]
    next_page_token: Option<String>,
}

/// List jobs, newest first. Their results are left out; a job alone has its own.
#[utoipa::path(
    tag = "jobs",
    operation_id = "list_jobs",
    params(ListParams),
    responses((status = 200, description = "A page of them.", body = JobList))
)]
#[get("/jobs")]
pub(crate) async fn list(
    Params(params): Params<ListParams>,
    principal: Principal,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Problem> {
    let size = params.page_size.unwrap_or(50);
    if !(1..=MAX_PAGE).contains(&size) {
        return Err(wrong_parameter("/page_size", "it is to be 1 to 200"));
    }
    let after = match params.page_token.as_deref().map(Uuid::try_parse) {
        None => None,
        Some(Ok(after)) => Some(after),
        Some(Err(_)) => {
            return Err(wrong_parameter(
                "/page_token",
                "it is no `next_page_token` of an earlier page",
            ));
        }
    };
    let filter = Filter {
        state: params.state,
        service: params.service,
    };
    let caller = principal.caller();
    let page = shared
        .engine
        .jobs(&caller, &filter, usize::from(size), after)
        .await?;
    Ok(HttpResponse::Ok().json(JobList {
        jobs: page.jobs,
        next_page_token: page.next.map(|id| id.simple().to_string()),
    }))
}

/// How long the answer may be held.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ShowParams {
    /// Holds the answer for up to so many seconds: until the job is not as `If-None-Match` says, or, without that,
    /// until it has ended.
    #[param(minimum = 0, maximum = 60)]
    wait: Option<u64>,
}

/// Show a job, at once or when something has happened.
#[utoipa::path(
    tag = "jobs",
    operation_id = "get_job",
    params(
        ("id" = Uuid, Path, description = "The job."),
        ShowParams,
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of what you have."),
    ),
    responses(
        (status = 200, description = "The job as it stands.", body = Job,
            headers(("ETag" = String, description = "Its revision."))),
        (status = 304, description = "It stands as you have it."),
        (status = 404, description = "There is no such job, or it is another's."),
    )
)]
#[get("/jobs/{id}")]
pub(crate) async fn show(
    request: HttpRequest,
    id: web::Path<Uuid>,
    Params(params): Params<ShowParams>,
    principal: Principal,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Problem> {
    let wait = params.wait.unwrap_or(0);
    if wait > MAX_WAIT {
        return Err(wrong_parameter("/wait", "it is to be 0 to 60 seconds"));
    }
    let caller = principal.caller();
    let mut job = shared.engine.job(&caller, *id).await?;
    let wants_news = asks_for_news(&request);
    let is_known = |job: &Job| has_already(&request, &entity_tag(job.revision.to_string()));
    let holds = if wants_news {
        is_known(&job)
    } else {
        !job.state.is_terminal()
    };
    if wait > 0 && holds {
        let revision = wants_news.then_some(job.revision);
        let after = shared
            .engine
            .job_after(&caller, *id, revision, Duration::from_secs(wait));
        // A server that goes down does not hold answers back.
        job = tokio::select! {
            after = after => after?,
            () = shared.stopping() => job,
        };
    }
    let tag = etag(&entity_tag(job.revision.to_string()));
    Ok(if wants_news && is_known(&job) {
        HttpResponse::NotModified().insert_header(tag).finish()
    } else {
        HttpResponse::Ok().insert_header(tag).json(job)
    })
}

/// Ask a job to end.
#[utoipa::path(
    tag = "jobs",
    operation_id = "cancel_job",
    params(("id" = Uuid, Path, description = "The job.")),
    responses(
        (status = 202, description = "It will end soon.", body = Job),
        (status = 404, description = "There is no such job, or it is another's."),
        (status = 409, description = "It has ended already."),
        (status = 503, description = "The server is going down."),
        (status = 507, description = "There is no room on the disk."),
    )
)]
#[post("/jobs/{id}/cancel")]
pub(crate) async fn cancel(
    id: web::Path<Uuid>,
    principal: Principal,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Problem> {
    let job = shared.engine.cancel(&principal.caller(), *id).await?;
    Ok(HttpResponse::Accepted().json(job))
}

/// Forget a job that has ended, and its artifacts; also its file, if that came in one request with it and no other job
/// has it.
#[utoipa::path(
    tag = "jobs",
    operation_id = "delete_job",
    params(("id" = Uuid, Path, description = "The job.")),
    responses(
        (status = 204, description = "It is gone."),
        (status = 404, description = "There is no such job, or it is another's."),
        (status = 409, description = "It has not ended."),
        (status = 503, description = "The server is going down."),
        (status = 507, description = "There is no room on the disk."),
    )
)]
#[delete("/jobs/{id}")]
pub(crate) async fn remove(
    id: web::Path<Uuid>,
    principal: Principal,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Problem> {
    shared.engine.delete(&principal.caller(), *id).await?;
    Ok(HttpResponse::NoContent().finish())
}
