//! Processes of a machine, and what becomes of them.

use std::ffi::OsStr;
use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use msvpu::{CMeans, ClusterBuilder, FuzzyCMeans, NodeStatus, Pairwise, VirtualMachine};
use serde_json::Value;

use crate::broker::leavings::assert_gone;
use crate::broker::shared;
pub(crate) use crate::deaf::command;

/// Nothing may hang: what takes longer has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what)
        .await
        .expect("still not there after minutes")
}

/// Waits for what tells nobody when it changes.
pub(crate) async fn until(what: &str, mut fits: impl FnMut() -> bool) {
    let mut looks = tokio::time::interval(Duration::from_millis(5));
    let looking = async {
        while !fits() {
            looks.tick().await;
        }
    };
    let found = tokio::time::timeout(PATIENCE, looking).await;
    assert!(found.is_ok(), "{what}: not after minutes");
}

/// How a command ended.
pub(crate) struct Ran {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) took: Duration,
}

impl Ran {
    /// The one JSON document of a run that succeeded and had nothing to say besides.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        assert_eq!((self.status, self.stderr.as_str()), (Some(0), ""));
        serde_json::from_str(&self.stdout).unwrap()
    }
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command) -> Ran {
    let began = Instant::now();
    let mut process = Process::start(command.stdout(Stdio::piped()).stderr(Stdio::piped()));
    let status = process.ended().code();
    let [stdout, stderr] = process.said.take().unwrap();
    Ran {
        status,
        stdout: stdout.join().unwrap(),
        stderr: stderr.join().unwrap(),
        took: began.elapsed(),
    }
}

/// A process that ends with its test at the latest.
pub(crate) struct Process {
    child: Child,
    said: Option<[std::thread::JoinHandle<String>; 2]>,
}

fn read_all(mut from: impl Read + Send + 'static) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut text = String::new();
        from.read_to_string(&mut text).unwrap();
        text
    })
}

impl Process {
    pub(crate) fn start(command: &mut Command) -> Self {
        Self::of(command.spawn().unwrap())
    }

    pub(crate) fn of(mut child: Child) -> Self {
        let said = child.stdout.take().zip(child.stderr.take());
        Self {
            child,
            said: said.map(|(stdout, stderr)| [read_all(stdout), read_all(stderr)]),
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// As `kill` does: KILL, STOP, CONT, TERM.
    pub(crate) fn signal(&self, name: &str) {
        // The shell's own: a system may be without the program.
        let line = format!("kill -{name} {}", self.id());
        let killed = Command::new("sh").args(["-c", &line]).status().unwrap();
        assert!(killed.success());
    }

    /// How it has ended, if it has.
    pub(crate) fn end(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Waits for its end. Blocks: what else the test needs has threads of its own.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.end() {
                return status;
            }
            assert!(Instant::now() < until, "it does not end");
            // The library cannot wait for a process and a time at once.
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }

    /// Waits for its end, and tells what it said on stderr.
    pub(crate) fn ended_saying(&mut self) -> (ExitStatus, String) {
        let status = self.ended();
        let [_, stderr] = self.said.take().unwrap();
        (status, stderr.join().unwrap())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended already is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The machine of one test: its name on a broker.
pub(crate) struct Machine {
    pub(crate) url: String,
    pub(crate) vm: String,
}

impl Machine {
    pub(crate) fn new(test: &str) -> Self {
        Self::on(&shared(), test)
    }

    pub(crate) fn on(url: &str, test: &str) -> Self {
        Self {
            url: url.to_owned(),
            // Others may use the broker at the same time.
            vm: format!("{test}-{}", std::process::id()),
        }
    }

    /// The command, told of broker and machine.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = command(args);
        command.args(["--broker", &self.url, "--vm", &self.vm]);
        command
    }

    /// The command of a node of one CPU.
    pub(crate) fn node_command(&self, name: &str) -> Command {
        self.command(["node", "--cpus", "1", "--name", name])
    }

    pub(crate) fn node(&self, name: &str) -> Process {
        let mut command = self.node_command(name);
        Process::start(command.stdout(Stdio::piped()).stderr(Stdio::piped()))
    }

    pub(crate) fn nodes<const N: usize>(&self) -> [Process; N] {
        std::array::from_fn(|index| self.node(&format!("node-{index}")))
    }

    /// This process as the head, which gives each node its share.
    pub(crate) fn head(&self) -> ClusterBuilder {
        VirtualMachine::cluster(&self.url)
            .vm(&self.vm)
            .workers(1)
            .strategy("uniform")
            .service::<CMeans>()
            .service::<FuzzyCMeans>()
            .service::<Pairwise>()
    }

    /// Ends all of it, and sees that nothing is left on the broker.
    pub(crate) async fn end(&self, head: VirtualMachine, nodes: impl IntoIterator<Item = Process>) {
        soon(head.shutdown()).await;
        self.assert_gone(nodes).await;
    }

    /// Ends nodes, and sees that nothing of the machine is left on the broker.
    pub(crate) async fn assert_gone(&self, nodes: impl IntoIterator<Item = Process>) {
        nodes.into_iter().for_each(drop);
        soon(assert_gone(&self.url, &self.vm)).await;
    }

    /// This process as the head of so many `msvpu node`, all of which it knows.
    pub(crate) async fn start<const N: usize>(&self) -> (VirtualMachine, [Process; N]) {
        let nodes = self.nodes();
        let head = soon(self.head().start()).await.unwrap();
        soon(head.nodes_are(|nodes| computing(nodes) == N)).await;
        (head, nodes)
    }
}

/// How many nodes there are that run MsVPUs.
pub(crate) fn computing(nodes: &[NodeStatus]) -> usize {
    let computes = |node: &&NodeStatus| node.cpus > 0 && node.performance_index.is_some();
    nodes.iter().filter(computes).count()
}

/// The node of that name, if the head knows one.
pub(crate) fn named<'a>(nodes: &'a [NodeStatus], name: &str) -> Option<&'a NodeStatus> {
    nodes.iter().find(|node| node.name == name)
}
