//! Who asks, and whether their token may do that.

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{AUTHORIZATION, HeaderMap, WWW_AUTHENTICATE};
use actix_web::middleware::Next;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest, web};
use std::future::{Ready, ready};

use super::{Scope, Tokens};
use crate::engine::Caller;
use crate::problem::{Code, Problem};
use crate::server::Shared;

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Principal {
    /// The name of the token; `None` where there are no tokens.
    pub(crate) name: Option<String>,
    pub(crate) scope: Scope,
}

impl Principal {
    /// As the engine knows them.
    pub(crate) fn caller(&self) -> Caller {
        Caller {
            name: self.name.clone(),
            admin: self.scope == Scope::Admin,
        }
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim_matches(' '))
}

/// Who asks, if they may do what needs this scope.
fn authorize(tokens: &Tokens, headers: &HeaderMap, needed: Scope) -> Result<Principal, Problem> {
    if tokens.is_none() {
        return Ok(Principal {
            name: None,
            scope: Scope::Admin,
        });
    }
    let Some(token) = bearer(headers) else {
        return Err(Problem::new(
            Code::Unauthenticated,
            "there is no token; right would be a header `Authorization: Bearer msvpu_…`",
        )
        .with_header(WWW_AUTHENTICATE, "Bearer realm=\"msvpu\""));
    };
    let Some((name, scope)) = tokens.find(token) else {
        return Err(
            Problem::new(Code::Unauthenticated, "nobody here knows this token").with_header(
                WWW_AUTHENTICATE,
                "Bearer realm=\"msvpu\", error=\"invalid_token\"",
            ),
        );
    };
    if scope < needed {
        let detail = format!("this needs the scope {needed}; the token has {scope}");
        let challenge =
            format!("Bearer realm=\"msvpu\", error=\"insufficient_scope\", scope=\"{needed}\"");
        return Err(
            Problem::new(Code::InsufficientScope, detail).with_header(WWW_AUTHENTICATE, &challenge)
        );
    }
    Ok(Principal {
        name: Some(name.to_owned()),
        scope,
    })
}

/// Lets pass who may: those who may read to what changes nothing, those who may submit to the rest.
/// Put around all routes of a scope, so that one that is added later is not forgotten.
pub(crate) async fn check<B: MessageBody>(
    shared: web::Data<Shared>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let needed = match *request.method() {
        Method::GET | Method::HEAD => Scope::Read,
        _ => Scope::Submit,
    };
    match authorize(&shared.tokens, request.headers(), needed) {
        Ok(principal) => {
            request.extensions_mut().insert(principal);
            Ok(next.call(request).await?.map_into_left_body())
        }
        Err(problem) => Ok(request
            .into_response(problem.response())
            .map_into_right_body()),
    }
}

impl FromRequest for Principal {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        // Without the middleware nobody is known.
        let known = request.extensions().get::<Self>().cloned();
        ready(known.ok_or_else(|| Problem::internal("a route asks for a caller outside the API")))
    }
}

/// One who may do everything; for routes outside of the scopes that [`check`] guards.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Admin;

impl FromRequest for Admin {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let shared = request.app_data::<web::Data<Shared>>();
        ready(match shared {
            Some(shared) => {
                authorize(&shared.tokens, request.headers(), Scope::Admin).map(|_| Self)
            }
            None => Err(Problem::internal("the server's data is missing")),
        })
    }
}
