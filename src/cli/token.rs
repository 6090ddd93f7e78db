//! `msvpu token`: makes a token for a server's users.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use msvpu_web::security::{NewToken, Scope};

use super::failure::Failure;
use super::stdout::{complain, print};

const HELP: &str = "\
Examples:
  msvpu token ann --token-file tokens            # prints the token, once; the file gets its line
  msvpu token ci --scope read --token-file tokens

The file holds digests only. Its lines are name:scope:sha256; remove a line to revoke a token. A server that
runs reads it at its start.";

/// Make a token for `msvpu serve --token-file`.
///
/// The token is printed on standard output and kept nowhere: hand it to whom it is for. It is shown to a server by
/// MSVPU_TOKEN, --token-file of the commands, the dashboard, or the header Authorization: Bearer.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(crate) struct NewTokenArgs {
    /// Whose it is: letters, digits, `.`, `_`, `-` and `@`. A job belongs to the name of its token.
    name: String,

    /// What it is for.
    #[arg(long, value_enum, default_value_t = TokenScope::Submit)]
    scope: TokenScope,

    /// Add the token's line to this file; without it the line is printed on standard error.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum TokenScope {
    /// Look at one's own jobs.
    Read,
    /// Also submit, cancel and delete them.
    Submit,
    /// Also see and end everybody's.
    Admin,
}

impl From<TokenScope> for Scope {
    fn from(scope: TokenScope) -> Self {
        match scope {
            TokenScope::Read => Self::Read,
            TokenScope::Submit => Self::Submit,
            TokenScope::Admin => Self::Admin,
        }
    }
}

/// Makes a token, prints it, and keeps its digest.
pub(crate) fn token(args: &NewTokenArgs) -> Result<(), Failure> {
    let made = NewToken::generate().map_err(Failure::runtime)?;
    let line = made.line(&args.name, args.scope.into()).ok_or_else(|| {
        Failure::input(format_args!(
            "`{}`: expected 1 to 64 letters, digits, `.`, `_`, `-` and `@`",
            args.name
        ))
    })?;
    match &args.token_file {
        Some(file) => add(file, &line)?,
        None => complain(&format!("a line for the file of tokens: {line}")),
    }
    print(&format!("{}\n", made.secret()))
}

/// Whether what comes next begins a line.
fn ends_a_line(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

fn add(file: &Path, line: &str) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let added = options.open(file).and_then(|mut file| {
        let break_before = if ends_a_line(&mut file)? { "" } else { "\n" };
        // In one write: others may add theirs.
        file.write_all(format!("{break_before}{line}\n").as_bytes())
    });
    added.map_err(|error| {
        Failure::input(format_args!(
            "{}: cannot be written: {error}",
            file.display()
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_has_no_end_gets_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tokens");
        for (before, after) in [
            (None, "new\n"),
            (Some(""), "new\n"),
            (Some("old\n"), "old\nnew\n"),
            (Some("old"), "old\nnew\n"),
        ] {
            let _ = std::fs::remove_file(&file);
            if let Some(before) = before {
                std::fs::write(&file, before).unwrap();
            }
            add(&file, "new").unwrap();
            assert_eq!(std::fs::read_to_string(&file).unwrap(), after);
        }
    }
}
