//! What goes to stdout and what to stderr, and what happens when they cannot take it.

use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::{Pictures, classify, command};

#[test]
fn quiet_prints_nothing_but_what_is_asked_for() {
    let pictures = Pictures::new();
    let gray = pictures.gray();
    assert_eq!(classify(&gray, "--classes 2 --quiet").stdout(), "");
    let report = classify(&gray, "--classes 2 --quiet --json").json();
    assert_eq!(report["classes"].as_array().unwrap().len(), 2);
}

#[test]
fn several_pictures_of_a_tiff_are_warned_of_on_stderr() {
    use tiff::encoder::{TiffEncoder, colortype::Gray8};

    let pictures = Pictures::new();
    let path = pictures.path("pages.tif");
    let mut encoder = TiffEncoder::new(std::fs::File::create(&path).unwrap()).unwrap();
    for page in [[1, 9], [5, 5]] {
        encoder.write_image::<Gray8>(2, 1, &page).unwrap();
    }
    drop(encoder);
    for options in ["", "--quiet", "--json"] {
        let ran = classify(&path, &format!("--classes 2 {options}"));
        assert_eq!(ran.status, 0);
        assert_eq!(ran.stderr.lines().count(), 1);
        let words = "pages.tif: this TIFF has several pictures; only the first is classified\n";
        assert!(ran.stderr.starts_with("msvpu: warning: "), "{}", ran.stderr);
        assert!(ran.stderr.ends_with(words), "{}", ran.stderr);
        if options == "--json" {
            let report: Value = serde_json::from_str(&ran.stdout).unwrap();
            assert_eq!(report["centers"], serde_json::json!([[1.0], [9.0]]));
        }
    }
}

#[test]
fn a_closed_pipe_is_no_error() {
    let pictures = Pictures::new();
    let gray = pictures.gray();
    let gray = gray.to_str().unwrap();
    for args in [
        vec!["classify", gray, "--classes", "2", "--json"],
        vec!["classify", gray, "--classes", "2"],
        vec!["services"],
        vec!["completions", "bash"],
        vec!["--help"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = command(&args)
            .stdout(writer)
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(
            (output.status.code(), stderr.as_str()),
            (Some(0), ""),
            "{args:?}"
        );
    }
}

#[test]
fn a_full_device_is_a_failure_at_run_time() {
    let full = Path::new("/dev/full");
    if !full.exists() {
        return;
    }
    let device = std::fs::OpenOptions::new().write(true).open(full).unwrap();
    let output = command(["services"]).stdout(device).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("stdout"));
}
