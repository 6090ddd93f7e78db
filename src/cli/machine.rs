//! The machine that a command runs its job on: in this process, or a cluster with this process for
//! its head.

#[cfg(feature = "amqp")]
use msvpu::ClusterBuilder;
use msvpu::{CMeans, FuzzyCMeans, Limits, Pairwise, VirtualMachine};

#[cfg(feature = "amqp")]
use super::broker::{self, ClusterArgs};
use super::failure::Failure;
use super::interrupts::Interrupts;
use super::progress::Display;

/// What a command says of its machine.
pub(crate) struct Wanted {
    pub(crate) workers: usize,
    pub(crate) limits: Limits,
    #[cfg(feature = "amqp")]
    pub(crate) cluster: ClusterArgs,
}

/// Starts the machine; Ctrl-C ends the wait for a broker.
pub(crate) async fn start(
    wanted: Wanted,
    display: &Display,
    interrupts: &mut Interrupts,
) -> Result<VirtualMachine, Failure> {
    #[cfg(feature = "amqp")]
    if let Some(head) = head(&wanted)? {
        display.phase("connecting to the broker");
        let warn = display.warner();
        let head = head.while_waiting(move |error| warn(&format!("{error}; trying again")));
        return tokio::select! {
            started = head.start() => started.map_err(broker::failure),
            () = interrupts.pressed() => Err(Failure::Interrupted),
        };
    }
    let _ = (display, interrupts);
    local(&wanted).await
}

/// Starts the machine without waiting for a broker.
pub(crate) async fn begin(wanted: &Wanted) -> Result<VirtualMachine, Failure> {
    #[cfg(feature = "amqp")]
    if let Some(head) = head(wanted)? {
        return head.begin().await.map_err(broker::failure);
    }
    local(wanted).await
}

/// The head of a cluster, if a broker was named.
#[cfg(feature = "amqp")]
fn head(wanted: &Wanted) -> Result<Option<ClusterBuilder>, Failure> {
    let Some(access) = wanted.cluster.broker.access()? else {
        return Ok(None);
    };
    let mut head = VirtualMachine::cluster(access.url)
        .vm(access.vm)
        .tls(access.tls)
        .workers(wanted.workers)
        .limits(wanted.limits)
        .strategy(&wanted.cluster.strategy)
        .service::<CMeans>()
        .service::<FuzzyCMeans>()
        .service::<Pairwise>();
    if let Some(timeout) = access.connect_timeout {
        head = head.connect_timeout(timeout);
    }
    if let Some(timeout) = wanted.cluster.node_timeout {
        head = head.node_timeout(timeout.0);
    }
    Ok(Some(head))
}

async fn local(wanted: &Wanted) -> Result<VirtualMachine, Failure> {
    VirtualMachine::local()
        .workers(wanted.workers)
        .limits(wanted.limits)
        .service::<CMeans>()
        .service::<FuzzyCMeans>()
        .service::<Pairwise>()
        .start()
        .await
        .map_err(Failure::runtime)
}
