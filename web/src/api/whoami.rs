//! Who asks.

use actix_web::{HttpResponse, get, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::security::Scope;
use crate::security::access::Principal;
use crate::server::Shared;

/// How the server knows who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Auth {
    /// It does not: everyone may do everything.
    None,
    /// By their token.
    Token,
}

/// Who asks, and what they may do.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WhoAmI {
    /// The name of the token; null where there are no tokens.
    #[schema(required)]
    name: Option<String>,
    /// What they may do.
    scopes: Vec<Scope>,
    /// How that is known.
    auth: Auth,
}

/// Show as whom you ask.
#[utoipa::path(
    tag = "server",
    operation_id = "whoami",
    responses((status = 200, description = "You.", body = WhoAmI))
)]
#[get("/whoami")]
pub(crate) async fn whoami(principal: Principal, shared: web::Data<Shared>) -> HttpResponse {
    let auth = if shared.tokens.is_none() {
        Auth::None
    } else {
        Auth::Token
    };
    HttpResponse::Ok().json(WhoAmI {
        scopes: principal.scope.included(),
        name: principal.name,
        auth,
    })
}
