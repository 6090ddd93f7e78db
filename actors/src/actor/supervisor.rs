//! The supervisor: one per node; starts and stops that node's leaders and MsVPUs.

mod draining;
mod lingering;
mod orders;
mod reserving;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Addr, Context, Handler};

use crate::actor::leader::TeamLeader;
use crate::actor::msvpu::{Errand, Inquiry, LocalTeam, Msvpu};
use crate::actor::{Tick, Vital, ticking};
use crate::catalog::Instance;
use crate::caught::caught;
use crate::core::lease::Member;
use crate::core::msvpu::Order;
use crate::core::record::Record;
use crate::core::reservation::Reservations;
use crate::core::timesheet::Timesheet;
use crate::error::JobError;
use crate::host::Host;
use crate::id::{Incarnation, NodeId, Rank, TeamId};
use crate::link::{Letter, Registration};
use crate::message::{
    Address, DirectoryMessage, Invocation, LeaderMessage, Message, ProxyMessage, SupervisorMessage,
};
use crate::payload::Payload;
use crate::program::Cancellation;

#[cfg(feature = "amqp")]
pub(crate) use draining::Drain;
use draining::Draining;
use lingering::Lingering;

pub(crate) struct Supervisor {
    host: Host,
    _vital: Option<Vital>,
    hosted: BTreeMap<TeamId, Hosted>,
    /// The latest grant of the node's lease: of which head, and when, as its directory gave it.
    seen: Option<(Incarnation, Duration)>,
    /// When that came, by the node's own clock.
    heard: Duration,
    draining: Option<Draining>,
    lingering: Lingering,
}

/// What this node runs for a job. When it is dropped the actors can be reached by nobody and stop.
struct Hosted {
    instance: Arc<dyn Instance>,
    cancellation: Cancellation,
    leader: Option<Registration>,
    crew: Option<Crew>,
    reservations: Reservations,
}

struct Crew {
    team: Arc<LocalTeam>,
    /// Where the leader is.
    leader: NodeId,
    /// When the leader was last told that tiles come.
    told: Duration,
    msvpus: BTreeMap<Rank, Addr<Msvpu>>,
}

impl Drop for Hosted {
    fn drop(&mut self) {
        self.cancellation.cancel();
    }
}

impl Drop for Supervisor {
    /// Nobody else would let go of the CPUs: what waits for them keeps them, and their threads.
    fn drop(&mut self) {
        for hosted in self.hosted.values() {
            hosted.cancellation.cancel();
        }
        self.host.processors.close();
    }
}

impl Actor for Supervisor {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        // From now on it waits for the first.
        self.heard = self.host.clock.now();
        self.renew();
        ticking!(self.host, context);
    }
}

impl Handler<Tick> for Supervisor {
    type Result = ();

    fn handle(&mut self, _: Tick, context: &mut Self::Context) {
        ticking!(self.host, context);
        self.forget_silent_head();
        if let Some(timing) = self.host.timing {
            let now = self.host.clock.now();
            self.host.link.forget_silent(now, timing.memory());
            self.lingering.forget(now, timing.memory());
        }
        self.renew();
        for crew in self
            .hosted
            .values()
            .filter_map(|hosted| hosted.crew.as_ref())
        {
            crew.team.flush();
        }
        self.leave_when_idle();
    }
}

impl Handler<Letter> for Supervisor {
    type Result = ();

    fn handle(&mut self, letter: Letter, _: &mut Self::Context) {
        let message = match letter.message {
            Message::Supervisor(message) => message,
            other => return self.host.link.misdirected(&other),
        };
        let origin = self.host.link.origin();
        if letter
            .incarnation
            .is_some_and(|of| of != origin.incarnation)
        {
            return self.host.link.stale();
        }
        let link = &self.host.link;
        link.audit(|audit| audit.takes_order(letter.incarnation, origin));
        match message {
            SupervisorMessage::Granted { at, head, over } => {
                // A later head counts from another moment.
                self.seen = self.seen.max(Some((head, at)));
                self.heard = self.host.clock.now();
                for team in over {
                    self.stop(team);
                }
            }
            SupervisorMessage::Expelled { incarnation } => {
                if incarnation >= origin.incarnation {
                    log::warn!("node {origin} was given up; it joins anew");
                    self.join_anew(incarnation.next());
                }
            }
            SupervisorMessage::StartLeader {
                team,
                invocation,
                input,
                resumed,
            } if !self.is_replaced(team) => {
                let resumed = resumed.map(|record| *record);
                self.start_leader(team, invocation, input, resumed);
            }
            SupervisorMessage::CancelLeader { team } => {
                let node = self.host.link.origin().node;
                let leader = Address::Leader(team, node);
                self.host.link.send(leader, LeaderMessage::Cancel);
            }
            SupervisorMessage::StartMsvpus {
                team,
                leader,
                invocation,
                ranks,
                team_size,
            } if !self.is_replaced(team) => {
                let answer = match self.start_msvpus(team, leader, &invocation, &ranks, team_size) {
                    Ok(()) => LeaderMessage::Started { origin, ranks },
                    Err(error) => LeaderMessage::Failed { origin, error },
                };
                self.host.link.send(Address::Leader(team, leader), answer);
            }
            SupervisorMessage::Tile {
                team,
                rank,
                tile,
                complexity,
            } => {
                self.tell_loading(team);
                let tile = Arc::new(tile);
                let load = |at| Errand::Do(Order::Load(Arc::clone(&tile)), complexity, at);
                self.hand_out(team, &self.admitted(team, &rank.into()), false, load);
            }
            SupervisorMessage::Task {
                team,
                ranks,
                round,
                task,
            } => {
                let task = Arc::new(task);
                let step = |at| Errand::Do(Order::Step(round, Arc::clone(&task)), 0.0, at);
                self.hand_out(team, &self.admitted(team, &ranks), true, step);
            }
            SupervisorMessage::Collect {
                team,
                ranks,
                output,
            } => {
                let output = Arc::new(output);
                let collect = |at| Errand::Do(Order::Collect(Arc::clone(&output)), 0.0, at);
                self.hand_out(team, &self.admitted(team, &ranks), true, collect);
            }
            SupervisorMessage::Inquire {
                team,
                leader,
                ranks,
                stage,
            } => {
                let absent = self.absent(team, &ranks);
                if !absent.is_empty() {
                    let ranks = absent;
                    let answer = LeaderMessage::Absent { origin, ranks };
                    self.host.link.send(Address::Leader(team, leader), answer);
                }
                let crew = self.hosted.get(&team).and_then(|h| h.crew.as_ref());
                if let Some(crew) = crew {
                    let inquiry = Inquiry::new(Arc::clone(&crew.team), stage);
                    let inquire = |_| Errand::Inquire(Arc::clone(&inquiry));
                    self.hand_out(team, &ranks, false, inquire);
                }
            }
            SupervisorMessage::Reserve {
                team,
                leader,
                rank,
                id,
            } => self.reserve(team, leader, rank, id),
            SupervisorMessage::Release { team, leader, id } => self.release(team, leader, id),
            SupervisorMessage::Settle { team, leader } if !self.is_replaced(team) => {
                self.settle(team, leader);
            }
            SupervisorMessage::Retire { team, ranks } => self.retire(team, ranks),
            SupervisorMessage::Stop { team } => self.stop(team),
            SupervisorMessage::StartLeader { .. }
            | SupervisorMessage::StartMsvpus { .. }
            | SupervisorMessage::Settle { .. } => self.host.link.stale(),
        }
    }
}

impl Supervisor {
    pub(crate) fn new(host: Host, vital: Option<Vital>) -> Self {
        Self {
            host,
            _vital: vital,
            hosted: BTreeMap::new(),
            seen: None,
            heard: Duration::ZERO,
            draining: None,
            lingering: Lingering::default(),
        }
    }

    /// A sign of life.
    fn renew(&self) {
        if self.draining.as_ref().is_some_and(Draining::has_left) {
            return;
        }
        let origin = self.host.link.origin();
        let renew = DirectoryMessage::Renew {
            member: Member {
                origin,
                process: self.host.link.process(),
                lingering: self.lingering.jobs(),
                name: self.host.name.to_string(),
                cpus: self.host.cpus,
                draining: self.draining.is_some(),
            },
            seen: self.seen,
            hosted: self.hosted.keys().copied().collect(),
        };
        self.host.link.send(Address::Directory, renew);
    }

    /// Drops all that runs here, and joins as one that never ran it: who counted on it learns that.
    fn join_anew(&mut self, incarnation: Incarnation) {
        for team in self.hosted.keys().copied().collect::<Vec<_>>() {
            self.stop(team);
        }
        self.host.link.reincarnate(incarnation);
        self.seen = None;
        self.renew();
    }

    /// Whether this node already works for a later leader of the job.
    fn is_replaced(&self, team: TeamId) -> bool {
        let later = |of: &TeamId| of.job == team.job && of.epoch > team.epoch;
        self.hosted.keys().any(later) || self.lingering.is_replaced(team)
    }

    /// What this node runs for the team; made now if this is the first of it.
    fn host(&mut self, team: TeamId, invocation: &Invocation) -> Result<&mut Hosted, JobError> {
        let link = &self.host.link;
        link.audit(|audit| audit.serves(team, link.origin()));
        if !self.hosted.contains_key(&team) {
            // A higher epoch: what an earlier leader of the job had here is of no use any more.
            self.stop_earlier(team);
            if self.host.timing.is_some() {
                self.lingering.heard(team, self.host.clock.now());
            }
        }
        Ok(match self.hosted.entry(team) {
            std::collections::btree_map::Entry::Occupied(hosted) => hosted.into_mut(),
            std::collections::btree_map::Entry::Vacant(place) => place.insert(Hosted {
                instance: self
                    .host
                    .catalog
                    .instantiate(&invocation.program, &invocation.parameters)?,
                cancellation: Cancellation::default(),
                leader: None,
                crew: None,
                reservations: Reservations::default(),
            }),
        })
    }

    fn start_leader(
        &mut self,
        team: TeamId,
        invocation: Box<Invocation>,
        input: Payload,
        resumed: Option<Record>,
    ) {
        let host = self.host.clone();
        let node = host.link.origin().node;
        match self.host(team, &invocation) {
            Ok(hosted) if hosted.leader.is_none() => {
                log::debug!("job {}: hop 4, node {node} starts the leader", team.job);
                let instance = Arc::clone(&hosted.instance);
                let cancellation = hosted.cancellation.clone();
                let leader = TeamLeader::new(
                    host.clone(),
                    team,
                    invocation,
                    instance,
                    cancellation,
                    input,
                    resumed,
                );
                let mailbox = leader.start().recipient();
                let address = Address::Leader(team, node);
                hosted.leader = Some(host.link.register(address, mailbox));
            }
            Ok(_) => host.link.duplicate(),
            Err(error) => {
                let ended = ProxyMessage::Ended {
                    team,
                    result: Box::new(Err(error)),
                    nodes: Vec::new(),
                    times: Timesheet::default(),
                };
                host.link.send(Address::Proxy, ended);
                return;
            }
        }
        host.link
            .send(Address::Proxy, ProxyMessage::LeaderStarted { team });
    }

    fn stop(&mut self, team: TeamId) {
        if let Some(hosted) = self.hosted.remove(&team) {
            if let Some(crew) = &hosted.crew {
                let incarnation = self.host.link.origin().incarnation;
                self.lingering.stopped(team, incarnation, crew);
            }
            if let Err(reason) = caught(|| drop(hosted)) {
                log::error!("job {}: panic while stopping: {reason}", team.job);
            }
            if !self.hosted.keys().any(|hosted| hosted.job == team.job) {
                self.host.processors.forget(team.job);
            }
            log::debug!(
                "job {}: node {} stops the team",
                team.job,
                self.host.link.origin()
            );
        }
    }
}

#[cfg(test)]
mod tests;
