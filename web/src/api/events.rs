//! What happens to a job, as it happens.

use std::future::ready;
use std::time::Duration;

use actix_web::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, ContentType, HeaderName};
use actix_web::{HttpRequest, HttpResponse, get, web};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use serde::{Deserialize, Serialize};
use tokio::time::{Interval, MissedTickBehavior, interval};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::request::{self, Params, wrong_parameter};
use crate::engine::{After, Events};
use crate::model::{Event, EventBody, IterationRow};
use crate::problem::{Code, Problem};
use crate::security::access::Principal;
use crate::server::Shared;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Tells proxies not to gather the stream.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
const EVENT_STREAM: &str = "text/event-stream";
const IS_NO_ID: &str = "is to be the id of an event, such as `3-17`";
/// So many items of a list are written at once, if they are there.
const AT_ONCE: usize = 64;

/// Where to go on.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventParams {
    /// As the header `Last-Event-ID`, which goes before it.
    #[param(pattern = "^([0-9]{1,19}-)?[0-9]{1,19}$")]
    last_event_id: Option<String>,
}

/// Events.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventList {
    /// In their order.
    events: Vec<Event>,
}

/// Watch a job: server-sent events, each with the JSON of an `Event` as its data, that end after `done`. Their ids are
/// `GENERATION-EVENT`. The generation is another after a restart of the server that did not find the job ended: what
/// comes then takes the place of all events of an earlier generation that have its numbers or higher ones.
#[utoipa::path(
    tag = "jobs",
    operation_id = "get_job_events",
    params(
        ("id" = Uuid, Path, description = "The job."),
        EventParams,
        ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that you have; what comes after it is told. Of one of an earlier generation, what was kept of that one comes first, then the generations after it."),
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
    let after = last_event(&request, params.last_event_id.as_deref())?;
    let caller = principal.caller();
    if wants_json(&request) {
        let events = shared.engine.events_so_far(&caller, *id, after).await?;
        return Ok(list("events", events));
    }
    let events = shared.engine.events(&caller, *id, after).await?;
    let frames = frames(events, shared.limits.comment_every, shared.clone());
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, EVENT_STREAM))
        .insert_header((CACHE_CONTROL, "no-cache"))
        .insert_header((X_ACCEL_BUFFERING, "no"))
        .streaming(frames))
}

/// What the client has, by the header or, without that, by the query.
fn last_event(request: &HttpRequest, parameter: Option<&str>) -> Result<After, Problem> {
    if let Some(text) = request::text(request.headers(), &LAST_EVENT_ID)? {
        let wrong = |_| Problem::new(Code::BadRequest, format!("Last-Event-ID {IS_NO_ID}"));
        return text.parse().map_err(wrong);
    }
    let Some(text) = parameter else {
        return Ok(After::default());
    };
    let wrong = |_| wrong_parameter("/last_event_id", IS_NO_ID);
    text.parse().map_err(wrong)
}

/// An object of one list, written an item after the other as the client takes them.
fn list<T: Serialize>(name: &str, items: impl Stream<Item = T> + 'static) -> HttpResponse {
    let begin = stream::once(ready(Ok(Bytes::from(format!("{{\"{name}\":[")))));
    let mut is_first = true;
    let parts = items.ready_chunks(AT_ONCE).map(move |items| {
        let mut text = Vec::new();
        for item in items {
            if !std::mem::take(&mut is_first) {
                text.push(b',');
            }
            serde_json::to_writer(&mut text, &item).map_err(Problem::internal)?;
        }
        Ok::<_, Problem>(Bytes::from(text))
    });
    let end = stream::once(ready(Ok(Bytes::from_static(b"]}"))));
    HttpResponse::Ok()
        .insert_header(ContentType::json())
        .streaming(begin.chain(parts).chain(end))
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
    events: Events,
    comments: Interval,
    shared: web::Data<Shared>,
}

fn frames(
    events: Events,
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
            event = open.events.next() => frame(open.events.generation, &event?),
        };
        Some((frame, open))
    })
    .fuse()
}

/// An event as the stream has it. JSON has no line breaks.
fn frame(generation: u64, event: &Event) -> Result<Bytes, Problem> {
    let data = serde_json::to_string(event).map_err(Problem::internal)?;
    let name = match event.body {
        EventBody::State { .. } => "state",
        EventBody::Iteration(_) => "iteration",
        EventBody::Tiles { .. } => "tiles",
        EventBody::Node { .. } => "node",
        EventBody::Log { .. } => "log",
        EventBody::Done { .. } => "done",
    };
    let id = event.id;
    Ok(format!("id: {generation}-{id}\nevent: {name}\ndata: {data}\n\n").into())
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
    Ok(list("iterations", iterations))
}
