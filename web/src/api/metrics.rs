//! What is counted.

use actix_web::{HttpResponse, get, web};

use crate::problem::Problem;
use crate::security::access::Admin;
use crate::server::Shared;

/// Show what is counted, as OpenMetrics has it. Needs the scope `admin`.
#[utoipa::path(
    tag = "server",
    operation_id = "metrics",
    responses((status = 200, description = "All of it.", content((String = "application/openmetrics-text"))))
)]
#[get("/metrics")]
pub(crate) async fn metrics(_: Admin, shared: web::Data<Shared>) -> Result<HttpResponse, Problem> {
    let text = shared.metrics.text().map_err(Problem::internal)?;
    Ok(HttpResponse::Ok()
        .content_type("application/openmetrics-text; version=1.0.0; charset=utf-8")
        .body(text))
}
