//! The connection to the broker of a command that goes on without one.

use msvpu::VirtualMachine;

use super::failure::Failure;

/// Says when the broker comes and goes; returns only when there will be none.
#[cfg(feature = "amqp")]
pub(crate) async fn watch(machine: &VirtualMachine, quiet: bool) -> Failure {
    tokio::select! {
        failure = given_up(machine) => failure,
        () = tell(machine, quiet) => std::future::pending().await,
    }
}

/// Without a broker there is nothing to say.
#[cfg(not(feature = "amqp"))]
pub(crate) async fn watch(_: &VirtualMachine, _: bool) -> Failure {
    std::future::pending().await
}

#[cfg(feature = "amqp")]
async fn given_up(machine: &VirtualMachine) -> Failure {
    match machine.connected().await {
        Ok(()) => std::future::pending().await,
        Err(error) => super::broker::failure(error),
    }
}

/// Ends where there is no broker to be.
#[cfg(feature = "amqp")]
async fn tell(machine: &VirtualMachine, quiet: bool) {
    use super::stdout::complain;
    use msvpu::Connectivity;

    let mut state = Connectivity::Connecting(None);
    loop {
        let Some(now) = machine.connectivity_is(|now| *now != state).await else {
            return;
        };
        match (&state, &now) {
            (_, Connectivity::Connected) if !quiet => complain("connected to the broker"),
            (
                Connectivity::Connected | Connectivity::Connecting(None),
                Connectivity::Connecting(Some(error)),
            ) => complain(&format!("{error}; trying again, no job is taken meanwhile")),
            // Tried again in vain; or it is final, which the exit tells.
            _ => {}
        }
        state = now;
    }
}
