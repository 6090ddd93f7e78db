//! How many CPUs a command takes when it is not told: those that it may use.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::Pictures;

/// `team.cpus` of a classification that `program` with these arguments starts.
fn cpus_taken(program: &str, args: &[&str]) -> u64 {
    let pictures = Pictures::new();
    let ran = Command::new(program)
        .args(args)
        .arg(env!("CARGO_BIN_EXE_msvpu"))
        .arg("classify")
        .arg(pictures.gray())
        .args(["--classes", "3", "--json"])
        .env_remove("RUST_LOG")
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

/// A control group beneath that of this process.
struct Group {
    directory: PathBuf,
    /// The file of the quota, and what follows it there: nothing in version 1, the period in version 2.
    quota: (&'static str, &'static str),
}

/// In microseconds; the default of both versions.
const PERIOD: u64 = 100_000;

impl Group {
    /// `None` where this process may not make one that bounds CPUs.
    fn make() -> Option<Self> {
        let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
        let of = |wanted: fn(&str) -> bool| {
            let mut fields = groups.lines().map(|line| line.splitn(3, ':'));
            let line = fields.find_map(|mut fields| {
                let controllers = fields.nth(1)?;
                wanted(controllers).then(|| fields.next()).flatten()
            });
            line.map(|path| path.trim_start_matches('/'))
        };
        let version_1 = of(|controllers| controllers.split(',').any(|name| name == "cpu"));
        let (mount, path, quota) = match version_1 {
            Some(path) => ("/sys/fs/cgroup/cpu", path, ("cpu.cfs_quota_us", "")),
            None => ("/sys/fs/cgroup", of(str::is_empty)?, ("cpu.max", " 100000")),
        };
        let name = format!("msvpu-test-{}", std::process::id());
        let directory = Path::new(mount).join(path).join(name);
        fs::create_dir(&directory).ok()?;
        let group = Self { directory, quota };
        let enters = Command::new("sh").args(group.inside()).arg("true").output();
        let works = group.bound(PERIOD) && enters.ok()?.status.success();
        works.then_some(group)
    }

    /// Whether it was let have no more than that CPU time in a period.
    fn bound(&self, quota: u64) -> bool {
        let (file, period) = self.quota;
        fs::write(self.directory.join(file), format!("{quota}{period}")).is_ok()
    }

    /// The arguments of `sh` that start a command within.
    fn inside(&self) -> [String; 3] {
        let members = self.directory.join("cgroup.procs");
        let script = format!("echo $$ > '{}' && exec \"$@\"", members.display());
        ["-c".to_owned(), script, "sh".to_owned()]
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Its processes have ended; a group that stays bounds nobody.
        let _ = fs::remove_dir(&self.directory);
    }
}

#[test]
fn the_quota_of_a_control_group_bounds_the_workers() {
    let free = std::thread::available_parallelism().unwrap().get();
    let Some(group) = Group::make().filter(|_| free > 1) else {
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
