//! The specs that come with the project are right, and are what their comments say.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};

use msvpu_actors::Spec;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/specs")
}

fn spec(name: &str) -> Spec {
    let path = folder().join(name);
    let text = fs::read_to_string(&path).unwrap();
    Spec::parse(&text, &path.display().to_string()).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn every_example_can_be_read() {
    let mut names: Vec<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "flaky-links.toml",
            "many-small-jobs.toml",
            "node-loss.toml",
            "straggler.toml",
            "table3.toml"
        ]
    );
    for name in names {
        let spec = spec(&name);
        assert!(!spec.jobs.is_empty(), "{name}");
    }
}

#[test]
fn the_tiles_of_table_3_can_be_shared_out_without_a_remainder() {
    let spec = spec("table3.toml");
    assert_eq!(spec.nodes.len(), 10);
    let job = &spec.jobs[0];
    assert_eq!((job.tiles, job.tile_size), (1000, 1024.0 * 786.0));
    assert_eq!(job.complexity.eval(job.tile_size), job.tile_size.powi(2));

    let power = |node: &msvpu_actors::NodeSpec| f64::from(node.cpus) * node.speed;
    let whole: f64 = spec.nodes.iter().map(power).sum();
    for node in &spec.nodes {
        let tiles_a_cpu = f64::from(job.tiles) * power(node) / whole / f64::from(node.cpus);
        assert!(
            (tiles_a_cpu - tiles_a_cpu.round()).abs() < 1e-9,
            "{}: {tiles_a_cpu}",
            node.name
        );
    }
}

#[test]
fn the_straggler_slows_within_the_job() {
    let spec = spec("straggler.toml");
    let (job, node) = (&spec.jobs[0], &spec.nodes[0]);
    let step = job.complexity.eval(job.tile_size) / node.speed;
    let cpus: u32 = spec.nodes.iter().map(|node| node.cpus).sum();
    let clean = step * f64::from(job.tiles.div_ceil(cpus)) * f64::from(job.rounds);
    let at = spec.faults[0].at.as_secs_f64();
    assert!(at > 0.25 * clean && at < 0.5 * clean, "{at} of {clean}");
}
