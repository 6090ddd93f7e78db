//! Whatever the text, the parser gives a spec that can be simulated or an error that points into the text.

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;
use crate::simulation::spec::FaultKind;

/// What a spec that was read promises to the simulation.
fn check(text: &str) -> std::result::Result<(), TestCaseError> {
    let spec = match read(text) {
        Ok(spec) => spec,
        Err(error) => {
            prop_assert!(
                (1..=text.lines().count() + 1).contains(&error.line),
                "{error}"
            );
            let line = text.split('\n').nth(error.line - 1).unwrap_or("");
            prop_assert!(
                (1..=line.chars().count() + 1).contains(&error.column),
                "{error}"
            );
            return Ok(());
        }
    };
    prop_assert!(!spec.nodes.is_empty() && spec.nodes.len() <= 100_000);
    prop_assert!((0.0..1.0).contains(&spec.jitter) && !spec.lease.is_zero());
    for node in &spec.nodes {
        prop_assert!(node.cpus >= 1 && node.speed.is_finite() && node.speed > 0.0);
        prop_assert!(node.bandwidth.is_finite() && node.bandwidth > 0.0);
    }
    for job in &spec.jobs {
        prop_assert!((1..=10_000_000).contains(&job.tiles) && job.rounds >= 1);
        for formula in [&job.complexity, &job.tile_bytes, &job.partial_bytes] {
            let value = formula.eval(job.tile_size);
            prop_assert!(value.is_finite() && value >= 0.0, "{formula}");
            // As long as it may take on the slowest node: it fits into a `Duration`.
            prop_assert!(Duration::try_from_secs_f64(value / 1e3 / 0.001).is_ok());
        }
    }
    for fault in &spec.faults {
        match fault.kind {
            FaultKind::Kill { node, .. }
            | FaultKind::Pause { node, .. }
            | FaultKind::Slow { node, .. }
            | FaultKind::Partition { node, .. }
            | FaultKind::Join { node }
            | FaultKind::Link { node, .. } => prop_assert!(node < spec.nodes.len()),
            FaultKind::Panic { job, tile, round } | FaultKind::Poison { job, tile, round } => {
                prop_assert!(tile < spec.jobs[job].tiles);
                prop_assert!((1..=spec.jobs[job].rounds).contains(&round));
            }
        }
    }
    Ok(())
}

/// What is put somewhere into a valid spec.
fn fragment() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        select(vec![
            "-",
            "0",
            "1e999",
            "nan",
            "inf",
            "-inf",
            "9223372036854775808",
            "-0.0",
            "1e-320",
            "\"",
            "'",
            "\"\"\"",
            "{",
            "}",
            "[",
            "]",
            "[[",
            "=",
            ".",
            ",",
            "\n",
            "\r\n",
            "#",
            "\u{feff}",
            "é",
            "true",
            "1979-05-27",
            "[[nodes]]\n",
            "[[jobs]]\n",
            "[[faults]]\n",
            "name = 'fast'\n",
            "{ min = 5, max = 1 }",
            "a.b.c",
            "x^-9",
        ])
        .prop_map(str::to_owned),
    ]
}

fn boundary(text: &str, index: &Index) -> usize {
    let mut at = index.index(text.len() + 1);
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// The value of some line is replaced.
fn with_value(text: &str, line: &Index, value: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let at = line.index(lines.len());
    let line = |(i, line): (usize, &&str)| match line.split_once('=') {
        Some((key, _)) if i == at => format!("{key}= {value}\n"),
        _ => format!("{line}\n"),
    };
    lines.iter().enumerate().map(line).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        check(&String::from_utf8_lossy(&bytes))?;
    }

    #[test]
    fn any_text_of_the_characters_of_toml(text in "[\\[\\]{}=.,'\"#\n\\\\ -+_0-9a-znodesjbfault]{0,200}") {
        check(&text)?;
    }

    #[test]
    fn a_spec_with_cuts_and_insertions(
        edits in prop::collection::vec((any::<Index>(), 0_usize..20, fragment()), 1..4),
    ) {
        let mut text = COMPLETE.to_owned();
        for (at, length, fragment) in edits {
            let start = boundary(&text, &at);
            let mut end = text.len().min(start + length);
            while !text.is_char_boundary(end) {
                end += 1;
            }
            text.replace_range(start..end, &fragment);
        }
        check(&text)?;
    }

    #[test]
    fn a_spec_with_other_values(
        edits in prop::collection::vec((any::<Index>(), prop_oneof![
            fragment(),
            any::<f64>().prop_map(|number| format!("{number:?}")),
            any::<i64>().prop_map(|number| number.to_string()),
            any::<String>().prop_map(|text| format!("{text:?}")),
            (any::<f64>(), any::<f64>()).prop_map(|(a, b)| format!("{{ min = {a:?}, max = {b:?} }}")),
            (1e3..1e18_f64, 0.0..1e18_f64).prop_map(|(a, b)| format!("{{ mean = {a:?}, sd = {b:?} }}")),
        ]), 1..4),
    ) {
        let mut text = COMPLETE.to_owned();
        for (line, value) in edits {
            text = with_value(&text, &line, &value);
        }
        check(&text)?;
    }
}

#[test]
fn nesting_without_end_is_refused() {
    for text in [
        "[".repeat(100_000),
        format!("a = {}", "[".repeat(100_000)),
        format!("a = {}", "{ a = ".repeat(100_000)),
        format!("{}a = 1", "a.".repeat(100_000)),
        format!("[{}a]", "a.".repeat(100_000)),
        format!("[[{}a]]", "a.".repeat(100_000)),
    ] {
        assert!(matches!(
            *read(&text).unwrap_err().problem,
            SpecProblem::Syntax(_)
        ));
    }
}
