//! What the team of a job did over time.

use actix_web::{HttpResponse, get, web};
use uuid::Uuid;

use crate::model::TeamTimes;
use crate::problem::Problem;
use crate::security::access::Principal;
use crate::server::Shared;

/// Show when the MsVPUs of a job computed, waited and were on the way, while it runs and afterwards.
#[utoipa::path(
    tag = "jobs",
    operation_id = "get_job_team",
    params(("id" = Uuid, Path, description = "The job.")),
    responses(
        (status = 200, description = "The latest rounds, of some of its MsVPUs.", body = TeamTimes),
        (status = 404, description = "There is no such job, or it is another's."),
    )
)]
#[get("/jobs/{id}/team")]
pub(crate) async fn show(
    id: web::Path<Uuid>,
    principal: Principal,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Problem> {
    let times = shared.engine.team(&principal.caller(), *id).await?;
    Ok(HttpResponse::Ok().json(&*times))
}
