//! The command line as scripts see it: the real binary, its exit status, its streams, its files.
#![allow(clippy::unwrap_used, clippy::panic)]

mod access;
mod away;
#[path = "../common/control_group.rs"]
#[cfg(target_os = "linux")]
mod control_group;
mod cpus;
#[cfg(not(unix))]
#[path = "../common/deaf.rs"]
mod deaf;
mod files;
mod interrupts;
#[cfg(unix)]
mod jobs;
#[cfg(unix)]
#[path = "../common/noise.rs"]
mod noise;
mod pairwise;
#[path = "../common/pictures.rs"]
mod pictures;
mod refusals;
#[cfg(unix)]
mod remote;
mod reports;
#[cfg(unix)]
mod serve;
#[cfg(unix)]
#[path = "../common/server.rs"]
mod server;
mod simulate;
mod simulate_refusals;
mod streams;
mod token;
mod verbs;

use std::path::Path;

use deaf::command;
use pictures::{GEO_KEYS, HEIGHT, PIXEL_SCALE, Pictures, TIEPOINT, WIDTH, level, pixels};
use serde_json::Value;
#[cfg(unix)]
use server::deaf;

/// How a run ended.
struct Ran {
    status: i32,
    stdout: String,
    stderr: String,
}

impl Ran {
    /// The stdout of a run that succeeded and said nothing on stderr.
    #[track_caller]
    fn stdout(self) -> String {
        assert_eq!((self.status, self.stderr.as_str()), (0, ""));
        self.stdout
    }

    /// The one JSON document on the stdout of a run that succeeded.
    #[track_caller]
    fn json(self) -> Value {
        serde_json::from_str(&self.stdout()).unwrap()
    }
}

fn msvpu<S: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = S>) -> Ran {
    let output = command(args).output().unwrap();
    Ran {
        status: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// `msvpu classify IMAGE` and the words of `options`.
fn classify(image: &Path, options: &str) -> Ran {
    let mut args = vec!["classify", image.to_str().unwrap()];
    args.extend(options.split_whitespace());
    msvpu(args)
}

/// The whole is told, and the parts of it are all of it.
#[track_caller]
fn assert_adds_up(timings: &Value) {
    let times = timings.as_object().unwrap();
    let ms = |(_, ms): (&String, &Value)| ms.as_f64().unwrap();
    let parts: f64 = times
        .iter()
        .filter(|(name, _)| *name != "total_ms")
        .map(ms)
        .sum();
    let total = timings["total_ms"].as_f64().unwrap();
    assert!(total > 0.0 && (parts - total).abs() < 1e-6, "{timings}");
}

/// The `nodes` of a report of one process: all MsVPUs, nothing foretold, and part of the time that
/// the job took.
#[track_caller]
fn assert_one_node(nodes: &Value, msvpus: u32, job_ms: &Value) {
    let actual = nodes[0]["actual_ms"].as_f64().unwrap();
    assert!(
        actual > 0.0 && actual <= job_ms.as_f64().unwrap(),
        "{nodes}"
    );
    assert_eq!(
        nodes,
        &serde_json::json!([{
            "node": 0, "name": "local", "cpus": nodes[0]["cpus"], "performance_index": null, "load_index": null, "msvpus": msvpus,
            "predicted_ms": null, "actual_ms": actual, "deviation": 0.0
        }])
    );
}
