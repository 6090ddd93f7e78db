//! What `msvpu simulate` refuses, and what it calls a failure.

use serde_json::Value;

use crate::Pictures;
use crate::simulate::{simulate, small};

#[test]
fn an_error_names_its_line_and_what_would_be_right() {
    let files = Pictures::new();
    for (line, words) in [
        ("priority = \"urgent\"", &["small.toml:12:", "high"][..]),
        (
            "prioritee = \"high\"",
            &["small.toml:12:", "did you mean `priority`"],
        ),
        ("complexity = \"x +\"", &["small.toml:12:", "formula"]),
        (
            "[[faults]]\nkind = \"kill\"\nnode = \"nod-1\"",
            &["small.toml:14:", "node-1"],
        ),
        ("tiles = ", &["small.toml:12:", "TOML"]),
    ] {
        let ran = simulate(&small(&files, line), "");
        assert_eq!((ran.status, ran.stdout.as_str()), (2, ""), "{line}");
        assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
        for word in words {
            assert!(ran.stderr.contains(word), "{line}: {}", ran.stderr);
        }
    }
}

#[test]
fn rubbish_is_refused() {
    let files = Pictures::new();
    let gray = files.gray();
    let latin = files.write("latin.toml", b"seed = 1\n# caf\xe9\n");
    let empty = files.write("empty.toml", b"");
    let idle = files.write("idle.toml", b"[[nodes]]\nname = \"a\"\n");
    let heavy = files.write(
        "heavy.toml",
        b"[[nodes]]\nname = \"a\"\n[[jobs]]\nname = \"j\"\ntiles = 5\ntile_size = 10\npartial_bytes = 1e9\n",
    );
    for (spec, words) in [
        (gray, "gray.png:1:1: this is not UTF-8"),
        (latin, "latin.toml:2:6: this is not UTF-8"),
        (empty, "[[nodes]]"),
        (idle, "idle.toml:1:1: the spec has no job"),
        (
            heavy,
            "heavy.toml:4:8: `jobs[0].partial_bytes` is `1e9`, which gives a round of 5000000000 bytes",
        ),
        (files.path("none.toml"), "none.toml"),
        (files.path(""), "directory"),
    ] {
        let ran = simulate(&spec, "");
        assert_eq!((ran.status, ran.stdout.as_str()), (2, ""), "{words}");
        assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
        assert!(ran.stderr.contains(words), "{words}: {}", ran.stderr);
    }
    let spec = small(&files, "");
    for options in [
        "--seed -1",
        "--seed x",
        "--limit 0",
        "--limit -1",
        "--limit inf",
        "--limit 1e10",
    ] {
        let ran = simulate(&spec, options);
        assert_eq!((ran.status, ran.stdout.as_str()), (2, ""), "{options}");
        assert!(
            ran.stderr.contains("msvpu simulate --help"),
            "{}",
            ran.stderr
        );
    }
}

#[test]
fn a_job_that_does_not_end_well_is_a_failure_and_told_in_full() {
    let files = Pictures::new();
    let spec = small(&files, "");
    let ran = simulate(&spec, "--limit 0.001 --json");
    assert_eq!(ran.status, 1);
    assert!(
        ran.stderr
            .contains("1 job did not succeed (virtual time was cut short at 0.001 s"),
        "{}",
        ran.stderr
    );
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(
        (&report["finished"], &report["jobs"][0]["state"]),
        (&false.into(), &"running".into())
    );

    // Nobody is left: the default limit ends it, and the reason is told.
    let dead = "[[faults]]\nkind = \"kill\"\nnode = \"node-1\"\n[[faults]]\nkind = \"kill\"\nnode = \"node-2\"\n";
    let ran = simulate(&small(&files, dead), "");
    assert_eq!(ran.status, 1);
    assert!(
        ran.stderr.contains("job waiting: there is no node"),
        "{}",
        ran.stderr
    );
    assert!(ran.stdout.contains("cut short"), "{}", ran.stdout);

    // A failure that the spec asks for is what was to be shown.
    let panic = "[[faults]]\nkind = \"panic\"\njob = \"job\"\ntile = 2\nround = 2\n";
    let report = simulate(&small(&files, panic), "--json").json();
    assert_eq!(report["jobs"][0]["state"], "failed");
    assert_eq!(report["jobs"][0]["as_expected"], true);
}
