//! What can be asked for.

use actix_web::{HttpResponse, get, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::problem::{Code, Problem};
use crate::server::Shared;
use crate::service::ServiceInfo;

/// Services.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ServiceList {
    /// By name.
    services: Vec<ServiceInfo>,
}

/// List the services that can be asked for.
#[utoipa::path(
    tag = "services",
    operation_id = "list_services",
    responses((status = 200, description = "The services.", body = ServiceList))
)]
#[get("/services")]
pub(crate) async fn list(shared: web::Data<Shared>) -> HttpResponse {
    HttpResponse::Ok().json(ServiceList {
        services: shared.engine.services().infos().cloned().collect(),
    })
}

/// Show a service and the JSON Schema of its parameters.
#[utoipa::path(
    tag = "services",
    operation_id = "get_service",
    params(("name" = String, Path, description = "The service.")),
    responses(
        (status = 200, description = "The service.", body = ServiceInfo),
        (status = 404, description = "No service has this name."),
    )
)]
#[get("/services/{name}")]
pub(crate) async fn show(
    name: web::Path<String>,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Problem> {
    match shared.engine.services().get(&name) {
        Some(offered) => Ok(HttpResponse::Ok().json(&offered.info)),
        None => Err(Problem::new(
            Code::NotFound,
            format!("there is no service `{name}`"),
        )),
    }
}
