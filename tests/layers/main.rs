//! Holds the code to the house: who may import from whom, what may not be there at all, and how long a file may be.
//!
//! The rules are those of `ARCHITECTURE.md`. The files are parsed, not searched: names in comments and strings
//! do not count, names in macros do, and items for tests only (`#[cfg(test)]`) are left out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod counterexamples;
mod library;
mod manifest;
mod promises;
mod rules;
mod scan;
mod source;

use std::path::Path;

use source::Tree;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn assert_none(violations: &[String]) {
    assert!(
        violations.is_empty(),
        "{} against the rules of the house:\n  {}",
        violations.len(),
        violations.join("\n  ")
    );
}

#[test]
fn every_file_of_the_machine_keeps_to_its_floor() {
    let actors = Tree::read(root(), "actors/src").unwrap();
    assert!(actors.sources.len() > 3, "found no code in actors/src");
    assert_none(&rules::machine(&actors));
}

#[test]
fn no_crate_holds_process_wide_state() {
    for folder in ["actors/src", "web/src", "src"] {
        let tree = Tree::read(root(), folder).unwrap();
        assert_none(&rules::singletons(&tree));
    }
}

#[test]
fn only_the_binary_and_its_command_line_use_untyped_errors() {
    for folder in ["actors/src", "web/src", "src"] {
        let tree = Tree::read(root(), folder).unwrap();
        assert_none(&rules::untyped_errors(&tree));
    }
}

#[test]
fn the_web_crate_knows_no_program_by_name() {
    let web = Tree::read(root(), "web/src").unwrap();
    assert_none(&rules::program_names(&web));
}

#[test]
fn every_room_of_the_library_names_those_below_it_only() {
    let library = Tree::read(root(), "src").unwrap();
    for room in ["src/serving/mod.rs", "src/report/mod.rs"] {
        assert!(library.sources.iter().any(|source| source.path == room));
    }
    assert_none(&library::check(&library));
}

#[test]
fn crates_depend_downwards_only() {
    let crates = manifest::read(root());
    assert!(crates.contains_key("msvpu") && crates.contains_key("msvpu-actors"));
    assert_none(&manifest::check(&crates));
}

#[test]
fn no_file_is_longer_than_it_may_be() {
    let mut violations = Vec::new();
    for folder in [
        "actors", "web", "src", "tests", "examples", "benches", "scripts",
    ] {
        for (path, text) in source::rust_files(root(), folder).unwrap() {
            violations.extend(rules::too_long(&path, &text));
        }
    }
    assert_none(&violations);
}

#[test]
fn what_is_promised_is_held_by_tests_that_exist() {
    let page = std::fs::read_to_string(root().join("docs/guarantees.md")).unwrap();
    assert!(promises::count(&page) > 100, "found no tests on the page");
    assert_none(&promises::broken(root(), &page));
    let wrong = "- One: `there_is_no_such_test`.\n- Two: `what_is_promised_is_held_by_tests_that_exist` (tests/layers/rules.rs),\n  \
                 (tests/no/such.rs).\n";
    assert_eq!(promises::broken(root(), wrong).len(), 3);
}
