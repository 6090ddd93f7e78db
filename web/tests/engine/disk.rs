//! A small file system of a test's own, which can be full.

use std::env;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use tempfile::TempDir;

pub(crate) const DISK_BYTES: u64 = 24 << 20;

/// Why these tests are not to run, where they cannot.
const NOT_HERE: &str = "MSVPU_TEST_NO_MOUNTS";
/// Set for a test that runs in a namespace of its own.
const WITHIN: &str = "MSVPU_TEST_IN_NAMESPACE";

/// A file system of [`DISK_BYTES`], until it is dropped.
pub(crate) struct Disk {
    pub(crate) folder: Arc<TempDir>,
}

impl Disk {
    /// A disk for the test of this name in `full`. `None` when there is nothing left to do: who may not mount has
    /// namespaces in which they may, and the test has run in one; or it is not to run.
    pub(crate) fn mount(test: &str) -> Option<Self> {
        if let Ok(reason) = env::var(NOT_HERE) {
            println!("not run: {reason}");
            return None;
        }
        let folder = Arc::new(TempDir::new().unwrap());
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={DISK_BYTES}"), "tmpfs"])
            .arg(folder.path())
            .output();
        let refused = match mounted {
            Ok(output) if output.status.success() => return Some(Self { folder }),
            Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            Err(error) => error.to_string(),
        };
        assert!(env::var(WITHIN).is_err(), "in a namespace: {refused}");
        let within = Command::new("unshare")
            .args(["--user", "--map-root-user", "--mount", "--"])
            .arg(env::current_exe().unwrap())
            .args(["--exact", &format!("full::{test}"), "--nocapture"])
            .env(WITHIN, "1")
            .output();
        let told = match within {
            Ok(output) if output.status.success() => return None,
            Ok(output) => {
                let [stdout, stderr] = [output.stdout, output.stderr]
                    .map(|text| String::from_utf8_lossy(&text).into_owned());
                format!("{stdout}{stderr}")
            }
            Err(error) => error.to_string(),
        };
        panic!(
            "no disk for this test: mount says `{refused}`, and in a user namespace (unshare, of util-linux) it ended \
             with:\n{told}\nneeded is root with the right to mount, or user namespaces; or set {NOT_HERE} to the \
             reason why tests with a full disk are not to run"
        );
    }

    /// Fills it to the last byte.
    pub(crate) fn fill(&self) {
        let mut size = 1 << 20;
        let mut file = fs::File::create(self.filler()).unwrap();
        while size > 0 {
            if file.write_all(&vec![7; size]).is_err() {
                size /= 2;
            }
        }
    }

    /// Fills it but for so much.
    pub(crate) fn fill_but(&self, free_bytes: u64) {
        let room = DISK_BYTES - free_bytes - used(self.folder.path());
        fs::write(self.filler(), vec![7; usize::try_from(room).unwrap()]).unwrap();
    }

    pub(crate) fn empty(&self) {
        fs::remove_file(self.filler()).unwrap();
    }

    fn filler(&self) -> std::path::PathBuf {
        self.folder.path().join("filler")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.folder.path()).status();
    }
}

fn used(path: &Path) -> u64 {
    let entries = fs::read_dir(path).unwrap().map(Result::unwrap);
    let sizes = entries.map(|entry| {
        let metadata = entry.metadata().unwrap();
        if metadata.is_dir() {
            used(&entry.path())
        } else {
            metadata.len().next_multiple_of(4096)
        }
    });
    sizes.sum()
}
