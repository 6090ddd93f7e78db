//! The supervisor: one per node; starts and stops that node's leaders and MsVPUs.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::Range;
use std::sync::Arc;

use actix::{Actor, Context, Handler};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::actor::leader::TeamLeader;
use crate::actor::msvpu::{LocalTeam, Msvpu};
use crate::actor::{Census, Counted, Vital};
use crate::catalog::{Catalog, Instance};
use crate::caught::caught;
use crate::compute::Compute;
use crate::core::membership::Member;
use crate::core::team::Team;
use crate::error::JobError;
use crate::id::Rank;
use crate::job::Limits;
use crate::link::{Letter, Link, Registration};
use crate::message::{
    Address, DirectoryMessage, Invocation, LeaderMessage, Message, ProxyMessage, SupervisorMessage,
    TeamId,
};
use crate::payload::Payload;
use crate::program::{self, Cancellation};

pub(crate) struct Supervisor {
    pub(crate) link: Link,
    pub(crate) _vital: Vital,
    pub(crate) compute: Compute,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) limits: Limits,
    pub(crate) member: Member,
    pub(crate) census: Arc<watch::Sender<Census>>,
    pub(crate) hosted: HashMap<TeamId, Hosted>,
}

/// What this node runs for a job. When it is dropped the actors can be reached by nobody and stop.
pub(crate) struct Hosted {
    instance: Arc<dyn Instance>,
    cancellation: Cancellation,
    registrations: Vec<Registration>,
}

impl Drop for Hosted {
    fn drop(&mut self) {
        self.cancellation.cancel();
    }
}

impl Actor for Supervisor {
    type Context = Context<Self>;

    fn started(&mut self, _: &mut Self::Context) {
        self.link
            .send(Address::Directory, DirectoryMessage::Join(self.member));
    }
}

impl Handler<Letter> for Supervisor {
    type Result = ();

    fn handle(&mut self, Letter(message): Letter, _: &mut Self::Context) {
        let message = match message {
            Message::Supervisor(message) => message,
            other => return self.link.misdirected(&other),
        };
        match message {
            SupervisorMessage::StartLeader {
                team,
                invocation,
                input,
            } => {
                if let Err(error) = self.start_leader(team, invocation, input) {
                    let result = Err(error);
                    self.link
                        .send(Address::Proxy, ProxyMessage::Ended { team, result });
                }
            }
            SupervisorMessage::StartMsvpus {
                team,
                invocation,
                ranks,
                team_size,
            } => {
                let answer = match self.start_msvpus(team, &invocation, ranks, team_size) {
                    Ok(()) => LeaderMessage::Started(self.member.node),
                    Err(error) => LeaderMessage::Failed(error),
                };
                self.link.send(Address::Leader(team), answer);
            }
            SupervisorMessage::CancelLeader { team } => {
                self.link.send(Address::Leader(team), LeaderMessage::Cancel)
            }
            SupervisorMessage::Stop { team } => {
                if let Some(hosted) = self.hosted.remove(&team) {
                    if let Err(reason) = caught(|| drop(hosted)) {
                        log::error!("job {}: panic while stopping: {reason}", team.job);
                    }
                    log::debug!("job {}: node {} stops the team", team.job, self.member.node);
                }
            }
        }
    }
}

impl Supervisor {
    /// What this node runs for the team; made now if this is the first of it.
    fn host(&mut self, team: TeamId, invocation: &Invocation) -> Result<&mut Hosted, JobError> {
        Ok(match self.hosted.entry(team) {
            Entry::Occupied(hosted) => hosted.into_mut(),
            Entry::Vacant(place) => place.insert(Hosted {
                instance: self
                    .catalog
                    .instantiate(&invocation.program, &invocation.parameters)?,
                cancellation: Cancellation::default(),
                registrations: Vec::new(),
            }),
        })
    }

    fn start_leader(
        &mut self,
        team: TeamId,
        invocation: Invocation,
        input: Payload,
    ) -> Result<(), JobError> {
        log::debug!(
            "job {}: hop 4, node {} starts the leader",
            team.job,
            self.member.node
        );
        let (link, compute) = (self.link.clone(), self.compute.clone());
        let (node, limits) = (self.member.node, self.limits);
        let counted = Counted::new(&self.census, |census| &mut census.leaders);
        let hosted = self.host(team, &invocation)?;
        let leader = TeamLeader {
            link: link.clone(),
            compute,
            node,
            team,
            input: Some(input),
            core: Team::new(limits),
            told: Instant::now(),
            instance: Arc::clone(&hosted.instance),
            cancellation: hosted.cancellation.clone(),
            invocation,
            _counted: counted,
        };
        let mailbox = leader.start().recipient();
        let registration = link.register(Address::Leader(team), mailbox);
        hosted.registrations.push(registration);
        Ok(())
    }

    fn start_msvpus(
        &mut self,
        team: TeamId,
        invocation: &Invocation,
        ranks: Range<u32>,
        team_size: u32,
    ) -> Result<(), JobError> {
        log::debug!(
            "job {}: hop 4, node {} starts MsVPUs {ranks:?}",
            team.job,
            self.member.node
        );
        let (link, compute) = (self.link.clone(), self.compute.clone());
        let census = Arc::clone(&self.census);
        let hosted = self.host(team, invocation)?;
        let first_rank = ranks.start;
        let instance = Arc::clone(&hosted.instance);
        let local_team = LocalTeam::new(link.clone(), compute, team, instance, ranks.len());
        let local_team = Arc::new(local_team);
        let mailboxes = ranks
            .map(|rank| {
                let place =
                    program::Context::new(Rank(rank), team_size, hosted.cancellation.clone());
                let counted = Counted::new(&census, |census| &mut census.msvpus);
                let msvpu = Msvpu::new(Arc::clone(&local_team), place, counted);
                msvpu.start().recipient()
            })
            .collect();
        hosted
            .registrations
            .push(link.register_team(team, first_rank, mailboxes));
        Ok(())
    }
}
