//! The way into the bridge, and how a bridge is started.

use std::sync::Arc;

use actix::{Actor, Addr};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};

use super::burial::Burial;
use super::connection::Membership;
use super::disturbance::Disturbed;
use super::publisher::{Command, Lanes, Publisher};
use super::{Bridge, BridgeTally, Broker, Connectivity, Disturbance};
use crate::clock::Clock;
use crate::core::sending::{BundleLimits, WindowLimits};
use crate::id::NodeId;
use crate::link::{Link, Transport};
use crate::message::Envelope;
use crate::random::Random;
use crate::wire::bundle;
use crate::wire::frame::Parcel;

const BUNDLE: BundleLimits = BundleLimits {
    parts: bundle::MAX_PARTS,
    bytes: bundle::MAX_BYTES,
};

/// What is sent again and again anyway need not be kept while there is no connection.
const CONTROL: WindowLimits = WindowLimits {
    messages: 256,
    bytes: 16 << 20,
    bundle: BUNDLE,
    kept: 64,
};

/// Confirmations may take long; the window must hold what flows meanwhile.
const DATA: WindowLimits = WindowLimits {
    messages: 1024,
    bytes: 32 << 20,
    bundle: BUNDLE,
    kept: 65_536,
};

/// The way to other nodes that goes through the broker.
struct Post {
    lanes: Lanes,
    disturbed: Option<Disturbed>,
}

impl Transport for Post {
    fn send(&self, to: NodeId, envelope: Envelope) {
        let kind = envelope.message.kind();
        match Parcel::seal(envelope) {
            Ok(parcel) => match &self.disturbed {
                Some(disturbed) => disturbed.send(&self.lanes, to, parcel),
                None => self.lanes.send(to, parcel),
            },
            // Nothing in these types can fail.
            Err(error) => log::error!("{kind}: {error}"),
        }
    }
}

/// What a bridge is made from.
pub(crate) struct Plan {
    pub(crate) broker: Broker,
    pub(crate) vm: String,
    pub(crate) node: NodeId,
    /// Whether to hear what nodes tell the head.
    pub(crate) overhears: bool,
    pub(crate) disturbance: Option<Disturbance>,
    /// Where connections live: a runtime of several threads.
    pub(crate) runtime: Handle,
    pub(crate) tally: BridgeTally,
    pub(crate) connectivity: Arc<watch::Sender<Connectivity>>,
    /// Of the attempts to connect, and of disturbances.
    pub(crate) seed: u64,
}

/// What a transport needs before there is a bridge: the ends of the lanes.
pub(crate) struct Mouth {
    plan: Plan,
    lanes: Lanes,
    control: mpsc::UnboundedReceiver<Command>,
    data: mpsc::UnboundedReceiver<Command>,
}

impl Mouth {
    pub(crate) fn new(plan: Plan) -> Self {
        let (control, control_commands) = mpsc::unbounded_channel();
        let (data, data_commands) = mpsc::unbounded_channel();
        Self {
            plan,
            lanes: Lanes { control, data },
            control: control_commands,
            data: data_commands,
        }
    }

    /// The way into the bridge.
    pub(crate) fn transport(&self) -> Arc<dyn Transport> {
        let Plan {
            disturbance,
            runtime,
            tally,
            seed,
            ..
        } = &self.plan;
        let disturbed = disturbance
            .map(|disturbance| Disturbed::new(disturbance, *seed, runtime.clone(), tally.clone()));
        Arc::new(Post {
            lanes: self.lanes.clone(),
            disturbed,
        })
    }

    /// Starts the bridge on the current event loop.
    pub(crate) fn start(self, link: Link, clock: Arc<dyn Clock>) -> Addr<Bridge> {
        let Plan {
            broker,
            vm,
            node,
            overhears,
            runtime,
            tally,
            connectivity,
            seed,
            ..
        } = self.plan;
        let lanes = [(self.control, CONTROL), (self.data, DATA)];
        for (commands, limits) in lanes {
            actix::spawn(Publisher::new(&vm, limits, tally.clone()).run(commands));
        }
        let (burial, buried) = Burial::start(broker.clone(), &vm, &runtime, tally.clone());
        let bridge = Bridge {
            membership: Membership {
                broker,
                vm,
                node,
                overhears,
            },
            runtime,
            link,
            clock,
            lanes: self.lanes,
            tally,
            connectivity,
            random: Random::new(seed),
            burial,
            buried: Some(buried),
            generation: 0,
            failures: 0,
            connected: None,
            was_connected: false,
            locked_out: None,
        };
        bridge.start()
    }
}
