//! Control groups that bound the CPU time of processes (Linux).
#![allow(dead_code, clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A control group beneath that of this process.
pub(crate) struct Group {
    directory: PathBuf,
    /// The file of the quota, and what follows it there: nothing in version 1, the period in version 2.
    quota: (&'static str, &'static str),
}

/// In microseconds; the default of both versions.
pub(crate) const PERIOD: u64 = 100_000;

impl Group {
    /// `None` where this process may not make one that bounds CPUs.
    pub(crate) fn make(name: &str) -> Option<Self> {
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
        let name = format!("msvpu-{name}-{}", std::process::id());
        let directory = Path::new(mount).join(path).join(name);
        fs::create_dir(&directory).ok()?;
        let group = Self { directory, quota };
        let enters = Command::new("sh").args(group.inside()).arg("true").output();
        let works = group.bound(PERIOD) && enters.ok()?.status.success();
        works.then_some(group)
    }

    /// Whether it was let have no more than that CPU time in a period.
    pub(crate) fn bound(&self, quota: u64) -> bool {
        let (file, period) = self.quota;
        fs::write(self.directory.join(file), format!("{quota}{period}")).is_ok()
    }

    /// Where CPUs are short, its processes get so many times what one process outside gets, up to the
    /// quota.
    pub(crate) fn weigh(&self, times: u64) -> bool {
        let (file, one) = match self.quota.0 {
            "cpu.max" => ("cpu.weight", 100),
            _ => ("cpu.shares", 1024),
        };
        fs::write(self.directory.join(file), (one * times).to_string()).is_ok()
    }

    /// The arguments of `sh` that start a command within.
    pub(crate) fn inside(&self) -> [String; 3] {
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
