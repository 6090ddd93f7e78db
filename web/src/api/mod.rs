//! What is served: a file for each resource.
#![allow(unused_qualifications, reason = "in what utoipa makes of the handlers")]

mod artifacts;
mod body;
mod events;
mod health;
mod jobs;
mod metrics;
pub(crate) mod nodes;
pub(crate) mod openapi;
mod pages;
mod request;
mod services;
mod submit;
mod team;
mod uploads;
mod whoami;

use actix_web::error::PathError;
use actix_web::http::header::ALLOW;
use actix_web::middleware::from_fn;
use actix_web::{HttpRequest, HttpResponse, web};
use utoipa_actix_web::scope;
use utoipa_actix_web::service_config::ServiceConfig;

pub(crate) use body::Pace;

use crate::problem::{Code, Problem};
use crate::security::access;
use crate::server::Shared;

/// All routes.
pub(crate) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(
            scope("/api/v1")
                .wrap(from_fn(access::check))
                .service(uploads::create)
                .service(uploads::show)
                .service(uploads::remove)
                .service(jobs::create)
                .service(jobs::list)
                .service(jobs::show)
                .service(jobs::cancel)
                .service(jobs::remove)
                .service(events::watch)
                .service(events::iterations)
                .service(team::show)
                .service(artifacts::list)
                .service(artifacts::fetch)
                .service(artifacts::report)
                .service(services::list)
                .service(services::show)
                .service(nodes::nodes)
                .service(whoami::whoami),
        )
        .service(metrics::metrics)
        .service(health::healthz)
        .service(health::readyz)
        .service(pages::openapi)
        .service(pages::docs)
        .service(pages::docs_file)
        .service(pages::dashboard)
        .service(pages::file);
}

/// What no route has taken: 405 where the path has other methods, 404 otherwise.
pub(crate) async fn none(request: HttpRequest, shared: web::Data<Shared>) -> HttpResponse {
    let methods = shared.document.methods(request.path());
    let problem = if methods.is_empty() {
        Problem::new(
            Code::NoSuchRoute,
            "no route has this path; /openapi.json lists them",
        )
    } else {
        let methods = methods.join(", ");
        Problem::new(Code::MethodNotAllowed, format!("the path has {methods}"))
            .with_header(ALLOW, &methods)
    };
    problem.response()
}

/// A part of the path that is not as it is to be.
pub(crate) fn path_config() -> web::PathConfig {
    web::PathConfig::default().error_handler(|error, _| {
        let problem = match error {
            PathError::Deserialize(error) => error.to_string(),
            other => other.to_string(),
        };
        let problem = format!("the path is wrong: {problem}; an id is a UUID, as lists show it");
        Problem::new(Code::BadRequest, problem).into()
    })
}
