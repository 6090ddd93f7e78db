mod cluster;
mod work;

use super::*;

const NODE: &str = "[[nodes]]\nname = 'a'\n";
const JOB: &str = "[[nodes]]\nname = 'a'\n[[jobs]]\nname = 'j'\ntiles = 4\ntile_size = 10\n";
const FAULT: &str =
    "[[nodes]]\nname = 'a'\n[[jobs]]\nname = 'j'\ntiles = 4\ntile_size = 10\n[[faults]]\n";

/// What is wrong, in words; a valid beginning; the text in which it is; the message.
type Case<'a> = (&'a str, &'a str, &'a str, &'a str);

fn check(cases: &[Case<'_>]) {
    for (what, before, text, message) in cases {
        let error = read(&format!("{before}{text}")).unwrap_err();
        assert_eq!(error.to_string(), *message, "{what}");
    }
}

#[test]
fn a_spec_holds_a_bounded_number_of_things() {
    for (text, message) in [
        (
            format!("{JOB}count = 10_000\n[[jobs]]\nname = 'k'\ntiles = 4\ntile_size = 10\n"),
            "test.toml:8:1: the spec has 10001 jobs; at most 10000 are taken",
        ),
        (
            NODE.to_owned() + &"[[jobs]]\n".repeat(10_002),
            "test.toml:10003:1: the spec has 10002 jobs; at most 10000 are taken",
        ),
        (
            NODE.to_owned() + &"[[faults]]\n".repeat(100_001),
            "test.toml:100003:1: the spec has 100001 faults; at most 100000 are taken",
        ),
        (
            "[[nodes]]\n".repeat(100_001),
            "test.toml:100001:1: the spec has 100001 nodes; at most 100000 are taken",
        ),
        (
            " ".repeat((16 << 20) + 1),
            "test.toml:1:1: the spec has 16777217 bytes; at most 16777216 are read",
        ),
    ] {
        assert_eq!(read(&text).unwrap_err().to_string(), message);
    }
    let most = "[[nodes]]\nname = 'a'\ncount = 100_000\n[[jobs]]\nname = 'j'\ncount = 10_000\ntiles = 10_000_000\ntile_size = 1e12\ntile_bytes = 1e9";
    let spec = read(most).unwrap();
    assert_eq!((spec.nodes.len(), spec.jobs.len()), (100_000, 10_000));
}

/// What is right value by value, and wrong only for the spec that comes of it.
#[test]
fn errors_of_the_whole_name_the_line_of_the_item() {
    let long = "y".repeat(60);
    let named = format!("[[nodes]]\nname = '{long}'\ncount = 1000\n");
    let last = format!("{long}-1000");
    check(&[
        (
            "a name with a number that is too long",
            "",
            &named,
            &format!(
                "test.toml:2:8: `nodes[999].name` is \"{last}\"; it must be 1 to 64 letters, digits, `-`, `_` or `.`"
            ),
        ),
        (
            "the last of several jobs after more than a year",
            JOB,
            "[[jobs]]\nname = 'k'\ncount = 3\nevery_ms = 2e10\ntiles = 4\ntile_size = 10\n",
            "test.toml:8:8: `jobs[3].at` is 40000000s; it must be between 0ns and 31536000s",
        ),
        (
            "a formula that was not written",
            NODE,
            "[[jobs]]\nname = 'j'\ntiles = 4\ntile_size = 1e10\n",
            "test.toml:4:8: `jobs[0].tile_bytes` is `x`, which gives 1e10 for x = 1e10; it must be between 0 and 1e9",
        ),
    ]);
}

#[test]
fn an_error_repeats_only_the_beginning_of_what_is_long() {
    let long = "y".repeat(100_000);
    for text in [
        format!("{long} = 1\n{NODE}"),
        format!("strategy = '{long}'\n{NODE}"),
        format!("seed = 1{}\n{NODE}", "0".repeat(100_000)),
        format!("[[nodes]]\nname = '{long}'"),
        format!("{FAULT}kind = 'kill'\nnode = '{long}'"),
    ] {
        let message = read(&text).unwrap_err().to_string();
        assert!(message.len() < 300, "{message}");
        assert!(message.contains('…'), "{message}");
    }
}
