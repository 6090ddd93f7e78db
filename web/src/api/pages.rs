//! What is for browsers: the dashboard, and the pages that show the API.

use std::sync::Arc;

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ContentType, LOCATION,
};
use actix_web::{HttpRequest, HttpResponse, get, web};
use rust_embed::{EmbeddedFile, RustEmbed};
use sha2::{Digest, Sha256};
use utoipa_swagger_ui::Config;

use super::request::{entity_tag, etag, has_already};
use crate::hex::hex;
use crate::problem::{Code, Problem};
use crate::security::headers::{DASHBOARD, DOCS};
use crate::server::Shared;

/// The files of the dashboard.
#[derive(RustEmbed)]
#[folder = "assets/"]
struct Assets;

/// Kept by browsers, but asked for each time whether it is the newest.
const REVALIDATE: &str = "no-cache";

/// Open the dashboard.
#[utoipa::path(
    tag = "pages",
    operation_id = "dashboard",
    security(()),
    responses(
        (status = 200, description = "The dashboard.", content((String = "text/html"))),
        (status = 304, description = "You have it."),
    )
)]
#[get("/")]
pub(crate) async fn dashboard(request: HttpRequest) -> Result<HttpResponse, Problem> {
    asset(&request, "index.html")
}

/// Fetch a file of the dashboard.
#[utoipa::path(
    tag = "pages",
    operation_id = "asset",
    security(()),
    params(("path" = String, Path, description = "The file.")),
    responses(
        (status = 200, description = "The file.", content((inline(super::openapi::Binary) = "*/*"))),
        (status = 304, description = "You have it."),
        (status = 404, description = "There is no such file."),
    )
)]
#[get("/assets/{path:.*}")]
pub(crate) async fn file(
    request: HttpRequest,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    asset(&request, &path)
}

fn asset(request: &HttpRequest, path: &str) -> Result<HttpResponse, Problem> {
    let Some(EmbeddedFile { data, metadata }) = Assets::get(path) else {
        return Err(Problem::new(
            Code::NoSuchRoute,
            format!("the dashboard has no file `{path}`"),
        ));
    };
    let digest = metadata.sha256_hash();
    let mut response = cached(request, &digest);
    // Also of what the client has already: headers of the answer take the place of those that it keeps.
    response.insert_header((CONTENT_SECURITY_POLICY, DASHBOARD));
    if has_already(request, &entity_tag(hex(&digest))) {
        return Ok(response.finish());
    }
    Ok(response
        .insert_header((CONTENT_TYPE, with_charset(metadata.mimetype())))
        .body(data))
}

/// An answer of a file with this digest: that the client has it, or the begin of one that brings it.
fn cached(request: &HttpRequest, digest: &[u8]) -> actix_web::HttpResponseBuilder {
    let tag = entity_tag(hex(digest));
    let mut response = if has_already(request, &tag) {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    response
        .insert_header(etag(&tag))
        .insert_header((CACHE_CONTROL, REVALIDATE));
    response
}

/// All text here is UTF-8.
fn with_charset(media_type: &str) -> String {
    let is_text = media_type.starts_with("text/") || media_type.ends_with("javascript");
    if is_text && !media_type.contains("charset") {
        format!("{media_type}; charset=utf-8")
    } else {
        media_type.to_owned()
    }
}

/// Fetch the description of the API.
#[utoipa::path(
    tag = "pages",
    operation_id = "openapi",
    security(()),
    responses((status = 200, description = "An OpenAPI 3.1 document.", content((inline(super::openapi::AnyJson) = "application/json"))))
)]
#[get("/openapi.json")]
pub(crate) async fn openapi(shared: web::Data<Shared>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header(ContentType::json())
        .insert_header((CACHE_CONTROL, REVALIDATE))
        .body(shared.document.json.clone())
}

/// Browse the description of the API.
#[utoipa::path(
    tag = "pages",
    operation_id = "docs",
    security(()),
    responses((status = 308, description = "They are at `/docs/`.", headers(("Location" = String, description = "Where."))))
)]
#[get("/docs")]
pub(crate) async fn docs() -> HttpResponse {
    HttpResponse::PermanentRedirect()
        .insert_header((LOCATION, "/docs/"))
        .finish()
}

/// Fetch a file of the pages that show the description of the API.
#[utoipa::path(
    tag = "pages",
    operation_id = "docs_file",
    security(()),
    params(("path" = String, Path, description = "The file; none for the first page.")),
    responses(
        (status = 200, description = "The file.", content((inline(super::openapi::Binary) = "*/*"))),
        (status = 304, description = "You have it."),
        (status = 404, description = "There is no such file."),
    )
)]
#[get("/docs/{path:.*}")]
pub(crate) async fn docs_file(
    request: HttpRequest,
    path: web::Path<String>,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Problem> {
    let config = Arc::clone(&shared.document.pages);
    let found = utoipa_swagger_ui::serve(&path, config).map_err(Problem::internal)?;
    let Some(found) = found else {
        return Err(Problem::new(
            Code::NoSuchRoute,
            format!("the pages of the API have no file `{path}`"),
        ));
    };
    let digest = Sha256::digest(&found.bytes);
    let mut response = cached(&request, &digest);
    // As above.
    response.insert_header((CONTENT_SECURITY_POLICY, DOCS));
    if has_already(&request, &entity_tag(hex(&digest))) {
        return Ok(response.finish());
    }
    Ok(response
        .insert_header((CONTENT_TYPE, with_charset(&found.content_type)))
        .body(found.bytes.into_owned()))
}

/// What the pages of the API are told.
pub(super) fn docs_config() -> Config<'static> {
    Config::from("/openapi.json")
        // Nothing of it goes to anyone else.
        .validator_url("none")
        .use_base_layout()
}
