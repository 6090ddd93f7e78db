//! The stable names of messages, as they stand on the wire.

use super::{
    BalancerMessage, DirectoryMessage, LeaderMessage, Message, MonitorMessage, ObserverMessage,
    ProxyMessage, SupervisorMessage,
};

macro_rules! kinds {
    ($($actor:ident($inner:ident::$variant:ident) = $name:literal,)*) => {
        impl Message {
            /// All names of messages.
            pub(crate) const KINDS: &[&'static str] = &[$($name),*];

            /// The name of the message: the actor that it is for, and what it says.
            pub(crate) const fn kind(&self) -> &'static str {
                match self {
                    $(Self::$actor($inner::$variant { .. }) => $name,)*
                }
            }
        }
    };
}

kinds! {
    Proxy(ProxyMessage::LeaderPlaced) = "proxy.leader-placed",
    Proxy(ProxyMessage::EpochGranted) = "proxy.epoch-granted",
    Proxy(ProxyMessage::Lost) = "proxy.lost",
    Proxy(ProxyMessage::LeaderStarted) = "proxy.leader-started",
    Proxy(ProxyMessage::Stands) = "proxy.stands",
    Proxy(ProxyMessage::Progressed) = "proxy.progressed",
    Proxy(ProxyMessage::Times) = "proxy.times",
    Proxy(ProxyMessage::Commit) = "proxy.commit",
    Proxy(ProxyMessage::Ended) = "proxy.ended",
    Balancer(BalancerMessage::Members) = "balancer.members",
    Balancer(BalancerMessage::PlaceLeader) = "balancer.place-leader",
    Balancer(BalancerMessage::Allot) = "balancer.allot",
    Balancer(BalancerMessage::Survey) = "balancer.survey",
    Balancer(BalancerMessage::Measured) = "balancer.measured",
    Balancer(BalancerMessage::Tested) = "balancer.tested",
    Balancer(BalancerMessage::Forget) = "balancer.forget",
    Balancer(BalancerMessage::List) = "balancer.list",
    Directory(DirectoryMessage::Renew) = "directory.renew",
    Directory(DirectoryMessage::Grant) = "directory.grant",
    Directory(DirectoryMessage::Release) = "directory.release",
    Directory(DirectoryMessage::Leave) = "directory.leave",
    Directory(DirectoryMessage::List) = "directory.list",
    Supervisor(SupervisorMessage::Granted) = "supervisor.granted",
    Supervisor(SupervisorMessage::Expelled) = "supervisor.expelled",
    Supervisor(SupervisorMessage::StartLeader) = "supervisor.start-leader",
    Supervisor(SupervisorMessage::CancelLeader) = "supervisor.cancel-leader",
    Supervisor(SupervisorMessage::StartMsvpus) = "supervisor.start-msvpus",
    Supervisor(SupervisorMessage::Tile) = "supervisor.tile",
    Supervisor(SupervisorMessage::Task) = "supervisor.task",
    Supervisor(SupervisorMessage::Collect) = "supervisor.collect",
    Supervisor(SupervisorMessage::Inquire) = "supervisor.inquire",
    Supervisor(SupervisorMessage::Reserve) = "supervisor.reserve",
    Supervisor(SupervisorMessage::Release) = "supervisor.release",
    Supervisor(SupervisorMessage::Settle) = "supervisor.settle",
    Supervisor(SupervisorMessage::Retire) = "supervisor.retire",
    Supervisor(SupervisorMessage::Stop) = "supervisor.stop",
    Monitor(MonitorMessage::Test) = "monitor.test",
    Leader(LeaderMessage::Allotted) = "leader.allotted",
    Leader(LeaderMessage::Move) = "leader.move",
    Leader(LeaderMessage::NoNode) = "leader.no-node",
    Leader(LeaderMessage::Lost) = "leader.lost",
    Leader(LeaderMessage::Fates) = "leader.fates",
    Leader(LeaderMessage::Started) = "leader.started",
    Leader(LeaderMessage::Answers) = "leader.answers",
    Leader(LeaderMessage::Loading) = "leader.loading",
    Leader(LeaderMessage::Lacks) = "leader.lacks",
    Leader(LeaderMessage::Absent) = "leader.absent",
    Leader(LeaderMessage::Failed) = "leader.failed",
    Leader(LeaderMessage::Committed) = "leader.committed",
    Leader(LeaderMessage::Reserved) = "leader.reserved",
    Leader(LeaderMessage::Released) = "leader.released",
    Leader(LeaderMessage::Settled) = "leader.settled",
    Leader(LeaderMessage::Cancel) = "leader.cancel",
    Observer(ObserverMessage::Nodes) = "observer.nodes",
}
