//! What `docs/guarantees.md` promises, and the tests that it names.

use std::path::{Path, PathBuf};

/// Where a test is that is named without its file.
const ELSEWHERE: [&str; 2] = ["actors/tests", "tests"];

/// Names of tests that are not where the page has them.
pub(crate) fn broken(root: &Path, page: &str) -> Vec<String> {
    let mut broken = Vec::new();
    for promise in promises(page) {
        // Names stand before the file that they are in, if that is told.
        let mut names = Vec::new();
        for word in words(&promise) {
            match word {
                Word::Test(name) => names.push(name),
                Word::File(file) => {
                    let path = root.join(&file);
                    if !path.exists() {
                        broken.push(format!("{file}: there is no such file"));
                        continue;
                    }
                    let missing = names
                        .drain(..)
                        .filter(|name| !has(std::slice::from_ref(&path), name));
                    broken.extend(missing.map(|name| format!("{name}: not in {file}")));
                }
            }
        }
        let anywhere: Vec<PathBuf> = ELSEWHERE.map(|folder| root.join(folder)).into();
        let missing = names.into_iter().filter(|name| !has(&anywhere, name));
        broken.extend(missing.map(|name| format!("{name}: no test of that name")));
    }
    broken
}

/// How many tests the page names.
pub(crate) fn count(page: &str) -> usize {
    let words = promises(page).into_iter().flat_map(|text| words(&text));
    words.filter(|word| matches!(word, Word::Test(_))).count()
}

/// The items and rows of the page.
fn promises(page: &str) -> Vec<String> {
    let mut promises: Vec<String> = Vec::new();
    for line in page.lines() {
        let begins = !line.starts_with(' ');
        match promises.last_mut() {
            Some(last) if !begins => {
                last.push(' ');
                last.push_str(line);
            }
            _ => promises.push(line.to_owned()),
        }
    }
    promises
}

#[derive(Debug, PartialEq)]
enum Word {
    Test(String),
    File(String),
}

/// In their order: what is quoted and can only be the name of a test, and files of code.
fn words(promise: &str) -> Vec<Word> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "_`/.-".contains(c);
    let words = promise.split(|c: char| !is_part(c));
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let word = |word: &str| {
        let word = word.trim_end_matches('.');
        let name = word
            .strip_prefix('`')
            .and_then(|word| word.strip_suffix('`'));
        match name {
            Some(name) if name.matches('_').count() >= 2 && name.chars().all(is_name) => {
                Some(Word::Test(name.to_owned()))
            }
            _ if word.ends_with(".rs") && word.contains('/') && !word.starts_with('.') => {
                Some(Word::File(word.to_owned()))
            }
            _ => None,
        }
    };
    words.filter_map(word).collect()
}

/// Whether one of the files, or of those in the folders, has a function of that name.
fn has(places: &[PathBuf], name: &str) -> bool {
    let head = format!("fn {name}(");
    places
        .iter()
        .flat_map(walkdir::WalkDir::new)
        .filter_map(Result::ok)
        .filter(|entry| entry.path().extension().is_some_and(|ext| ext == "rs"))
        .filter_map(|entry| std::fs::read_to_string(entry.path()).ok())
        .any(|text| text.contains(&head))
}
