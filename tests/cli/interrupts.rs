//! Ctrl-C.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::{Pictures, classify, command};

/// Noise that fuzzy c-means does not settle in within the life of a test.
pub(crate) fn noise(pictures: &Pictures) -> std::path::PathBuf {
    const SIDE: usize = 1000;
    let mut bytes = format!("P6 {SIDE} {SIDE} 255\n").into_bytes();
    bytes.extend(crate::noise::noise(SIDE * SIDE * 3));
    pictures.write("noise.ppm", &bytes)
}

/// Runs the command and presses Ctrl-C when its job was submitted: it ends with 130, prints nothing,
/// and says why.
#[track_caller]
pub(crate) fn assert_interruptible(args: &[&str]) {
    let mut child = command(args)
        .env("RUST_LOG", "msvpu=info")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("submitted") {
        line.clear();
        assert_ne!(
            stderr.read_line(&mut line).unwrap(),
            0,
            "it ended by itself"
        );
    }
    press(&child);
    let (ended, end) = mpsc::channel();
    let reader = thread::spawn(move || {
        let mut rest = String::new();
        stderr.read_to_string(&mut rest).unwrap();
        ended.send(()).unwrap();
        rest
    });
    if end.recv_timeout(Duration::from_secs(60)).is_err() {
        child.kill().unwrap();
    }
    let rest = reader.join().unwrap();
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(130), "{rest}");
    assert!(ended.stdout.is_empty());
    assert!(rest.ends_with("msvpu: interrupted\n"), "{rest}");
}

#[test]
fn ctrl_c_cancels_the_job_and_ends_with_130() {
    let pictures = Pictures::new();
    let noise = noise(&pictures);
    let output = pictures.path("out");
    assert_interruptible(&[
        "classify",
        noise.to_str().unwrap(),
        "--algorithm",
        "fuzzy-cmeans",
        "--classes",
        "64",
        "--epsilon",
        "1e-300",
        "--max-iterations",
        "1000000",
        "--output",
        output.to_str().unwrap(),
    ]);
    assert!(!output.exists(), "an empty directory was left behind");
}

/// Presses Ctrl-C.
pub(crate) fn press(child: &Child) {
    // The shell's own: a system may be without the program.
    let killed = Command::new("sh")
        .args(["-c", &format!("kill -INT {}", child.id())])
        .status()
        .unwrap();
    assert!(killed.success());
}

/// All that is in a directory; `None` for what is no file.
fn contents(directory: &Path) -> BTreeMap<OsString, Option<Vec<u8>>> {
    fs::read_dir(directory)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            (entry.file_name(), fs::read(entry.path()).ok())
        })
        .collect()
}

#[test]
fn ctrl_c_while_files_are_written_leaves_those_of_the_earlier_run() {
    let pictures = Pictures::new();
    let output = pictures.path("out");
    let options = format!("--classes 2 --quiet --output {}", output.display());
    classify(&pictures.gray(), &options).stdout();
    let before = contents(&output);

    let image = noise(&pictures);
    // Many large masks: seconds of writing.
    let mut child = command([
        "classify",
        image.to_str().unwrap(),
        "--classes",
        "2000",
        "--max-iterations",
        "1",
        "--output",
        output.to_str().unwrap(),
    ])
    .stdout(Stdio::piped())
    .stderr(Stdio::piped())
    .spawn()
    .unwrap();
    while fs::read_dir(&output).unwrap().count() == before.len() {
        assert_eq!(child.try_wait().unwrap(), None, "it ended by itself");
        thread::yield_now();
    }
    press(&child);
    let pressed = Instant::now();
    let ended = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(130), "{stderr}");
    assert_eq!(stderr, "msvpu: interrupted\n");
    assert!(ended.stdout.is_empty());
    let took = pressed.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert!(
        contents(&output) == before,
        "{:?}",
        contents(&output).keys()
    );
}
