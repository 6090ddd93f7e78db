//! Whether the server lives, and whether it can take jobs.

use actix_web::{HttpResponse, get, web};

use super::nodes::broker_trouble;
use crate::problem::{Code, Problem};
use crate::server::Shared;

/// Answers while the process lives.
#[utoipa::path(
    tag = "server",
    operation_id = "healthz",
    security(()),
    responses((status = 200, description = "It lives.", content((String = "text/plain"))))
)]
#[get("/healthz")]
pub(crate) async fn healthz() -> HttpResponse {
    text("ok")
}

/// Whether jobs can be taken: the machine lives, records can be written, and the broker is there if there is to be one.
#[utoipa::path(
    tag = "server",
    operation_id = "readyz",
    security(()),
    responses(
        (status = 200, description = "They can.", content((String = "text/plain"))),
        (status = 503, description = "They cannot, and why.", headers(("Retry-After" = String, description = "In seconds."))),
    )
)]
#[get("/readyz")]
pub(crate) async fn readyz(shared: web::Data<Shared>) -> Result<HttpResponse, Problem> {
    let trouble = if shared.is_stopping() {
        Some(Problem::new(Code::Stopping, "the server is going down"))
    } else if let Some(trouble) = shared.engine.trouble() {
        Some(Problem::new(Code::Stopping, trouble))
    } else if !shared.engine.gauges().writable {
        Some(Problem::new(
            Code::StoreReadOnly,
            "records cannot be written; the disk may be full",
        ))
    } else {
        broker_trouble(shared.engine.machine())
            .map(|trouble| Problem::new(Code::BrokerAway, trouble))
    };
    match trouble {
        None => Ok(text("ready")),
        Some(problem) => Err(problem.retry_soon()),
    }
}

fn text(text: &'static str) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .body(text)
}
