//! This binary as a node, for programs of the tests' own.

use std::process::{Command, Stdio};
use std::time::Duration;

use msvpu::Node;

use crate::parked::Parked;
use crate::poison::Numbers;
use crate::process::{Machine, Process};

/// Their values make a process a node of that virtual machine at that broker, with that name and that lease in
/// milliseconds.
const VM: &str = "MSVPU_TEST_NODE_OF";
const BROKER: &str = "MSVPU_TEST_NODE_AT";
const NAME: &str = "MSVPU_TEST_NODE_NAME";
const LEASE_MS: &str = "MSVPU_TEST_NODE_LEASE_MS";

/// No test of its own: what the processes run that [`node`] starts.
#[tokio::test]
async fn node_process() {
    let told = [VM, BROKER, NAME, LEASE_MS].map(std::env::var);
    let [Ok(vm), Ok(url), Ok(name), Ok(lease)] = told else {
        return;
    };
    let lease = Duration::from_millis(lease.parse().unwrap());
    let node = Node::join(url).vm(vm).name(name).cpus(1).lease(lease);
    let node = node.service::<Numbers>().service::<Parked>();
    node.start().await.unwrap().ended().await;
}

/// This binary as a node that knows the tests' programs.
pub(crate) fn node(machine: &Machine, name: &str, lease: Duration) -> Process {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "ours::node_process"])
        .env(VM, &machine.vm)
        .env(BROKER, &machine.url)
        .env(NAME, name)
        .env(LEASE_MS, lease.as_millis().to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    Process::start(&mut command)
}
