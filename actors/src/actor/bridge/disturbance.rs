//! Faults of a connection, put in on purpose: to see that a machine, and the programs it runs,
//! give the same results all the same.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;

use super::publisher::Lanes;
use super::tally::BridgeTally;
use crate::id::NodeId;
use crate::random::Random;
use crate::wire::frame::Parcel;

/// What happens to the messages that a process sends. Meant for tests.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Disturbance {
    /// How likely a message is sent twice, from 0 to 1.
    pub duplicated: f64,
    /// How likely a message is held back, so that later ones overtake it, from 0 to 1.
    pub delayed: f64,
    /// For how long at most.
    pub longest_delay: Duration,
}

pub(super) struct Disturbed {
    disturbance: Disturbance,
    random: Mutex<Random>,
    runtime: Handle,
    tally: BridgeTally,
}

impl Disturbed {
    pub(super) fn new(
        disturbance: Disturbance,
        seed: u64,
        runtime: Handle,
        tally: BridgeTally,
    ) -> Self {
        Self {
            disturbance,
            random: Mutex::new(Random::new(seed)),
            runtime,
            tally,
        }
    }

    pub(super) fn send(&self, lanes: &Lanes, to: NodeId, mut parcel: Parcel) {
        // Of two tiles side by side the lane would take one: here they are two messages.
        parcel.tile = None;
        if self.chance() < self.disturbance.duplicated {
            self.tally.of(parcel.queue).injected.add(1);
            self.send_one(lanes, to, parcel.clone());
        }
        self.send_one(lanes, to, parcel);
    }

    fn send_one(&self, lanes: &Lanes, to: NodeId, parcel: Parcel) {
        if self.chance() >= self.disturbance.delayed {
            return lanes.send(to, parcel);
        }
        let delay = self.disturbance.longest_delay.mul_f64(self.chance());
        let lanes = lanes.clone();
        self.runtime.spawn(async move {
            tokio::time::sleep(delay).await;
            lanes.send(to, parcel);
        });
    }

    /// In [0, 1).
    fn chance(&self) -> f64 {
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        random.uniform()
    }
}
