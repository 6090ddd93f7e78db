//! Who may ask, for what, and under which name of the server.

pub(crate) mod access;
pub(crate) mod headers;
pub(crate) mod hosts;
mod tokens;

pub use hosts::{AllowedHosts, InvalidHost};
pub use tokens::{NewToken, Scope, TokenFileError, Tokens};
