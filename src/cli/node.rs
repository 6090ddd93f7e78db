//! `msvpu node`: runs MsVPUs until told to leave.

use msvpu::{CMeans, Connectivity, FuzzyCMeans, Node, Pairwise, PasswordHash};

use super::args::NodeArgs;
use super::broker;
use super::failure::Failure;
use super::on_runtime::on_a_runtime;
use super::stdout::complain;
use super::stops::Stops;

/// Joins a cluster, and leaves it on SIGTERM or Ctrl-C.
pub(crate) fn node(args: &NodeArgs) -> Result<(), Failure> {
    on_a_runtime(args.cpus, |cpus| steps(args, cpus))
}

async fn steps(args: &NodeArgs, cpus: usize) -> Result<(), Failure> {
    let access = args.broker.required()?;
    let vm = access.vm.clone();
    let say = |line: String| {
        if !args.quiet {
            complain(&line);
        }
    };
    let mut stops = Stops::listen()?;
    let mut joining = Node::join(access.url)
        .vm(access.vm)
        .tls(access.tls)
        .cpus(cpus)
        .while_waiting(|error| complain(&format!("{error}; trying again")))
        .service::<CMeans>()
        .service::<FuzzyCMeans>()
        .service::<Pairwise>()
        .service::<PasswordHash>();
    if let Some(name) = &args.name {
        joining = joining.name(name);
    }
    if let Some(timeout) = access.connect_timeout {
        joining = joining.connect_timeout(timeout);
    }
    say(format!("joining the virtual machine {vm}"));
    let node = tokio::select! {
        started = joining.start() => started.map_err(broker::failure)?,
        () = stops.next() => return Err(Failure::Interrupted),
    };
    say(format!(
        "node {} is connected, with {cpus} CPUs",
        node.name()
    ));
    let mut state = node.connectivity();
    // What will not mend itself is said once, however often it is tried.
    let mut said = None;
    loop {
        tokio::select! {
            changed = node.connectivity_is(|now| *now != state) => {
                match &changed {
                    Connectivity::Connected => say("connected again".to_owned()),
                    Connectivity::Connecting(Some(error)) if state == Connectivity::Connected => {
                        complain(&format!("{error}; connecting again"));
                    }
                    Connectivity::Connecting(Some(error)) if error.is_final() && said.as_ref() != Some(error) => {
                        complain(&format!("{error}; trying again all the same"));
                        said = Some(error.clone());
                    }
                    Connectivity::Connecting(_) => {}
                    Connectivity::Failed(error) => return Err(Failure::runtime(error)),
                }
                state = changed;
            }
            () = node.ended() => return Err(Failure::runtime("the node ended by itself")),
            () = stops.next() => break,
        }
    }
    let limit = args.drain_timeout.0;
    say(format!(
        "leaving: handing back or finishing what there is, for at most {} s",
        limit.as_secs_f64()
    ));
    tokio::select! {
        finished = node.drain(limit) => if finished {
            say("left".to_owned());
            Ok(())
        } else {
            Err(Failure::runtime("not done in time: others compute it again"))
        },
        () = stops.next() => Err(Failure::runtime("told to stop at once: others compute it again")),
    }
}
