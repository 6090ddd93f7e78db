//! The machine that a command runs its job on: in this process, or a cluster with this process for
//! its head.

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
    if let Some(access) = wanted.cluster.broker.access()? {
        display.phase("connecting to the broker");
        let warn = display.warner();
        let mut head = VirtualMachine::cluster(access.url)
            .vm(access.vm)
            .tls(access.tls)
            .workers(wanted.workers)
            .limits(wanted.limits)
            .strategy(&wanted.cluster.strategy)
            .while_waiting(move |error| warn(&format!("{error}; trying again")))
            .service::<CMeans>()
            .service::<FuzzyCMeans>()
            .service::<Pairwise>();
        if let Some(timeout) = access.connect_timeout {
            head = head.connect_timeout(timeout);
        }
        if let Some(timeout) = wanted.cluster.node_timeout {
            head = head.node_timeout(timeout.0);
        }
        return tokio::select! {
            started = head.start() => started.map_err(broker::failure),
            () = interrupts.pressed() => Err(Failure::Interrupted),
        };
    }
    let _ = (display, interrupts);
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
