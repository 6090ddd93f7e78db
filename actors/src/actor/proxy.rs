//! The proxy (Proxy Ms Provider): accepts jobs, keeps their journals, returns their results.

use std::collections::HashMap;
use std::sync::Arc;

use actix::{Actor, Context, Handler};
use dashmap::DashMap;
use tokio::time::Instant;
use uuid::Uuid;

use crate::actor::Vital;
use crate::catalog::Catalog;
use crate::core::admission::{Admission, Admitted};
use crate::error::JobError;
use crate::id::{JobId, NodeId};
use crate::job::{Finished, JobState, Limits, Phase, What};
use crate::journal::Journal;
use crate::link::{Letter, Link};
use crate::message::{
    Address, BalancerMessage, DirectoryMessage, Invocation, Message, ProxyMessage,
    SupervisorMessage, TeamId,
};
use crate::payload::Payload;

/// The journals of the jobs that have not ended. Shared with the machine, which ends those that
/// the proxy cannot end any more.
pub(crate) type Journals = Arc<DashMap<JobId, Arc<Journal>>>;

#[doc(alias = "Proxy Ms Provider")]
pub(crate) struct Proxy {
    link: Link,
    _vital: Vital,
    catalog: Arc<Catalog>,
    limits: Limits,
    admission: Admission,
    journals: Journals,
    jobs: HashMap<JobId, Job>,
}

/// What the proxy keeps of a job until it has ended.
struct Job {
    invocation: Invocation,
    /// Given away with the order to start the leader.
    input: Option<Payload>,
    /// Where the leader goes, when the balancer has said so.
    node: Option<NodeId>,
    /// Under which epoch it speaks, when the directory has said so.
    team: Option<TeamId>,
}

/// Hop 1: a job is submitted; answered with its journal once it is admitted.
#[derive(actix::Message)]
#[rtype(result = "Result<Arc<Journal>, JobError>")]
pub(crate) struct Submit {
    pub(crate) invocation: Invocation,
    pub(crate) input: Payload,
    pub(crate) submitted: Instant,
}

/// Someone asks for a job's end.
#[derive(actix::Message)]
#[rtype(result = "()")]
pub(crate) struct Cancel(pub(crate) JobId);

impl Proxy {
    pub(crate) fn new(
        link: Link,
        vital: Vital,
        catalog: Arc<Catalog>,
        limits: Limits,
        journals: Journals,
    ) -> Self {
        Self {
            link,
            _vital: vital,
            catalog,
            limits,
            admission: Admission::new(limits.max_running_jobs, limits.max_queued_jobs),
            journals,
            jobs: HashMap::new(),
        }
    }

    /// Hop 2: asks where the leader goes and under which epoch it speaks.
    fn place(&self, job: JobId) {
        self.write(job, What::State(JobState::Running(Phase::Placing)));
        log::debug!("job {job}: hop 2, proxy asks the balancer");
        self.link
            .send(Address::Balancer, BalancerMessage::PlaceLeader { job });
        self.link
            .send(Address::Directory, DirectoryMessage::Grant { job });
    }

    /// Hop 4, when both answers are there.
    fn start_leader(&mut self, id: JobId) {
        let Some(job) = self.jobs.get_mut(&id) else {
            return;
        };
        if let (Some(node), Some(team)) = (job.node, job.team)
            && let Some(input) = job.input.take()
        {
            let start = SupervisorMessage::StartLeader {
                team,
                invocation: job.invocation.clone(),
                input,
            };
            self.link.send(Address::Supervisor(node), start);
        }
    }

    fn write(&self, job: JobId, what: What) {
        let written = self.journals.get(&job).map(|journal| journal.write(what));
        if let Some(Err(full)) = written {
            log::debug!("job {job}: {full}");
            self.cancel(job);
        }
    }

    /// Asks the job's leader for its end; tells whether there is one to ask.
    fn cancel(&self, id: JobId) -> bool {
        match self.jobs.get(&id) {
            // By way of its supervisor: the leader may not be there yet, but its order is.
            Some(Job {
                node: Some(node),
                team: Some(team),
                input: None,
                ..
            }) => {
                self.link.send(
                    Address::Supervisor(*node),
                    SupervisorMessage::CancelLeader { team: *team },
                );
                true
            }
            _ => false,
        }
    }

    fn is_current(&self, team: TeamId) -> bool {
        self.jobs
            .get(&team.job)
            .is_some_and(|job| job.team == Some(team))
    }

    fn end(&mut self, job: JobId, result: Result<Finished, JobError>) {
        let next = self.admission.end(job);
        self.jobs.remove(&job);
        self.link
            .send(Address::Directory, DirectoryMessage::Release { job });
        if let Some((_, journal)) = self.journals.remove(&job) {
            journal.end(result);
            log::debug!("job {job}: {}", journal.state());
        }
        if let Some(next) = next {
            self.place(next);
        }
    }
}

impl Actor for Proxy {
    type Context = Context<Self>;
}

impl Handler<Submit> for Proxy {
    type Result = Result<Arc<Journal>, JobError>;

    fn handle(&mut self, submit: Submit, _: &mut Self::Context) -> Self::Result {
        let id = JobId::new(Uuid::now_v7());
        let program = &submit.invocation.program;
        log::debug!("job {id}: hop 1, `{program}` submitted");
        self.catalog.check(program, &submit.invocation.parameters)?;
        let admitted = self.admission.submit(id);
        if admitted == Admitted::Refused {
            let limit = self.limits.max_queued_jobs;
            return Err(JobError::QueueFull { limit });
        }
        let job = Job {
            invocation: submit.invocation,
            input: Some(submit.input),
            node: None,
            team: None,
        };
        self.jobs.insert(id, job);
        let max_bytes = self.limits.max_journal_bytes_per_job;
        let journal = Arc::new(Journal::new(id, submit.submitted, max_bytes));
        self.journals.insert(id, Arc::clone(&journal));
        self.write(id, What::State(JobState::Pending));
        if admitted == Admitted::Run {
            self.place(id);
        }
        Ok(journal)
    }
}

impl Handler<Cancel> for Proxy {
    type Result = ();

    fn handle(&mut self, Cancel(id): Cancel, _: &mut Self::Context) {
        if !self.jobs.contains_key(&id) {
            return;
        }
        log::debug!("job {id}: cancelled");
        // No leader was ordered: there is nothing to stop but what waits here.
        if !self.cancel(id) {
            self.end(id, Err(JobError::Cancelled));
        }
    }
}

impl Handler<Letter> for Proxy {
    type Result = ();

    fn handle(&mut self, Letter(message): Letter, _: &mut Self::Context) {
        let message = match message {
            Message::Proxy(message) => message,
            other => return self.link.misdirected(&other),
        };
        match message {
            ProxyMessage::LeaderPlaced { job: id, node } => {
                if let Some(job) = self.jobs.get_mut(&id) {
                    job.node = Some(node);
                }
                self.start_leader(id);
            }
            ProxyMessage::EpochGranted { job: id, epoch } => {
                if let Some(job) = self.jobs.get_mut(&id) {
                    job.team = Some(TeamId { job: id, epoch });
                }
                self.start_leader(id);
            }
            ProxyMessage::Progressed { team, what } if self.is_current(team) => {
                self.write(team.job, what);
            }
            ProxyMessage::Ended { team, result } if self.is_current(team) => {
                self.end(team.job, result);
            }
            // Of a job that has ended, or of a leader that was replaced.
            _ => self.link.duplicate(),
        }
    }
}
