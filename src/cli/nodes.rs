//! `msvpu nodes`: who is there.

use msvpu::report::number::{milliseconds, short};
use msvpu::{Members, NodeList, NodeStatus};
use serde::Serialize;

use super::args::NodesArgs;
use super::broker;
use super::failure::Failure;
use super::on_runtime::on_a_runtime;
use super::stdout::print;
use super::table::{dash, table};

/// The document of `--json`.
#[derive(Serialize)]
struct Document {
    vm: String,
    /// Without a head little is known of the nodes.
    has_head: bool,
    nodes: Vec<Node>,
}

#[derive(Serialize)]
struct Node {
    name: String,
    node: u32,
    incarnation: u64,
    cpus: u32,
    draining: bool,
    /// Since the last sign of life.
    age_ms: Option<f64>,
    performance_index: Option<f64>,
    msvpus: u32,
    /// Pieces of work that ran or waited there at its last performance test.
    load: Option<u32>,
}

impl From<NodeStatus> for Node {
    fn from(of: NodeStatus) -> Self {
        Self {
            name: of.name,
            node: of.origin.node.0,
            incarnation: of.origin.incarnation.0,
            cpus: of.cpus,
            draining: of.draining,
            age_ms: of.age.map(milliseconds),
            performance_index: of.performance_index,
            msvpus: of.msvpus,
            load: of.load,
        }
    }
}

/// Asks the head of a cluster for its nodes.
pub(crate) fn nodes(args: &NodesArgs) -> Result<(), Failure> {
    on_a_runtime(None, |_| steps(args))
}

async fn steps(args: &NodesArgs) -> Result<(), Failure> {
    let access = args.broker.required()?;
    let mut list = NodeList::at(access.url).vm(&access.vm).tls(access.tls);
    if let Some(timeout) = access.connect_timeout {
        list = list.connect_timeout(timeout);
    }
    let Members { has_head, nodes } = list.get().await.map_err(broker::failure)?;
    let nodes: Vec<Node> = nodes.into_iter().map(Node::from).collect();
    let vm = access.vm;
    if args.json {
        let document = Document {
            vm,
            has_head,
            nodes,
        };
        let document = serde_json::to_string_pretty(&document).map_err(Failure::runtime)?;
        return print(&format!("{document}\n"));
    }
    let head_line = match (has_head, nodes.is_empty()) {
        (true, true) => format!("the virtual machine {vm} has a head, and no nodes"),
        (true, false) => format!("the virtual machine {vm} has a head"),
        (false, true) => format!("the virtual machine {vm} has neither head nor nodes"),
        (false, false) => format!("the virtual machine {vm} has no head; these nodes wait for one"),
    };
    if nodes.is_empty() {
        return print(&format!("{head_line}\n"));
    }
    let head = [
        "name",
        "CPUs",
        "last sign",
        "performance",
        "MsVPUs",
        "load",
        "node",
        "incarnation",
    ];
    let row = |of: Node| {
        let name = if of.draining {
            format!("{} (leaving)", of.name)
        } else {
            of.name
        };
        vec![
            name,
            of.cpus.to_string(),
            of.age_ms
                .map_or_else(dash, |ms| format!("{} ms ago", short(ms))),
            of.performance_index
                .map_or_else(dash, |index| format!("{index:.2}")),
            of.msvpus.to_string(),
            of.load.map_or_else(dash, |load| load.to_string()),
            of.node.to_string(),
            of.incarnation.to_string(),
        ]
    };
    let lines = table(
        &head.map(str::to_owned),
        nodes.into_iter().map(row).collect(),
        1,
    );
    print(&format!("{head_line}\n\n{}\n", lines.join("\n")))
}
