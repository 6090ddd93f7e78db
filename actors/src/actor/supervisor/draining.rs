//! How a node leaves: it gets nothing more, hands back or finishes what it has, and is gone.

use std::time::Duration;

use actix::Handler;
use tokio::sync::watch;

use super::{Hosted, Supervisor};
use crate::message::{Address, DirectoryMessage};

/// After so many leases without a grant the head is taken to be gone, with all its jobs.
const SILENT_LEASES: u32 = 30;

/// The node is to leave; `left` becomes true when it has.
#[derive(actix::Message)]
#[rtype(result = "()")]
pub(crate) struct Drain {
    pub(crate) left: watch::Sender<bool>,
}

pub(super) struct Draining {
    left: watch::Sender<bool>,
}

impl Draining {
    pub(super) fn has_left(&self) -> bool {
        *self.left.borrow()
    }
}

impl Handler<Drain> for Supervisor {
    type Result = ();

    fn handle(&mut self, Drain { left }: Drain, _: &mut Self::Context) {
        self.draining = Some(Draining { left });
        self.renew();
        self.leave_when_idle();
    }
}

impl Supervisor {
    /// Leaves as soon as nothing runs here any more.
    pub(super) fn leave_when_idle(&self) {
        let Some(draining) = &self.draining else {
            return;
        };
        let is_idle = |hosted: &Hosted| {
            let crew = hosted.crew.as_ref();
            hosted.leader.is_none() && crew.is_none_or(|crew| crew.msvpus.is_empty())
        };
        if !draining.has_left() && self.hosted.values().all(is_idle) {
            let origin = self.host.link.origin();
            log::info!("node {origin} leaves");
            let leave = DirectoryMessage::Leave { origin };
            self.host.link.send(Address::Directory, leave);
            draining.left.send_replace(true);
        }
    }

    /// What works for a head that is gone would be kept for ever. One that is still there after all
    /// learns of another incarnation, and that this one is lost: leaders are replaced, MsVPUs placed
    /// anew, and reservations forgotten.
    pub(super) fn forget_silent_head(&mut self) {
        let Some(timing) = self.host.timing else {
            return;
        };
        let silence: Duration = self.host.clock.now().saturating_sub(self.heard);
        if silence > timing.lease * SILENT_LEASES && !self.hosted.is_empty() {
            log::warn!("the head has been silent for {} s", silence.as_secs());
            self.join_anew(self.host.link.origin().incarnation.next());
        }
    }
}
