//! Errors as they travel: `application/problem+json` (RFC 9457).

use std::fmt;

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::engine::EngineError;
use crate::model::FieldError;
use crate::service::ProbeError;

/// The media type of all errors.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// After so many seconds it may be worth to try again.
const RETRY_AFTER_SECONDS: u64 = 2;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $status:ident, $title:literal;)*) => {
        /// What went wrong, as a stable word.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
        // The words of the table are these; a literal of a macro is none to the schema.
        #[serde(rename_all = "kebab-case")]
        pub enum Code {
            $($(#[$doc])* $name,)*
        }

        impl Code {
            /// The word.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// The status that it comes with.
            #[must_use]
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)* }
            }

            /// The same for all problems of this code, for people.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }
        }
    };
}

codes! {
    /// A header, the path, the query or the form of the body.
    BadRequest = "bad-request", BAD_REQUEST, "The request cannot be understood";
    /// The body is no JSON.
    MalformedJson = "malformed-json", BAD_REQUEST, "The body is not JSON";
    /// There is no token, or nobody knows it.
    Unauthenticated = "unauthenticated", UNAUTHORIZED, "A known token is needed";
    /// The token's scope is too small.
    InsufficientScope = "insufficient-scope", FORBIDDEN, "The token may not do that";
    /// A page of another site asks.
    ForeignOrigin = "foreign-origin", FORBIDDEN, "Pages of other sites may not ask here";
    /// The server was asked under a name that is none of its own.
    UnknownHost = "unknown-host", MISDIRECTED_REQUEST, "The server is not known under this name";
    /// No route has this path.
    NoSuchRoute = "no-such-route", NOT_FOUND, "There is nothing under this path";
    /// The route has other methods.
    MethodNotAllowed = "method-not-allowed", METHOD_NOT_ALLOWED, "The path has no such method";
    /// A job, upload, artifact or service.
    NotFound = "not-found", NOT_FOUND, "There is no such thing";
    /// The body came too slowly.
    SlowBody = "slow-body", REQUEST_TIMEOUT, "The body came too slowly";
    /// The job has ended.
    Ended = "ended", CONFLICT, "The job has ended";
    /// The job has not ended.
    Running = "running", CONFLICT, "The job has not ended";
    /// The upload is needed.
    InUse = "in-use", CONFLICT, "The upload is in use";
    /// The first request with this key is not answered yet.
    KeyInFlight = "key-in-flight", CONFLICT, "A request with this Idempotency-Key is being taken in";
    /// The body is longer than may be.
    TooLarge = "too-large", PAYLOAD_TOO_LARGE, "The body is too large";
    /// The media type, or the kind of the file.
    UnsupportedMediaType = "unsupported-media-type", UNSUPPORTED_MEDIA_TYPE, "This kind of body is not read here";
    /// No byte of the file is asked for.
    RangeNotSatisfiable = "range-not-satisfiable", RANGE_NOT_SATISFIABLE, "The file has no such range";
    /// Some fields are wrong; `errors` tells which.
    InvalidFields = "invalid-fields", UNPROCESSABLE_ENTITY, "Some fields are wrong";
    /// The file is damaged, or too large when decoded.
    InvalidInput = "invalid-input", UNPROCESSABLE_ENTITY, "The file cannot be an input";
    /// No service has this name.
    UnknownService = "unknown-service", UNPROCESSABLE_ENTITY, "There is no such service";
    /// The key came with another request.
    KeyReused = "key-reused", UNPROCESSABLE_ENTITY, "This Idempotency-Key was used for another request";
    /// As many jobs wait as may, of all or of you, or their parameters take as much memory as they may.
    QueueFull = "queue-full", TOO_MANY_REQUESTS, "The queue is full";
    /// Something failed that the request is not to blame for.
    Internal = "internal", INTERNAL_SERVER_ERROR, "The server failed";
    /// The broker is away.
    BrokerAway = "broker-away", SERVICE_UNAVAILABLE, "There is no connection to the broker";
    /// The store cannot be written.
    StoreReadOnly = "store-read-only", SERVICE_UNAVAILABLE, "Nothing can be written to the store";
    /// The server is going down.
    Stopping = "stopping", SERVICE_UNAVAILABLE, "The server is going down";
    /// The disk is full.
    DiskFull = "disk-full", INSUFFICIENT_STORAGE, "There is no room on the disk";
}

/// An error as clients see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// `/problems/` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// The same for all problems of this code.
    pub title: String,
    /// The status of the answer.
    pub status: u16,
    /// What was wrong this time, and what would be right.
    pub detail: String,
    /// A stable word.
    pub code: Code,
    /// Which fields are wrong, with pointers such as `#/params/start/classes`; for a query, such as
    /// `#/page_size`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// What is said beside the body.
    #[serde(skip)]
    headers: Vec<(HeaderName, HeaderValue)>,
    /// What the log is told and the client is not.
    #[serde(skip)]
    cause: Option<String>,
}

impl Problem {
    /// A problem of this code; `detail` tells what was wrong this time.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("/problems/{}", code.word()),
            title: code.title().to_owned(),
            status: code.status().as_u16(),
            detail: detail.into(),
            code,
            errors: Vec::new(),
            headers: Vec::new(),
            cause: None,
        }
    }

    /// With the fields that are wrong; their pointers begin with `/`, or are empty for the whole.
    #[must_use]
    pub fn with_fields(mut self, errors: Vec<FieldError>) -> Self {
        let fragment = |field: FieldError| FieldError {
            pointer: fragment(&field.pointer),
            ..field
        };
        self.errors = errors.into_iter().map(fragment).collect();
        self
    }

    /// With a header; what cannot be a header's value is left out.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }

    /// Worth to be tried again soon.
    #[must_use]
    pub fn retry_soon(self) -> Self {
        self.with_header(header::RETRY_AFTER, &RETRY_AFTER_SECONDS.to_string())
    }

    /// What the server is to blame for: the log tells it, the client does not hear it.
    pub fn internal(cause: impl fmt::Display) -> Self {
        let detail = "the server's log tells more, under the id of this request";
        Self {
            cause: Some(cause.to_string()),
            ..Self::new(Code::Internal, detail)
        }
    }

    /// What the log is told and the client is not.
    #[must_use]
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// The answer.
    #[must_use]
    pub fn response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.code.status());
        for (name, value) in &self.headers {
            response.insert_header((name.clone(), value.clone()));
        }
        let body = serde_json::to_vec(self).unwrap_or_default();
        response.content_type(MEDIA_TYPE).body(body)
    }
}

/// A JSON pointer as the fragment of an address (RFC 6901, section 6).
fn fragment(pointer: &str) -> String {
    use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
    const OUTSIDE: &AsciiSet = &CONTROLS
        .add(b' ')
        .add(b'"')
        .add(b'#')
        .add(b'%')
        .add(b'<')
        .add(b'>')
        .add(b'[')
        .add(b'\\')
        .add(b']')
        .add(b'^')
        .add(b'`')
        .add(b'{')
        .add(b'|')
        .add(b'}');
    format!("#{}", utf8_percent_encode(pointer, OUTSIDE))
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.title, self.detail)
    }
}

impl std::error::Error for Problem {}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.code.status()
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        self.response()
    }
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        let detail = error.to_string();
        match error {
            EngineError::NotFound { .. } => Self::new(Code::NotFound, detail),
            EngineError::UnknownService { .. } => Self::new(Code::UnknownService, &detail)
                .with_fields(vec![FieldError {
                    pointer: "/service".to_owned(),
                    detail,
                }]),
            EngineError::Fields(fields) => {
                Self::new(Code::InvalidFields, detail).with_fields(fields)
            }
            EngineError::Input(ProbeError::Unsupported(reason)) => {
                Self::new(Code::UnsupportedMediaType, reason)
            }
            EngineError::Input(ProbeError::Invalid(reason)) => {
                Self::new(Code::InvalidInput, reason)
            }
            EngineError::Input(ProbeError::Io(reason)) | EngineError::Store(reason) => {
                Self::internal(reason)
            }
            EngineError::TooLarge { .. } => Self::new(Code::TooLarge, detail),
            EngineError::QueueFull { .. }
            | EngineError::OwnerQueueFull { .. }
            | EngineError::ParametersFull { .. } => Self::new(Code::QueueFull, detail).retry_soon(),
            EngineError::KeyReused => Self::new(Code::KeyReused, detail),
            EngineError::KeyInFlight => Self::new(Code::KeyInFlight, detail).retry_soon(),
            EngineError::Ended => Self::new(Code::Ended, detail),
            EngineError::Running => Self::new(Code::Running, detail),
            EngineError::InUse => Self::new(Code::InUse, detail),
            EngineError::DiskFull => Self::new(Code::DiskFull, detail),
            EngineError::BrokerAway => Self::new(Code::BrokerAway, detail).retry_soon(),
            EngineError::Stopped => Self::new(Code::Stopping, detail).retry_soon(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_becomes_the_fragment_of_an_address() {
        assert_eq!(fragment(""), "#");
        assert_eq!(fragment("/params/0/é b"), "#/params/0/%C3%A9%20b");
    }

    #[test]
    fn what_the_store_says_is_not_told() {
        let problem = Problem::from(EngineError::Store("secret place".to_owned()));
        assert_eq!(problem.status, 500);
        assert!(!serde_json::to_string(&problem).unwrap().contains("secret"));
    }

    #[test]
    fn what_may_pass_says_when_to_come_again() {
        for error in [
            EngineError::QueueFull { limit: 1 },
            EngineError::BrokerAway,
            EngineError::Stopped,
        ] {
            let response = Problem::from(error).response();
            assert!(response.headers().contains_key(header::RETRY_AFTER));
        }
    }
}
