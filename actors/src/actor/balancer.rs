//! The load balancer (Load Balancer Ms): where leaders and MsVPUs go.

use actix::{Actor, Context, Handler};

use crate::actor::Vital;
use crate::core::allotment::allot;
use crate::core::membership::Member;
use crate::id::JobId;
use crate::link::{Letter, Link};
use crate::message::{Address, BalancerMessage, LeaderMessage, Message, ProxyMessage};

#[doc(alias = "Load Balancer Ms")]
pub(crate) struct LoadBalancer {
    link: Link,
    _vital: Vital,
    members: Vec<Member>,
    /// Jobs that came before the first node did.
    waiting: Vec<JobId>,
}

impl LoadBalancer {
    pub(crate) const fn new(link: Link, vital: Vital) -> Self {
        Self {
            link,
            _vital: vital,
            members: Vec::new(),
            waiting: Vec::new(),
        }
    }

    fn place_leader(&mut self, job: JobId) {
        // Of equals the first: `max_by_key` alone would take the last.
        match self.members.iter().rev().max_by_key(|member| member.cpus) {
            Some(member) => {
                let node = member.node;
                log::debug!("job {job}: hop 3, balancer puts the leader on node {node}");
                self.link
                    .send(Address::Proxy, ProxyMessage::LeaderPlaced { job, node });
            }
            None => self.waiting.push(job),
        }
    }
}

impl Actor for LoadBalancer {
    type Context = Context<Self>;
}

impl Handler<Letter> for LoadBalancer {
    type Result = ();

    fn handle(&mut self, Letter(message): Letter, _: &mut Self::Context) {
        let message = match message {
            Message::Balancer(message) => message,
            other => return self.link.misdirected(&other),
        };
        match message {
            BalancerMessage::Members(members) => {
                self.members = members;
                for job in std::mem::take(&mut self.waiting) {
                    self.place_leader(job);
                }
            }
            BalancerMessage::PlaceLeader { job } => self.place_leader(job),
            BalancerMessage::Allot { team, team_size } => {
                let weights: Vec<_> = self
                    .members
                    .iter()
                    .map(|member| (member.node, member.cpus))
                    .collect();
                let shares = allot(team_size, &weights);
                log::debug!("job {}: hop 3, balancer allots {shares:?}", team.job);
                self.link
                    .send(Address::Leader(team), LeaderMessage::Allotted(shares));
            }
        }
    }
}
