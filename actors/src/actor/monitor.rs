//! The node monitor (TNPM): measures its node when the balancer asks.

use std::hint::black_box;

use actix::{Actor, Context, Handler};

use crate::core::fair::Flow;
use crate::error::Site;
use crate::host::Host;
use crate::link::Letter;
use crate::message::{Address, BalancerMessage, Message, MonitorMessage};
use crate::work::{Label, run_timed};

#[doc(alias = "TNPM")]
pub(crate) struct NodeMonitor {
    host: Host,
}

impl NodeMonitor {
    pub(crate) const fn new(host: Host) -> Self {
        Self { host }
    }

    fn test(&self, test: u64, work: f64) {
        let (link, clock) = (self.host.link.clone(), self.host.clock.clone());
        let (origin, cpus) = (link.origin(), self.host.processors.cpus());
        let label = Label {
            flow: Flow::NOBODYS,
            site: Site::PerformanceTest,
            cost: work,
        };
        let count = if self.host.processors.are_simulated() {
            0.0
        } else {
            work
        };
        let since = clock.now();
        run_timed(
            &*self.host.processors,
            label,
            move || {
                black_box(operations(count));
                Ok(())
            },
            move |_, compute| {
                let waited = clock.now().saturating_sub(since).saturating_sub(compute);
                let tested = BalancerMessage::Tested {
                    origin,
                    test,
                    cpus,
                    compute,
                    waited,
                };
                link.send(Address::Balancer, tested);
            },
        );
    }
}

/// So many elementary operations, each waiting for the one before.
fn operations(count: f64) -> u64 {
    (0..count as u64).fold(1, |value: u64, i| {
        value.rotate_left(5).wrapping_add(black_box(i))
    })
}

impl Actor for NodeMonitor {
    type Context = Context<Self>;
}

impl Handler<Letter> for NodeMonitor {
    type Result = ();

    fn handle(&mut self, Letter(message): Letter, _: &mut Self::Context) {
        match message {
            Message::Monitor(MonitorMessage::Test { test, work, .. }) => self.test(test, work),
            other => self.host.link.misdirected(&other),
        }
    }
}
