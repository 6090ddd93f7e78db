//! `msvpu nodes`: who is there.

use std::time::Duration;

use msvpu::{NodeList, NodeStatus};
use serde::Serialize;

use super::args::NodesArgs;
use super::broker;
use super::failure::Failure;
use super::number::short;
use super::on_runtime::on_a_runtime;
use super::stdout::print;
use super::table::{dash, table};

/// One node of the document of `--json`.
#[derive(Serialize)]
struct Member {
    name: String,
    node: u32,
    incarnation: u64,
    cpus: u32,
    draining: bool,
    /// Since the last sign of life.
    age_ms: Option<f64>,
    performance_index: Option<f64>,
    msvpus: u32,
}

impl From<NodeStatus> for Member {
    fn from(of: NodeStatus) -> Self {
        Self {
            name: of.name,
            node: of.origin.node.0,
            incarnation: of.origin.incarnation.0,
            cpus: of.cpus,
            draining: of.draining,
            age_ms: of.age.map(|age: Duration| age.as_secs_f64() * 1e3),
            performance_index: of.performance_index,
            msvpus: of.msvpus,
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
    let nodes = list.get().await.map_err(broker::failure)?;
    let members: Vec<Member> = nodes.into_iter().map(Member::from).collect();
    if args.json {
        let document = serde_json::to_string_pretty(&members).map_err(Failure::runtime)?;
        return print(&format!("{document}\n"));
    }
    if members.is_empty() {
        return print(&format!("the virtual machine {} has no nodes\n", access.vm));
    }
    let head = [
        "name",
        "CPUs",
        "last sign",
        "performance",
        "MsVPUs",
        "node",
        "incarnation",
    ];
    let row = |of: Member| {
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
            of.node.to_string(),
            of.incarnation.to_string(),
        ]
    };
    let lines = table(
        &head.map(str::to_owned),
        members.into_iter().map(row).collect(),
        1,
    );
    print(&format!("{}\n", lines.join("\n")))
}
