//! Why a command ended without its result, and with which exit status.

use std::fmt::Display;
use std::path::Path;

use thiserror::Error;

/// Each variant is an exit status of the command; the message is one line.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum Failure {
    /// The arguments or the input do not fit: whoever called can mend it. Exit status 2.
    #[error("{0}")]
    Input(String),
    /// The run itself went wrong. Exit status 1.
    #[error("{0}")]
    Runtime(String),
    /// Ctrl-C. Exit status 130, as shells have it for a command ended by SIGINT (128 + 2).
    #[error("interrupted")]
    Interrupted,
}

impl Failure {
    /// The arguments or the input do not fit.
    pub(crate) fn input(message: impl Display) -> Self {
        Self::Input(one_line(&message.to_string()))
    }

    /// The run itself went wrong.
    pub(crate) fn runtime(message: impl Display) -> Self {
        Self::Runtime(one_line(&message.to_string()))
    }

    /// Names the input that was refused.
    pub(crate) fn at(self, input: &Path) -> Self {
        match self {
            Self::Input(message) => Self::input(format_args!("{}: {message}", input.display())),
            other => other,
        }
    }

    /// Names the job of a server that it is about.
    pub(crate) fn of_job(self, id: uuid::Uuid) -> Self {
        match self {
            Self::Input(message) => Self::input(format_args!("job {id}: {message}")),
            Self::Runtime(message) => Self::runtime(format_args!("job {id}: {message}")),
            Self::Interrupted => Self::Interrupted,
        }
    }

    /// The exit status of the command.
    pub(crate) const fn status(&self) -> u8 {
        match self {
            Self::Input(_) => 2,
            Self::Runtime(_) => 1,
            Self::Interrupted => 130,
        }
    }
}

/// A message as one line without control characters: file names and decoders may hold any.
pub(crate) fn one_line(message: &str) -> String {
    message
        .split(|character: char| character.is_control())
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// What clap says over several lines, as one: the error, its hints, and where the help is.
pub(crate) fn from_clap(error: &clap::Error, help: &str) -> Failure {
    let text = error.render().to_string();
    let told: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| {
            !line.is_empty() && !line.starts_with("Usage:") && !line.starts_with("For more")
        })
        .collect();
    let told = told.join("; ").replace(":; ", ": ");
    let told = told.strip_prefix("error: ").unwrap_or(&told);
    let told = without_passwords(told);
    Failure::input(format_args!("{told}; see `{help}`"))
}

/// Who is named in a URL is blotted out: a URL that stands in the wrong place is repeated like
/// everything else that does.
fn without_passwords(text: &str) -> String {
    let mut parts = text.split("://");
    let mut clean = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        // To the last @ before the URL ends: a password may hold one that is not escaped.
        let end = part
            .find(|c: char| c.is_whitespace() || "'\"`".contains(c))
            .unwrap_or(part.len());
        let place = part[..end].rfind('@').map_or(part, |at| &part[at..]);
        clean.push_str("://");
        if place.len() < part.len() {
            clean.push_str("...");
        }
        clean.push_str(place);
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_repeated_without_who_is_named_in_it() {
        for (text, clean) in [
            ("no url", "no url"),
            ("'amqp://h/v' is odd", "'amqp://h/v' is odd"),
            ("'amqp://u:p@h/v'; odd", "'amqp://...@h/v'; odd"),
            ("amqp://u:p@q/@h/v and x@y", "amqp://...@h/v and x@y"),
            ("a://u:p@h b://v:q@k", "a://...@h b://...@k"),
            ("://@", "://@"),
        ] {
            assert_eq!(without_passwords(text), clean);
        }
    }

    #[test]
    fn a_message_stays_one_line() {
        let failure = Failure::input("cannot read `a\nb\u{1b}[31m`:\r\n no");
        assert_eq!(failure.to_string(), "cannot read `a b [31m`: no");
        assert_eq!(failure.status(), 2);
    }
}
