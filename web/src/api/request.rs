//! What requests carry beside their body.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::{
    ETAG, EntityTag, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH, IfNoneMatch,
};
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use serde::de::DeserializeOwned;

use super::body::pointer;
use crate::model::FieldError;
use crate::problem::{Code, Problem};

/// The parameters of a query; errors name them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Params<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest for Params<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let pairs = form_urlencoded::parse(request.query_string().as_bytes());
        let reader = serde_urlencoded::Deserializer::new(pairs);
        ready(
            serde_path_to_error::deserialize(reader)
                .map(Self)
                .map_err(|error| {
                    wrong_parameter(&pointer(error.path()), &error.inner().to_string())
                }),
        )
    }
}

/// A parameter of the query is wrong; `pointer` is `/` and its name.
pub(crate) fn wrong_parameter(pointer: &str, reason: &str) -> Problem {
    let name = pointer.trim_start_matches('/');
    let detail = if name.is_empty() {
        format!("the query is wrong: {reason}")
    } else {
        format!("the query's `{name}` is wrong: {reason}")
    };
    Problem::new(Code::BadRequest, detail).with_fields(vec![FieldError {
        pointer: pointer.to_owned(),
        detail: reason.to_owned(),
    }])
}

/// A header's text, if it is there.
pub(crate) fn text<'h>(
    headers: &'h HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'h str>, Problem> {
    let Some(value) = headers.get(name) else {
        return Ok(None);
    };
    match value.to_str() {
        Ok(text) => Ok(Some(text)),
        Err(_) => Err(Problem::new(
            Code::BadRequest,
            format!("the header {name} has other than printable ASCII characters"),
        )),
    }
}

/// An entity tag that is the same only for the same bytes.
pub(crate) fn entity_tag(tag: impl Into<String>) -> EntityTag {
    EntityTag::new_strong(tag.into())
}

/// As a header.
pub(crate) fn etag(tag: &EntityTag) -> (HeaderName, HeaderValue) {
    // Revisions and digests are letters and digits.
    let value = HeaderValue::from_str(&tag.to_string());
    (
        ETAG,
        value.unwrap_or_else(|_| HeaderValue::from_static("\"\"")),
    )
}

/// Whether the client has this already, by its `If-None-Match`.
pub(crate) fn has_already(request: &HttpRequest, tag: &EntityTag) -> bool {
    match request.get_header::<IfNoneMatch>() {
        Some(IfNoneMatch::Any) => true,
        Some(IfNoneMatch::Items(tags)) => tags.iter().any(|known| known.weak_eq(tag)),
        None => false,
    }
}

/// Whether the client asks only for what it has not.
pub(crate) fn asks_for_news(request: &HttpRequest) -> bool {
    request.headers().contains_key(IF_NONE_MATCH)
}
