//! The rules find what they are for: each is given code that breaks it, and code that only looks so.

use crate::library;
use crate::manifest::{self, Crates};
use crate::rules;
use crate::source::Tree;

const LIB: &str = "mod actor; mod id; mod machine;\n\
    pub use id::Rank; pub use machine::{VirtualMachine as Machine, Handle};";

/// What the rules of the machine say to one file of it.
fn machine(path: &str, text: &str) -> Vec<String> {
    let files = [
        ("actors/src/lib.rs", LIB),
        ("actors/src/id.rs", ""),
        ("actors/src/core/round.rs", ""),
        ("actors/src/machine.rs", ""),
        ("actors/src/actor/msvpu.rs", ""),
        (path, text),
    ];
    let files = files.map(|(path, text)| (path.to_owned(), text.to_owned()));
    rules::machine(&Tree::parse("actors/src", &files))
}

fn one(path: &str, text: &str) -> Tree {
    let folder = path.split_once("/src").map_or("src", |(of, _)| of);
    let folder = match folder {
        "src" => "src".to_owned(),
        of => format!("{of}/src"),
    };
    Tree::parse(&folder, &[(path.to_owned(), text.to_owned())])
}

#[track_caller]
fn finds(violations: &[String], line: &str, word: &str) {
    assert_eq!(violations.len(), 1, "{violations:?}");
    let found = &violations[0];
    assert!(found.contains(line) && found.contains(word), "{found}");
}

#[track_caller]
fn passes(violations: &[String]) {
    assert!(violations.is_empty(), "{violations:?}");
}

#[test]
fn an_import_from_a_floor_above_is_found() {
    let lease = "actors/src/core/lease.rs";
    for text in [
        "use crate::actor::msvpu::Msvpu;",
        "use crate::{id::Rank, actor::msvpu::{Msvpu, Load}};",
        "use super::super::actor::msvpu::Msvpu;",
        "fn f() -> crate::actor::msvpu::Msvpu { loop {} }",
        "fn f() { println!(\"{}\", crate::actor::msvpu::NAME); }",
        "macro_rules! m { () => { $crate::actor::msvpu::NAME } }",
        "mod inner { use super::super::super::actor::msvpu::Msvpu; }",
        "#[cfg(not(test))] use crate::actor::msvpu::Msvpu;",
        "pub use crate::actor::*;",
    ] {
        let violations = machine(lease, text);
        assert!(!violations.is_empty(), "not found: {text}");
        for violation in violations {
            assert!(violation.contains("lease.rs:1: floor 1"), "{violation}");
            assert!(violation.contains("floor 4"), "{violation}");
        }
    }
}

#[test]
fn a_flat_name_of_the_root_counts_where_it_lives() {
    passes(&machine("actors/src/link.rs", "use crate::Rank;"));
    let up = machine("actors/src/link.rs", "\nuse crate::{Rank, Machine};");
    finds(&up, "link.rs:2", "of floor 5");
    let glob = machine("actors/src/link.rs", "use crate::*;");
    finds(&glob, "link.rs:1", "name the module where it lives");
}

#[test]
fn downward_imports_tests_comments_and_strings_pass() {
    let text = "
        //! See [`crate::machine::VirtualMachine`].
        use std::sync::Arc;
        use crate::id::Rank;
        use crate::core::round::{self, Round};
        use super::round as again;
        // use crate::actor::Actor;
        const TEXT: &str = \"crate::actor::x\";
        impl Round { pub(crate) fn f(&self) { Self::g(); self::h(); } #[cfg(test)] fn t() { crate::machine::run(); } }
        #[cfg(test)]
        mod tests { use super::*; use crate::machine::VirtualMachine; fn f() { x.unwrap(); } }";
    passes(&machine("actors/src/core/lease.rs", text));
}

#[test]
fn a_file_of_tests_only_is_on_every_floor() {
    let files = [
        ("actors/src/core/lease.rs", "#[cfg(test)] mod tests;"),
        (
            "actors/src/core/lease/tests.rs",
            "use crate::machine::VirtualMachine; use tokio::spawn;",
        ),
    ];
    let files = files.map(|(path, text)| (path.to_owned(), text.to_owned()));
    passes(&rules::machine(&Tree::parse("actors/src", &files)));
}

#[test]
fn a_file_on_no_floor_is_found_and_told_where_to_go() {
    let violations = machine("actors/src/gadget.rs", "");
    finds(&violations, "actors/src/gadget.rs", "is on no floor");
    assert!(
        violations[0].contains("3 (link: ") && violations[0].contains("FLOORS"),
        "{violations:?}"
    );
}

#[test]
fn clocks_randomness_and_run_times_on_the_pure_floor_are_found() {
    for (text, word) in [
        ("use actix::Actor;", "actix::Actor"),
        ("#[derive(actix::Message)] struct M;", "actix::Message"),
        ("fn f() { ::tokio::spawn(g()); }", "tokio::spawn"),
        ("use tokio as t;", "`tokio`"),
        ("use rand::{Rng};", "rand::Rng"),
        ("use std::time::Instant;", "`Instant`"),
        ("fn f(x: std::time::SystemTime) {}", "`SystemTime`"),
        ("fn f() -> Uuid { Uuid::now_v7() }", "`now_v7`"),
    ] {
        finds(
            &machine("actors/src/core/lease.rs", text),
            "lease.rs:1: floor 1",
            word,
        );
    }
    let fine = "use std::time::Duration; fn f(tokio: u8) { let rand = tokio; }";
    passes(&machine("actors/src/core/lease.rs", fine));
    passes(&machine(
        "actors/src/compute.rs",
        "use tokio::sync::oneshot;",
    ));
}

#[test]
fn the_broker_outside_of_the_bridge_is_found() {
    let text = "use lapin::Channel;";
    finds(
        &machine("actors/src/actor/leader.rs", text),
        "leader.rs:1",
        "actor/bridge",
    );
    finds(
        &machine("actors/src/link.rs", text),
        "link.rs:1",
        "actor/bridge",
    );
    passes(&machine("actors/src/actor/bridge.rs", text));
    passes(&machine("actors/src/actor/bridge/publish.rs", text));
}

#[test]
fn unwraps_below_the_actors_are_found() {
    let text = "fn f() {\n    g().unwrap();\n    h().unwrap_or(1);\n}";
    finds(&machine("actors/src/link.rs", text), "link.rs:2", "unwrap");
    finds(
        &machine("actors/src/wire/envelope.rs", text),
        "envelope.rs:2",
        "unwrap",
    );
}

#[test]
fn state_of_the_whole_process_is_found() {
    for (text, word) in [
        ("static X: Mutex<u8> = Mutex::new(1);", "`Mutex`"),
        ("static X: OnceLock<u8> = OnceLock::new();", "`OnceLock`"),
        ("static X: [AtomicU64; 2] = new();", "`AtomicU64`"),
        ("pub static X: Registry = Registry::new();", "`Registry`"),
        ("static mut X: u8 = 1;", "`mut`"),
        ("thread_local! { static X: u8 = 1 }", "thread_local"),
        ("impl SystemService for A {}", "SystemService"),
        ("impl actix::ArbiterService for A {}", "ArbiterService"),
        (
            "fn f() { static X: AtomicBool = AtomicBool::new(true); }",
            "`AtomicBool`",
        ),
    ] {
        let tree = one("actors/src/actor/proxy.rs", text);
        finds(&rules::singletons(&tree), "proxy.rs:1", word);
    }
    let fine = "static NAMES: [&'static str; 2] = [\"a\", \"b\"]; \
        static N: u8 = 1; fn f<T: 'static>(x: &'static Mutex<T>) {} const M: Mutex<u8> = new();";
    passes(&rules::singletons(&one("actors/src/id.rs", fine)));
}

#[test]
fn untyped_errors_in_a_library_are_found() {
    let text = "use anyhow::Context;";
    let of = |path| rules::untyped_errors(&one(path, text));
    finds(&of("src/services/scene.rs"), "scene.rs:1", "anyhow");
    finds(&of("actors/src/machine.rs"), "machine.rs:1", "anyhow");
    passes(&of("src/cli/classify.rs"));
    passes(&of("src/main.rs"));
}

#[test]
fn a_program_named_by_the_web_is_found() {
    for text in [
        "const DEFAULT: &str = \"fuzzy-cmeans\";",
        "fn f(x: Box<FuzzyCMeans>) {}",
        "use msvpu::services::classification as c;",
    ] {
        let tree = one("web/src/jobs.rs", text);
        let violations = rules::program_names(&tree);
        assert!(!violations.is_empty(), "not found: {text}");
    }
    let fine = "/// Runs any program, c-means or another.\nfn f(name: &str) {}";
    passes(&rules::program_names(&one("web/src/jobs.rs", fine)));
}

/// What the rules of the library say to one file of it.
fn in_library(path: &str, text: &str) -> Vec<String> {
    let files = [
        (
            "src/lib.rs",
            "mod scene; pub mod report; pub mod serving; pub use scene::Scene; pub use report::Report;",
        ),
        ("src/scene.rs", ""),
        ("src/report/mod.rs", ""),
        ("src/serving/mod.rs", ""),
        (path, text),
    ];
    let files = files.map(|(path, text)| (path.to_owned(), text.to_owned()));
    library::check(&Tree::parse("src", &files))
}

#[test]
fn a_room_that_names_one_above_it_is_found() {
    for (path, text, word) in [
        (
            "src/report/page.rs",
            "use crate::serving::Reader;",
            "serving",
        ),
        (
            "src/services/sum.rs",
            "use crate::report::number;",
            "report",
        ),
        (
            "src/raster/read.rs",
            "use crate::{Scene, Report};",
            "report",
        ),
        (
            "src/raster/read.rs",
            "use super::super::services::sum;",
            "services",
        ),
        (
            "src/report/page.rs",
            "use msvpu_web::model::Job;",
            "msvpu_web",
        ),
        (
            "src/services/sum.rs",
            "fn f(x: msvpu_web::Engine) {}",
            "msvpu_web",
        ),
    ] {
        finds(&in_library(path, text), &format!("{path}:1"), word);
    }
    let stranger = in_library("src/gadget.rs", "");
    finds(&stranger, "src/gadget.rs", "in no room");
    let below = "use crate::{Scene, report::Report}; use msvpu_web::Service; use super::check;";
    passes(&in_library("src/serving/run.rs", below));
    passes(&in_library("src/cli/serve.rs", "use msvpu_web::Engine;"));
}

#[test]
fn a_dependency_upwards_is_found() {
    let crates = |name: &str, dependencies: &[&str]| {
        let dependencies = dependencies.iter().map(|&of| of.to_owned()).collect();
        Crates::from([(name.to_owned(), dependencies)])
    };
    for (name, dependency) in [
        ("msvpu-actors", "image"),
        ("msvpu-actors", "actix-web"),
        ("msvpu-actors", "msvpu"),
        ("msvpu-web", "msvpu"),
        ("msvpu", "lapin"),
    ] {
        let violations = manifest::check(&crates(name, &["serde", dependency]));
        finds(&violations, name, dependency);
    }
    passes(&manifest::check(&crates(
        "msvpu",
        &["image", "msvpu-web", "msvpu-actors", "anyhow"],
    )));
    let stranger = manifest::check(&crates("msvpu-extra", &[]));
    finds(&stranger, "msvpu-extra", "no crate of the house");
}

#[test]
fn a_long_file_is_found() {
    assert_eq!(rules::too_long("a.rs", &"\n".repeat(400)), None);
    let found = rules::too_long("a.rs", &"\n".repeat(401)).unwrap();
    assert!(found.contains("a.rs: 401 lines"), "{found}");
}
