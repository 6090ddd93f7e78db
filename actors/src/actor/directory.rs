//! The directory (DF Ms): who is where, and which leader may speak.

use std::time::Duration;

use actix::{Actor, Context, Handler};

use crate::actor::{Tick, Vital, ticking};
use crate::core::lease::{Leases, Member, Renewal};
use crate::host::{Host, Timing};
use crate::id::{Incarnation, Origin, TeamId};
use crate::link::Letter;
use crate::message::{
    Address, BalancerMessage, DirectoryMessage, Message, ProxyMessage, SupervisorMessage,
};

#[doc(alias = "DF Ms")]
pub(crate) struct Directory {
    host: Host,
    _vital: Vital,
    leases: Leases,
}

impl Directory {
    pub(crate) fn new(host: Host, vital: Vital) -> Self {
        let lease = host.timing.map(|timing| timing.lease);
        let leases = Leases::new(lease, host.timing.map_or(Duration::MAX, Timing::memory));
        Self {
            host,
            _vital: vital,
            leases,
        }
    }

    fn renew(&mut self, member: Member, seen: Option<(Incarnation, Duration)>, hosted: &[TeamId]) {
        let (now, origin, cpus) = (self.host.clock.now(), member.origin, member.cpus);
        let name = member.name.clone();
        // An earlier head counts for nothing.
        let head = self.host.link.origin().incarnation;
        let seen = seen.filter(|(of, _)| *of == head).map(|(_, at)| at);
        let renewal = self.leases.renew(member, seen, now);
        let answer = match renewal {
            Renewal::Expelled(incarnation) => {
                self.host.link.stale();
                SupervisorMessage::Expelled { incarnation }
            }
            Renewal::Joined
            | Renewal::Rejoined
            | Renewal::Replaced(_)
            | Renewal::Renewed
            | Renewal::Changed => SupervisorMessage::Granted {
                at: now,
                head,
                over: self.leases.over(hosted),
            },
        };
        self.host
            .link
            .send(Address::Supervisor(origin.node), answer);
        // Names are quoted: they come from other processes.
        match renewal {
            Renewal::Joined => {
                log::info!("directory: node {name:?} ({origin}) has joined, with {cpus} CPUs");
                self.tell_members();
            }
            Renewal::Rejoined => {
                log::info!("directory: node {name:?} ({origin}) has joined again");
                self.tell_members();
            }
            Renewal::Changed => self.tell_members(),
            Renewal::Replaced(lost) => {
                log::warn!("directory: node {name:?} ({lost}) is lost");
                log::info!("directory: node {name:?} ({origin}) has joined again");
                self.tell_members();
                self.lost(lost);
            }
            Renewal::Renewed | Renewal::Expelled(_) => {}
        }
    }

    fn tell_members(&self) {
        let members = BalancerMessage::Members(self.leases.members());
        self.host.link.send(Address::Balancer, members);
    }

    fn lost(&self, origin: Origin) {
        self.host
            .link
            .send(Address::Proxy, ProxyMessage::Lost(origin));
    }
}

impl Actor for Directory {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        ticking!(self.host, context);
    }
}

impl Handler<Tick> for Directory {
    type Result = ();

    fn handle(&mut self, _: Tick, context: &mut Self::Context) {
        ticking!(self.host, context);
        let now = self.host.clock.now();
        if let Some(timing) = self.host.timing {
            self.host.link.forget_silent(now, timing.memory());
        }
        let lost = self.leases.expire(now);
        if !lost.is_empty() {
            self.host.link.given_up(lost.len());
            self.tell_members();
        }
        for Member { origin, name, .. } in lost {
            log::warn!("directory: node {name:?} ({origin}) is lost: its lease is over");
            self.lost(origin);
        }
    }
}

impl Handler<Letter> for Directory {
    type Result = ();

    fn handle(&mut self, Letter { message, .. }: Letter, _: &mut Self::Context) {
        let message = match message {
            Message::Directory(message) => message,
            other => return self.host.link.misdirected(&other),
        };
        match message {
            DirectoryMessage::Renew {
                member,
                seen,
                hosted,
            } => self.renew(member, seen, &hosted),
            DirectoryMessage::Grant { job } => {
                let epoch = self.leases.grant(job);
                log::debug!("job {job}: directory grants epoch {epoch}");
                self.host.link.audit(|audit| audit.granted(job, epoch));
                self.host
                    .link
                    .send(Address::Proxy, ProxyMessage::EpochGranted { job, epoch });
            }
            DirectoryMessage::Release { job } => self.leases.release(job),
            DirectoryMessage::Leave { origin } => {
                if let Some(member) = self.leases.leave(origin, self.host.clock.now()) {
                    log::info!("directory: node {:?} ({origin}) has left", member.name);
                    self.tell_members();
                    self.lost(origin);
                }
            }
            DirectoryMessage::List { observer } => {
                let ages = self.leases.ages(self.host.clock.now());
                let list = BalancerMessage::List { observer, ages };
                self.host.link.send(Address::Balancer, list);
            }
        }
    }
}
