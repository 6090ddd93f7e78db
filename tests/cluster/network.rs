//! A network of one cable: a namespace in which a node process runs, joined to this machine by a pair
//! of virtual Ethernet devices that can be unplugged.
//!
//! It takes the right to make namespaces and devices (root), and the programs `unshare` (util-linux)
//! and `ip` (iproute2). All of it is gone when its process is: the devices go with the namespace, and
//! that with the last process in it.

use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, Command, Stdio};

use crate::process::Process;

/// Set by `scripts/test` where namespaces cannot be had: why not.
const NOT_HERE: &str = "MSVPU_TEST_NO_NAMESPACES";

/// In a new namespace: makes the cable, says so, and becomes another program when told to.
const INSIDE: &str = r#"
ip link add eth0 type veth peer name "$1" netns "$2"
ip address add "$3/30" dev eth0
ip link set eth0 up
shift 3
echo plugged
read -r _
exec "$@" </dev/null
"#;

/// Why tests that need a namespace are not to run, if they are not.
pub(crate) fn not_here() -> Option<String> {
    std::env::var(NOT_HERE).ok()
}

/// The cable, with this machine at one end of it and a process at the other. One at a time.
pub(crate) struct Cable {
    /// The device at this end.
    device: String,
}

/// A process in its namespace that waits before it becomes another program.
pub(crate) struct Waiting {
    process: Process,
    go: ChildStdin,
}

/// Runs `ip` on this end.
#[track_caller]
fn ip(args: &[&str]) {
    let ran = Command::new("ip").args(args).output();
    let ran = ran.expect("`ip` is needed to cut a network: install iproute2");
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "ip {args:?}: {said}");
}

/// This end of the cable and the other: a net of this process's own among those that are set apart for
/// tests of networks (RFC 2544).
pub(crate) fn addresses() -> [String; 2] {
    let nets = 1 << 15;
    let first = (std::process::id() % nets) << 2;
    [1, 2].map(|end| {
        let [_, high, middle, low] = (first + end).to_be_bytes();
        format!("198.{}.{middle}.{low}", 18 + high)
    })
}

impl Cable {
    /// Plugs a process in that will run the command.
    pub(crate) fn plug(command: &Command) -> (Self, Waiting) {
        let this = std::process::id().to_string();
        let device = format!("msvpu{this}");
        let [here, there] = addresses();
        let mut inside = Command::new("unshare");
        inside
            .args(["--net", "sh", "-ec", INSIDE, "sh", &device, &this, &there])
            .arg(command.get_program())
            .args(command.get_args())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => inside.env(name, value),
                None => inside.env_remove(name),
            };
        }
        let mut child = inside
            .spawn()
            .expect("`unshare` is needed to make a network namespace: install util-linux");
        let go = child.stdin.take().unwrap();
        let mut said = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut said).unwrap();
        assert_eq!(
            said, "plugged\n",
            "a namespace with a veth is needed: the right to make them (root, CAP_NET_ADMIN), and iproute2; \
             where that cannot be had, set {NOT_HERE} to the reason"
        );
        ip(&["address", "add", &format!("{here}/30"), "dev", &device]);
        let cable = Self { device };
        cable.set("up");
        let process = Process::of(child);
        (cable, Waiting { process, go })
    }

    fn set(&self, state: &str) {
        ip(&["link", "set", &self.device, state]);
    }

    /// Nothing comes through any more, and nobody is told.
    pub(crate) fn cut(&self) {
        self.set("down");
    }

    pub(crate) fn mend(&self) {
        self.set("up");
    }
}

impl Waiting {
    /// It becomes the program that it waits for.
    pub(crate) fn go(mut self) -> Process {
        writeln!(self.go).unwrap();
        self.process
    }
}
