//! Files that are handed in.

use actix_web::http::header::{HeaderName, LOCATION};
use actix_web::{HttpRequest, HttpResponse, delete, get, post, web};
use percent_encoding::percent_decode_str;
use uuid::Uuid;

use super::body::{Body, content_length, media_type};
use super::request;
use crate::model::Upload;
use crate::problem::{Code, Problem};
use crate::security::access::Principal;
use crate::server::Shared;

const X_FILE_NAME: HeaderName = HeaderName::from_static("x-file-name");
/// The longest name of a file, in characters.
const MAX_FILE_NAME: usize = 255;

/// Hand in a file. It is read as it comes, and kept.
#[utoipa::path(
    tag = "uploads",
    operation_id = "create_upload",
    params(("X-File-Name" = Option<String>, Header, description = "How you call it; UTF-8, percent-encoded.")),
    request_body(
        content = inline(super::openapi::Binary),
        content_type = "application/octet-stream",
        description = "The file; any content type but multipart."
    ),
    responses(
        (status = 201, description = "It is kept.", body = Upload,
            headers(("Location" = String, description = "Its address."))),
        (status = 413, description = "It is longer than an upload may be."),
        (status = 415, description = "It is of no kind that is read here."),
        (status = 422, description = "It is damaged, or too large when decoded."),
        (status = 503, description = "The server is going down."),
        (status = 507, description = "There is no room on the disk."),
    )
)]
#[post("/uploads")]
pub(crate) async fn create(
    request: HttpRequest,
    principal: Principal,
    shared: web::Data<Shared>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let headers = request.headers();
    if media_type(headers).is_some_and(|media_type| media_type.starts_with("multipart/")) {
        return Err(Problem::new(
            Code::UnsupportedMediaType,
            "the body is to be the file itself; multipart is for POST /api/v1/jobs",
        ));
    }
    let name = match request::text(headers, &X_FILE_NAME)? {
        Some(text) => Some(decoded_name(text)?),
        None => None,
    };
    let caller = principal.caller();
    let length = content_length(headers);
    let mut writer = shared.engine.begin_upload(&caller, name, length).await?;
    let mut body = Body::new(payload.into_inner(), shared.limits.pace());
    while let Some(part) = body.next().await {
        let part = part?;
        shared.metrics.uploaded(part.len());
        writer.write(part).await?;
    }
    let upload = writer.finish().await?;
    Ok(HttpResponse::Created()
        .insert_header((LOCATION, format!("/api/v1/uploads/{}", upload.id)))
        .json(upload))
}

fn decoded_name(text: &str) -> Result<String, Problem> {
    let wrong = |reason: &str| Problem::new(Code::BadRequest, format!("X-File-Name {reason}"));
    let name = percent_decode_str(text)
        .decode_utf8()
        .map_err(|_| wrong("is not percent-encoded UTF-8"))?;
    file_name(&name)
        .ok_or_else(|| wrong("is to be 1 to 255 characters, none of which controls anything"))
}

/// The name of a file without its folders, if it can be one.
pub(super) fn file_name(text: &str) -> Option<String> {
    let name = text.rsplit(['/', '\\']).next()?.trim();
    let length = name.chars().count();
    let fits = (1..=MAX_FILE_NAME).contains(&length) && !name.chars().any(char::is_control);
    fits.then(|| name.to_owned())
}

/// Show an upload.
#[utoipa::path(
    tag = "uploads",
    operation_id = "get_upload",
    params(("id" = Uuid, Path, description = "The upload.")),
    responses(
        (status = 200, description = "The upload.", body = Upload),
        (status = 404, description = "There is no such upload, or it is another's."),
    )
)]
#[get("/uploads/{id}")]
pub(crate) async fn show(
    id: web::Path<Uuid>,
    principal: Principal,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Problem> {
    let upload = shared.engine.upload(&principal.caller(), *id).await?;
    Ok(HttpResponse::Ok().json(upload))
}

/// Remove an upload.
#[utoipa::path(
    tag = "uploads",
    operation_id = "delete_upload",
    params(("id" = Uuid, Path, description = "The upload.")),
    responses(
        (status = 204, description = "It is gone."),
        (status = 404, description = "There is no such upload, or it is another's."),
        (status = 409, description = "A job that has not ended needs it."),
        (status = 503, description = "The server is going down."),
        (status = 507, description = "There is no room on the disk."),
    )
)]
#[delete("/uploads/{id}")]
pub(crate) async fn remove(
    id: web::Path<Uuid>,
    principal: Principal,
    shared: web::Data<Shared>,
) -> Result<HttpResponse, Problem> {
    shared
        .engine
        .delete_upload(&principal.caller(), *id)
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_without_folders() {
        for (text, name) in [
            ("scene.tif", Some("scene.tif")),
            ("/home/ann/scene.tif", Some("scene.tif")),
            ("C:\\scenes\\a.png", Some("a.png")),
            ("a/", None),
            ("a\nb", None),
            ("", None),
        ] {
            assert_eq!(file_name(text).as_deref(), name, "{text:?}");
        }
        assert_eq!(decoded_name("Zo%C3%AB%2Ftif").unwrap(), "tif");
        assert_eq!(decoded_name("%FF").unwrap_err().status, 400);
        assert_eq!(decoded_name(&"x".repeat(256)).unwrap_err().status, 400);
    }
}
