//! The load balancer (Load Balancer Ms): where leaders and MsVPUs go.

use std::time::Duration;

use actix::{Actor, Context, Handler};
use bytes::Bytes;

use crate::actor::{Tick, Vital, ticking};
use crate::core::balance::Balance;
use crate::core::examination::PROBES;
use crate::core::fate::Finding;
use crate::core::lease::Member;
use crate::core::strategy::UnknownStrategy;
use crate::host::{Host, Timing};
use crate::id::{JobId, NodeId, Origin, TeamId};
use crate::link::Letter;
use crate::message::{
    Address, BalancerMessage, LeaderMessage, Message, MonitorMessage, ObserverMessage, ProxyMessage,
};

#[doc(alias = "Load Balancer Ms")]
pub(crate) struct LoadBalancer {
    host: Host,
    _vital: Vital,
    core: Balance,
    /// Jobs whose leader found no node.
    waiting: Vec<JobId>,
    /// What fills the way in the test of each size.
    ballast: [Bytes; 2],
}

impl LoadBalancer {
    pub(crate) fn new(host: Host, vital: Vital, strategy: &str) -> Result<Self, UnknownStrategy> {
        Ok(Self {
            core: Balance::new(strategy, host.timing.is_some())?,
            host,
            _vital: vital,
            waiting: Vec::new(),
            ballast: PROBES.map(|probe| vec![0; probe.bytes as usize].into()),
        })
    }

    fn place_leader(&mut self, job: JobId) {
        let origin = self.core.place_leader(job);
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

    fn survey(&self, team: TeamId, leader: NodeId, origins: Vec<Origin>, accused: Vec<Origin>) {
        let gone = |origin: &Origin| !self.core.is_there(*origin);
        let lost: Vec<Origin> = origins.into_iter().filter(gone).collect();
        if !lost.is_empty() {
            self.tell_leader(team, leader, LeaderMessage::Lost(lost));
        }
        let finding = |of: Origin| self.core.finding(team.job, of);
        let fates: Vec<Finding> = accused.into_iter().filter_map(finding).collect();
        if !fates.is_empty() {
            self.tell_leader(team, leader, LeaderMessage::Fates(fates));
        }
    }

    fn members(&mut self, members: Vec<Member>) {
        let lost = self.core.members(members);
        if !lost.is_empty() {
            for (team, leader) in self.core.teams() {
                self.tell_leader(team, leader, LeaderMessage::Lost(lost.clone()));
            }
        }
        self.evacuate();
        self.publish();
        self.test();
        for job in std::mem::take(&mut self.waiting) {
            self.place_leader(job);
        }
    }

    /// Moves MsVPUs away from nodes that are about to leave.
    fn evacuate(&mut self) {
        for (team, leader, plan) in self.core.evacuate() {
            log::debug!("job {}: balancer moves {:?}", team.job, plan.shares);
            self.tell_leader(team, leader, LeaderMessage::Move(plan));
        }
    }

    /// Sends the performance tests that are due.
    fn test(&mut self) {
        let patience = self.host.timing.map_or(Duration::MAX, Timing::retry);
        for (node, test, size) in self.core.tests_due(self.host.clock.now(), patience) {
            let message = MonitorMessage::Test {
                test,
                work: PROBES[size].work,
                ballast: self.ballast[size].clone(),
            };
            self.host.link.send(Address::Monitor(node), message);
        }
    }

    fn publish(&self) {
        self.host.nodes.send_replace(self.core.status());
    }

    fn tell_leader(&self, team: TeamId, leader: NodeId, message: LeaderMessage) {
        self.host.link.send(Address::Leader(team, leader), message);
    }
}

impl Actor for LoadBalancer {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        ticking!(self.host, context);
    }
}

impl Handler<Tick> for LoadBalancer {
    type Result = ();

    fn handle(&mut self, _: Tick, context: &mut Self::Context) {
        ticking!(self.host, context);
        if let Some(timing) = self.host.timing {
            self.core
                .forget_lost(self.host.clock.now(), timing.memory());
        }
        self.test();
    }
}

impl Handler<Letter> for LoadBalancer {
    type Result = ();

    fn handle(&mut self, Letter { message, .. }: Letter, _: &mut Self::Context) {
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
                program,
                cost,
            } => {
                let step = (program.as_str(), cost);
                let plan = self.core.allot(team, leader, &ranks, step);
                for refusal in self.core.take_refusals() {
                    log::warn!("job {}: a node is passed over: {refusal}", team.job);
                }
                if let Some(plan) = plan {
                    log::debug!("job {}: hop 3, balancer allots {:?}", team.job, plan.shares);
                    self.tell_leader(team, leader, LeaderMessage::Allotted(plan));
                    self.publish();
                } else if !self.core.has_cpus() {
                    self.tell_leader(team, leader, LeaderMessage::NoNode);
                }
            }
            BalancerMessage::Survey {
                team,
                leader,
                origins,
                accused,
            } => self.survey(team, leader, origins, accused),
            BalancerMessage::Measured {
                team,
                leader,
                round,
                laps,
            } => {
                let now = self.host.clock.now();
                if let Some(plan) = self.core.measured(team, round, &laps, now) {
                    log::debug!("job {}: balancer moves {:?}", team.job, plan.shares);
                    self.tell_leader(team, leader, LeaderMessage::Move(plan));
                    self.publish();
                }
                self.evacuate();
            }
            BalancerMessage::List { observer, ages } => {
                let mut nodes = self.core.status();
                for node in &mut nodes {
                    let age = ages.iter().find(|(id, _)| *id == node.origin.node);
                    node.age = age.map(|(_, age)| *age);
                }
                let nodes = ObserverMessage::Nodes(nodes);
                self.host.link.send(Address::Observer(observer), nodes);
            }
            BalancerMessage::Tested {
                origin,
                test,
                capacity,
                compute,
                waited,
            } => {
                let now = self.host.clock.now();
                let times = (compute, waited);
                let tested = self.core.tested((origin, test), capacity, times, now);
                if let Err(error) = tested {
                    log::warn!("performance test: {error}");
                }
                self.publish();
                self.test();
            }
            BalancerMessage::Forget { job } => {
                self.waiting.retain(|waiting| *waiting != job);
                self.core.forget(job);
                self.publish();
            }
        }
    }
}
