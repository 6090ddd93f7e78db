//! The cast: each actor is a thin shell around its decisions in [`core`](crate::core).

pub(crate) mod balancer;
pub(crate) mod directory;
pub(crate) mod leader;
pub(crate) mod msvpu;
pub(crate) mod proxy;
pub(crate) mod supervisor;

use std::sync::Arc;

use tokio::sync::watch;

/// How many actors of the teams are alive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Team leaders, one per running job.
    pub leaders: usize,
    /// MsVPUs.
    pub msvpus: usize,
}

/// Kept by each actor that a machine cannot do without. They live as long as the machine, unless
/// one panics: then it ends the machine, and with it every job, instead of leaving them waiting.
pub(crate) struct Vital {
    pub(crate) stop: watch::Sender<bool>,
}

impl Drop for Vital {
    fn drop(&mut self) {
        if !self.stop.send_replace(true) {
            log::error!("an actor of the machine ended before the machine: stopping");
        }
    }
}

/// Counts an actor for as long as it lives.
pub(crate) struct Counted {
    census: Arc<watch::Sender<Census>>,
    role: fn(&mut Census) -> &mut usize,
}

impl Counted {
    pub(crate) fn new(
        census: &Arc<watch::Sender<Census>>,
        role: fn(&mut Census) -> &mut usize,
    ) -> Self {
        census.send_modify(|census| *role(census) += 1);
        Self {
            census: Arc::clone(census),
            role,
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.census.send_modify(|census| *(self.role)(census) -= 1);
    }
}
