//! Secrets that are kept in a file.

use std::fs;
use std::path::Path;

use super::failure::Failure;

/// The first line of a file, without the white space around it; `expected` is what it should be.
pub(crate) fn first_line(path: &Path, expected: &str) -> Result<String, Failure> {
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::input(format_args!("cannot read {}: {error}", path.display())))?;
    let line = text.lines().next().unwrap_or_default().trim();
    if line.is_empty() {
        return Err(Failure::input(format_args!(
            "{}: its first line is empty, and should be {expected}",
            path.display()
        )));
    }
    Ok(line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_counts_and_an_empty_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        fs::write(&path, " msvpu_1 \r\nanother\n").unwrap();
        assert_eq!(
            first_line(&path, "a token").ok().as_deref(),
            Some("msvpu_1")
        );
        fs::write(&path, "\nmsvpu_1\n").unwrap();
        let empty = first_line(&path, "a token").unwrap_err().to_string();
        assert!(
            empty.ends_with("its first line is empty, and should be a token"),
            "{empty}"
        );
        let absent = first_line(&folder.path().join("absent"), "a token");
        assert!(absent.unwrap_err().to_string().starts_with("cannot read "));
    }
}
