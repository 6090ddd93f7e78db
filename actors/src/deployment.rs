//! The actors of a node, put together the same way in every deployment.

use actix::{Actor, Addr};
use tokio::sync::watch;

use crate::actor::Vital;
use crate::actor::balancer::LoadBalancer;
use crate::actor::directory::Directory;
use crate::actor::monitor::NodeMonitor;
use crate::actor::proxy::Proxy;
use crate::actor::supervisor::Supervisor;
use crate::core::strategy::UnknownStrategy;
use crate::host::Host;
use crate::journal::Journals;
use crate::message::Address;

/// Starts proxy, balancer and directory on the current event loop. They live until the host's link
/// is closed; if one ends before, it sets `stop`.
pub(crate) fn start_head(
    host: &Host,
    strategy: &str,
    journals: Journals,
    stop: &watch::Sender<bool>,
) -> Result<Addr<Proxy>, UnknownStrategy> {
    let link = &host.link;
    let vital = || Vital { stop: stop.clone() };
    let balancer = LoadBalancer::new(host.clone(), vital(), strategy)?.start();
    let directory = Directory::new(host.clone(), vital()).start();
    let proxy = Proxy::new(host.clone(), vital(), journals).start();
    link.register_forever(Address::Directory, directory.recipient());
    link.register_forever(Address::Balancer, balancer.recipient());
    link.register_forever(Address::Proxy, proxy.clone().recipient());
    Ok(proxy)
}

/// Starts what runs leaders and MsVPUs on a node, and what measures it. Where the node is the whole
/// machine, `stop` is set if they end before.
pub(crate) fn start_node(host: &Host, stop: Option<&watch::Sender<bool>>) -> Addr<Supervisor> {
    let node = host.link.origin().node;
    let vital = stop.map(|stop| Vital { stop: stop.clone() });
    let monitor = NodeMonitor::new(host.clone()).start();
    host.link
        .register_forever(Address::Monitor(node), monitor.recipient());
    let supervisor = Supervisor::new(host.clone(), vital).start();
    host.link
        .register_forever(Address::Supervisor(node), supervisor.clone().recipient());
    supervisor
}
