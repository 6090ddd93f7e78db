//! `msvpu simulate`.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;

use crate::{Pictures, Ran, command, msvpu};

const EXAMPLES: [&str; 5] = [
    "flaky-links",
    "many-small-jobs",
    "node-loss",
    "straggler",
    "table3",
];

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples/specs")
        .join(name)
        .with_extension("toml")
}

pub(crate) fn simulate(spec: &Path, options: &str) -> Ran {
    let mut args = vec!["simulate", spec.to_str().unwrap()];
    args.extend(options.split_whitespace());
    msvpu(args)
}

/// A job of four tiles on two nodes, and whatever else.
pub(crate) fn small(files: &Pictures, more: &str) -> PathBuf {
    let text = format!(
        "seed = 1\njitter = 0.1\n[[nodes]]\nname = \"node\"\ncount = 2\nspeed = {{ min = 1e6, max = 2e6 }}\n\
         [[jobs]]\nname = \"job\"\ntiles = 4\ntile_size = 1000\nrounds = 3\n{more}"
    );
    files.write("small.toml", text.as_bytes())
}

/// An example, with one line of it written otherwise.
fn changed(files: &Pictures, name: &str, from: &str, to: &str) -> PathBuf {
    let text = std::fs::read_to_string(example(name)).unwrap();
    assert!(text.contains(from), "{name}: {from}");
    files.write(&format!("{name}.toml"), text.replace(from, to).as_bytes())
}

#[test]
fn the_same_seed_gives_the_same_document_and_another_seed_another_trace() {
    let files = Pictures::new();
    let spec = small(&files, "");
    let first = simulate(&spec, "--json").stdout();
    assert_eq!(simulate(&spec, "--json").stdout(), first);
    assert_eq!(simulate(&spec, "--json --seed 1").stdout(), first);
    assert_eq!(first.lines().count(), 1);
    for name in ["flaky-links", "node-loss"] {
        let of = |name| simulate(&example(name), "--json").stdout();
        assert_eq!(of(name), of(name), "{name}: whatever goes wrong");
    }
    let first: Value = serde_json::from_str(&first).unwrap();
    let other = simulate(&spec, "--json --seed 2").json();
    assert_eq!(other["seed"], 2);
    assert_ne!(first["trace"], other["trace"]);
    // Drawn from the seed as well.
    assert_ne!(first["nodes"][0]["speed"], other["nodes"][0]["speed"]);
}

#[test]
fn the_document_agrees_with_itself() {
    for name in EXAMPLES {
        let report = simulate(&example(name), "--json").json();
        assert_eq!(report["finished"], true, "{name}");
        assert_eq!(report["left_over"]["msvpus"], 0, "{name}");
        let trace = report["trace"].as_str().unwrap();
        assert_eq!(trace.len(), 16, "{name}");
        assert!(u64::from_str_radix(trace, 16).is_ok(), "{name}");
        let number = |value: &Value, key: &str| value[key].as_f64().unwrap();
        let makespan = number(&report, "makespan_s");
        let mut busy = 0.0;
        for node in report["nodes"].as_array().unwrap() {
            let used = number(node, "busy_s") / number(node, "cpus") / makespan;
            assert!((used - number(node, "utilisation")).abs() < 1e-12, "{name}");
            assert!((0.0..=1.0).contains(&used), "{name}: {node}");
            busy += number(node, "busy_s");
        }
        assert!((busy - number(&report, "busy_s")).abs() < 1e-6, "{name}");
        let messages = &report["messages"];
        let (sent, received) = (
            number(messages, "bytes_sent"),
            number(messages, "bytes_received"),
        );
        assert!(
            sent >= received,
            "{name}: {sent} bytes sent, {received} received"
        );
        if number(messages, "lost") == 0.0 {
            assert!(
                received > 0.99 * sent,
                "{name}: {sent} bytes sent, {received} received"
            );
        }
        for job in report["jobs"].as_array().unwrap() {
            assert_eq!(job["state"], "succeeded", "{name}: {job}");
            let shares = job["nodes"].as_array().unwrap();
            let tiles: f64 = shares.iter().map(|share| number(share, "msvpus")).sum();
            assert_eq!(tiles, number(job, "tiles"), "{name}: {job}");
            let times = || shares.iter().map(|share| number(share, "actual_s"));
            let mean = times().sum::<f64>() / shares.len() as f64;
            let worst = times().map(|t| (t - mean).abs() / mean).fold(0.0, f64::max);
            assert!(
                (worst - number(job, "max_deviation")).abs() < 1e-9,
                "{name}: {job}"
            );
            let end = number(job, "submitted_s") + number(job, "took_s");
            assert!(end <= makespan + number(&report["jobs"][0], "submitted_s") + 1e-9);
        }
    }
}

/// max ε_i and the makespan of the first job.
fn evenness(spec: &Path) -> (f64, f64) {
    let report = simulate(spec, "--json").json();
    let deviation = report["jobs"][0]["max_deviation"].as_f64().unwrap();
    (deviation, report["makespan_s"].as_f64().unwrap())
}

#[test]
fn table_3_is_as_even_as_the_paper_has_it() {
    let files = Pictures::new();
    let with = |strategy: &str| {
        let strategy = format!("strategy = \"{strategy}\"");
        evenness(&changed(
            &files,
            "table3",
            "strategy = \"performance-index\"",
            &strategy,
        ))
    };
    let (index, index_s) = with("performance-index");
    let (adaptive, _) = with("adaptive");
    let (uniform, uniform_s) = with("uniform");
    assert!(index <= 0.0219, "{index}");
    assert!(adaptive <= 0.005, "{adaptive}");
    assert!(uniform > 0.5 && uniform_s > 1.5 * index_s, "{uniform}");
}

#[test]
fn a_straggler_costs_adaptive_at_most_half_of_the_clean_job() {
    let files = Pictures::new();
    let text = std::fs::read_to_string(example("straggler")).unwrap();
    let clean = text.split("[[faults]]").next().unwrap();
    let (_, clean) = evenness(&files.write("clean.toml", clean.as_bytes()));
    let (_, adaptive) = evenness(&example("straggler"));
    let fixed = changed(
        &files,
        "straggler",
        "strategy = \"adaptive\"",
        "strategy = \"performance-index\"",
    );
    let (_, fixed) = evenness(&fixed);
    assert!(adaptive <= 1.5 * clean, "{adaptive} {clean}");
    assert!(fixed > 2.0 * clean, "{fixed} {clean}");
}

#[test]
fn recoveries_and_lost_messages_are_told() {
    let report = simulate(&example("node-loss"), "--json").json();
    assert_eq!(report["recoveries"]["kills"], 2);
    assert_eq!(report["recoveries"]["restarts"], 1);
    assert!(report["recoveries"]["leaders_lost"].as_u64().unwrap() >= 1);
    // The leases of those that were killed.
    let given_up = |report: &Value| report["recoveries"]["nodes_given_up"].as_u64().unwrap();
    assert_eq!(given_up(&report), 2);
    let report = simulate(&example("flaky-links"), "--json").json();
    assert_eq!(report["recoveries"]["kills"], 0);
    assert!(given_up(&report) >= 2, "one is deaf, and one stands still");
    for key in ["lost", "repeated", "overtaken"] {
        assert!(report["messages"][key].as_u64().unwrap() > 0, "{key}");
    }
    let repeated = &report["messages"]["repeated"];
    assert_eq!(&report["messages"]["mailboxes"]["repeated"], repeated);
}

#[test]
fn real_kernels_give_what_the_local_deployment_gives() {
    let files = Pictures::new();
    let mut text = "compute = \"real\"\n[[nodes]]\nname = \"node\"\ncount = 3\n".to_owned();
    for service in ["cmeans", "fuzzy-cmeans", "pairwise"] {
        text += &format!(
            "[[jobs]]\nname = \"{service}\"\nservice = \"{service}\"\ntiles = 6\ntile_size = \"24x16\"\nrounds = 4\n"
        );
    }
    text += "[[faults]]\nkind = \"kill\"\nnode = \"node-2\"\nat_ms = 2\nrestart_after_ms = 500\n";
    let spec = files.write("real.toml", text.as_bytes());
    let report = simulate(&spec, "--json").json();
    for job in report["jobs"].as_array().unwrap() {
        assert_eq!(job["bit_equal"], true, "{job}");
    }
    assert_eq!(report["recoveries"]["kills"], 1);
    let summary = simulate(&spec, "").stdout();
    assert!(summary.contains("3 of 3 jobs bit-equal"), "{summary}");

    let other = text.replace("service = \"pairwise\"", "service = \"sorting\"");
    let ran = simulate(&files.write("other.toml", other.as_bytes()), "");
    assert_eq!((ran.status, ran.stdout.as_str()), (2, ""));
    assert!(
        ran.stderr
            .contains("other.toml:18:8: the job `pairwise`: `service` is `sorting`"),
        "{}",
        ran.stderr
    );
    let huge = text.replace("\"24x16\"", "\"24000x16000\"");
    let ran = simulate(&files.write("huge.toml", huge.as_bytes()), "");
    assert_eq!(ran.status, 2);
    let words = "huge.toml:6:8: the job `cmeans`: `tiles` x `tile_size` are";
    assert!(ran.stderr.contains(words), "{}", ran.stderr);
}

#[test]
fn the_summary_shows_both_ends_of_many_nodes() {
    let files = Pictures::new();
    let summary = simulate(&example("straggler"), "").stdout();
    for words in [
        "8 nodes, 32 CPUs",
        "makespan",
        "mean T",
        "max ε",
        "node-5",
        "trace",
    ] {
        assert!(summary.contains(words), "{words}: {summary}");
    }
    let many = "[[nodes]]\nname = \"n\"\ncount = 100\n[[jobs]]\nname = \"j\"\ncount = 5\ntiles = 300\ntile_size = 1000\n";
    let summary = simulate(&files.write("many.toml", many.as_bytes()), "").stdout();
    assert!(
        summary.contains("the 10 slowest and the 10 fastest of 100 nodes"),
        "{summary}"
    );
    assert!(summary.contains("j-1 … j-5"), "{summary}");
    assert_eq!(
        summary
            .lines()
            .filter(|line| line.starts_with("n-"))
            .count(),
        20
    );
    assert_eq!(simulate(&example("straggler"), "--quiet").stdout(), "");
}

#[test]
fn the_files_are_whole() {
    let files = Pictures::new();
    let to = files.path("out/deep");
    for name in ["node-loss", "many-small-jobs"] {
        let options = format!("--json --output {}", to.to_str().unwrap());
        let document = simulate(&example(name), &options).stdout();
        let read = |file: &str| std::fs::read_to_string(to.join(file)).unwrap();
        assert_eq!(read("simulation.json"), document);
        let report: Value = serde_json::from_str(&document).unwrap();
        let teams = report["jobs"].as_array().unwrap().iter();
        let teams: usize = teams
            .map(|job| job["nodes"].as_array().unwrap().len())
            .sum();
        for (file, rows, column) in [
            (
                "nodes.csv",
                report["nodes"].as_array().unwrap().len(),
                "busy_s",
            ),
            (
                "jobs.csv",
                report["jobs"].as_array().unwrap().len(),
                "took_s",
            ),
            ("teams.csv", teams, "actual_s"),
        ] {
            let text = read(file);
            let mut reader = csv::Reader::from_reader(text.as_bytes());
            let at = reader
                .headers()
                .unwrap()
                .iter()
                .position(|head| head == column);
            let values: Vec<f64> = reader
                .records()
                .map(|row| row.unwrap()[at.unwrap()].parse().unwrap())
                .collect();
            assert_eq!(values.len(), rows, "{file}");
            assert!(values.iter().all(|value| *value >= 0.0), "{file}");
        }
        let svg = read("simulation.svg");
        let picture = roxmltree::Document::parse(&svg).unwrap();
        assert_eq!(picture.root_element().tag_name().name(), "svg");
        let words: String = picture
            .descendants()
            .filter_map(|node| node.text())
            .collect();
        assert!(words.contains(report["trace"].as_str().unwrap()));
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
        assert_eq!(std::fs::read_dir(&to).unwrap().count(), 5);
    }
    // A cut-short run has files too.
    let spec = small(&files, "");
    let options = format!("--quiet --limit 0.0001 --output {}", to.to_str().unwrap());
    assert_eq!(simulate(&spec, &options).status, 1);
    let teams = std::fs::read_to_string(to.join("teams.csv")).unwrap();
    assert!(
        teams.starts_with("job,node,") && teams.lines().count() == 1,
        "{teams}"
    );

    let same = files.write("nodes.csv", &std::fs::read(&spec).unwrap());
    let options = format!("--output {}", files.path("").to_str().unwrap());
    let ran = simulate(&same, &options);
    assert_eq!(ran.status, 2);
    assert!(ran.stderr.contains("the spec itself"), "{}", ran.stderr);
}

#[test]
fn a_reader_that_left_is_no_error() {
    let files = Pictures::new();
    let spec = small(&files, "");
    for option in ["--json", "--seed=3"] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = command(["simulate", spec.to_str().unwrap(), option])
            .stdout(writer)
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0));
        assert!(output.stderr.is_empty());
    }
}
