//! Answers of a server that are no success.

use serde::Deserialize;
use ureq::http::StatusCode;

use crate::cli::failure::Failure;

/// An answer that is no success, as RFC 9457 has it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Problem {
    title: String,
    detail: String,
    errors: Vec<Wrong>,
}

#[derive(Debug, Deserialize)]
struct Wrong {
    pointer: String,
    detail: String,
}

/// What was asked for cannot be (4xx), or not now.
pub(super) fn refusal(status: StatusCode, problem: Problem) -> Failure {
    let mut text = if problem.detail.is_empty() {
        problem.title
    } else {
        problem.detail
    };
    if text.is_empty() {
        text = format!("the server answered {status}");
    }
    for Wrong { pointer, detail } in problem.errors {
        let field = pointer.trim_start_matches("#/").replace('/', ".");
        text.push_str(&format!("; {field}: {detail}"));
    }
    match status {
        StatusCode::UNAUTHORIZED => Failure::input(format_args!(
            "{text}; set MSVPU_TOKEN, or take --token-file FILE"
        )),
        StatusCode::TOO_MANY_REQUESTS => Failure::runtime(text),
        _ if status.is_client_error() => Failure::input(text),
        _ => Failure::runtime(text),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn refusals_name_the_fields() {
        let problem = serde_json::from_value(json!({
            "title": "Unprocessable Content",
            "detail": "some fields are wrong",
            "errors": [{ "pointer": "#/params/start/classes", "detail": "must be 1 to 65535" }],
        }));
        let failure = refusal(StatusCode::UNPROCESSABLE_ENTITY, problem.unwrap());
        assert_eq!(
            failure,
            Failure::input("some fields are wrong; params.start.classes: must be 1 to 65535")
        );
        let failure = refusal(StatusCode::BAD_GATEWAY, Problem::default());
        assert_eq!(failure.status(), 1);
        assert!(failure.to_string().contains("502"), "{failure}");
    }
}
