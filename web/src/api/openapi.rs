//! The description of the API, made from the handlers.

use std::sync::Arc;

use actix_web::App;
use actix_web::dev::ResourceDef;
use bytes::Bytes;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::response::Response;
use utoipa::openapi::schema::{ComponentsBuilder, Schema};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{InfoBuilder, LicenseBuilder, OpenApi, Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};
use utoipa_actix_web::AppExt;

use crate::problem::{self, Problem};

const SCHEME: &str = "token";

/// Any bytes.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct Binary(Vec<u8>);

/// Any value of JSON.
#[derive(ToSchema)]
#[schema(value_type = Object)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct AnyJson(serde_json::Value);

/// A job's weight beside others.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) enum PriorityWord {
    /// A quarter of normal.
    Low,
    /// The default.
    Normal,
    /// Four times normal.
    High,
}

/// The description, and what is known from it.
pub(crate) struct Document {
    pub(crate) json: Bytes,
    /// Of the pages that show it.
    pub(super) pages: Arc<utoipa_swagger_ui::Config<'static>>,
    routes: Vec<(ResourceDef, Vec<&'static str>)>,
}

impl Document {
    pub(crate) fn new() -> Result<Self, serde_json::Error> {
        let document = document();
        let routes = document.paths.paths.iter().map(|(path, item)| {
            // A path within a path: see `pages`.
            let pattern = path.replace("{path}", "{path:.*}");
            let methods = operations(item).into_iter().map(|(method, _)| method);
            (ResourceDef::new(pattern), methods.collect())
        });
        Ok(Self {
            json: Bytes::from(serde_json::to_vec(&document)?),
            pages: Arc::new(super::pages::docs_config()),
            routes: routes.collect(),
        })
    }

    /// The methods of the routes that have this path.
    pub(crate) fn methods(&self, path: &str) -> Vec<&'static str> {
        let of_path = |(pattern, _): &&(ResourceDef, _)| pattern.is_match(path);
        let mut methods: Vec<_> = self
            .routes
            .iter()
            .filter(of_path)
            .flat_map(|(_, methods)| methods.iter().copied())
            .collect();
        if methods.contains(&"GET") {
            methods.push("HEAD");
        }
        methods
    }
}

fn operations(item: &PathItem) -> Vec<(&'static str, &Operation)> {
    let all = [
        ("GET", &item.get),
        ("POST", &item.post),
        ("PUT", &item.put),
        ("PATCH", &item.patch),
        ("DELETE", &item.delete),
    ];
    all.into_iter()
        .filter_map(|(method, operation)| Some((method, operation.as_ref()?)))
        .collect()
}

/// The OpenAPI 3.1 document of all routes.
#[must_use]
pub fn document() -> OpenApi {
    let (_, mut document) = App::new()
        .into_utoipa_app()
        .configure(super::routes)
        .split_for_parts();
    document.info = InfoBuilder::new()
        .title("MsVPU")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Submit jobs, watch them, fetch what they made. Every error is an `application/problem+json` (RFC 9457), but \
             for requests whose head cannot be read: those are answered with a bare status (400, 408, 431). \
             Where GET is, HEAD is too.",
        ))
        .license(Some(
            LicenseBuilder::new()
                .name(env!("CARGO_PKG_LICENSE"))
                .build(),
        ))
        .build();
    let components = document.components.take().unwrap_or_default();
    let mut problem_schemas = vec![(Problem::name().into_owned(), Problem::schema())];
    Problem::schemas(&mut problem_schemas);
    let mut components: ComponentsBuilder = components.into();
    for (name, schema) in problem_schemas {
        components = components.schema(name, schema);
    }
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("msvpu_…")
        .description(Some(
            "A token of the server's file of tokens. A server without tokens, on loopback, asks for none.",
        ))
        .build();
    components = components.security_scheme(SCHEME, SecurityScheme::Http(bearer));
    document.components = Some(components.build());
    for item in document.paths.paths.values_mut() {
        let operations = [
            &mut item.get,
            &mut item.post,
            &mut item.put,
            &mut item.patch,
            &mut item.delete,
        ];
        operations.into_iter().flatten().for_each(complete);
    }
    document
}

/// Adds what is the same for many routes.
fn complete(operation: &mut Operation) {
    let is_public = operation.security.is_some();
    let has_body = operation.request_body.is_some();
    let has_parameters = operation
        .parameters
        .as_ref()
        .is_some_and(|all| !all.is_empty());
    let common = [
        (
            has_parameters || has_body,
            400,
            "The path, the query, a header or the body cannot be understood.",
        ),
        (!is_public, 401, "There is no token, or nobody knows it."),
        (
            true,
            403,
            "The token's scope is too small, or a page of another site asks.",
        ),
        (has_body, 408, "The body came too slowly."),
        (true, 421, "The server is not known under this name."),
        (!is_public, 500, "The server failed; its log tells more."),
        (!is_public, 503, "The server is going down."),
        (!is_public, 507, "There is no room on the disk."),
    ];
    let responses = &mut operation.responses.responses;
    for (_, status, description) in common.into_iter().filter(|(applies, ..)| *applies) {
        responses
            .entry(status.to_string())
            .or_insert_with(|| RefOr::T(Response::new(description)));
    }
    for (status, response) in responses {
        if let RefOr::T(response) = response
            && status.starts_with(['4', '5'])
        {
            let schema: RefOr<Schema> = Ref::from_schema_name(Problem::name()).into();
            let content = ContentBuilder::new().schema(Some(schema)).build();
            response
                .content
                .insert(problem::MEDIA_TYPE.to_owned(), content.into());
        }
    }
    if !is_public {
        operation.security = Some(vec![SecurityRequirement::new::<_, [&str; 0], &str>(
            SCHEME,
            [],
        )]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_known_with_their_methods() {
        let document = Document::new().unwrap();
        assert_eq!(document.methods("/api/v1/jobs"), ["GET", "POST", "HEAD"]);
        assert_eq!(document.methods("/api/v1/jobs/x/cancel"), ["POST"]);
        assert_eq!(document.methods("/assets/a/b.js"), ["GET", "HEAD"]);
        assert_eq!(document.methods("/nothing"), [""; 0]);
    }
}
