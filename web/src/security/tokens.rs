//! Tokens: a file knows their digests, never the tokens.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use base64ct::{Base64UrlUnpadded, Encoding};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use thiserror::Error;
use utoipa::ToSchema;

/// What every token begins with, so that one that got out is found by those who search for such.
const PREFIX: &str = "msvpu_";
/// The longest name of a token.
const MAX_NAME: usize = 64;

/// What a token may do; each includes those before it.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// See its own jobs.
    Read,
    /// Submit, cancel and delete its own.
    Submit,
    /// All of that with everybody's, and the metrics.
    Admin,
}

impl Scope {
    const ALL: [Self; 3] = [Self::Read, Self::Submit, Self::Admin];

    /// As it is written.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Submit => "submit",
            Self::Admin => "admin",
        }
    }

    /// The scope of that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.word() == word)
    }

    /// It, and those that it includes.
    #[must_use]
    pub fn included(self) -> Vec<Self> {
        Self::ALL
            .into_iter()
            .filter(|scope| *scope <= self)
            .collect()
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A line of a file of tokens. Its `Debug` shows no digest.
#[derive(Clone)]
struct Known {
    name: String,
    scope: Scope,
    digest: [u8; 32],
}

/// The tokens that are known; or none, and everyone may do everything.
#[derive(Clone, Default)]
pub struct Tokens {
    known: Vec<Known>,
}

/// Why a file of tokens cannot be used. Says where, and repeats nothing of it.
#[derive(Debug, Error)]
pub enum TokenFileError {
    /// It cannot be read.
    #[error("{path}: {error}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A line is not as it is to be.
    #[error("line {line}: {reason}; right would be name:scope:sha256")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// It knows no token.
    #[error("there is no token in it; `msvpu token` makes one")]
    Empty,
}

impl Tokens {
    /// Everyone may do everything: for a server that only this machine can reach.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Whether everyone may do everything.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.known.is_empty()
    }

    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, or cannot be used.
    pub fn read(path: &Path) -> Result<Self, TokenFileError> {
        let text = std::fs::read_to_string(path).map_err(|error| TokenFileError::Io {
            path: path.to_owned(),
            error,
        })?;
        Self::parse(&text)
    }

    /// Lines `name:scope:sha256`, with scope `read`, `submit` or `admin`, and the digest of the
    /// token in hexadecimal. Several may have one name, so that a token can be replaced by another.
    /// Empty lines and those that begin with `#` tell nothing.
    ///
    /// # Errors
    /// The first line that is wrong.
    pub fn parse(text: &str) -> Result<Self, TokenFileError> {
        let mut known: Vec<Known> = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = |reason| TokenFileError::Line {
                line: index + 1,
                reason,
            };
            let entry = parse_line(line).map_err(wrong)?;
            if known.iter().any(|other| other.digest == entry.digest) {
                return Err(wrong("the digest was there before"));
            }
            known.push(entry);
        }
        if known.is_empty() {
            return Err(TokenFileError::Empty);
        }
        Ok(Self { known })
    }

    /// Whose token it is, and what it may do. Takes the same time whichever it is.
    #[must_use]
    pub fn find(&self, token: &str) -> Option<(&str, Scope)> {
        let digest = digest_of(token);
        let mut found = Choice::from(0);
        let mut place = 0_u64;
        for (index, known) in (0_u64..).zip(&self.known) {
            let same = known.digest.as_slice().ct_eq(&digest);
            place.conditional_assign(&index, same);
            found |= same;
        }
        if !bool::from(found) {
            return None;
        }
        let known = self.known.get(usize::try_from(place).ok()?)?;
        Some((&known.name, known.scope))
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = self.known.iter().map(|known| (&known.name, known.scope));
        f.debug_map().entries(entries).finish()
    }
}

fn parse_line(line: &str) -> Result<Known, &'static str> {
    let mut parts = line.split(':');
    let (Some(name), Some(scope), Some(digest), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err("it has not three parts");
    };
    if !is_name(name) {
        return Err("its name is not 1 to 64 letters, digits, `.`, `_`, `-` and `@`");
    }
    let scope = Scope::from_word(scope).ok_or("its scope is not read, submit or admin")?;
    let digest = from_hex(digest).ok_or("its digest is not 64 hexadecimal digits")?;
    Ok(Known {
        name: name.to_owned(),
        scope,
        digest,
    })
}

fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-@".contains(c);
    (1..=MAX_NAME).contains(&name.len()) && name.chars().all(fits)
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (byte, digits) in digest.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let digits = std::str::from_utf8(digits).ok()?;
        if digits.starts_with('+') {
            return None;
        }
        *byte = u8::from_str_radix(digits, 16).ok()?;
    }
    Some(digest)
}

fn digest_of(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// A token that was just made: what its owner gets, and what the file of tokens gets.
#[derive(Clone)]
pub struct NewToken {
    token: String,
}

impl NewToken {
    /// A token of these random bytes.
    #[must_use]
    pub fn from_random(random: &[u8; 32]) -> Self {
        Self {
            token: format!("{PREFIX}{}", Base64UrlUnpadded::encode_string(random)),
        }
    }

    /// A token of the system's randomness.
    ///
    /// # Errors
    /// When the system has none.
    pub fn generate() -> io::Result<Self> {
        let mut random = [0; 32];
        getrandom::fill(&mut random).map_err(io::Error::other)?;
        Ok(Self::from_random(&random))
    }

    /// The token: to be told to its owner once, and kept nowhere here.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.token
    }

    /// The line for the file of tokens; `None` for a name that cannot stand there.
    #[must_use]
    pub fn line(&self, name: &str, scope: Scope) -> Option<String> {
        use fmt::Write;
        if !is_name(name) {
            return None;
        }
        let mut line = format!("{name}:{scope}:");
        for byte in digest_of(&self.token) {
            write!(line, "{byte:02x}").ok()?;
        }
        Some(line)
    }
}

impl fmt::Debug for NewToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewToken").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(seed: u8) -> NewToken {
        NewToken::from_random(&[seed; 32])
    }

    #[test]
    fn a_new_token_is_found_by_the_line_that_was_made_for_it() {
        let (ann, bob) = (token(1), token(2));
        let file = format!(
            "# who may\n\n{}\n{}\n",
            ann.line("ann", Scope::Submit).unwrap(),
            bob.line("bob", Scope::Read).unwrap()
        );
        let tokens = Tokens::parse(&file).unwrap();
        assert_eq!(tokens.find(ann.secret()), Some(("ann", Scope::Submit)));
        assert_eq!(tokens.find(bob.secret()), Some(("bob", Scope::Read)));
        assert_eq!(tokens.find(token(3).secret()), None);
        assert_eq!(tokens.find(""), None);
        // 32 bytes are 43 characters.
        assert_eq!(ann.secret().len(), PREFIX.len() + 43);
        assert!(!file.contains(ann.secret()));
    }

    #[test]
    fn two_generated_tokens_differ() {
        let (one, other) = (NewToken::generate().unwrap(), NewToken::generate().unwrap());
        assert_ne!(one.secret(), other.secret());
    }

    #[test]
    fn errors_name_the_line_and_repeat_nothing_of_it() {
        let good = token(1).line("ann", Scope::Admin).unwrap();
        let secret = token(9).secret().to_owned();
        for (bad, reason) in [
            (secret.clone(), "three parts"),
            (format!("a b:read:{}", "0".repeat(64)), "name"),
            (format!("ann:write:{secret}"), "scope"),
            (format!("ann:read:{secret}"), "digest"),
            (format!("ann:read:{}", "+0".repeat(32)), "digest"),
            (format!("ann:read:{}", "é".repeat(32)), "digest"),
            (good.clone(), "before"),
        ] {
            let error = Tokens::parse(&format!("{good}\n{bad}"))
                .unwrap_err()
                .to_string();
            assert!(
                error.starts_with("line 2") && error.contains(reason),
                "{error}"
            );
            assert!(!error.contains(&secret), "{error}");
        }
        assert!(matches!(
            Tokens::parse("# nobody\n"),
            Err(TokenFileError::Empty)
        ));
    }

    #[test]
    fn nothing_shows_a_secret() {
        let made = token(4);
        let tokens = Tokens::parse(&made.line("ann", Scope::Read).unwrap()).unwrap();
        let shown = format!("{made:?} {tokens:?}");
        assert!(!shown.contains(made.secret()), "{shown}");
        assert_eq!(format!("{tokens:?}"), r#"{"ann": Read}"#);
    }
}
