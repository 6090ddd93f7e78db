//! `msvpu classify` on nodes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use msvpu::VirtualMachine;
use serde_json::Value;
use tempfile::TempDir;

use crate::jobs::{assert_equal, outcome};
use crate::noise::noise;
use crate::ours::node;
use crate::poison::Numbers;
use crate::process::{Machine, command, computing, run, soon};

/// Of 1, 4, 64 and 1000 tiles.
const TILINGS: [&str; 4] = ["1x1", "2x2", "8x8", "25x40"];

const LEASE: Duration = Duration::from_secs(2);

/// A PNM of three plateaus under noise.
fn picture(folder: &TempDir, name: &str, bands: usize) -> PathBuf {
    let (width, height) = (131, 97);
    let magic = if bands == 1 { "P5" } else { "P6" };
    let mut bytes = format!("{magic} {width} {height} 255\n").into_bytes();
    let noise = noise(width * height * bands);
    bytes.extend(noise.iter().enumerate().map(|(at, noise)| {
        let (pixel, band) = (at / bands, at % bands);
        (80 * ((pixel + band * 40) % width / 50)) as u8 + noise / 6
    }));
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

/// Without what may differ between two runs of a job, and without who did it.
fn result(mut report: Value) -> Value {
    for key in ["job", "timings", "team", "nodes"] {
        assert!(!report[key].take().is_null(), "{key}");
    }
    for row in report["iterations"].as_array_mut().unwrap() {
        assert!(!row["elapsed_ms"].take().is_null());
    }
    report
}

/// The pictures that were written, by name.
fn written(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap());
    let pictures = files.filter(|file| file.path().extension().is_some_and(|ext| ext == "png"));
    let mut pictures: Vec<_> = pictures
        .map(|file| (file.file_name().into(), std::fs::read(file.path()).unwrap()))
        .collect();
    pictures.sort();
    pictures
}

#[tokio::test]
async fn a_report_of_three_node_processes_is_that_of_one_process() {
    let machine = Machine::new("reports");
    let nodes = machine.nodes::<3>();
    let folder = tempfile::tempdir().unwrap();
    let gray = picture(&folder, "gray.pgm", 1);
    let rgb = picture(&folder, "rgb.ppm", 3);
    let fuzzy = "--algorithm fuzzy-cmeans --classes 3 --tiles 4x3 --memberships";
    let counted = TILINGS.map(|tiles| format!("--classes 3 --tiles {tiles}"));
    let counted = counted
        .iter()
        .flat_map(|options| [&gray, &rgb].map(|image| (image, &**options)));
    let cases = [
        (&gray, "--classes 4 --tiles 3x4"),
        (&gray, fuzzy),
        (&rgb, "--classes 5 --init kmeans++ --seed 9"),
        (&rgb, fuzzy),
    ];
    for (image, options) in cases.into_iter().chain(counted) {
        let args = |output: &str| {
            let mut args: Vec<PathBuf> = vec!["classify".into(), image.clone()];
            args.extend(options.split(' ').map(PathBuf::from));
            args.extend(["--json", "--quiet", "--output"].map(PathBuf::from));
            args.push(folder.path().join(output));
            args
        };
        let here = run(&mut command(args("here"))).json();
        // The nodes serve one head after the other.
        let there = run(&mut machine.command(args("there"))).json();
        let msvpus = &there["team"]["msvpus"];
        assert_eq!(msvpus, &here["team"]["msvpus"]);
        let nodes = there["nodes"].as_array().unwrap();
        let placed: u64 = nodes.iter().map(|of| of["msvpus"].as_u64().unwrap()).sum();
        assert_eq!(Some(placed), msvpus.as_u64(), "{nodes:?}");
        for node in nodes {
            assert_ne!(node["node"], 0, "the head computes nothing: {node}");
            assert!(node["name"].is_string(), "{node}");
        }
        // One a node: those of the head are none of the team's.
        assert_eq!(there["team"]["cpus"], nodes.len());
        let (here, there) = (result(here), result(there));
        for key in ["centers", "iterations", "labels_sha256"] {
            assert!(!here[key].is_null());
            assert_eq!(there[key], here[key], "{options}");
        }
        assert_eq!(there, here, "{options}");
        let pictures = |output| written(&folder.path().join(output));
        assert!(!pictures("here").is_empty());
        assert!(pictures("there") == pictures("here"), "{options}");
    }
    machine.assert_gone(nodes).await;
}

#[tokio::test]
async fn any_number_of_tiles_of_a_users_program_gives_what_one_process_gives() {
    let machine = Machine::new("counts");
    let nodes = ["one", "two", "three"].map(|name| node(&machine, name, LEASE));
    let head = VirtualMachine::cluster(&machine.url)
        .vm(&machine.vm)
        .workers(1);
    let head = head.strategy("uniform").service::<Numbers>();
    let head = soon(head.start()).await.unwrap();
    soon(head.nodes_are(|nodes| computing(nodes) == 3)).await;
    for tiles in [1, 4, 64, 1000] {
        let program = Numbers::of(tiles, 5);
        let job = head.submit(program.clone(), 5).await.unwrap();
        let got = soon(outcome(job)).await.unwrap();
        assert_equal(got, program, 5).await;
    }
    machine.end(head, nodes).await;
}

#[tokio::test]
async fn whoever_classifies_without_a_node_is_told_that_it_waits() {
    let machine = Machine::new("nobody");
    let folder = tempfile::tempdir().unwrap();
    let image = picture(&folder, "gray.pgm", 1);
    let args = [Path::new("classify"), image.as_path()];
    let mut classify = machine.command(args);
    classify.args(["--classes", "3", "--node-timeout", "1"]);
    let ran = run(&mut classify);
    assert_eq!(ran.status, Some(1), "{}", ran.stderr);
    assert_eq!(ran.stdout, "");
    let [waits, fails] = ran.stderr.lines().collect::<Vec<_>>()[..] else {
        panic!("{}", ran.stderr);
    };
    assert!(waits.contains("waiting: there is no node"), "{waits}");
    assert!(fails.contains("no node to run it for 1 s"), "{fails}");
    assert!(ran.took < Duration::from_secs(10), "{:?}", ran.took);
    machine.assert_gone([]).await;
}
