//! The load balancer (Load Balancer Ms): where leaders and MsVPUs go.

use std::collections::BTreeMap;

use actix::{Actor, Context, Handler};

use crate::core::allotment::allot;
use crate::core::lease::Member;
use crate::core::ranks::Ranks;
use crate::host::{Host, NodeStatus};
use crate::id::{JobId, NodeId, Origin, TeamId};
use crate::job::Cost;
use crate::link::Letter;
use crate::message::{Address, BalancerMessage, LeaderMessage, Message, ProxyMessage};

#[doc(alias = "Load Balancer Ms")]
pub(crate) struct LoadBalancer {
    host: Host,
    members: BTreeMap<NodeId, Member>,
    /// Jobs whose leader found no node.
    waiting: Vec<JobId>,
    /// Where the leader of each team is.
    leaders: BTreeMap<TeamId, NodeId>,
}

impl LoadBalancer {
    pub(crate) const fn new(host: Host) -> Self {
        Self {
            host,
            members: BTreeMap::new(),
            waiting: Vec::new(),
            leaders: BTreeMap::new(),
        }
    }

    fn place_leader(&mut self, job: JobId) {
        // Of equals the first: `max_by_key` alone would take the last.
        let best = self.members.values().rev().max_by_key(|m| m.cpus);
        let origin = best.map(|member| member.origin);
        match origin {
            Some(origin) => {
                log::debug!("job {job}: hop 3, balancer puts the leader on node {origin}");
            }
            None => {
                log::debug!("job {job}: there is no node for its leader");
                self.waiting.push(job);
            }
        }
        self.host
            .link
            .send(Address::Proxy, ProxyMessage::LeaderPlaced { job, origin });
    }

    fn allot(&mut self, team: TeamId, leader: NodeId, ranks: Ranks, _cost: Cost) {
        self.leaders.insert(team, leader);
        let weights: Vec<_> = self
            .members
            .values()
            .map(|member| (member.origin, member.cpus))
            .collect();
        let shares = allot(ranks, &weights);
        log::debug!("job {}: hop 3, balancer allots {shares:?}", team.job);
        self.tell_leader(team, leader, LeaderMessage::Allotted(shares));
    }

    fn survey(&self, team: TeamId, leader: NodeId, origins: &[Origin]) {
        let known = |origin: &Origin| {
            let member = self.members.get(&origin.node);
            member.is_some_and(|member| member.origin == *origin)
        };
        let lost: Vec<Origin> = origins.iter().filter(|o| !known(o)).copied().collect();
        if !lost.is_empty() {
            self.tell_leader(team, leader, LeaderMessage::Lost(lost));
        }
    }

    fn members(&mut self, members: Vec<Member>) {
        let before = std::mem::take(&mut self.members);
        self.members = members
            .into_iter()
            .map(|member| (member.origin.node, member))
            .collect();
        self.publish();
        let lost: Vec<Origin> = before
            .values()
            .map(|member| member.origin)
            .filter(|origin| self.members.get(&origin.node).is_none_or(|m| m.origin != *origin))
            .collect();
        if !lost.is_empty() {
            for (team, leader) in &self.leaders {
                self.tell_leader(*team, *leader, LeaderMessage::Lost(lost.clone()));
            }
        }
        for job in std::mem::take(&mut self.waiting) {
            self.place_leader(job);
        }
    }

    fn publish(&self) {
        let nodes = self.members.values().map(|member| NodeStatus {
            origin: member.origin,
            cpus: member.cpus,
            performance_index: None,
            msvpus: 0,
        });
        self.host.nodes.send_replace(nodes.collect());
    }

    fn tell_leader(&self, team: TeamId, leader: NodeId, message: LeaderMessage) {
        self.host.link.send(Address::Leader(team, leader), message);
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
            other => return self.host.link.misdirected(&other),
        };
        match message {
            BalancerMessage::Members(members) => self.members(members),
            BalancerMessage::PlaceLeader { job } => self.place_leader(job),
            BalancerMessage::Allot {
                team,
                leader,
                ranks,
                cost,
            } => self.allot(team, leader, ranks, cost),
            BalancerMessage::Survey {
                team,
                leader,
                origins,
            } => self.survey(team, leader, &origins),
            BalancerMessage::Measured { .. } | BalancerMessage::Tested { .. } => {}
            BalancerMessage::Forget { job } => {
                self.waiting.retain(|waiting| *waiting != job);
                self.leaders.retain(|team, _| team.job != job);
            }
        }
    }
}
