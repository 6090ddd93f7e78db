//! What surrounds every answer: an id, a line in the log, a count; and HEAD, which is GET without the body.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use actix_web::body::{BodySize, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue, RANGE};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, web};
use bytes::Bytes;
use log::{error, info};
use uuid::Uuid;

use crate::problem::Problem;
use crate::security::access::Principal;
use crate::server::Shared;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The longest id that is taken over from a client.
const MAX_ID: usize = 64;

/// The client's own, if it is short and plain; or a new one.
fn request_id(headers: &HeaderMap) -> String {
    let fits = |id: &str| {
        (1..=MAX_ID).contains(&id.len())
            && id
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    let sent = headers.get(X_REQUEST_ID).and_then(|id| id.to_str().ok());
    match sent.filter(|id| fits(id)) {
        Some(id) => id.to_owned(),
        None => Uuid::now_v7().to_string(),
    }
}

/// Names, logs and counts each request.
pub(crate) async fn observe<B: MessageBody>(
    shared: web::Data<Shared>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let begun = Instant::now();
    let id = request_id(request.headers());
    let method = request.method().clone();
    let mut response = next.call(request).await?;
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(X_REQUEST_ID, id);
    }
    let took = begun.elapsed();
    let status = response.status();
    let asked = response.request();
    let who = asked
        .extensions()
        .get::<Principal>()
        .and_then(|principal| principal.name.clone())
        .unwrap_or_else(|| "-".to_owned());
    info!(
        "request {id}: {method} {} by {who}: {} in {took:?}",
        asked.path(),
        status.as_u16()
    );
    let problem = response
        .response()
        .error()
        .and_then(Error::as_error::<Problem>);
    if let Some(cause) = problem.and_then(Problem::cause) {
        error!("request {id}: {cause}");
    }
    let route = response.request().match_pattern();
    shared.metrics.answered(route, &method, status, took);
    Ok(response)
}

/// Answers HEAD as GET, and keeps the body back.
pub(crate) async fn head<B: MessageBody>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, Absent>>, Error> {
    if request.method() != Method::HEAD {
        return Ok(next.call(request).await?.map_into_left_body());
    }
    request.head_mut().method = Method::GET;
    // Ranges are of GET alone (RFC 9110, section 14.2).
    request.headers_mut().remove(RANGE);
    let response = next.call(request).await?;
    Ok(response.map_body(|_, body| EitherBody::right(Absent(body.size()))))
}

/// A body of a known size that is not sent.
#[derive(Debug)]
pub(crate) struct Absent(BodySize);

impl MessageBody for Absent {
    type Error = std::convert::Infallible;

    fn size(&self) -> BodySize {
        self.0
    }

    fn poll_next(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Poll::Ready(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_ids_are_taken_over() {
        let mut headers = HeaderMap::new();
        let mut id_of = |id: &'static str| {
            headers.insert(X_REQUEST_ID, HeaderValue::from_static(id));
            request_id(&headers)
        };
        assert_eq!(id_of("a-1_b.2"), "a-1_b.2");
        for other in ["", "a b", "a\tforged", "<a>"] {
            assert!(Uuid::try_parse(&id_of(other)).is_ok(), "{other:?}");
        }
    }
}
