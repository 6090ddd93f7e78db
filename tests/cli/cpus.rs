//! How many CPUs a command takes when it is not told: those that it may use.
#![cfg(target_os = "linux")]

use std::fs;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::Pictures;
use crate::control_group::{Group, PERIOD};
use crate::deaf::deafen;

/// `team.cpus` of a classification that `program` with these arguments starts.
fn cpus_taken(program: &str, args: &[&str]) -> u64 {
    let pictures = Pictures::new();
    let mut command = Command::new(program);
    deafen(&mut command);
    let ran = command
        .args(args)
        .arg(env!("CARGO_BIN_EXE_msvpu"))
        .arg("classify")
        .arg(pictures.gray())
        .args(["--classes", "3", "--json"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{program}: {said}");
    let report: Value = serde_json::from_slice(&ran.stdout).unwrap();
    report["team"]["cpus"].as_u64().unwrap()
}

#[test]
fn affinity_bounds_the_workers() {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let allowed = status.split_once("Cpus_allowed_list:").unwrap().1.trim();
    let first = allowed.split(['-', ',', '\n']).next().unwrap();
    assert_eq!(cpus_taken("taskset", &["--cpu-list", first]), 1);
}

#[test]
fn the_quota_of_a_control_group_bounds_the_workers() {
    let free = std::thread::available_parallelism().unwrap().get();
    let Some(group) = Group::make("cpus").filter(|_| free > 1) else {
        eprintln!("not shown: needs two CPUs and the right to make a control group");
        return;
    };
    let inside = group.inside();
    let taken = || cpus_taken("sh", &inside.each_ref().map(String::as_str));
    // Whole CPUs, rounded down, and one at least.
    for (quota, cpus) in [(PERIOD / 2, 1), (PERIOD * 3 / 2, 1), (PERIOD * 2, 2)] {
        assert!(group.bound(quota));
        assert_eq!(taken(), cpus, "{quota} µs of {PERIOD} µs");
    }
}
