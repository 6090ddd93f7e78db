//! What happens to a job, as it happens.

use std::time::Duration;

use actix_web::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HeaderName};
use actix_web::{HttpRequest, HttpResponse, get, web};
use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt, stream};
use serde::{Deserialize, Serialize};
use tokio::time::{Interval, MissedTickBehavior, interval};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::request::{self, Params};
use crate::model::{Event, EventBody, IterationRow};
use crate::problem::{Code, Problem};
use crate::security::access::Principal;
use crate::server::Shared;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Tells proxies not to gather the stream.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
const EVENT_STREAM: &str = "text/event-stream";

/// Where to go on.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventParams {
    /// As the header `Last-Event-ID`, which goes before it.
    last_event_id: Option<u64>,
}

/// Events.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventList {
    /// In their order.
    events: Vec<Event>,
}

/// Watch a job: server-sent events, each with the JSON of an `Event` as its data, that end after `done`.
#[utoipa::path(
    tag = "jobs",
    operation_id = "get_job_events",
    params(
        ("id" = Uuid, Path, description = "The job."),
        EventParams,
        ("Last-Event-ID" = Option<u64>, Header, description = "The last event that you have; what comes after it is told."),
    ),
    responses(
        (status = 200, description = "What happens, as it happens; or, where only JSON is accepted, what has happened so far.",
            content((String = "text/event-stream"), (EventList = "application/json"))),
        (status = 404, description = "There is no such job, or it is another's."),
    )
)]
#[get("/jobs/{id}/events")]
pub(crate) async fn watch(
    request: HttpRequest,
    id: web::Path<Uuid>,
    Params(params): Params<EventParams>,
    principal: Principal,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Problem> {
    let after = last_event_id(&request)?
        .or(params.last_event_id)
        .unwrap_or(0);
    let caller = principal.caller();
    if wants_json(&request) {
        let events = shared.engine.events_so_far(&caller, *id, after).await?;
        return Ok(HttpResponse::Ok().json(EventList { events }));
    }
    let events = shared.engine.events(&caller, *id, after).await?;
    let frames = frames(events, shared.limits.comment_every, shared.clone());
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, EVENT_STREAM))
        .insert_header((CACHE_CONTROL, "no-cache"))
        .insert_header((X_ACCEL_BUFFERING, "no"))
        .streaming(frames))
}

fn last_event_id(request: &HttpRequest) -> Result<Option<u64>, Problem> {
    let Some(text) = request::text(request.headers(), &LAST_EVENT_ID)? else {
        return Ok(None);
    };
    match text.parse() {
        Ok(id) => Ok(Some(id)),
        Err(_) => Err(Problem::new(
            Code::BadRequest,
            "Last-Event-ID is to be the number of an event",
        )),
    }
}

/// Whether JSON is accepted, and a stream is not.
fn wants_json(request: &HttpRequest) -> bool {
    let accepted: Vec<_> = request
        .headers()
        .get_all(ACCEPT)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|range| range.split(';').next())
        .map(|range| range.trim().to_ascii_lowercase())
        .collect();
    let accepts = |media_type: &str| accepted.iter().any(|range| range == media_type);
    accepts("application/json") && !accepts(EVENT_STREAM)
}

/// What the client is sent: nothing is made before it can be.
struct Watch {
    events: BoxStream<'static, Event>,
    comments: Interval,
    shared: web::Data<Shared>,
}

fn frames(
    events: BoxStream<'static, Event>,
    comment_every: Duration,
    shared: web::Data<Shared>,
) -> impl Stream<Item = Result<Bytes, Problem>> {
    // Its first tick comes at once, and shows the client that the stream is open.
    let mut comments = interval(comment_every);
    comments.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let open = Watch {
        events,
        comments,
        shared,
    };
    stream::unfold(open, |mut open| async {
        let frame = tokio::select! {
            biased;
            () = open.shared.stopping() => return None,
            _ = open.comments.tick() => Ok(Bytes::from_static(b": \n\n")),
            event = open.events.next() => frame(&event?),
        };
        Some((frame, open))
    })
    .fuse()
}

/// An event as the stream has it. JSON has no line breaks.
fn frame(event: &Event) -> Result<Bytes, Problem> {
    let data = serde_json::to_string(event).map_err(Problem::internal)?;
    let name = match event.body {
        EventBody::State { .. } => "state",
        EventBody::Iteration(_) => "iteration",
        EventBody::Tiles { .. } => "tiles",
        EventBody::Node { .. } => "node",
        EventBody::Log { .. } => "log",
        EventBody::Done { .. } => "done",
    };
    Ok(format!("id: {}\nevent: {name}\ndata: {data}\n\n", event.id).into())
}

/// Iterations.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IterationList {
    /// From the first.
    iterations: Vec<IterationRow>,
}

/// Show how a job has converged so far.
#[utoipa::path(
    tag = "jobs",
    operation_id = "get_job_iterations",
    params(("id" = Uuid, Path, description = "The job.")),
    responses(
        (status = 200, description = "Its iterations so far.", body = IterationList),
        (status = 404, description = "There is no such job, or it is another's."),
    )
)]
#[get("/jobs/{id}/iterations")]
pub(crate) async fn iterations(
    id: web::Path<Uuid>,
    principal: Principal,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Problem> {
    let caller = principal.caller();
    let iterations = shared.engine.iterations(&caller, *id).await?;
    Ok(HttpResponse::Ok().json(IterationList { iterations }))
}
