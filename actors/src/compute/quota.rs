//! How much CPU time the control groups of this process let it have (Linux).
//!
//! A group that is bounded gets its quota at the beginning of each period, a tenth of a second by
//! default, and then stands still: a short test within that shows a CPU as fast as any other.

use std::fs;
use std::path::{Path, PathBuf};

/// Which of the two interfaces a group has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

/// In CPUs, of the strictest of the groups that this process is in; none where nothing bounds it.
pub(super) fn quota() -> Option<f64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let bounds = directories(&groups, &mounts);
    let bounds = bounds
        .iter()
        .filter_map(|(version, at)| bound(*version, at));
    bounds.reduce(f64::min)
}

/// The groups that may bound the CPU time, the innermost first.
fn directories(groups: &str, mounts: &str) -> Vec<(Version, PathBuf)> {
    let mut found = Vec::new();
    for line in groups.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else {
            continue;
        };
        let version = if controllers.is_empty() {
            Version::Two
        } else if controllers.split(',').any(|name| name == "cpu") {
            Version::One
        } else {
            continue;
        };
        let mount = mounts.lines().find_map(|line| mount(version, line));
        if let Some((root, point)) = mount {
            // From within a namespace the path may lead nowhere; the mount shows what there is.
            let below = Path::new(path).strip_prefix(root).unwrap_or(Path::new(""));
            let inner = point.join(below);
            let all = inner.ancestors().take_while(|at| at.starts_with(point));
            found.extend(all.map(|at| (version, at.to_owned())));
        }
    }
    found
}

/// Which part of the groups is mounted where, if the line of a mount is one of them (proc(5)).
fn mount(version: Version, line: &str) -> Option<(&Path, &Path)> {
    let (about, kind) = line.split_once(" - ")?;
    let mut about = about.split(' ').skip(3);
    let (root, point) = (about.next()?, about.next()?);
    let mut kind = kind.split(' ');
    let (kind, options) = (kind.next()?, kind.nth(1)?);
    let fits = match version {
        Version::One => kind == "cgroup" && options.split(',').any(|name| name == "cpu"),
        Version::Two => kind == "cgroup2",
    };
    fits.then(|| (Path::new(root), Path::new(point)))
}

fn bound(version: Version, group: &Path) -> Option<f64> {
    let read = |file| fs::read_to_string(group.join(file)).ok();
    match version {
        Version::One => ratio(&read("cpu.cfs_quota_us")?, &read("cpu.cfs_period_us")?),
        Version::Two => {
            let bound = read("cpu.max")?;
            let (quota, period) = bound.trim().split_once(' ')?;
            ratio(quota, period)
        }
    }
}

/// A quota is -1 (version 1) or `max` (version 2) where there is none.
fn ratio(quota: &str, period: &str) -> Option<f64> {
    let [quota, period]: [f64; 2] = [quota.trim().parse().ok()?, period.trim().parse().ok()?];
    (quota > 0.0 && period > 0.0).then_some(quota / period)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
24 1 0:22 / /proc rw,nosuid - proc proc rw
33 32 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct
34 32 0:30 /docker/abc /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
35 32 0:31 /user /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate
";

    #[test]
    fn the_groups_from_the_innermost_to_the_mount_are_looked_at() {
        let groups = "5:memory:/docker/abc\n4:cpu,cpuacct:/a/b\n0::/user/c\n";
        let of = |version, path: &str| (version, PathBuf::from(path));
        assert_eq!(
            directories(groups, MOUNTS),
            [
                of(Version::One, "/sys/fs/cgroup/cpu,cpuacct/a/b"),
                of(Version::One, "/sys/fs/cgroup/cpu,cpuacct/a"),
                of(Version::One, "/sys/fs/cgroup/cpu,cpuacct"),
                of(Version::Two, "/sys/fs/cgroup/unified/c"),
                of(Version::Two, "/sys/fs/cgroup/unified"),
            ]
        );
        // A group outside of what is mounted here.
        assert_eq!(
            directories("0::/elsewhere", MOUNTS),
            [of(Version::Two, "/sys/fs/cgroup/unified")]
        );
        assert_eq!(directories("garbage\n", MOUNTS), []);
        assert_eq!(directories(groups, "garbage\n"), []);
    }

    #[test]
    fn a_quota_is_a_part_of_its_period() {
        assert_eq!(ratio("15000\n", "100000\n"), Some(0.15));
        assert_eq!(ratio("200000", "100000"), Some(2.0));
        for none in ["-1\n", "max", "", "0"] {
            assert_eq!(ratio(none, "100000"), None, "{none}");
        }
        assert_eq!(ratio("1", "0"), None);
    }
}
