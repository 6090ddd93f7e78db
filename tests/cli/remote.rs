//! `msvpu classify --server`: the same as in this process, computed elsewhere.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::interrupts::{noise, press};
use crate::jobs::{Site, id};
use crate::server::{Server, command_at};
use crate::{Pictures, Ran, classify, command, msvpu};

fn there(site: &Site, image: &Path, options: &str) -> Ran {
    classify(image, &format!("{options} --server {}", site.server.url))
}

/// What may differ between two runs, or two places, is null.
fn comparable(mut report: Value) -> Value {
    for key in ["job", "timings", "nodes"] {
        report[key].take();
    }
    report["team"]["cpus"].take();
    report["image"]["path"].take();
    for row in report["iterations"].as_array_mut().unwrap() {
        row["elapsed_ms"].take();
    }
    report
}

/// The files of a directory, without the report.
fn files(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = std::fs::read_dir(directory).unwrap().map(|entry| {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        (name, std::fs::read(entry.path()).unwrap())
    });
    files.filter(|(name, _)| name != "report.json").collect()
}

/// The report and every file are the same bits, here and there.
#[track_caller]
fn assert_same(site: &Site, image: &Path, options: &str) {
    let (here, at_server) = (site.pictures.path("here"), site.pictures.path("there"));
    let options = |output: &Path| format!("{options} --json --output {}", output.display());
    let expected = classify(image, &options(&here)).json();
    let printed = there(site, image, &options(&at_server)).json();
    // As text: a number that is written alike is the same bits.
    assert_eq!(
        comparable(printed.clone()).to_string(),
        comparable(expected).to_string()
    );
    assert!(!printed["centers"].as_array().unwrap().is_empty());
    let kept = std::fs::read_to_string(at_server.join("report.json")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&kept).unwrap(), printed);
    let (here, at_server) = (files(&here), files(&at_server));
    let names = |of: &BTreeMap<String, Vec<u8>>| of.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&at_server), names(&here));
    for (name, bytes) in here {
        assert!(at_server[&name] == bytes, "{name} of {}", image.display());
    }
}

#[test]
fn labels_centers_and_files_are_the_same_bits() {
    let site = Site::new();
    let [gray, rgb, gray16] = [
        site.pictures.gray(),
        site.pictures.rgb(),
        site.pictures.gray16(),
    ];
    let (float, nodata) = (
        site.pictures.float_geotiff(),
        site.pictures.geotiff_with_nodata(),
    );
    assert_same(&site, &gray, "--classes 3");
    // Fewer classes, so that files of the earlier run go.
    assert_same(
        &site,
        &gray,
        "--centers 10,90 --stop-on center-shift --epsilon 0.5",
    );
    assert_same(
        &site,
        &rgb,
        "--algorithm fuzzy-cmeans --classes 4 --init kmeans++ --seed 3 --fuzzifier 1.7 --memberships",
    );
    let options = "--classes 5 --init kmeans++ --tiles 3x2 --max-iterations 4";
    assert_same(&site, &gray16, options);
    assert_same(&site, &float, "--classes 3 --nodata -9999");
    assert_same(&site, &nodata, "--classes 2 --init random --seed 9");
    assert_same(&site, &gray, "--classes 3 --no-images");
    site.server.end();
}

#[test]
fn the_page_of_the_job_has_scene_and_labels_to_show() {
    let site = Site::new();
    let gray = site.pictures.gray();
    let artifacts = || -> Vec<String> {
        let job = id(&site.list()[0]);
        let job = site.jobs(&format!("show {job} --json")).json();
        let artifacts = job["artifacts"].as_array().unwrap().iter();
        artifacts
            .map(|of| of["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let shown = ["scene.png", "labels-preview.png", "legend.json"];
    let output = site.pictures.path("out");
    let into = format!("--output {}", output.display());
    for options in ["", into.as_str()] {
        there(&site, &gray, &format!("--classes 3 {options}")).stdout();
        let made = artifacts();
        assert!(
            shown.iter().all(|name| made.contains(&(*name).to_owned())),
            "{made:?}"
        );
    }
    // They are for there: here are the files that a run here would have made.
    let here = files(&output);
    assert!(!shown.iter().any(|name| here.contains_key(*name)));
    // Whoever wants no pictures has none made.
    there(&site, &gray, "--classes 3 --no-images").stdout();
    assert!(!artifacts().iter().any(|name| name.ends_with(".png")));
    site.server.end();
}

#[test]
fn what_is_said_to_people() {
    let site = Site::new();
    let gray = site.pictures.gray();
    let said = there(&site, &gray, "--classes 3").stdout();
    for words in [
        "cmeans of gray.png",
        "job ",
        "state       succeeded",
        "iterations ",
        "class",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let output = site.pictures.path("out");
    let said = there(
        &site,
        &gray,
        &format!("--classes 3 --output {}", output.display()),
    )
    .stdout();
    let written = said
        .lines()
        .find(|line| line.starts_with("written "))
        .unwrap();
    for name in [
        "labels.png",
        "class_3.png",
        "convergence.svg",
        "report.json",
    ] {
        assert!(
            written.contains(name) && output.join(name).is_file(),
            "{said}"
        );
    }
    assert_eq!(there(&site, &gray, "--classes 3 --quiet").stdout(), "");
    site.server.end();
}

#[test]
fn what_is_refused_here_is_refused_there() {
    let site = Site::new();
    let gray = site.pictures.gray();
    let output = site.pictures.path("out");
    let refuse = |image: &Path, options: &str, words: &[&str]| {
        let options = format!("{options} --output {}", output.display());
        there(&site, image, &options).told(2, words);
        assert!(!output.exists(), "an empty directory was left behind");
    };
    refuse(
        &gray,
        "--centers 1,2;3,4",
        &["gray.png", "2 values", "1 band"],
    );
    refuse(
        &gray,
        "--classes 2 --tiles 1000x1",
        &["gray.png", "1000", "47 rows"],
    );
    refuse(
        &gray,
        "--classes 300",
        &["gray.png", "300 classes", "labels"],
    );
    refuse(
        &gray,
        "--classes 2 --fuzzifier 2",
        &["--fuzzifier", "fuzzy-cmeans"],
    );
    refuse(&gray, "--classes 2 --workers 2", &["--workers", "--server"]);
    refuse(
        &gray,
        "--classes 2 --max-decoded-bytes 1MiB",
        &["--max-decoded-bytes", "--server"],
    );
    let text = site
        .pictures
        .write("text.png", b"these are not the pixels you are looking for");
    refuse(
        &text,
        "--classes 2",
        &["text.png", "PNG, JPEG, TIFF and PNM"],
    );
    let whole = std::fs::read(&gray).unwrap();
    let half = site.pictures.write("half.png", &whole[..whole.len() / 2]);
    refuse(&half, "--classes 2", &["half.png", "truncated"]);
    refuse(
        &site.pictures.path("none.png"),
        "--classes 2",
        &["none.png", "no such file"],
    );
    refuse(
        site.pictures.path("").as_path(),
        "--classes 2",
        &["directory"],
    );
    // What came of no use is not kept; the half picture has a job that failed.
    let nodes = ureq::get(format!("{}/api/v1/nodes", site.server.url)).call();
    let nodes = nodes.unwrap().body_mut().read_to_string().unwrap();
    let nodes: Value = serde_json::from_str(&nodes).unwrap();
    let kept = nodes["gauges"]["blob_bytes"].as_u64().unwrap();
    assert!(kept <= whole.len() as u64 / 2, "{kept}");
    site.server.end();
}

#[test]
fn more_classes_than_pictures_can_be_of() {
    let site = Site::new();
    let gray16 = site.pictures.gray16();
    let ran = there(&site, &gray16, "--classes 300 --max-iterations 2 --json");
    assert_eq!(ran.status, 0);
    let warning = "classes have no pixel; another start may fill them\n";
    assert!(ran.stderr.ends_with(warning), "{}", ran.stderr);
    assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(report["centers"].as_array().unwrap().len(), 300);
    site.server.end();
}

#[test]
fn a_server_that_is_gone_is_named_and_leaves_nothing() {
    let site = Site::new();
    let (gray, output) = (site.pictures.gray(), site.pictures.path("out"));
    let url = site.server.url.clone();
    site.server.end();
    let options = format!("--classes 2 --server {url} --output {}", output.display());
    classify(&gray, &options).told(1, &[&url, "is the server there?"]);
    assert!(!output.exists());
    classify(&gray, "--classes 2 --server here:1").told(2, &["--server", "http://host:port"]);
}

/// `classify --server` of a job that lasts until it is cancelled, or so many iterations.
fn start(site: &Site, iterations: &str) -> std::process::Child {
    let image = noise(&site.pictures);
    let options = [
        "--algorithm",
        "fuzzy-cmeans",
        "--classes",
        "16",
        "--epsilon",
        "1e-300",
    ];
    let mut command = command(["classify", image.to_str().unwrap()]);
    command
        .args(options)
        .args([
            "--max-iterations",
            iterations,
            "--json",
            "--server",
            &site.server.url,
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    while site.jobs("list --json --state running").json()[0].is_null() {}
    child
}

#[test]
fn ctrl_c_cancels_the_job_there() {
    let site = Site::new();
    let child = start(&site, "1000000");
    press(&child);
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(130));
    assert_eq!(
        String::from_utf8(ended.stderr).unwrap(),
        "msvpu: interrupted\n"
    );
    assert!(ended.stdout.is_empty());
    let id = id(&site.list()[0]);
    let watched = site.jobs(&format!("watch {id}"));
    assert_eq!(watched.status, 1);
    assert!(
        watched.stdout.ends_with("\ncancelled: it was cancelled\n"),
        "{}",
        watched.stdout
    );
    site.server.end();
}

#[test]
fn a_job_cancelled_there_is_a_failure_here() {
    let site = Site::new();
    let child = start(&site, "1000000");
    let id = id(&site.list()[0]);
    site.jobs(&format!("cancel {id}")).stdout();
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(1));
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(said, format!("msvpu: job {id}: it was cancelled\n"));
    site.server.end();
}

#[test]
fn a_server_that_is_killed_and_comes_back_is_waited_for() {
    let site = Site::new();
    let mut child = start(&site, "40");
    let address = site.server.address().to_owned();
    let data = site.pictures.path("data");
    site.server.kill();
    let server = Server::of(&mut command_at(&address, &data));
    let mut report = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut report)
        .unwrap();
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["iterations"].as_array().unwrap().len(), 40);
    server.end();
}

#[test]
fn a_running_server_is_no_reason_to_ask_it() {
    // Without --server nothing leaves this process, whatever variables there are.
    let pictures = Pictures::new();
    let gray = pictures.gray();
    let ran = command([
        "classify",
        gray.to_str().unwrap(),
        "--classes",
        "2",
        "--quiet",
    ])
    .env("MSVPU_SERVER", "http://127.0.0.1:1")
    .output()
    .unwrap();
    assert!(ran.status.success(), "{ran:?}");
    // And with it no broker is asked.
    let site = Site::new();
    let args = [
        "classify",
        gray.to_str().unwrap(),
        "--classes",
        "2",
        "--quiet",
    ];
    let ran = command([&args[..], &["--server", &site.server.url]].concat())
        .env("MSVPU_BROKER", "amqp://nobody")
        .output()
        .unwrap();
    assert!(ran.status.success(), "{ran:?}");
    there(&site, &gray, "--classes 2 --broker amqp://nobody").told(2, &["--broker", "--server"]);
    site.server.end();
    assert_eq!(
        msvpu([
            "classify",
            gray.to_str().unwrap(),
            "--classes",
            "2",
            "--quiet"
        ])
        .stdout(),
        ""
    );
}
