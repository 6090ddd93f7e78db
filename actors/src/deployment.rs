//! The actors of a node, put together the same way in every deployment.

use actix::{Actor, Addr};

use crate::actor::balancer::LoadBalancer;
use crate::actor::directory::Directory;
use crate::actor::proxy::Proxy;
use crate::actor::supervisor::Supervisor;
use crate::host::Host;
use crate::journal::Journals;
use crate::message::Address;

/// Starts proxy, balancer and directory on the current event loop. They live until the host's link
/// is closed.
pub(crate) fn start_head(host: &Host, journals: Journals) -> Addr<Proxy> {
    let link = &host.link;
    let directory = Directory::new(host.clone()).start();
    let balancer = LoadBalancer::new(host.clone()).start();
    let proxy = Proxy::new(host.clone(), journals).start();
    link.register_forever(Address::Directory, directory.recipient());
    link.register_forever(Address::Balancer, balancer.recipient());
    link.register_forever(Address::Proxy, proxy.clone().recipient());
    proxy
}

/// Starts what runs leaders and MsVPUs on a node.
pub(crate) fn start_node(host: &Host) {
    let node = host.link.origin().node;
    let supervisor = Supervisor::new(host.clone()).start();
    host.link
        .register_forever(Address::Supervisor(node), supervisor.recipient());
}
