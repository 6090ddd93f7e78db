//! Where jobs run.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, get, web};
#[cfg(feature = "amqp")]
use msvpu_actors::{Connectivity, QueueCounters};
use msvpu_actors::{NodeStatus, VirtualMachine};
use serde::Serialize;
use utoipa::ToSchema;

use crate::engine::Gauges;
use crate::server::Shared;

/// Whether the machine is one process or several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum DeploymentKind {
    /// One, without a broker.
    Local,
    /// Several, on a broker.
    Cluster,
}

/// A node.
#[derive(Debug, Serialize, ToSchema)]
struct Node {
    /// Its number.
    node: u32,
    /// How often it has joined.
    incarnation: u64,
    /// What it is called.
    name: String,
    /// Steps at once.
    cpus: u32,
    /// In (0, 1]; 1 is the fastest node. Null until it was tested.
    #[schema(required)]
    performance_index: Option<f64>,
    /// How many MsVPUs are placed there now.
    msvpus: u32,
    /// How long ago it was last heard of, in milliseconds.
    #[schema(required)]
    age_ms: Option<f64>,
    /// Whether it is about to leave, and gets nothing more.
    draining: bool,
}

impl From<NodeStatus> for Node {
    fn from(status: NodeStatus) -> Self {
        Self {
            node: status.origin.node.0,
            incarnation: status.origin.incarnation.0,
            name: status.name,
            cpus: status.cpus,
            performance_index: status.performance_index,
            msvpus: status.msvpus,
            age_ms: status.age.map(|age| age.as_secs_f64() * 1000.0),
            draining: status.draining,
        }
    }
}

/// Whether there is a connection to the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(
    not(feature = "amqp"),
    expect(dead_code, reason = "there is no broker to tell of")
)]
enum BrokerState {
    /// There is.
    Connected,
    /// There is none yet, or it was lost; it is tried again.
    Connecting,
    /// There will be none.
    Failed,
}

/// The broker.
#[derive(Debug, Serialize, ToSchema)]
struct Broker {
    /// Whether there is a connection.
    state: BrokerState,
    /// Why there is none, once it is known.
    #[schema(required)]
    detail: Option<String>,
    /// How often connections were opened.
    connections: u64,
    /// How often it held up what is published, for want of memory or disk.
    blocked: u64,
    /// What went through, by kind of queue, then by what happened to it.
    queues: BTreeMap<&'static str, BTreeMap<&'static str, u64>>,
}

/// How much there is of what.
#[derive(Debug, Serialize, ToSchema)]
struct GaugesView {
    /// Jobs that wait to run.
    queued: usize,
    /// Jobs that run.
    running: usize,
    /// What uploads and artifacts take, in bytes.
    blob_bytes: u64,
    /// Whether records can be written.
    writable: bool,
}

impl From<Gauges> for GaugesView {
    fn from(gauges: Gauges) -> Self {
        Self {
            queued: gauges.queued,
            running: gauges.running,
            blob_bytes: gauges.blob_bytes,
            writable: gauges.writable,
        }
    }
}

/// Where jobs run.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NodesView {
    /// One process or several.
    deployment: DeploymentKind,
    /// How many steps this process computes at once.
    workers: usize,
    /// By which strategy MsVPUs are placed on nodes.
    strategy: String,
    /// The nodes, as the balancer knows them.
    nodes: Vec<Node>,
    /// Null where there is none to be.
    #[schema(required)]
    broker: Option<Broker>,
    /// How much there is of what.
    gauges: GaugesView,
}

/// Show the nodes, the broker, and how much there is to do.
#[utoipa::path(
    tag = "server",
    operation_id = "list_nodes",
    responses((status = 200, description = "Where jobs run.", body = NodesView))
)]
#[get("/nodes")]
pub(crate) async fn nodes(shared: web::Data<Shared>) -> HttpResponse {
    let machine = shared.engine.machine();
    let broker = broker(machine);
    HttpResponse::Ok().json(NodesView {
        deployment: match broker {
            None => DeploymentKind::Local,
            Some(_) => DeploymentKind::Cluster,
        },
        workers: machine.workers(),
        strategy: machine.strategy().to_owned(),
        nodes: machine.nodes().into_iter().map(Node::from).collect(),
        broker,
        gauges: shared.engine.gauges().into(),
    })
}

/// What happened to the messages of a kind of queue, by the words that the API and the metrics use.
#[cfg(feature = "amqp")]
pub(crate) const fn counts(queue: &QueueCounters) -> [(&'static str, u64); 13] {
    [
        ("published", queue.published),
        ("published_bytes", queue.published_bytes),
        ("confirmed", queue.confirmed),
        ("returned", queue.returned),
        ("refused", queue.refused),
        ("resent", queue.resent),
        ("bundled", queue.bundled),
        ("dropped", queue.dropped),
        ("received", queue.received),
        ("received_bytes", queue.received_bytes),
        ("redelivered", queue.redelivered),
        ("dead", queue.dead),
        ("injected", queue.injected),
    ]
}

#[cfg(feature = "amqp")]
fn broker(machine: &VirtualMachine) -> Option<Broker> {
    let (state, detail) = match machine.connectivity()? {
        Connectivity::Connected => (BrokerState::Connected, None),
        Connectivity::Connecting(reason) => (BrokerState::Connecting, reason),
        Connectivity::Failed(reason) => (BrokerState::Failed, Some(reason)),
    };
    let counters = machine.broker_counters().unwrap_or_default();
    let queues = [
        ("control", counters.control),
        ("data", counters.data),
        ("tasks", counters.tasks),
        ("results", counters.results),
    ];
    let queues = queues
        .iter()
        .map(|(name, queue)| (*name, counts(queue).into_iter().collect()));
    Some(Broker {
        state,
        detail: detail.map(|reason| reason.to_string()),
        connections: counters.connections,
        blocked: counters.blocked,
        queues: queues.collect(),
    })
}

#[cfg(not(feature = "amqp"))]
const fn broker(_: &VirtualMachine) -> Option<Broker> {
    None
}

/// Why the broker is of no use; `None` if it is, or if there is none to be.
#[cfg(feature = "amqp")]
pub(crate) fn broker_trouble(machine: &VirtualMachine) -> Option<String> {
    match machine.connectivity()? {
        Connectivity::Connected => None,
        Connectivity::Connecting(None) => Some("there is no connection yet".to_owned()),
        Connectivity::Connecting(Some(reason)) | Connectivity::Failed(reason) => {
            Some(reason.to_string())
        }
    }
}

#[cfg(not(feature = "amqp"))]
pub(crate) const fn broker_trouble(_: &VirtualMachine) -> Option<String> {
    None
}
