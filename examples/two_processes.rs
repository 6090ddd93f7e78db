//! A cluster on one machine: this process is the head, and starts two more as its nodes. They share
//! nothing but a RabbitMQ, and the result is that of one process, to the bit.
//!
//! ```text
//! MSVPU_BROKER=amqp://guest:guest@localhost:5672/%2f cargo run --release --example two_processes
//! ```
use std::env;
use std::error::Error;
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use msvpu::raster::{ReadLimits, read};
use msvpu::{CMeans, Node, NodeStatus, Settings, Start, VirtualMachine, classify};

/// Its value makes a process a node of that virtual machine.
const NODE_OF: &str = "TWO_PROCESSES_NODE_OF";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let broker = env::var("MSVPU_BROKER").map_err(
        |_| "set MSVPU_BROKER to the URL of a RabbitMQ, amqp://user:password@host:5672/%2f",
    )?;
    match env::var(NODE_OF) {
        Ok(vm) => node(&broker, &vm).await,
        Err(_) => head(&broker).await,
    }
}

/// A node runs what its head asks for, until it is killed here.
async fn node(broker: &str, vm: &str) -> Result<(), Box<dyn Error>> {
    let node = Node::join(broker).vm(vm).cpus(1).service::<CMeans>();
    node.start().await?.ended().await;
    Ok(())
}

async fn head(broker: &str) -> Result<(), Box<dyn Error>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data/scene.png");
    let scene = read(&path, &ReadLimits::default())?.scene;
    let program = CMeans::new(Settings::new(Start::linear(3)));

    // Each run has a virtual machine of its own; a broker may serve many.
    let vm = format!("two-processes-{}", std::process::id());
    let _nodes = [Process::node(&vm)?, Process::node(&vm)?];
    let cluster = VirtualMachine::cluster(broker)
        .vm(&vm)
        .service::<CMeans>()
        .connect_timeout(Duration::from_secs(10))
        .start()
        .await?;
    let tested = |node: &NodeStatus| node.performance_index.is_some();
    cluster
        .nodes_are(|nodes| nodes.iter().filter(|node| tested(node)).count() == 2)
        .await;
    for node in cluster.nodes() {
        println!("node {}: {} CPU", node.name, node.cpus);
    }
    let there = classify(&cluster, program.clone(), scene.clone()).await?;
    println!("centers on two nodes:   {:?}", there.centers.values());

    let local = VirtualMachine::local().service::<CMeans>().start().await?;
    let here = classify(&local, program, scene).await?;
    println!("centers in one process: {:?}", here.centers.values());
    if there.centers != here.centers || there.labels != here.labels {
        return Err("the results differ".into());
    }
    println!("the same, to the bit");
    cluster.shutdown().await;
    local.shutdown().await;
    Ok(())
}

/// Ends with whoever started it.
struct Process(Child);

impl Process {
    fn node(vm: &str) -> Result<Self, Box<dyn Error>> {
        let mut command = Command::new(env::current_exe()?);
        Ok(Self(command.env(NODE_OF, vm).spawn()?))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended already is as good.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
